/** Reads a JSON request body: bounded, of the right type, an object. */
import { invalid } from "../../domain/refusal.ts";
import type { RestContext } from "./deps.ts";
import { ProblemError } from "./problem.ts";

/** An absent or empty body is an empty object. */
export async function jsonBody(context: RestContext, maxBytes: number): Promise<Readonly<Record<string, unknown>>> {
  const bytes = await boundedBytes(context, maxBytes);
  if (bytes.length === 0) return {};
  const type = (context.req.header("content-type") ?? "").split(";", 1)[0]?.trim().toLowerCase();
  if (type !== "application/json") {
    const detail = `the body is ${type ? JSON.stringify(type) : "of no stated type"}; send Content-Type: application/json`;
    throw new ProblemError({ status: 415, code: "unsupported_media_type", detail });
  }
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch {
    throw invalid("body", "is not valid JSON in UTF-8");
  }
  if (typeof value !== "object" || value === null || Array.isArray(value))
    throw invalid("body", "is not a JSON object");
  return value as Record<string, unknown>;
}

/** Stops reading at the limit, whatever length was announced, or none. */
async function boundedBytes(context: RestContext, maxBytes: number): Promise<Uint8Array> {
  const announced = Number(context.req.header("content-length") ?? 0);
  if (announced > maxBytes) throw tooLarge(maxBytes);
  const body = context.req.raw.body;
  if (body === null) return new Uint8Array();
  const chunks: Uint8Array[] = [];
  let length = 0;
  try {
    for await (const chunk of body as AsyncIterable<Uint8Array>) {
      length += chunk.length;
      if (length > maxBytes) throw tooLarge(maxBytes);
      chunks.push(chunk);
    }
  } catch (error) {
    // The caller hung up in the middle of it: nobody reads the answer, but it is no fault of the server's either.
    if (error instanceof Error && error.name === "AbortError") throw invalid("body", "ended before all of it had come");
    throw error;
  }
  return Buffer.concat(chunks);
}

export function tooLarge(maxBytes: number): ProblemError {
  const detail = `the request body is larger than ${maxBytes} bytes`;
  return new ProblemError({ status: 413, code: "payload_too_large", detail });
}

/** Refuses names that the route does not know, so that a misspelt one is not silently without effect. */
export function onlyFields(body: Readonly<Record<string, unknown>>, known: readonly string[]): void {
  const stranger = Object.keys(body).find((name) => !known.includes(name));
  if (stranger !== undefined) {
    throw invalid(stranger.slice(0, 60), `is no field of this request; it takes ${known.join(", ")}`);
  }
}

/** Characters in the reason of anything a person does. */
export const MAX_REASON = 500;

export interface TextRule {
  readonly max: number;
  /** Said when the text is missing; absent: it may be left out. */
  readonly why?: string;
}

/** A field with words of a person. PostgreSQL holds neither U+0000 nor half a surrogate pair. */
export function textField(body: Readonly<Record<string, unknown>>, name: string, { max, why }: TextRule): string {
  const { [name]: value = "" } = body;
  if (typeof value !== "string") throw invalid(name, "is not text");
  if (value.length > max) throw invalid(name, `is longer than ${max} characters`);
  if (value.includes("\0") || !value.isWellFormed()) throw invalid(name, "holds a character that can not be stored");
  if (why !== undefined && value.trim() === "") throw invalid(name, `is required: ${why}`);
  return value;
}

/** A span of time in seconds, as milliseconds; null where it is left out or null. */
export function secondsField(
  body: Readonly<Record<string, unknown>>,
  name: string,
  { min, max }: { readonly min: number; readonly max: number },
): number | null {
  const { [name]: value = null } = body;
  if (value === null) return null;
  if (typeof value !== "number" || value < min || value > max) {
    throw invalid(name, `${shown(value)} is not a number of seconds from ${min} to ${max}`);
  }
  return Math.round(value * 1000);
}

export function flagField(body: Readonly<Record<string, unknown>>, name: string): boolean {
  const { [name]: value = false } = body;
  if (typeof value !== "boolean") throw invalid(name, `${shown(value)} is neither true nor false`);
  return value;
}

/** As much of a wrong value as a message should carry. */
const shown = (value: unknown): string => (JSON.stringify(value) ?? String(value)).slice(0, 60);
