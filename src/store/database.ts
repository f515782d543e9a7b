import { Kysely, PostgresDialect } from "kysely";
import type { Log } from "../actors/runtime/index.ts";
import { type ConnectionOptions, clientConfig, defaultStatementTimeout, unreachable } from "./connection.ts";
import { messageOf, StoreError } from "./errors.ts";
import { ReaderPool } from "./reader-pool.ts";
import type { Database } from "./tables.ts";
import { Writer } from "./writer.ts";

export interface DatabaseOptions extends ConnectionOptions {
  /** Most connections for reads at one time. */
  readonly readers?: number;
  /** How many of them stay open while idle. */
  readonly idleReaders?: number;
  /** How long a read waits for a free connection, in milliseconds. Default: as long as for a new one. */
  readonly acquireTimeout?: number;
  /** How long the journal waits for a connection before it fails, in milliseconds. */
  readonly patience?: number;
  readonly log?: Log;
}

/** Enough for the API on a small machine; the embedded server allows 40 connections in all. */
const defaultReaders = 8;
const idleTimeout = 30_000;

/** The open database: a pool for reads, and the journal's own connection, made on first use. */
export interface OpenDatabase {
  readonly reads: Kysely<Database>;
  readonly writer: Writer;
  /** True when the server answers a trivial query; never throws. */
  ping(): Promise<boolean>;
  close(): Promise<void>;
}

/** Opens the pool and checks that the server answers. Run `migrate` first. @throws StoreError */
export async function openDatabase(options: DatabaseOptions): Promise<OpenDatabase> {
  const statementTimeout = options.statementTimeout ?? defaultStatementTimeout;
  const config = {
    ...clientConfig(options, "reads"),
    max: options.readers ?? defaultReaders,
    min: Math.min(options.idleReaders ?? 0, options.readers ?? defaultReaders),
    ...(options.acquireTimeout === undefined ? {} : { connectionTimeoutMillis: options.acquireTimeout }),
    idleTimeoutMillis: idleTimeout,
    // Past the server's own limit only a dead peer is silent.
    query_timeout: statementTimeout + 5_000,
  };
  const pool = new ReaderPool(config, (error) =>
    options.log?.warn("a database connection was lost", { error: messageOf(error) }),
  );
  const reads = new Kysely<Database>({ dialect: new PostgresDialect({ pool }) });
  const writer = new Writer(options, options.log);

  // Kysely ends the pool only if it has used it.
  const end = async () => {
    await reads.destroy();
    await pool.end();
  };
  try {
    await pool.ask();
  } catch (error) {
    await end();
    throw error instanceof StoreError ? error : unreachable(options.url, error);
  }
  return {
    reads,
    writer,
    ping: () =>
      pool.ask().then(
        () => true,
        () => false,
      ),
    async close() {
      await writer.close();
      await end();
    },
  };
}
