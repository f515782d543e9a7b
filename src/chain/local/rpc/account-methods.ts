/** Questions about accounts, tokens among them. */

import { decodeBase58, encodeBase58 } from "../../../domain/base58.ts";
import { type Account, sameBytes, type TokenAccount, tokenStateOf, uiAmount } from "../account.ts";
import type { LocalChain } from "../chain.ts";
import type { Commitment } from "../commitment.ts";
import type { AccountFilter, Found } from "../ledger-queries.ts";
import { invalidParam } from "../rpc-error.ts";
import { accountViewOf, encodeAccount } from "./encode-account.ts";
import { type Asked, asked, type Methods, type RpcWorld, withContext } from "./method.ts";
import { addressOf, booleanOf, bytesOf, integerOf, isFields, listOf, wordOf } from "./params.ts";

/** Official limits. */
const MOST_ADDRESSES = 100;
const MOST_FILTERS = 4;
const MOST_FILTER_BYTES = 128;

export const accountMethods: Methods = {
  getAccountInfo(world, [address, settings]) {
    const request = asked(world, settings);
    return withContext(request.slot, shown(world, request, addressOf(address)));
  },

  getMultipleAccounts(world, [addresses, settings]) {
    const request = asked(world, settings);
    const keys = listOf(addresses, "addresses", MOST_ADDRESSES).map((one, index) => addressOf(one, `address ${index}`));
    return withContext(
      request.slot,
      keys.map((key) => shown(world, request, key)),
    );
  },

  getBalance(world, [address, settings]) {
    const { commitment, slot } = asked(world, settings);
    return withContext(slot, Number(world.chain.account(addressOf(address), commitment)?.lamports ?? 0n));
  },

  getTokenAccountBalance(world, [address, settings]) {
    const { commitment, slot } = asked(world, settings);
    const account = world.chain.account(addressOf(address), commitment);
    const state = account && tokenStateOf(account);
    if (account === null) throw invalidParam("could not find account");
    if (state?.kind !== "account") throw invalidParam("not a Token account");
    return withContext(slot, uiAmount(state.amount, decimals(world.chain, commitment)(state.mint)));
  },

  getTokenSupply(world, [address, settings]) {
    const { commitment, slot } = asked(world, settings);
    const account = world.chain.account(addressOf(address, "mint"), commitment);
    const state = account && tokenStateOf(account);
    if (account === null) throw invalidParam("could not find account");
    if (state?.kind !== "mint") throw invalidParam("not a Token mint");
    return withContext(slot, uiAmount(state.supply, state.decimals));
  },

  getTokenAccountsByOwner(world, [owner, filter, settings]) {
    const request = asked(world, settings);
    const holder = addressOf(owner, "owner");
    const fits = tokenFilterOf(filter);
    const found = search(world.chain, request.commitment, world.chain.ledger.queries.ofHolder(holder), (account) => {
      const state = tokenStateOf(account);
      return state?.kind === "account" && sameBytes(state.holder, holder) && fits(account, state);
    });
    return withContext(request.slot, listed(world, request, found));
  },

  getProgramAccounts(world, [program, settings]) {
    const request = asked(world, settings);
    const owner = addressOf(program, "program");
    const filter = filterOf(request.settings.filters);
    const found = search(
      world.chain,
      request.commitment,
      world.chain.ledger.queries.ofProgram(owner, filter),
      (account) => sameBytes(account.owner, owner) && passes(account.data, filter),
    );
    const accounts = listed(world, request, found);
    return booleanOf(request.settings.withContext, "withContext") ? withContext(request.slot, accounts) : accounts;
  },
};

/** Decimals of a mint at a commitment. */
export const decimals =
  (chain: LocalChain, commitment: Commitment) =>
  (mint: Uint8Array): number => {
    const account = chain.account(mint, commitment);
    const state = account && tokenStateOf(account);
    return state?.kind === "mint" ? state.decimals : 0;
  };

function shown({ chain }: RpcWorld, { settings, commitment }: Asked, address: Uint8Array): unknown {
  const view = accountViewOf(settings);
  const account = chain.account(address, commitment);
  return account && encodeAccount(account, view, decimals(chain, commitment));
}

function listed({ chain }: RpcWorld, { settings, commitment }: Asked, found: readonly Found[]): readonly unknown[] {
  const view = accountViewOf(settings);
  const decimalsOf = decimals(chain, commitment);
  return found.map(({ address, account }) => ({
    pubkey: encodeBase58(address),
    account: encodeAccount(account, view, decimalsOf),
  }));
}

/** The ledger finds what fits now; what changed in the last slots is looked at again as the commitment shows it. */
function search(
  chain: LocalChain,
  commitment: Commitment,
  now: readonly Found[],
  fits: (account: Account) => boolean,
): readonly Found[] {
  const recent = new Set(chain.recentlyChanged());
  const settled = now.filter(({ address }) => !recent.has(encodeBase58(address)));
  const moving = [...recent].flatMap((text) => {
    const address = decodeBase58(text);
    const account = address && chain.account(address, commitment);
    return address !== null && account !== null && fits(account) ? { address, account } : [];
  });
  return [...settled, ...moving];
}

function tokenFilterOf(filter: unknown): (account: Account, state: TokenAccount) => boolean {
  if (isFields(filter) && filter.mint !== undefined) {
    const mint = addressOf(filter.mint, "mint");
    return (_, state) => sameBytes(state.mint, mint);
  }
  if (isFields(filter) && filter.programId !== undefined) {
    const program = addressOf(filter.programId, "programId");
    return (account) => sameBytes(account.owner, program);
  }
  throw invalidParam("the second parameter must be { mint } or { programId }");
}

function filterOf(value: unknown): AccountFilter {
  const sizes: number[] = [];
  const contents: { offset: number; bytes: Uint8Array }[] = [];
  for (const one of value === undefined || value === null ? [] : listOf(value, "filters", MOST_FILTERS)) {
    if (isFields(one) && one.dataSize !== undefined) sizes.push(integerOf(one.dataSize, "dataSize"));
    else if (isFields(one) && isFields(one.memcmp)) contents.push(contentOf(one.memcmp));
    else throw invalidParam("each filter must be { dataSize } or { memcmp }");
  }
  return { sizes, contents };
}

function contentOf(memcmp: Readonly<Record<string, unknown>>): { offset: number; bytes: Uint8Array } {
  const encoding = wordOf<"base58" | "base64">(memcmp.encoding, "memcmp.encoding", ["base58", "base64"]);
  const bytes = bytesOf(memcmp.bytes, encoding, "memcmp.bytes");
  if (bytes.length > MOST_FILTER_BYTES) throw invalidParam(`memcmp.bytes: at most ${MOST_FILTER_BYTES} bytes`);
  return { offset: integerOf(memcmp.offset, "memcmp.offset", 2 ** 31), bytes };
}

const passes = (data: Uint8Array, { sizes, contents }: AccountFilter): boolean =>
  sizes.every((size) => data.length === size) &&
  contents.every(({ offset, bytes }) => sameBytes(data.subarray(offset, offset + bytes.length), bytes));
