/**
 * The backup file: gzip of lines of JSON.
 *
 *     {"format":"cyxwiz-backup", ...}        the header: versions, schema, tables, columns, sequences
 *     {"table":"nodes"}                      then each table in the order of the header
 *     ["2aad…","wallet",null,...]            one array per row, each column as PostgreSQL's own text
 *     {"end":"backup","rows":{...},"sha256":"…"}   how many rows there were, and the checksum of all lines above
 *
 * PostgreSQL's text of a value is what it takes back exactly: no number, time or JSON passes through ours.
 */
import { StoreError } from "../errors.ts";

export const FORMAT = "cyxwiz-backup";
/** Raised when an older build could no longer read what a newer one writes. */
export const FORMAT_VERSION = 1;

/**
 * Every table with data, in the order of their foreign keys. `schema_migrations` is in the header, and `leadership` begins anew: what
 * a backup restores is a state, not the right to write. tests/store/backup.test.ts holds this list against the migrations.
 */
export const dataTables = [
  "nodes",
  "node_devices",
  "reputation_changes",
  "jobs",
  "payments",
  "ledger_entries",
  "node_metrics",
  "actors",
  "transitions",
  "poison_events",
  "texts",
] as const;

export interface TableHeader {
  readonly name: string;
  readonly columns: readonly string[];
  /** The identity column and the last number it gave out, null before the first; absent where it has none. */
  readonly sequence?: { readonly column: string; readonly last: string | null };
}

export interface Header {
  readonly format: typeof FORMAT;
  readonly formatVersion: number;
  readonly createdAt: string;
  /** Of the program that wrote it. */
  readonly server: string;
  readonly postgres: string;
  /** The migrations that had been applied. */
  readonly schema: readonly { readonly version: number; readonly name: string; readonly checksum: string }[];
  /** The leader's epoch at that moment, as decimal text. */
  readonly epoch: string;
  readonly tables: readonly TableHeader[];
}

export interface Trailer {
  readonly end: "backup";
  readonly rows: Readonly<Record<string, number>>;
  readonly sha256: string;
}

export const unreadable = (file: string, what: string, cause?: unknown): StoreError =>
  new StoreError("backup_unreadable", `${file} ${what}`, { cause });

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

function parsed(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}

/** @throws StoreError `backup_unreadable` */
export function readHeader(line: string, file: string): Header {
  const value = parsed(line);
  if (!isRecord(value) || value.format !== FORMAT) throw unreadable(file, "is not a CyxWiz backup.");
  if (typeof value.formatVersion !== "number" || value.formatVersion > FORMAT_VERSION) {
    throw unreadable(
      file,
      `was written in format ${value.formatVersion} and this build reads up to ${FORMAT_VERSION}. Use the build that wrote it (${value.server}), or a newer one.`,
    );
  }
  if (!Array.isArray(value.tables) || !Array.isArray(value.schema) || typeof value.epoch !== "string") {
    throw unreadable(file, "is damaged: its header is not whole. Use another backup.");
  }
  return value as unknown as Header;
}

/** The line that begins a table, or the last one; null for anything else. */
export function readMark(line: string): { readonly table: string } | Trailer | null {
  const value = line.startsWith("{") ? parsed(line) : undefined;
  if (!isRecord(value)) return null;
  if (typeof value.table === "string") return { table: value.table };
  return value.end === "backup" && isRecord(value.rows) ? (value as unknown as Trailer) : null;
}
