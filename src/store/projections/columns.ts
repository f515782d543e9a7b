import { JournalRejected } from "../../actors/runtime/index.ts";
import { messageOf } from "../errors.ts";

/** The PostgreSQL types our projected columns have. Enum types go by their own name. */
export type SqlType =
  | "uuid"
  | "text"
  | "smallint"
  | "integer"
  | "bigint"
  | "double precision"
  | "boolean"
  | "timestamptz"
  | "jsonb"
  | "node_status"
  | "job_status"
  | "payment_status";

/** Column name to type, in the order statements list them. */
export type Columns = Readonly<Record<string, SqlType>>;

/**
 * One value as the text PostgreSQL reads for `type`; null for SQL null.
 * A time may be a Date, epoch milliseconds or ISO text; a 64-bit integer a bigint, a whole number or decimal text.
 * @throws JournalRejected when the value cannot be of that type.
 */
export function encode(type: SqlType, value: unknown, column: string): string | null {
  if (value === null || value === undefined) return null;
  switch (type) {
    case "jsonb":
      return encodeJson(value, column);
    case "timestamptz":
      return encodeTime(value, column);
    case "boolean":
      if (typeof value === "boolean") return value ? "t" : "f";
      break;
    case "smallint":
    case "integer":
    case "bigint":
      if (typeof value === "bigint" || Number.isSafeInteger(value)) return String(value);
      if (typeof value === "string" && /^-?\d+$/.test(value)) return value;
      break;
    case "double precision":
      if (typeof value === "number") return String(value);
      break;
    default:
      if (typeof value === "string") return value;
  }
  throw new JournalRejected(`column ${column}: a ${typeof value} is not a ${type}`, false);
}

/**
 * The JSON text of `value`; null where JSON has none (a function, undefined).
 * @throws JournalRejected for a bigint or a loop, which no later attempt could write either.
 */
export function encodeJson(value: unknown, column: string): string | null {
  try {
    return JSON.stringify(value) ?? null;
  } catch (error) {
    throw new JournalRejected(`column ${column}: ${messageOf(error)}`, false);
  }
}

function encodeTime(value: unknown, column: string): string {
  if (typeof value === "string") return value;
  const date = value instanceof Date ? value : new Date(typeof value === "number" ? Math.round(value) : Number.NaN);
  if (Number.isNaN(date.getTime()))
    throw new JournalRejected(`column ${column}: ${String(value)} is not a time`, false);
  return date.toISOString();
}

/** A PostgreSQL array literal of values that are already text. */
export function arrayLiteral(items: readonly (string | null)[]): string {
  let literal = "{";
  for (let index = 0; index < items.length; index++) {
    const item = items[index];
    if (index > 0) literal += ",";
    literal += item === null || item === undefined ? "NULL" : quoted(item);
  }
  return `${literal}}`;
}

const needsEscape = /["\\]/;
/** The control characters. */
const beneathSpace = /[^ -\uffff]/;

/**
 * An array literal reads `\x` as x. Where a text holds no control characters and no half of a pair, a JSON string escapes
 * exactly what must be escaped here, and is made five times faster than by replacing (4 instead of 24 µs for a snapshot of
 * 2.6 kB); snapshots, which are JSON themselves, never hold them.
 */
function quoted(text: string): string {
  if (!needsEscape.test(text)) return `"${text}"`;
  if (!beneathSpace.test(text) && text.isWellFormed()) return JSON.stringify(text);
  return `"${text.replaceAll("\\", "\\\\").replaceAll('"', '\\"')}"`;
}
