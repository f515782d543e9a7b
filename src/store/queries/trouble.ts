/** Which errors of a query say that the database can not be reached or is not ready, and that trying again may help. */
import { StoreError, sqlState } from "../errors.ts";

/** SQLSTATE classes: connection exception, operator intervention (shutdown, cancelled), too many connections, out of memory. */
const STATES: readonly string[] = ["08", "57", "53"];
const SYSTEM_CODES: ReadonlySet<string> = new Set([
  "ECONNREFUSED",
  "ECONNRESET",
  "ECONNABORTED",
  "EPIPE",
  "ETIMEDOUT",
  "EHOSTUNREACH",
  "ENETUNREACH",
  "ENOTFOUND",
  "EAI_AGAIN",
  "ENOENT",
]);
/** What pg and its pool say in words only. */
const WORDS =
  /connection terminated|timeout exceeded when trying to connect|timeout expired|client has encountered a connection error|connection ended|not queryable|cannot use a pool after/i;

export function isDatabaseTrouble(error: unknown): boolean {
  if (error instanceof StoreError) return error.code === "unreachable";
  if (!(error instanceof Error)) return false;
  if (error instanceof AggregateError && error.errors.some(isDatabaseTrouble)) return true;
  const state = sqlState(error);
  if (state !== undefined) return STATES.includes(state.slice(0, 2));
  const code = "code" in error ? error.code : undefined;
  return (typeof code === "string" && SYSTEM_CODES.has(code)) || WORDS.test(error.message);
}
