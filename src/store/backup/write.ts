/**
 * Writes a backup of the database as it is at one moment, while servers may go on writing to it.
 *
 * All reads happen in one REPEATABLE READ transaction, so every row is of the same moment: no job without its transitions, and
 * none half-way between two states. The file appears under its name only when it is whole and on disk.
 */
import { createHash, type Hash } from "node:crypto";
import { chmodSync, closeSync, fsyncSync, linkSync, openSync, rmSync, writeSync } from "node:fs";
import { dirname } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { createGzip } from "node:zlib";
import type pg from "pg";
import { clientConfig, connect, unreachable } from "../connection.ts";
import { messageOf, StoreError } from "../errors.ts";
import { dataTables, FORMAT, FORMAT_VERSION, type Header, type TableHeader } from "./format.ts";

export interface WriteOptions {
  readonly url: string;
  readonly file: string;
  /** Of this program, for the header. */
  readonly version: string;
}

export interface Written {
  readonly createdAt: string;
  readonly bytes: number;
  readonly rows: Readonly<Record<string, number>>;
  readonly sha256: string;
}

/** Enough rows to keep the network busy, few enough that none of the large ones (a job's snapshot) fill the memory. */
const PAGE = 500;
/** Each may be 4 MB. */
const PAGE_OF_TEXTS = 4;

/** @throws StoreError */
export async function writeBackup({ url, file, version }: WriteOptions): Promise<Written> {
  // A large table takes its time: no limit to a statement here.
  const client = await connect({ ...clientConfig({ url }, "backup"), statement_timeout: 0 }).catch((error: unknown) => {
    throw error instanceof StoreError ? error : unreachable(url, error);
  });
  try {
    await client.query("begin isolation level repeatable read read only");
    // The texts must mean the same wherever they are read.
    await client.query("set local timezone = 'UTC'; set local datestyle = 'ISO'; set local extra_float_digits = 1");
    const header = await describe(client, version);
    const rows: Record<string, number> = {};
    const hash = createHash("sha256");
    const bytes = await publish(file, lines(client, header, rows, hash));
    await client.query("commit");
    return { createdAt: header.createdAt, bytes, rows, sha256: hash.copy().digest("hex") };
  } finally {
    await client.end().catch(() => {});
  }
}

async function describe(client: pg.Client, version: string): Promise<Header> {
  const { rows: found } = await client.query<{ there: boolean }>(
    "select to_regclass('schema_migrations') is not null and to_regclass('leadership') is not null as there",
  );
  if (!found[0]?.there) {
    throw new StoreError(
      "no_database",
      "There is no CyxWiz database there: no server has ever started on it. Nothing was written.",
    );
  }
  const schema = await client.query<Header["schema"][number]>(
    "select version, name, checksum from schema_migrations order by version",
  );
  const { rows } = await client.query<{ epoch: string; now: Date; postgres: string }>(
    "select epoch::text, now() as now, current_setting('server_version') as postgres from leadership where id = 1",
  );
  const [here] = rows;
  if (!here) throw new StoreError("no_database", "The table leadership has lost its row: this database is damaged.");
  const tables: TableHeader[] = [];
  for (const name of dataTables) {
    const table = await describeTable(client, name);
    if (table) tables.push(table);
  }
  return {
    format: FORMAT,
    formatVersion: FORMAT_VERSION,
    createdAt: here.now.toISOString(),
    server: version,
    postgres: here.postgres,
    schema: schema.rows,
    epoch: here.epoch,
    tables,
  };
}

/** Null where an older schema does not have it yet. Columns that the database computes are left to it. */
async function describeTable(client: pg.Client, name: string): Promise<TableHeader | null> {
  const { rows } = await client.query<{ column: string; sequence: string | null }>(
    `select attname as column, case when attidentity <> '' then pg_get_serial_sequence($1, attname) end as sequence
     from pg_attribute
     where attrelid = to_regclass($1) and attnum > 0 and not attisdropped and attgenerated = '' order by attnum`,
    [name],
  );
  if (rows.length === 0) return null;
  const columns = rows.map(({ column }) => column);
  const identity = rows.find(({ sequence }) => sequence !== null);
  if (!identity?.sequence) return { name, columns };
  // Sequences know no snapshot. Read after it was taken, this one is at least as far as every row that is in it.
  const { rows: last } = await client.query<{ last: string | null }>(
    `select case when is_called then last_value::text end as last from ${identity.sequence}`,
  );
  return { name, columns, sequence: { column: identity.column, last: last[0]?.last ?? null } };
}

async function* lines(
  client: pg.Client,
  header: Header,
  rows: Record<string, number>,
  hash: Hash,
): AsyncGenerator<string> {
  const counted = (text: string): string => {
    hash.update(text);
    return text;
  };
  yield counted(`${JSON.stringify(header)}\n`);
  for (const { name, columns } of header.tables) {
    yield counted(`${JSON.stringify({ table: name })}\n`);
    rows[name] = 0;
    const texts = columns.map((column) => `${quoted(column)}::text`).join(", ");
    await client.query(
      `declare page no scroll cursor for select array_to_json(array[${texts}])::text as line from ${quoted(name)}`,
    );
    for (;;) {
      const page = await client.query<{ line: string }>(`fetch ${name === "texts" ? PAGE_OF_TEXTS : PAGE} from page`);
      if (page.rows.length === 0) break;
      rows[name] += page.rows.length;
      yield counted(page.rows.map(({ line }) => `${line}\n`).join(""));
    }
    await client.query("close page");
  }
  yield `${JSON.stringify({ end: "backup", rows, sha256: hash.copy().digest("hex") })}\n`;
}

/**
 * Writes beside the place and links the whole file there, which fails where there is one already. Whatever goes wrong, nothing
 * is left. Readable by its owner alone: it holds everything the database does.
 */
async function publish(file: string, source: AsyncIterable<string>): Promise<number> {
  const beside = `${file}.${process.pid}.partial`;
  let descriptor: number | null = null;
  let bytes = 0;
  try {
    descriptor = openSync(beside, "wx", 0o600);
    const target = descriptor;
    chmodSync(beside, 0o600);
    const gzip = createGzip();
    const store = async (): Promise<void> => {
      for await (const chunk of gzip) bytes += writeAll(target, chunk as Buffer);
    };
    await Promise.all([pipeline(Readable.from(source), gzip), store()]);
    fsyncSync(descriptor);
    linkSync(beside, file);
  } catch (error) {
    if (descriptor !== null && isCode(error, "EEXIST")) {
      throw new StoreError(
        "backup_exists",
        `${file} is there already, and a backup overwrites nothing. Choose another name, or move it away first.`,
      );
    }
    if (isCode(error, "ENOENT")) {
      throw new StoreError("no_database", `${dirname(file)} is no directory. Make it first.`, { cause: error });
    }
    throw error instanceof StoreError
      ? error
      : new StoreError("unreachable", `The backup failed and nothing was written: ${messageOf(error)}`, {
          cause: error,
        });
  } finally {
    if (descriptor !== null) {
      closeSync(descriptor);
      rmSync(beside, { force: true });
    }
  }
  syncDirectory(dirname(file));
  return bytes;
}

function writeAll(descriptor: number, chunk: Buffer): number {
  for (let written = 0; written < chunk.length; ) written += writeSync(descriptor, chunk, written);
  return chunk.length;
}

/** The name must be on disk too: a power cut could otherwise take the backup that was just reported. */
function syncDirectory(directory: string): void {
  const descriptor = openSync(directory, "r");
  fsyncSync(descriptor);
  closeSync(descriptor);
}

const isCode = (error: unknown, code: string): boolean =>
  error instanceof Error && "code" in error && error.code === code;

export const quoted = (name: string): string => `"${name.replaceAll('"', '""')}"`;
