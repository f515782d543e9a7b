/** Reads from the REST API what gRPC does not tell yet. Answers are checked loosely: newer servers may say more. */
import { type Address, formatAddress } from "../../config/index.ts";
import { CliError } from "../errors.ts";
import { Exit } from "../exit-codes.ts";

const answerTimeout = 15_000;

export type JsonObject = Readonly<Record<string, unknown>>;

export const isObject = (value: unknown): value is JsonObject =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** @throws CliError */
export async function getJson(address: Address, path: string): Promise<JsonObject> {
  const shown = formatAddress(address);
  let response: Response;
  try {
    response = await fetch(`http://${shown}${path}`, {
      headers: { accept: "application/json" },
      signal: AbortSignal.timeout(answerTimeout),
    });
  } catch (cause) {
    throw new CliError(`No server answers at ${shown}.`, Exit.unreachable, "Start one with `cyxwiz up`.", { cause });
  }
  const body: unknown = await response.json().catch(() => null);
  if (response.ok && isObject(body)) return body;
  const detail = isObject(body) && typeof body.detail === "string" ? body.detail : `HTTP ${response.status}`;
  if (response.ok) throw new CliError(`what answers at ${shown} is no CyxWiz server`, Exit.unreachable);
  if (response.status === 400) throw new CliError(detail, Exit.usage);
  throw new CliError(
    `the server at ${shown} answered: ${detail}`,
    response.status === 404 ? Exit.notFound : Exit.failure,
  );
}
