/**
 * Transactions as bytes. The decoder is as strict as the official one (`solana-message`, `solana-short-vec`), because the VM's
 * native code ends the whole process on bytes it cannot read: nothing gets to it that has not been through here. Pure.
 */

import { encodeBase58 } from "../../domain/base58.ts";
import type { Account } from "./account.ts";

/** Of one network packet: 1280 bytes of IPv6's smallest MTU, less the headers. */
export const MOST_TRANSACTION_BYTES = 1232;

export interface WireInstruction {
  readonly programIdIndex: number;
  readonly accounts: Uint8Array;
  readonly data: Uint8Array;
}

export interface TableLookup {
  readonly table: Uint8Array;
  readonly writable: Uint8Array;
  readonly readonly: Uint8Array;
}

export interface WireMessage {
  readonly version: "legacy" | 0;
  readonly signers: number;
  readonly readonlySigners: number;
  readonly readonlyOthers: number;
  readonly keys: readonly Uint8Array[];
  readonly recentBlockhash: string;
  readonly instructions: readonly WireInstruction[];
  readonly lookups: readonly TableLookup[];
}

export interface WireTransaction {
  readonly raw: Uint8Array;
  /** The first one, base58: it names the transaction. */
  readonly signature: string;
  readonly signatures: readonly Uint8Array[];
  readonly message: WireMessage;
}

/** The bytes are no transaction. */
export class WireError extends Error {
  override readonly name = "WireError";
}

/** @throws WireError */
export function decodeTransaction(raw: Uint8Array): WireTransaction {
  if (raw.length > MOST_TRANSACTION_BYTES) {
    throw new WireError(`it has ${raw.length} bytes, and at most ${MOST_TRANSACTION_BYTES} fit`);
  }
  const reader = new Reader(raw);
  const signatures = reader.list(() => reader.take(64));
  const message = readMessage(reader);
  reader.end();
  const first = signatures[0];
  if (first === undefined || signatures.length !== message.signers) {
    throw new WireError(`it has ${signatures.length} signatures and its message needs ${message.signers}`);
  }
  return { raw, signature: encodeBase58(first), signatures, message };
}

/** @throws WireError */
export function decodeMessage(raw: Uint8Array): WireMessage {
  const reader = new Reader(raw);
  const message = readMessage(reader);
  reader.end();
  return message;
}

class Reader {
  #at = 0;
  constructor(private readonly bytes: Uint8Array) {}

  byte(): number {
    const value = this.bytes[this.#at];
    if (value === undefined) throw new WireError("it ends too early");
    this.#at += 1;
    return value;
  }

  peek(): number | undefined {
    return this.bytes[this.#at];
  }

  take(count: number): Uint8Array {
    if (this.#at + count > this.bytes.length) throw new WireError("it ends too early");
    this.#at += count;
    return this.bytes.slice(this.#at - count, this.#at);
  }

  /** Seven bits to a byte, at most 16 bits, each number in one way only. */
  length(): number {
    let value = 0;
    for (let place = 0; place < 3; place++) {
      const byte = this.byte();
      value |= (byte & 0x7f) << (7 * place);
      if (byte === 0 && place > 0) throw new WireError("a length is written with needless bytes");
      if ((byte & 0x80) === 0) {
        if (value > 0xffff) break;
        return value;
      }
    }
    throw new WireError("a length is over 65535");
  }

  list<T>(item: () => T): T[] {
    // Not allocated ahead: the length is the sender's word, and its items may not be there.
    const items: T[] = [];
    for (let left = this.length(); left > 0; left--) items.push(item());
    return items;
  }

  end(): void {
    const left = this.bytes.length - this.#at;
    if (left > 0) throw new WireError(`${left} bytes follow its end`);
  }
}

function readMessage(reader: Reader): WireMessage {
  const version = readVersion(reader);
  const [signers, readonlySigners, readonlyOthers] = [reader.byte(), reader.byte(), reader.byte()];
  const message: WireMessage = {
    version,
    signers,
    readonlySigners,
    readonlyOthers,
    keys: reader.list(() => reader.take(32)),
    recentBlockhash: encodeBase58(reader.take(32)),
    instructions: reader.list(() => ({
      programIdIndex: reader.byte(),
      accounts: reader.take(reader.length()),
      data: reader.take(reader.length()),
    })),
    lookups: version === "legacy" ? [] : reader.list(() => readLookup(reader)),
  };
  const problem = problemOf(message);
  if (problem !== null) throw new WireError(problem);
  return message;
}

const readLookup = (reader: Reader): TableLookup => ({
  table: reader.take(32),
  writable: reader.take(reader.length()),
  readonly: reader.take(reader.length()),
});

/** A legacy message begins with its number of signatures, which is never over 127; the high bit says that a version follows. */
function readVersion(reader: Reader): "legacy" | 0 {
  if (((reader.peek() ?? 0) & 0x80) === 0) return "legacy";
  const version = reader.byte() & 0x7f;
  if (version !== 0) throw new WireError(`its version is ${version}: legacy and 0 are supported`);
  return 0;
}

/** What the official node's `sanitize` refuses. */
function problemOf({
  signers,
  readonlySigners,
  readonlyOthers,
  keys,
  instructions,
  lookups,
}: WireMessage): string | null {
  if (signers + readonlyOthers > keys.length) return "its header counts more keys than there are";
  if (readonlySigners >= signers) return "nobody can pay its fee: no signer is writable";
  const all = keys.length + lookups.reduce((sum, { writable, readonly }) => sum + writable.length + readonly.length, 0);
  if (all > 256) return `it names ${all} accounts, and at most 256 can be`;
  if (lookups.some(({ writable, readonly }) => writable.length + readonly.length === 0))
    return "an address table is unused";
  for (const { programIdIndex, accounts } of instructions) {
    if (programIdIndex === 0) return "the fee payer cannot be a program";
    if (programIdIndex >= keys.length) return "the program of an instruction is not among its keys";
    if (accounts.some((index) => index >= all)) return "an instruction names an account that is not there";
  }
  return null;
}

export interface TransactionAccounts {
  /** In the order in which instructions count them: the message's own, then writable and read-only ones from tables. */
  readonly keys: readonly Uint8Array[];
  readonly loaded: { readonly writable: readonly Uint8Array[]; readonly readonly: readonly Uint8Array[] };
  isWritable(index: number): boolean;
}

/** Of an address lookup table; its addresses follow. */
const TABLE_HEADER_BYTES = 56;

/** @returns the name of the error when they cannot all be loaded */
export function accountsOf(
  message: WireMessage,
  read: (address: Uint8Array) => Account | null,
): TransactionAccounts | string {
  const loaded = fromTables(message, read);
  if (typeof loaded === "string") return loaded;
  const { writable, readonly } = loaded;
  const keys = [...message.keys, ...writable, ...readonly];
  const own = message.keys.length;
  return {
    keys,
    loaded,
    isWritable: (index) => (index < own ? isWritableKey(message, index) : index < own + writable.length),
  };
}

function fromTables(
  { lookups }: WireMessage,
  read: (address: Uint8Array) => Account | null,
): TransactionAccounts["loaded"] | string {
  const writable: Uint8Array[] = [];
  const readonly: Uint8Array[] = [];
  for (const lookup of lookups) {
    const table = read(lookup.table);
    if (table === null) return "AddressLookupTableNotFound";
    const into = [
      [lookup.writable, writable],
      [lookup.readonly, readonly],
    ] as const;
    for (const [indexes, addresses] of into) {
      for (const index of indexes) {
        const from = TABLE_HEADER_BYTES + 32 * index;
        if (from + 32 > table.data.length) return "InvalidAddressLookupTableIndex";
        addresses.push(table.data.slice(from, from + 32));
      }
    }
  }
  return { writable, readonly };
}

/** Whether one of the message's own keys may be changed, by the header's counts. */
export function isWritableKey({ signers, readonlySigners, readonlyOthers, keys }: WireMessage, index: number): boolean {
  return index < signers ? index < signers - readonlySigners : index < keys.length - readonlyOthers;
}
