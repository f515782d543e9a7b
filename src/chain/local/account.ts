/** Accounts of the local chain, and what the SPL Token programs keep in theirs. Pure. */
import { decodeBase58 } from "../../domain/base58.ts";

/** An address as people and JSON see it: base58 of 32 bytes. */
export type Address = string;

export interface Account {
  readonly lamports: bigint;
  /** The program that may change it, 32 bytes. */
  readonly owner: Uint8Array;
  readonly executable: boolean;
  readonly data: Uint8Array;
}

export const TOKEN_PROGRAM: Address = "TokenkegQfeZyiNwAJbNbGKPFXCWuBvf9Ss623VQ5DA";
export const TOKEN_2022_PROGRAM: Address = "TokenzQdBNbLqP5VEhdkAS6EPFLC1PHnBqCXEpPxuEb";

/** Their bytes, and what `jsonParsed` calls them. Looked for in every account that a transaction names, hence as bytes. */
const tokenPrograms = [
  { id: decodeBase58(TOKEN_PROGRAM) ?? new Uint8Array(), name: "spl-token" },
  { id: decodeBase58(TOKEN_2022_PROGRAM) ?? new Uint8Array(), name: "spl-token-2022" },
] as const;

export interface TokenAccount {
  readonly kind: "account";
  readonly program: string;
  readonly mint: Uint8Array;
  readonly holder: Uint8Array;
  readonly amount: bigint;
  readonly delegate: Uint8Array | null;
  readonly delegatedAmount: bigint;
  readonly state: "uninitialized" | "initialized" | "frozen";
  readonly isNative: boolean;
  readonly closeAuthority: Uint8Array | null;
}

export interface Mint {
  readonly kind: "mint";
  readonly program: string;
  readonly authority: Uint8Array | null;
  readonly supply: bigint;
  readonly decimals: number;
  readonly isInitialized: boolean;
  readonly freezeAuthority: Uint8Array | null;
}

/** Sizes and offsets: `state.rs` of the SPL Token program; Token-2022 writes the kind of account behind 165 bytes. */
const MINT_SIZE = 82;
const ACCOUNT_SIZE = 165;
const states = ["uninitialized", "initialized", "frozen"] as const;

/** @returns null for what no token program owns, or what is neither mint nor token account */
export function tokenStateOf(account: Account): TokenAccount | Mint | null {
  const program = tokenPrograms.find(({ id }) => sameBytes(id, account.owner))?.name;
  const { data } = account;
  if (program === undefined) return null;
  if (data.length === MINT_SIZE || (data.length > ACCOUNT_SIZE && data[ACCOUNT_SIZE] === 1)) return mint(program, data);
  if (data.length === ACCOUNT_SIZE || (data.length > ACCOUNT_SIZE && data[ACCOUNT_SIZE] === 2)) {
    return tokenAccount(program, data);
  }
  return null;
}

function mint(program: string, data: Uint8Array): Mint {
  return {
    kind: "mint",
    program,
    authority: optionalKey(data, 0),
    supply: u64(data, 36),
    decimals: data[44] ?? 0,
    isInitialized: data[45] === 1,
    freezeAuthority: optionalKey(data, 46),
  };
}

function tokenAccount(program: string, data: Uint8Array): TokenAccount {
  return {
    kind: "account",
    program,
    mint: data.slice(0, 32),
    holder: data.slice(32, 64),
    amount: u64(data, 64),
    delegate: optionalKey(data, 72),
    delegatedAmount: u64(data, 121),
    state: states[data[108] ?? 0] ?? "uninitialized",
    isNative: data[109] === 1,
    closeAuthority: optionalKey(data, 129),
  };
}

/** Rust's COption: four bytes that say whether the key behind them counts. */
const optionalKey = (data: Uint8Array, at: number): Uint8Array | null =>
  data[at] === 1 ? data.slice(at + 4, at + 36) : null;

const u64 = (data: Uint8Array, at: number): bigint =>
  new DataView(data.buffer, data.byteOffset, data.byteLength).getBigUint64(at, true);

/** An amount as every RPC method shows it. `uiAmount` is a float for display alone; `amount` is what counts. */
export interface UiAmount {
  readonly amount: string;
  readonly decimals: number;
  readonly uiAmount: number;
  readonly uiAmountString: string;
}

export function uiAmount(amount: bigint, decimals: number): UiAmount {
  const digits = amount.toString().padStart(decimals + 1, "0");
  const whole = digits.slice(0, digits.length - decimals);
  const fraction = digits.slice(digits.length - decimals).replace(/0+$/, "");
  const text = fraction === "" ? whole : `${whole}.${fraction}`;
  return { amount: amount.toString(), decimals, uiAmount: Number(text), uiAmountString: text };
}

export function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && Buffer.compare(a, b) === 0;
}

export function sameAccount(a: Account | null, b: Account | null): boolean {
  if (a === null || b === null) return a === b;
  return (
    a.lamports === b.lamports &&
    a.executable === b.executable &&
    sameBytes(a.owner, b.owner) &&
    sameBytes(a.data, b.data)
  );
}
