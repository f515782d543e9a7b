/** Accounts as JSON, in the encodings of the official node. */

import { encodeBase58 } from "../../../domain/base58.ts";
import { type Account, type Mint, type TokenAccount, tokenStateOf, uiAmount } from "../account.ts";
import { invalidParam, RPC_CODES, RpcError } from "../rpc-error.ts";
import { type Fields, integerOf, isFields, wordOf } from "./params.ts";

export type AccountEncoding = "base64" | "base58" | "base64+zstd" | "jsonParsed" | "binary";

export interface AccountView {
  readonly encoding: AccountEncoding;
  readonly slice: { readonly offset: number; readonly length: number } | null;
}

/** A larger number than JSON.stringify can write of a JavaScript one. It says of an account that it will never pay rent. */
const NEVER = rawJson("18446744073709551615");
/** The official limit: base58 of more takes long. */
const MOST_BASE58_BYTES = 128;

export function accountViewOf(settings: Fields): AccountView {
  const { dataSlice: slice } = settings;
  if (slice !== undefined && slice !== null && !isFields(slice)) {
    throw invalidParam("dataSlice must be { offset, length }");
  }
  return {
    encoding: wordOf<AccountEncoding>(settings.encoding, "encoding", [
      "base64",
      "base58",
      "base64+zstd",
      "jsonParsed",
      "binary",
    ]),
    slice: isFields(slice)
      ? { offset: integerOf(slice.offset, "dataSlice.offset"), length: integerOf(slice.length, "dataSlice.length") }
      : null,
  };
}

/** @param decimalsOf of a mint, by its 32 bytes */
export function encodeAccount(account: Account, view: AccountView, decimalsOf: (mint: Uint8Array) => number): unknown {
  return {
    lamports: Number(account.lamports),
    owner: encodeBase58(account.owner),
    executable: account.executable,
    rentEpoch: NEVER,
    space: account.data.length,
    data: encodeData(account, view, decimalsOf),
  };
}

function encodeData(
  account: Account,
  { encoding, slice }: AccountView,
  decimalsOf: (mint: Uint8Array) => number,
): unknown {
  if (encoding === "jsonParsed") {
    const parsed = parse(account, decimalsOf);
    if (parsed !== null) return parsed;
  }
  const data = slice === null ? account.data : account.data.subarray(slice.offset, slice.offset + slice.length);
  if (encoding === "base58" || encoding === "binary") {
    if (data.length > MOST_BASE58_BYTES) {
      throw new RpcError(
        RPC_CODES.invalidRequest,
        `Encoded binary (base 58) data should be less than ${MOST_BASE58_BYTES} bytes, please use Base64 encoding.`,
      );
    }
    return encoding === "binary" ? encodeBase58(data) : [encodeBase58(data), "base58"];
  }
  if (encoding === "base64+zstd") return [Bun.zstdCompressSync(data).toString("base64"), encoding];
  return [Buffer.from(data).toString("base64"), "base64"];
}

/** Null for what no parser here knows: the client gets base64 then, as from the official node. */
function parse(account: Account, decimalsOf: (mint: Uint8Array) => number): unknown {
  const state = tokenStateOf(account);
  if (state === null) return null;
  const info = state.kind === "mint" ? mintInfo(state) : tokenInfo(state, decimalsOf(state.mint));
  return { program: state.program, space: account.data.length, parsed: { type: state.kind, info } };
}

const mintInfo = ({ authority, supply, decimals, isInitialized, freezeAuthority }: Mint): unknown => ({
  mintAuthority: authority && encodeBase58(authority),
  supply: supply.toString(),
  decimals,
  isInitialized,
  freezeAuthority: freezeAuthority && encodeBase58(freezeAuthority),
});

const tokenInfo = (tokens: TokenAccount, decimals: number): unknown => ({
  mint: encodeBase58(tokens.mint),
  owner: encodeBase58(tokens.holder),
  tokenAmount: uiAmount(tokens.amount, decimals),
  state: tokens.state,
  isNative: tokens.isNative,
  ...(tokens.delegate && {
    delegate: encodeBase58(tokens.delegate),
    delegatedAmount: uiAmount(tokens.delegatedAmount, decimals),
  }),
  ...(tokens.closeAuthority && { closeAuthority: encodeBase58(tokens.closeAuthority) }),
});

/** A number that goes into JSON as it is written. In Bun since JavaScriptCore has it; TypeScript's library does not know it yet. */
function rawJson(text: string): unknown {
  const { rawJSON } = JSON as { rawJSON?: (text: string) => unknown };
  return rawJSON === undefined ? Number(text) : rawJSON(text);
}
