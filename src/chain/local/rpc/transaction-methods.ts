/** Sending transactions, and what became of them. */
import { encodeBase58 } from "../../../domain/base58.ts";
import { commitmentOf as reached } from "../commitment.ts";
import { LocalChainError } from "../errors.ts";
import type { Gift } from "../faucet.ts";
import type { StoredTransaction } from "../ledger-queries.ts";
import { invalidParam, RPC_CODES, RpcError } from "../rpc-error.ts";
import type { TransactionError } from "../transaction-error.ts";
import { decodeTransaction, WireError, type WireTransaction } from "../wire.ts";
import { decimals } from "./account-methods.ts";
import { accountViewOf, encodeAccount } from "./encode-account.ts";
import { encodeTransaction, type TransactionEncoding } from "./encode-transaction.ts";
import { asked, type Methods, type RpcWorld, withContext } from "./method.ts";
import {
  addressOf,
  booleanOf,
  bytesOf,
  type Fields,
  integerOf,
  isFields,
  listOf,
  settingsOf,
  signatureOf,
  wordOf,
} from "./params.ts";

/** Official limits. */
const MOST_SIGNATURES = 256;
const MOST_HISTORY = 1000;
const MOST_SIMULATED_ACCOUNTS = 256;

/**
 * How long a node knows a status by heart (`MAX_RECENT_BLOCKHASHES`). Of older transactions it says nothing unless
 * `searchTransactionHistory` is set; a client that forgets to set it would take a paid job for an unpaid one.
 */
const STATUS_SLOTS = 300;

export const transactionMethods: Methods = {
  sendTransaction(world, [text, settings]) {
    const { settings: fields } = asked(world, settings);
    return world.chain.send(transactionOf(text, fields), {
      skipPreflight: booleanOf(fields.skipPreflight, "skipPreflight"),
    });
  },

  simulateTransaction(world, [text, settings]) {
    const { settings: fields } = asked(world, settings);
    const transaction = transactionOf(text, fields);
    const anyBlockhash = booleanOf(fields.replaceRecentBlockhash, "replaceRecentBlockhash");
    const verify = booleanOf(fields.sigVerify, "sigVerify");
    if (verify && anyBlockhash) throw invalidParam("sigVerify may not be used with replaceRecentBlockhash");
    const simulation = world.chain.simulate(transaction, { verify, anyBlockhash });
    const { error, logs, unitsConsumed, returnData, inner } = simulation;
    const withInner = booleanOf(fields.innerInstructions, "innerInstructions");
    return withContext(world.chain.slot("processed"), {
      err: error,
      logs,
      accounts: simulatedAccounts(world, fields, simulation.accounts),
      unitsConsumed,
      returnData: returnData && {
        programId: returnData.programId,
        data: [Buffer.from(returnData.data).toString("base64"), "base64"],
      },
      innerInstructions: withInner ? inner : null,
      ...(anyBlockhash && { replacementBlockhash: { ...world.chain.latestBlockhash("processed") } }),
    });
  },

  getSignatureStatuses(world, [signatures, settings]) {
    const deep = booleanOf(settingsOf(settings).searchTransactionHistory, "searchTransactionHistory");
    const newest = world.chain.slot("processed");
    const wanted = listOf(signatures, "signatures", MOST_SIGNATURES).map((one, index) =>
      signatureOf(one, `signature ${index}`),
    );
    return withContext(
      newest,
      wanted.map((signature) => statusOf(world, signature, newest, deep)),
    );
  },

  getTransaction(world, [signature, value]) {
    const settings = typeof value === "string" ? { encoding: value } : settingsOf(value);
    const { commitment, slot } = asked(world, settings);
    if (commitment === "processed") throw invalidParam("Method does not support commitment below `confirmed`");
    const encoding = wordOf<TransactionEncoding>(settings.encoding, "encoding", [
      "json",
      "jsonParsed",
      "base64",
      "base58",
    ]);
    const { maxSupportedTransactionVersion: highest } = settings as Fields;
    const version =
      highest === undefined || highest === null ? undefined : integerOf(highest, "maxSupportedTransactionVersion");
    const found = seen(world, signatureOf(signature));
    return found === null || found.slot > slot ? null : encodeTransaction(found, encoding, version);
  },

  getSignaturesForAddress(world, [address, value]) {
    const { commitment, settings, slot } = asked(world, value);
    if (commitment === "processed") throw invalidParam("Method does not support commitment below `confirmed`");
    const { limit = MOST_HISTORY, before, until } = settings;
    const most = integerOf(limit, "limit", MOST_HISTORY);
    if (most === 0) throw invalidParam(`limit must be from 1 to ${MOST_HISTORY}`);
    const newest = world.chain.slot("processed");
    return world.chain.ledger.queries
      .signatures(addressOf(address), {
        limit: most,
        upToSlot: slot,
        before: before === undefined || before === null ? null : signatureOf(before, "before"),
        until: until === undefined || until === null ? null : signatureOf(until, "until"),
      })
      .filter((row) => !world.chain.hidden.has(row.signature, newest))
      .map((row) => ({
        signature: row.signature,
        slot: row.slot,
        err: errorOf(row.error),
        memo: null,
        blockTime: row.time,
        confirmationStatus: reached(row.slot, newest),
      }));
  },

  requestAirdrop: (world, [address, lamports]) =>
    given(world, address, { lamports: BigInt(integerOf(lamports, "lamports")) }),

  /** Not of any cluster: base units of CYXWIZ for a wallet, beside the lamports that `requestAirdrop` gives. */
  requestTokens: (world, [address, units]) => given(world, address, { tokens: BigInt(integerOf(units, "units")) }),
};

function given({ faucet }: RpcWorld, address: unknown, gift: Gift): string {
  if (faucet === null) throw new RpcError(RPC_CODES.invalidRequest, "This chain has no faucet");
  try {
    return faucet.give(addressOf(address), gift);
  } catch (error) {
    if (error instanceof LocalChainError) throw new RpcError(RPC_CODES.internal, error.message);
    throw error;
  }
}

/** Base58 is what a client means that does not say. */
function transactionOf(text: unknown, settings: Fields): WireTransaction {
  const encoding = wordOf<"base58" | "base64">(settings.encoding, "encoding", ["base58", "base64"]);
  try {
    return decodeTransaction(bytesOf(text, encoding, "transaction"));
  } catch (error) {
    if (error instanceof WireError) throw invalidParam(`failed to deserialize the transaction: ${error.message}`);
    throw error;
  }
}

function simulatedAccounts(
  { chain }: RpcWorld,
  settings: Fields,
  after: ReadonlyMap<string, Parameters<typeof encodeAccount>[0]>,
): unknown {
  const { accounts } = settings;
  if (accounts === undefined || accounts === null) return null;
  if (!isFields(accounts)) throw invalidParam("accounts must be { addresses, encoding }");
  const view = accountViewOf(accounts);
  return listOf(accounts.addresses, "accounts.addresses", MOST_SIMULATED_ACCOUNTS).map((one) => {
    const address = addressOf(one, "accounts.addresses");
    const account = after.get(encodeBase58(address)) ?? chain.account(address, "processed");
    return account && encodeAccount(account, view, decimals(chain, "processed"));
  });
}

/** The record, unless a fault keeps it quiet. */
function seen({ chain }: RpcWorld, signature: string): StoredTransaction | null {
  return chain.hidden.has(signature, chain.slot("processed")) ? null : chain.ledger.queries.transaction(signature);
}

function statusOf(world: RpcWorld, signature: string, newest: number, deep: boolean): unknown {
  const found = seen(world, signature);
  if (found === null || (!deep && newest - found.slot > STATUS_SLOTS)) return null;
  const err = errorOf(found.error);
  const status = reached(found.slot, newest);
  return {
    slot: found.slot,
    confirmations: status === "finalized" ? null : newest - found.slot,
    err,
    status: err === null ? { Ok: null } : { Err: err },
    confirmationStatus: status,
  };
}

const errorOf = (text: string | null): TransactionError | null =>
  text === null ? null : (JSON.parse(text) as TransactionError);
