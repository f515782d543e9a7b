import { createHash } from "node:crypto";
import type pg from "pg";
import { type ConnectionOptions, clientConfig, connect, unreachable } from "../connection.ts";
import { messageOf, StoreError } from "../errors.ts";
import { type Migration, migrations } from "./list.ts";

/** The oldest server we test the SQL against (`pg_terminate_backend` with a timeout, used by the writer, came with 14). */
const oldestServer = 14;
/** Names the lock in pg_locks; any fixed number will do, it only must be the same in every version of this server. */
export const migrationLock = 7_219_002_001n;

interface Applied {
  readonly version: number;
  readonly name: string;
  readonly checksum: string;
}

/**
 * Brings the database to this build's schema and returns the names of the steps it took.
 *
 * Safe against a second server starting at once: all of it happens under an advisory lock that the server frees if we die.
 * Safe against dying in the middle: each step and its row in `schema_migrations` are one transaction.
 * @throws StoreError when the server is too old, the database newer than this build, or an applied step has changed.
 */
export async function migrate(
  options: ConnectionOptions,
  steps: readonly Migration[] = migrations,
): Promise<readonly string[]> {
  // A step may rewrite a large table and a second server waits for the first: no statement timeout here.
  const client = await connect({ ...clientConfig(options, "migrations"), statement_timeout: 0 }).catch(
    (error: unknown) => {
      throw error instanceof StoreError ? error : unreachable(options.url, error);
    },
  );
  try {
    await checkServer(client);
    await client.query("select pg_advisory_lock($1)", [migrationLock]);
    return await applyMissing(client, steps);
  } finally {
    await client.end().catch(() => {});
  }
}

/** @throws StoreError when the server is older than the oldest we know */
export async function checkServer(client: pg.Client): Promise<void> {
  const { rows } = await client.query<{ number: number; text: string }>(
    "select current_setting('server_version_num')::int as number, current_setting('server_version') as text",
  );
  if (rows[0] !== undefined) refuseOldServer(rows[0].number, rows[0].text);
}

/** @param number `server_version_num`, such as 150013. @throws StoreError when the server is older than the oldest we know. */
export function refuseOldServer(number: number, text: string): void {
  if (Math.floor(number / 10_000) >= oldestServer) return;
  throw new StoreError(
    "server_too_old",
    `PostgreSQL ${text} is too old: version ${oldestServer} or newer is needed. ` +
      "Upgrade it, or remove database.url to use the embedded one.",
  );
}

async function applyMissing(client: pg.Client, steps: readonly Migration[]): Promise<readonly string[]> {
  await createHistory(client);
  const { rows } = await client.query<Applied>(
    "select version, name, checksum from schema_migrations order by version",
  );
  const missing = plan(rows, steps);
  for (const step of missing) await apply(client, step);
  return missing.map((step) => `${String(step.version).padStart(4, "0")}_${step.name}`);
}

export async function createHistory(client: pg.Client): Promise<void> {
  await client.query(`create table if not exists schema_migrations (
    version integer primary key, name text not null, checksum text not null, applied_at timestamptz not null default now())`);
}

/** Decides which steps are missing. Pure. @throws StoreError when the history is not a beginning of `steps`. */
export function plan(applied: readonly Applied[], steps: readonly Migration[]): readonly Migration[] {
  const newest = applied.at(-1);
  const known = steps.at(-1)?.version ?? 0;
  if (newest !== undefined && newest.version > known) {
    throw new StoreError(
      "database_newer",
      `The database was migrated by a newer server (step ${newest.version}, "${newest.name}"; this build knows up to ${known}). ` +
        "Start the newer server, or restore a backup made before the upgrade.",
    );
  }
  for (const [index, row] of applied.entries()) {
    const step = steps[index];
    if (step === undefined || step.version !== row.version || checksum(step) !== row.checksum) {
      throw new StoreError(
        "migration_changed",
        `Migration ${row.version} ("${row.name}") was applied with other contents than this build has. ` +
          "Applied migrations must never be edited: undo the edit and add a new migration instead.",
      );
    }
  }
  return steps.slice(applied.length);
}

async function apply(client: pg.Client, step: Migration): Promise<void> {
  try {
    await client.query("begin");
    await applyWithin(client, step);
    await client.query("commit");
  } catch (error) {
    await client.query("rollback").catch(() => {});
    throw new StoreError(
      "migration_failed",
      `Migration ${step.version} ("${step.name}") failed and was rolled back: ${messageOf(error)}`,
      { cause: error },
    );
  }
}

/** Takes one step inside the caller's transaction. */
export async function applyWithin(client: pg.Client, step: Migration): Promise<void> {
  await client.query(step.sql);
  await client.query("insert into schema_migrations (version, name, checksum) values ($1, $2, $3)", [
    step.version,
    step.name,
    checksum(step),
  ]);
}

/** Line ends do not count: a checkout on Windows may have changed them. */
export function checksum(step: Migration): string {
  return createHash("sha256").update(step.sql.replaceAll("\r\n", "\n")).digest("hex");
}
