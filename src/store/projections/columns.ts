import { JournalRejected } from "../../actors/runtime/index.ts";
import { messageOf } from "../errors.ts";

/** The PostgreSQL types our projected columns have. Enum types go by their own name. */
export type SqlType =
  | "uuid"
  | "text"
  | "smallint"
  | "integer"
  | "bigint"
  | "numeric"
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
    case "numeric":
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

/** What JSON.stringify makes of U+0000 and of half a pair, behind an even number of backslashes: a text of them is another thing. */
const unstorableEscape = /(?<!\\)(?:\\\\)*\\u(?:0000|d[89a-f])/;

/**
 * The JSON text of a value for a column of type `json`, which would keep what `jsonb` refuses (see storable.ts) and fail on
 * it when it is taken apart one day. @throws JournalRejected for the same values as `jsonb`
 */
export function encodePlainJson(value: unknown, column: string): string | null {
  const text = encodeJson(value, column);
  // Only control characters and halves of pairs are ever written as \u; almost no text has one.
  if (text?.includes("\\u") && unstorableEscape.test(text))
    throw new JournalRejected(`column ${column}: it holds a Unicode character that PostgreSQL cannot keep`, false);
  return text;
}

function encodeTime(value: unknown, column: string): string {
  if (typeof value === "string") return value;
  const date = value instanceof Date ? value : new Date(typeof value === "number" ? Math.round(value) : Number.NaN);
  if (Number.isNaN(date.getTime()))
    throw new JournalRejected(`column ${column}: ${String(value)} is not a time`, false);
  return date.toISOString();
}

/**
 * Stands between the texts of a JSON column, as PostgreSQL is told to split it (`jsonItems`). JSON text never holds a control
 * character as it is, so nothing has to be escaped here nor unescaped there. As an array's literal the same texts, every
 * quote of which must be escaped, cost PostgreSQL four times as much to read.
 */
const SEPARATOR = "\u001e";

/** A parameter of one jsonb column for many rows: JSON texts, null for SQL null. Read with `jsonItems`. */
export const joinedJson = (texts: readonly (string | null)[]): string => texts.join(SEPARATOR);

/** The SQL for the texts in such a parameter, as a text[]. JSON text is never empty, so what is empty is SQL null. */
export const jsonItems = (parameter: number): string => `string_to_array($${parameter}, e'\\x1e', '')`;

/**
 * One column of many rows as the parameter it is sent in: `jsonItems` reads one of type jsonb, a cast to `type[]` any other.
 * @throws JournalRejected when a value cannot be of that type.
 */
export function encodeColumn(type: SqlType, values: readonly unknown[], column: string): string {
  const texts = values.map((value) => encode(type, value, column));
  if (type === "jsonb") return joinedJson(texts);
  return plainTypes.has(type) ? plainLiteral(texts) : arrayLiteral(texts);
}

/** Types whose every text (see `encode`) is letters, digits, signs and points. */
const plainTypes: ReadonlySet<SqlType> = new Set([
  "smallint",
  "integer",
  "bigint",
  "numeric",
  "double precision",
  "boolean",
]);

/** A PostgreSQL array literal of numbers or truth values. */
export const plainLiteral = (items: readonly (string | number | boolean | null)[]): string =>
  `{${items.map((item) => item ?? "NULL").join()}}`;

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
 * exactly what must be escaped here, and is made five times faster than by replacing (4 instead of 24 µs for a text of
 * 2.6 kB).
 */
function quoted(text: string): string {
  if (!needsEscape.test(text)) return `"${text}"`;
  if (!beneathSpace.test(text) && text.isWellFormed()) return JSON.stringify(text);
  return `"${text.replaceAll("\\", "\\\\").replaceAll('"', '\\"')}"`;
}
