/** Recorded transactions as JSON, in the encodings of the official node. */
import { encodeBase58 } from "../../../domain/base58.ts";
import type { TransactionMeta } from "../landing.ts";
import type { StoredTransaction } from "../ledger-queries.ts";
import { RPC_CODES, RpcError } from "../rpc-error.ts";
import type { InnerInstruction } from "../vm.ts";
import { decodeTransaction, isWritableKey, type WireMessage } from "../wire.ts";

export type TransactionEncoding = "json" | "jsonParsed" | "base64" | "base58";

type Instruction = Omit<InnerInstruction, "stackHeight"> & { readonly stackHeight: number | null };

/**
 * @param highestVersion what the client can read; undefined: legacy alone
 * @throws RpcError for a version the client cannot read
 */
export function encodeTransaction(
  { raw, slot, time, meta: metaText }: StoredTransaction,
  encoding: TransactionEncoding,
  highestVersion: number | undefined,
): unknown {
  const { message, signatures } = decodeTransaction(raw);
  if (message.version !== "legacy" && highestVersion === undefined) {
    throw new RpcError(
      RPC_CODES.unsupportedVersion,
      `Transaction version (${message.version}) is not supported by the requesting client. Please try the request again ` +
        `with the following configuration parameter: "maxSupportedTransactionVersion": ${message.version}`,
    );
  }
  const meta = JSON.parse(metaText) as TransactionMeta;
  const version = highestVersion === undefined ? {} : { version: message.version };
  const common = { slot, blockTime: time, ...version };
  if (encoding === "base64") return { ...common, meta, transaction: [Buffer.from(raw).toString("base64"), encoding] };
  if (encoding === "base58") return { ...common, meta, transaction: [encodeBase58(raw), encoding] };
  const { writable, readonly } = meta.loadedAddresses;
  const own = message.keys.map(encodeBase58);
  const keys = [...own, ...writable, ...readonly];
  const isParsed = encoding === "jsonParsed";
  const show = isParsed ? named(keys) : (instruction: Instruction) => instruction;
  return {
    ...common,
    meta: isParsed ? { ...meta, innerInstructions: innerOf(meta, show) } : meta,
    transaction: {
      signatures: signatures.map(encodeBase58),
      message: {
        ...(isParsed ? {} : { header: headerOf(message) }),
        accountKeys: isParsed
          ? [...ownKeys(message), ...tableKeys(writable, true), ...tableKeys(readonly, false)]
          : own,
        recentBlockhash: message.recentBlockhash,
        instructions: message.instructions.map(({ programIdIndex, accounts, data }) =>
          show({ programIdIndex, accounts: [...accounts], data: encodeBase58(data), stackHeight: null }),
        ),
        ...(message.version === 0 && { addressTableLookups: lookupsOf(message) }),
      },
    },
  };
}

const innerOf = (meta: TransactionMeta, show: (instruction: Instruction) => unknown): unknown =>
  meta.innerInstructions.map(({ index, instructions }) => ({ index, instructions: instructions.map(show) }));

const headerOf = ({ signers, readonlySigners, readonlyOthers }: WireMessage): unknown => ({
  numRequiredSignatures: signers,
  numReadonlySignedAccounts: readonlySigners,
  numReadonlyUnsignedAccounts: readonlyOthers,
});

const lookupsOf = ({ lookups }: WireMessage): unknown =>
  lookups.map(({ table, writable, readonly }) => ({
    accountKey: encodeBase58(table),
    writableIndexes: [...writable],
    readonlyIndexes: [...readonly],
  }));

const ownKeys = (message: WireMessage): readonly unknown[] =>
  message.keys.map((key, index) => ({
    pubkey: encodeBase58(key),
    signer: index < message.signers,
    writable: isWritableKey(message, index),
    source: "transaction",
  }));

const tableKeys = (keys: readonly string[], writable: boolean): readonly unknown[] =>
  keys.map((pubkey) => ({ pubkey, signer: false, writable, source: "lookupTable" }));

/** The form of an instruction whose program the node has no parser for: indexes become addresses, the data stays. */
const named =
  (keys: readonly string[]) =>
  ({ programIdIndex, accounts, data, stackHeight }: Instruction): unknown => ({
    programId: keys[programIdIndex],
    accounts: accounts.map((index) => keys[index]),
    data,
    stackHeight,
  });
