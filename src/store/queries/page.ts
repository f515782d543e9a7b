/**
 * Keyset pages. A page ends with a token that names its last row by the list's sort key, so the next page begins right
 * after that row however many rows have been added or removed meanwhile, and costs the same wherever it lies.
 */
import { createHash } from "node:crypto";
import { type RawBuilder, sql } from "kysely";
import { parseUuid } from "../../domain/ids.ts";
import { invalid } from "../../domain/refusal.ts";

/** The lists that are paged. A token of one is refused by another. */
export type Listing = "jobs" | "nodes" | "payments";

/** Where a page ended. */
export interface Position {
  /** The row's creation or registration, in microseconds since 1970: what the database keeps, and finer than a Date. */
  readonly micros: bigint;
  readonly id: string;
}

export interface PageRequest {
  /** 1 or more; the caller has checked it against its own maximum. */
  readonly limit: number;
  /** The `next` of the page before. */
  readonly after?: string;
  /** Rows to skip, for callers that count pages. Costs as much as reading them. */
  readonly offset?: number;
}

export interface Page<Row> {
  readonly rows: readonly Row[];
  /** Token for the page after this one; null when this was the last. */
  readonly next: string | null;
}

const checkOf = (payload: string): string => createHash("sha256").update(payload).digest("base64url").slice(0, 8);

/** The position as opaque text. The check finds accidents and tinkering; it guards no secret, since a position grants nothing. */
export function encodePosition(listing: Listing, { micros, id }: Position): string {
  const payload = `1.${listing}.${micros}.${id}`;
  return Buffer.from(`${payload}.${checkOf(payload)}`).toString("base64url");
}

/** @throws Refusal naming `field` when the token was not made by `encodePosition` for this listing. */
export function decodePosition(listing: Listing, token: string, field: string): Position {
  const text = /^[\w-]{1,300}$/.test(token) ? Buffer.from(token, "base64url").toString("utf8") : "";
  const [version, kind, micros = "", id = "", check] = text.split(".");
  const payload = `1.${listing}.${micros}.${id}`;
  const uuid = parseUuid(id);
  if (
    version !== "1" ||
    kind !== listing ||
    uuid === null ||
    !/^-?\d{1,18}$/.test(micros) ||
    check !== checkOf(payload)
  ) {
    throw invalid(
      field,
      "is not a token from an earlier page of this list; send one unchanged, or leave it out to begin at the start",
    );
  }
  return { micros: BigInt(micros), id: uuid };
}

/** A timestamptz column as whole microseconds. */
export const microsOf = (column: string): RawBuilder<bigint> =>
  sql<bigint>`(extract(epoch from ${sql.ref(column)}) * 1000000)::bigint`;

/** "This row comes after `position`", as the row comparison that the indexes on (time, id) answer. */
export function isAfter(column: string, { micros, id }: Position, direction: "asc" | "desc"): RawBuilder<boolean> {
  const operator = sql.raw(direction === "asc" ? ">" : "<");
  const at = sql`timestamptz 'epoch' + ${micros}::bigint * interval '1 microsecond'`;
  return sql<boolean>`(${sql.ref(column)}, id) ${operator} (${at}, ${id}::uuid)`;
}

/** Makes a page of `limit` rows from one row more than that, which tells whether there is a next page. */
export function toPage<Row extends { readonly id: string; readonly micros: bigint }>(
  listing: Listing,
  rows: readonly Row[],
  limit: number,
): Page<Omit<Row, "micros">> {
  const shown = rows.slice(0, limit);
  const last = shown.at(-1);
  return {
    rows: shown.map(({ micros: _, ...row }) => row),
    next: rows.length > limit && last !== undefined ? encodePosition(listing, last) : null,
  };
}
