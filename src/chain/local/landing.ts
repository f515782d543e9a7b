/** What is recorded of a transaction: its meta data in the shape of `getTransaction`, and the accounts it changed. Pure. */

import { encodeBase58 } from "../../domain/base58.ts";
import { type Account, sameAccount, tokenStateOf, type UiAmount, uiAmount } from "./account.ts";
import type { Change } from "./ledger.ts";
import type { TransactionError } from "./transaction-error.ts";
import type { Execution } from "./vm.ts";
import type { TransactionAccounts } from "./wire.ts";

export interface TokenBalance {
  readonly accountIndex: number;
  readonly mint: string;
  readonly owner: string;
  readonly programId: string;
  readonly uiTokenAmount: UiAmount;
}

export interface TransactionMeta {
  readonly err: TransactionError | null;
  readonly status: { readonly Ok: null } | { readonly Err: TransactionError };
  /** Lamports. */
  readonly fee: number;
  readonly preBalances: readonly number[];
  readonly postBalances: readonly number[];
  readonly preTokenBalances: readonly TokenBalance[];
  readonly postTokenBalances: readonly TokenBalance[];
  readonly innerInstructions: Execution["inner"];
  readonly logMessages: readonly string[];
  readonly loadedAddresses: { readonly writable: readonly string[]; readonly readonly: readonly string[] };
  readonly rewards: readonly never[];
  readonly computeUnitsConsumed: number;
  readonly returnData?: { readonly programId: string; readonly data: readonly [string, "base64"] };
}

type Accounts = readonly (Account | null)[];

/**
 * @param before,after the accounts in the order of `accounts.keys`
 * @param decimalsOf of a mint, by its 32 bytes
 */
export function metaOf(
  accounts: TransactionAccounts,
  execution: Execution,
  before: Accounts,
  after: Accounts,
  decimalsOf: (mint: Uint8Array) => number,
): TransactionMeta {
  const { error, returnData } = execution;
  return {
    err: error,
    status: error === null ? { Ok: null } : { Err: error },
    // Nothing makes or destroys lamports but the fee, so the difference is the fee to the lamport.
    fee: Number(total(before) - total(after)),
    preBalances: before.map(balanceOf),
    postBalances: after.map(balanceOf),
    preTokenBalances: tokenBalances(before, decimalsOf),
    postTokenBalances: tokenBalances(after, decimalsOf),
    innerInstructions: execution.inner,
    logMessages: execution.logs,
    loadedAddresses: {
      writable: accounts.loaded.writable.map(encodeBase58),
      readonly: accounts.loaded.readonly.map(encodeBase58),
    },
    rewards: [],
    computeUnitsConsumed: execution.unitsConsumed,
    ...(returnData && {
      returnData: {
        programId: returnData.programId,
        data: [Buffer.from(returnData.data).toString("base64"), "base64"],
      },
    }),
  };
}

const total = (accounts: Accounts): bigint => accounts.reduce((sum, account) => sum + (account?.lamports ?? 0n), 0n);
const balanceOf = (account: Account | null): number => Number(account?.lamports ?? 0n);

function tokenBalances(accounts: Accounts, decimalsOf: (mint: Uint8Array) => number): TokenBalance[] {
  return accounts.flatMap((account, accountIndex) => {
    const tokens = account === null ? null : tokenStateOf(account);
    if (account === null || tokens?.kind !== "account") return [];
    return {
      accountIndex,
      mint: encodeBase58(tokens.mint),
      owner: encodeBase58(tokens.holder),
      programId: encodeBase58(account.owner),
      uiTokenAmount: uiAmount(tokens.amount, decimalsOf(tokens.mint)),
    };
  });
}

/** Whose accounts the virtual machine makes itself at every start, and no transaction may leave behind in the ledger. */
const builtIn = new Set(["NativeLoader1111111111111111111111111111111", "Sysvar1111111111111111111111111111111111111"]);

/** The accounts to store: those that are not what they were. */
export function changesOf({ keys, isWritable }: TransactionAccounts, before: Accounts, after: Accounts): Change[] {
  return keys.flatMap((address, index) => {
    const account = after[index] ?? null;
    if (!isWritable(index) || sameAccount(before[index] ?? null, account)) return [];
    if (account !== null && builtIn.has(encodeBase58(account.owner))) return [];
    return { address, account };
  });
}
