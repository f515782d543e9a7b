/** Reads JobEscrow's two kinds of account (programs/job-escrow/escrow.h). Pure; what does not fit is an error, never a guess. */
import { PublicKey } from "@solana/web3.js";
import type { JobId } from "../../domain/ids.ts";
import type { TokenUnits } from "../../domain/money.ts";
import { jobFromBytes } from "./addresses.ts";

export interface EscrowConfig {
  readonly admin: PublicKey;
  /** The server's key. */
  readonly authority: PublicKey;
  /** Token account of the platform. */
  readonly treasury: PublicKey;
  readonly mint: PublicKey;
  readonly feeBps: number;
  /** How many escrows there ever were. */
  readonly escrows: bigint;
}

export interface Escrow {
  readonly job: JobId;
  /** Differs between two escrows of one job id. */
  readonly serial: bigint;
  /** The wallet that gets refunds. */
  readonly user: PublicKey;
  /** Null before the first assignment. */
  readonly node: PublicKey | null;
  readonly rentPayer: PublicKey;
  readonly mint: PublicKey;
  readonly treasury: PublicKey;
  readonly amount: TokenUnits;
  readonly released: TokenUnits;
  /** Unix seconds. */
  readonly created: bigint;
  /** Unix seconds; from here on the user can take back what is left alone. */
  readonly deadline: bigint;
  readonly attempt: bigint;
  readonly feeBps: number;
}

export const CONFIG_SIZE = 160;
export const ESCROW_SIZE = 256;
const CONFIG_TAG = "CYXESCFG";
const ESCROW_TAG = "CYXESCRW";

/** @throws Error when the bytes are not a config account's */
export function parseConfig(data: Uint8Array): EscrowConfig {
  const fields = open(data, "config", CONFIG_TAG, CONFIG_SIZE);
  return {
    admin: fields.key(8),
    authority: fields.key(40),
    treasury: fields.key(72),
    mint: fields.key(104),
    feeBps: Number(fields.u64(136)),
    escrows: fields.u64(144),
  };
}

/** @throws Error when the bytes are not an escrow account's */
export function parseEscrow(data: Uint8Array): Escrow {
  const fields = open(data, "escrow", ESCROW_TAG, ESCROW_SIZE);
  const node = fields.key(64);
  return {
    job: jobFromBytes(data.subarray(8, 24)),
    serial: fields.u64(24),
    user: fields.key(32),
    node: node.equals(PublicKey.default) ? null : node,
    rentPayer: fields.key(96),
    mint: fields.key(128),
    treasury: fields.key(160),
    amount: fields.u64(192),
    released: fields.u64(200),
    created: fields.u64(208),
    deadline: fields.u64(216),
    attempt: fields.u64(224),
    feeBps: Number(fields.u64(232)),
  };
}

interface Fields {
  key(at: number): PublicKey;
  u64(at: number): bigint;
}

function open(data: Uint8Array, what: string, tag: string, size: number): Fields {
  if (data.length !== size) {
    throw new Error(`${what} account: ${data.length} bytes instead of ${size}; is the program id JobEscrow's?`);
  }
  const bytes = Buffer.from(data.buffer, data.byteOffset, data.byteLength);
  const found = bytes.toString("latin1", 0, 8);
  if (found !== tag) {
    throw new Error(
      `${what} account: it begins with ${JSON.stringify(found)} instead of "${tag}"; is it another account?`,
    );
  }
  return {
    key: (at) => new PublicKey(bytes.subarray(at, at + 32)),
    u64: (at) => bytes.readBigUInt64LE(at),
  };
}
