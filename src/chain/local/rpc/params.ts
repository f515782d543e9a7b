/** The parameters of a request, checked as they are taken. Every complaint is the official code for bad parameters, and says which. */

import { decodeBase58 } from "../../../domain/base58.ts";
import { sameBytes } from "../account.ts";
import { type Commitment, commitments } from "../commitment.ts";
import { invalidParam, RPC_CODES, RpcError } from "../rpc-error.ts";

/** The longest base58 text of a transaction (1232 bytes); decoding takes time by the square of it. */
const LONGEST_BASE58 = 1683;

export type Fields = Readonly<Record<string, unknown>>;

export const isFields = (value: unknown): value is Fields =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** @param name as the complaint calls it */
export function textOf(value: unknown, name: string): string {
  if (typeof value !== "string") throw invalidParam(`${name} must be a string`);
  return value;
}

/** @returns 32 bytes */
export function addressOf(value: unknown, name = "address"): Uint8Array {
  return base58Of(value, 32, name);
}

/** @returns the signature as it was written, now known to be 64 bytes */
export function signatureOf(value: unknown, name = "signature"): string {
  base58Of(value, 64, name);
  return textOf(value, name);
}

function base58Of(value: unknown, size: number, name: string): Uint8Array {
  const text = textOf(value, name);
  const bytes = text.length > 128 ? null : decodeBase58(text);
  if (bytes === null) throw invalidParam(`${name} is not base58 (Invalid)`);
  if (bytes.length !== size) throw invalidParam(`${name} has ${bytes.length} bytes and needs ${size} (WrongSize)`);
  return bytes;
}

/** @param most inclusive */
export function integerOf(value: unknown, name: string, most = Number.MAX_SAFE_INTEGER): number {
  if (typeof value !== "number" || !Number.isInteger(value) || value < 0 || value > most) {
    throw invalidParam(`${name} must be a whole number from 0 to ${most}`);
  }
  return value;
}

export function booleanOf(value: unknown, name: string): boolean {
  if (value === undefined || value === null) return false;
  if (typeof value !== "boolean") throw invalidParam(`${name} must be true or false`);
  return value;
}

export function listOf(value: unknown, name: string, most: number): readonly unknown[] {
  if (!Array.isArray(value)) throw invalidParam(`${name} must be a list`);
  if (value.length > most) throw invalidParam(`Too many ${name}: ${value.length}, and at most ${most} are allowed`);
  return value;
}

/** One of a few words; undefined and null stand for the first. */
export function wordOf<T extends string>(value: unknown, name: string, words: readonly [T, ...T[]]): T {
  if (value === undefined || value === null) return words[0];
  const found = words.find((word) => word === value);
  if (found === undefined) throw invalidParam(`${name} must be one of ${words.join(", ")}`);
  return found;
}

/** The optional object of settings that nearly every method takes. */
export function settingsOf(value: unknown): Fields {
  if (value === undefined || value === null) return {};
  if (!isFields(value)) throw invalidParam("the settings must be an object");
  return value;
}

/** @returns finalized when the client does not say, as on a cluster */
export function commitmentOf(settings: Fields): Commitment {
  const { commitment } = settings;
  if (commitment === undefined || commitment === null) return "finalized";
  const found = commitments.find((one) => one === (older[String(commitment)] ?? commitment));
  if (found === undefined) throw invalidParam(`commitment must be one of ${commitments.join(", ")}`);
  return found;
}

/** Names of before 2021, which web3.js still accepts. */
const older: Readonly<Record<string, Commitment>> = {
  recent: "processed",
  single: "confirmed",
  singleGossip: "confirmed",
  root: "finalized",
  max: "finalized",
};

/** @throws RpcError when the client asks for a later slot than there is */
export function requireSlot(settings: Fields, slot: number): void {
  const { minContextSlot } = settings;
  if (minContextSlot === undefined || minContextSlot === null) return;
  if (integerOf(minContextSlot, "minContextSlot") > slot) {
    throw new RpcError(RPC_CODES.contextSlotNotReached, "Minimum context slot has not been reached", {
      contextSlot: slot,
    });
  }
}

/** Bytes in the encoding that the settings name. */
export function bytesOf(value: unknown, encoding: "base58" | "base64", name: string): Uint8Array {
  const text = textOf(value, name);
  if (encoding === "base58") {
    const bytes = text.length > LONGEST_BASE58 ? null : decodeBase58(text);
    if (bytes === null) throw invalidParam(`${name} is not base58 of at most ${LONGEST_BASE58} letters`);
    return bytes;
  }
  const bytes = Buffer.from(text, "base64");
  // Buffer skips what is no base64; a text that does not come back the same had such letters in it.
  if (!sameBytes(Buffer.from(bytes.toString("base64")), Buffer.from(text))) throw invalidParam(`${name} is not base64`);
  return new Uint8Array(bytes);
}
