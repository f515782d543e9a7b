/**
 * Durable nonces: a transaction whose first instruction advances a nonce account may name that account's value in place of a
 * blockhash, and then does not expire. The virtual machine advances the nonce of a transaction that succeeds; that one which
 * fails uses its nonce up as well is a rule of the chain, and without it a failed transaction could be sent again for ever. Pure.
 */
import { createHash } from "node:crypto";
import { decodeBase58, encodeBase58 } from "../../domain/base58.ts";
import { type Account, sameBytes } from "./account.ts";
import { isWritableKey, type WireMessage } from "./wire.ts";

const SYSTEM_PROGRAM = new Uint8Array(32);
/** `SystemInstruction::AdvanceNonceAccount`: accounts are the nonce, a sysvar and the authority. */
const ADVANCE = new Uint8Array([4, 0, 0, 0]);

/** `nonce::state::Versions::Current(State::Initialized)`: two tags, the authority, the value, a fee that nobody reads. */
const SIZE = 80;
const INITIALIZED = new Uint8Array([1, 0, 0, 0, 1, 0, 0, 0]);
const AUTHORITY_AT = 8;
const VALUE_AT = 40;

/** @returns the nonce account whose value stands in for the blockhash; null when the message uses none that is good now */
export function nonceAccountOf(message: WireMessage, read: (address: Uint8Array) => Account | null): Uint8Array | null {
  const [first] = message.instructions;
  const program = message.keys[first?.programIdIndex ?? -1];
  if (first === undefined || program === undefined) return null;
  if (!sameBytes(program, SYSTEM_PROGRAM) || !sameBytes(first.data, ADVANCE)) return null;
  const index = first.accounts[0] ?? message.keys.length;
  const address = message.keys[index];
  if (address === undefined || !isWritableKey(message, index)) return null;
  const account = read(address);
  if (account === null || !isNonce(account)) return null;
  const isSigned = [...first.accounts].some((signer) => {
    const key = message.keys[signer];
    return signer < message.signers && key !== undefined && sameBytes(key, slice(account, AUTHORITY_AT));
  });
  return isSigned && encodeBase58(slice(account, VALUE_AT)) === message.recentBlockhash ? address : null;
}

/** The account once the nonce is used up: as the virtual machine itself would have advanced it. */
export function advanced(account: Account, recentBlockhash: string): Account {
  const data = Uint8Array.from(account.data);
  const next = createHash("sha256")
    .update("DURABLE_NONCE")
    .update(decodeBase58(recentBlockhash) ?? "");
  data.set(next.digest(), VALUE_AT);
  return { ...account, data };
}

const isNonce = ({ owner, data }: Account): boolean =>
  sameBytes(owner, SYSTEM_PROGRAM) && data.length === SIZE && sameBytes(data.subarray(0, AUTHORITY_AT), INITIALIZED);

const slice = ({ data }: Account, at: number): Uint8Array => data.subarray(at, at + 32);
