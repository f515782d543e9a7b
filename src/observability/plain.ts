/**
 * Turns anything a log line may carry into plain JSON data, with secrets taken out. Never throws: a log line must not be
 * the reason that a request fails.
 */

/** JSON data. */
export type Plain = null | boolean | number | string | readonly Plain[] | { readonly [key: string]: Plain };

/** Bounds on one line, so that a hostile or huge value cannot fill the disk: far above what a person reads. */
const maxDepth = 8;
const maxItems = 100;
const maxText = 8192;

const secretWords =
  /(^|_)(password|passwd|pass|secret|authorization|auth|cookie|token|jwt|api_key|apikey|private_key|secret_key|mnemonic|seed_phrase|keypair|credentials?)$/;

/** True for field names whose values are secret: `authorization`, `p2pSecret`, `session_token`; not `token_mint`. */
export function isSecretName(name: string): boolean {
  const words = name.replace(/([a-z0-9])([A-Z])/g, "$1_$2").replace(/[^A-Za-z0-9]+/g, "_");
  return secretWords.test(words.toLowerCase());
}

/** Passwords in URLs, bearer tokens, and JSON web tokens, wherever they turn up in running text. */
export function hideSecrets(written: string): string {
  let shown = written;
  if (shown.includes("://")) shown = shown.replace(/(:\/\/[^\s:@/]{0,256}):[^\s@/]{1,1024}@/g, "$1:***@");
  if (/bearer/i.test(shown)) shown = shown.replace(/(\bbearer\s+)[\w.~+/=-]+/gi, "$1***");
  if (shown.includes("eyJ")) shown = shown.replace(/\beyJ[\w-]+\.[\w-]+\.[\w-]*/g, "***");
  return shown;
}

const clip = (written: string): string =>
  written.length > maxText ? `${written.slice(0, maxText)}... (${written.length - maxText} more)` : written;

/** Clipped after hiding, so that no secret is cut in half and missed; and before, so that the patterns' cost is bounded. */
const plainText = (written: string): string => clip(hideSecrets(written.slice(0, 4 * maxText)));

export function toPlain(value: unknown): Plain {
  return convert(value, 0, new Set());
}

/** A line's fields. What is no record of fields comes out under one name. */
export function toPlainFields(fields: Readonly<Record<string, unknown>>): Readonly<Record<string, Plain>> {
  const plain = toPlain(fields);
  return isRecord(plain) ? plain : { fields: plain };
}

const isRecord = (plain: Plain): plain is Readonly<Record<string, Plain>> =>
  typeof plain === "object" && plain !== null && !Array.isArray(plain);

/** `above` holds the objects on the way down to `value`: meeting one again is a cycle. */
function convert(value: unknown, depth: number, above: Set<object>): Plain {
  if (value === null || value === undefined) return null;
  if (typeof value === "object") return guarded(value, depth, above);
  if (typeof value === "string") return plainText(value);
  if (typeof value === "number") return Number.isFinite(value) ? value : String(value);
  if (typeof value === "boolean") return value;
  return typeof value === "function" ? "(function)" : String(value); // bigint, symbol
}

function guarded(value: object, depth: number, above: Set<object>): Plain {
  if (above.has(value)) return "(cycle)";
  if (depth >= maxDepth) return "(too deep)";
  above.add(value);
  try {
    return convertObject(value, depth, above);
  } catch {
    return "(unreadable)"; // a getter or a proxy threw
  } finally {
    above.delete(value);
  }
}

function convertObject(value: object, depth: number, above: Set<object>): Plain {
  const inner = (item: unknown): Plain => convert(item, depth + 1, above);
  if (value instanceof Error) return errorFields(value, inner);
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? "Invalid Date" : value.toISOString();
  if (value instanceof URL) return plainText(value.href);
  if (ArrayBuffer.isView(value) || value instanceof ArrayBuffer) return `(${value.byteLength} bytes)`;
  if (value instanceof Map) return entries(mapEntries(value), inner);
  if (value instanceof Set || Array.isArray(value)) {
    const items = [...value].slice(0, maxItems).map(inner);
    const left = (Array.isArray(value) ? value.length : value.size) - items.length;
    return left > 0 ? [...items, `(${left} more)`] : items;
  }
  return entries(Object.entries(value), inner);
}

const mapEntries = (map: Map<unknown, unknown>): [string, unknown][] =>
  [...map].map(([key, item]) => [String(key), item]);

function entries(pairs: readonly [string, unknown][], inner: (item: unknown) => Plain): Plain {
  const shown = pairs
    .filter(([, item]) => item !== undefined)
    .slice(0, maxItems)
    .map(([name, item]): [string, Plain] => [clip(name), isSecretName(name) && item !== null ? "***" : inner(item)]);
  if (pairs.length > maxItems) shown.push(["(more)", pairs.length - maxItems]);
  return Object.fromEntries(shown);
}

/** What an error says about itself, own fields such as `code` included. */
function errorFields(error: Error, inner: (item: unknown) => Plain): Plain {
  const known: [string, unknown][] = [
    ["name", error.name],
    ["message", error.message],
    ["stack", error.stack],
    ["cause", error.cause],
  ];
  const own = Object.entries(error).filter(([name]) => !known.some(([other]) => other === name));
  return entries([...known, ...own], inner);
}
