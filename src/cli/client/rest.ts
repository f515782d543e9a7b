/** Asks the REST API what gRPC does not tell. Answers are checked loosely: newer servers may say more. */
import { type Address, formatAddress } from "../../config/index.ts";
import { CliError } from "../errors.ts";
import { Exit, type ExitCode } from "../exit-codes.ts";
import { safe } from "../text/safe.ts";

const answerTimeout = 15_000;

export type JsonObject = Readonly<Record<string, unknown>>;

export const isObject = (value: unknown): value is JsonObject =>
  typeof value === "object" && value !== null && !Array.isArray(value);

export const objectsOf = (value: unknown): readonly JsonObject[] =>
  Array.isArray(value) ? value.filter(isObject) : [];

/** A field as safe text; empty where it is missing or no text. */
export function textOf(source: JsonObject, name: string): string {
  const value = source[name];
  return typeof value === "string" || typeof value === "number" ? safe(String(value)) : "";
}

export const numberOf = (source: JsonObject, name: string): number => {
  const value = source[name];
  return typeof value === "number" ? value : Number.NaN;
};

/** @throws CliError */
export const getJson = (address: Address, path: string): Promise<JsonObject> => request(address, path, {});

/** @param token shown as a bearer token; null: none. @throws CliError */
export const postJson = (address: Address, path: string, body: object, token: string | null): Promise<JsonObject> =>
  request(address, path, {
    method: "POST",
    body: JSON.stringify(body),
    headers: { "content-type": "application/json", ...(token !== null && { authorization: `Bearer ${token}` }) },
  });

async function request(address: Address, path: string, init: RequestInit): Promise<JsonObject> {
  const shown = formatAddress(address);
  let response: Response;
  try {
    response = await fetch(`http://${shown}${path}`, {
      ...init,
      headers: { accept: "application/json", ...(init.headers as Record<string, string> | undefined) },
      signal: AbortSignal.timeout(answerTimeout),
    });
  } catch (cause) {
    throw new CliError(`No server answers at ${shown}.`, Exit.unreachable, "Start one with `cyxwiz up`.", { cause });
  }
  const body: unknown = await response.json().catch(() => null);
  if (response.ok && isObject(body)) return body;
  const detail = isObject(body) && typeof body.detail === "string" ? body.detail : `HTTP ${response.status}`;
  if (response.ok) throw new CliError(`what answers at ${shown} is no CyxWiz server`, Exit.unreachable);
  const { exit, hint } = meanings[response.status] ?? { exit: Exit.failure, hint: null };
  if (exit === Exit.usage) throw new CliError(detail, exit);
  throw new CliError(`the server at ${shown} answered: ${detail}`, exit, hint);
}

const operators = "Operators show a token with --admin-token, or in CYXWIZ_ADMIN_TOKEN.";
const meanings: Readonly<Record<number, { readonly exit: ExitCode; readonly hint: string | null }>> = {
  400: { exit: Exit.usage, hint: null },
  401: { exit: Exit.failure, hint: operators },
  403: { exit: Exit.failure, hint: operators },
  404: { exit: Exit.notFound, hint: null },
};
