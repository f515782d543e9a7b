/**
 * Brings a database to the state a backup holds. One transaction does all of it: the schema of that time, the rows, the steps
 * of the schema since then. Until it commits, nothing of what was there is gone; if anything fails, nothing has happened.
 *
 * Who may write afterwards: the epoch becomes higher than both the backup's and the database's own, so a leader from before,
 * should one still live somewhere, is refused with its next commit (leadership.ts). One that lives now keeps its lock, and the
 * restore does not begin.
 */
import type pg from "pg";
import { type ConnectionOptions, clientConfig, connect, unreachable } from "../connection.ts";
import { messageOf, StoreError } from "../errors.ts";
import { leadershipLock } from "../leadership.ts";
import { type Migration, migrations } from "../migrations/list.ts";
import { applyWithin, checkServer, createHistory, migrationLock, plan } from "../migrations/migrate.ts";
import { dataTables, type Header, type TableHeader, unreadable } from "./format.ts";
import { readBackup, verifyBackup } from "./read.ts";
import { quoted } from "./write.ts";

export interface RestoreOptions extends ConnectionOptions {
  readonly file: string;
  /** Replace what the database holds. Without it a database that holds anything is left alone. */
  readonly force?: boolean;
  /** For tests: the steps this build knows. */
  readonly steps?: readonly Migration[];
}

export interface Restored {
  readonly header: Header;
  readonly rows: Readonly<Record<string, number>>;
  readonly epoch: bigint;
  /** Steps of the schema that the backup did not have yet. */
  readonly migrated: readonly string[];
}

/** What the migrations make besides tables; the tables go by their names. */
const ownTypes = ["node_status", "job_status", "payment_status"] as const;
const ownFunctions = [
  "journal_assert_leader(bigint)",
  "journal_assert_written(bigint, bigint)",
  "journal_assert_in_step(bigint, bigint, text)",
  "whole_snapshot(json, json)",
] as const;
const ownTables = [...dataTables, "leadership", "schema_migrations"] as const;

/** @throws StoreError; the database is then as it was */
export async function restoreBackup({
  file,
  force = false,
  steps = migrations,
  ...to
}: RestoreOptions): Promise<Restored> {
  // Read to its end before anything is touched: a file that turns out to be cut short must not have cost a lock even.
  const { header, trailer } = await verifyBackup(file);
  const missing = missingSteps(header, steps, file);
  const client = await connect({ ...clientConfig(to, "restore"), statement_timeout: 0 }).catch((error: unknown) => {
    throw error instanceof StoreError ? error : unreachable(to.url, error);
  });
  try {
    await checkServer(client);
    await keepServersOut(client);
    await client.query("begin");
    await client.query("set local timezone = 'UTC'; set local datestyle = 'ISO'");
    const epochBefore = await makeRoom(client, force);
    await createHistory(client);
    for (const step of steps.slice(0, header.schema.length)) await applyWithin(client, step);
    await load(client, file, header);
    for (const step of missing) await applyWithin(client, step);
    const epoch = await raiseEpoch(client, epochBefore > BigInt(header.epoch) ? epochBefore : BigInt(header.epoch));
    await client.query("commit");
    // The planner knows nothing of tables that were filled a moment ago.
    await client.query("analyze").catch(() => {});
    return { header, rows: trailer.rows, epoch, migrated: missing.map(({ name }) => name) };
  } catch (error) {
    await client.query("rollback").catch(() => {});
    if (error instanceof StoreError) throw error;
    throw new StoreError("unreachable", `The restore failed, and the database is as it was: ${messageOf(error)}`, {
      cause: error,
    });
  } finally {
    await client.end().catch(() => {});
  }
}

/** @throws StoreError when the backup is of a newer schema than this build knows, or of another one */
function missingSteps(header: Header, steps: readonly Migration[], file: string): readonly Migration[] {
  const newest = header.schema.at(-1);
  if (newest === undefined) throw unreadable(file, "is damaged: it names no schema. Use another backup.");
  if (newest.version > (steps.at(-1)?.version ?? 0)) {
    throw unreadable(
      file,
      `was made by a newer server (${header.server}, schema step ${newest.version}). Restore it with that one, or a newer one.`,
    );
  }
  try {
    return plan(header.schema, steps);
  } catch (error) {
    throw unreadable(file, `was made with another schema than this build has: ${messageOf(error)}`, error);
  }
}

/** A leader holds this lock for as long as it leads, and one that starts meanwhile waits for it. Ours end with the connection. */
async function keepServersOut(client: pg.Client): Promise<void> {
  await client.query("select pg_advisory_lock($1)", [migrationLock]);
  const { rows } = await client.query<{ taken: boolean }>("select pg_try_advisory_lock($1) as taken", [leadershipLock]);
  if (rows[0]?.taken) return;
  throw new StoreError(
    "database_in_use",
    "A server is running on that database. Stop it (and its standbys) first; nothing was changed.",
  );
}

/** Removes our tables, which must be empty or given up. Returns the epoch they were at, 0 where there were none. */
async function makeRoom(client: pg.Client, force: boolean): Promise<bigint> {
  const { rows } = await client.query<{ name: string }>(
    "select name from unnest($1::text[]) as name where to_regclass(quote_ident(name)) is not null",
    [ownTables],
  );
  const present = new Set(rows.map(({ name }) => name));
  if (present.size === 0) return 0n;
  if (!present.has("schema_migrations") || !present.has("leadership")) {
    throw new StoreError(
      "target_not_empty",
      `The database has tables of other programs by our names (${[...present].join(", ")}). Restore into a database of its own.`,
    );
  }
  const held = await heldBy(
    client,
    dataTables.filter((name) => present.has(name)),
  );
  if (held.length > 0 && !force) {
    throw new StoreError(
      "target_not_empty",
      `The database is not empty (${held.join(", ")}), and a restore would replace all of it. Restore into an empty one, or, ` +
        "to DELETE what it holds, back it up and give --force.",
    );
  }
  const { rows: leaders } = await client.query<{ epoch: string }>("select epoch::text from leadership where id = 1");
  // In one statement, so that their references to each other do not matter. What others have built on them makes it fail.
  await client.query(`drop table ${[...present].map(quoted).join(", ")}`);
  await client.query(`drop function if exists ${ownFunctions.join(", ")}`);
  await client.query(`drop type if exists ${ownTypes.join(", ")}`);
  return BigInt(leaders[0]?.epoch ?? 0);
}

/** "3 jobs" for each table that has rows. */
async function heldBy(client: pg.Client, tables: readonly string[]): Promise<readonly string[]> {
  const held: string[] = [];
  for (const name of tables) {
    const { rows } = await client.query<{ many: string }>(`select count(*)::text as many from ${quoted(name)}`);
    if (rows[0] && rows[0].many !== "0") held.push(`${rows[0].many} ${name.replaceAll("_", " ")}`);
  }
  return held;
}

/** A statement of about a megabyte or so many rows at a time. */
const BATCH_ROWS = 1000;
const BATCH_CHARACTERS = 1_000_000;

/** Reads the file again; what `readBackup` throws at its end, should it have changed since, rolls back all of this. */
async function load(client: pg.Client, file: string, header: Header): Promise<void> {
  let insert: string | null = null;
  let batch: string[] = [];
  let size = 0;
  const flush = async (): Promise<void> => {
    if (insert !== null && batch.length > 0) await client.query(insert, [`[${batch.join(",")}]`]);
    batch = [];
    size = 0;
  };
  for await (const entry of readBackup(file)) {
    if (entry.type === "table") {
      await flush();
      const table = header.tables.find(({ name }) => name === entry.name);
      if (!table) throw unreadable(file, `is damaged: its header does not name the table ${entry.name}.`);
      insert = await insertInto(client, table, file);
    } else if (entry.type === "row") {
      batch.push(entry.line);
      size += entry.line.length;
      if (batch.length >= BATCH_ROWS || size >= BATCH_CHARACTERS) await flush();
    }
  }
  await flush();
  for (const { name, sequence } of header.tables) {
    if (sequence === undefined || sequence.last === null) continue;
    await client.query("select setval(pg_get_serial_sequence($1, $2), $3::bigint)", [
      name,
      sequence.column,
      sequence.last,
    ]);
  }
}

/** Takes an array of rows, each an array of texts, and gives every text to its column's own input. */
async function insertInto(client: pg.Client, { name, columns }: TableHeader, file: string): Promise<string> {
  const { rows } = await client.query<{ column: string; type: string }>(
    `select attname as column, format_type(atttypid, atttypmod) as type from pg_attribute
     where attrelid = to_regclass($1) and attnum > 0 and not attisdropped and attgenerated = ''`,
    [name],
  );
  const types = new Map(rows.map(({ column, type }) => [column, type]));
  const values = columns.map((column, index) => {
    const type = types.get(column);
    if (type === undefined)
      throw unreadable(file, `is damaged: ${name} has no column ${column} in the schema it names.`);
    return `(r->>${index})::${type}`;
  });
  return (
    `insert into ${quoted(name)} (${columns.map(quoted).join(", ")}) overriding system value ` +
    `select ${values.join(", ")} from json_array_elements($1::json) as r`
  );
}

async function raiseEpoch(client: pg.Client, above: bigint): Promise<bigint> {
  const epoch = above + 1n;
  await client.query("update leadership set epoch = $1, holder = 'a restore', taken_at = now() where id = 1", [epoch]);
  return epoch;
}
