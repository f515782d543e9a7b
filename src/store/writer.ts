import { setTimeout as sleep } from "node:timers/promises";
import type pg from "pg";
import type { Log } from "../actors/runtime/index.ts";
import { type ConnectionOptions, clientConfig, connect, defaultStatementTimeout, unreachable } from "./connection.ts";
import { messageOf, StoreError } from "./errors.ts";

/**
 * The one pipelined connection the journal writes and reads through.
 *
 * - **Order.** What is sent first is done first, so a read sent after a commit sees it.
 * - **Read-only by default.** The session refuses writes outside `begin read write`. A batch goes out in one piece, before
 *   the answer to its BEGIN is known; should that BEGIN fail, the statements behind it cannot take effect one by one.
 * - **A lost connection leaves nothing behind.** Its server process may still be committing while we already look at the
 *   rows. The next connection therefore ends that process and waits until it is gone: what is read afterwards is final.
 *   (It follows that no transaction-mode pooler may stand between: process ids would mean nothing.)
 * - **Reconnects by itself**, on the next use, with backoff.
 */
export class Writer {
  readonly #options: ConnectionOptions;
  readonly #patience: number;
  readonly #log: Log | undefined;
  #live: Connection | undefined;
  #opening: Promise<Connection> | undefined;
  #lost: Backend | undefined;
  #closed = false;

  constructor(options: ConnectionOptions & { readonly patience?: number }, log?: Log) {
    this.#options = options;
    this.#patience = options.patience ?? defaultPatience;
    this.#log = log;
  }

  /** The live connection. @throws after `patience` without one; nothing has been sent then. */
  async client(): Promise<pg.Client> {
    if (this.#closed) throw new Error("the store is closed");
    if (this.#live !== undefined) return this.#live.client;
    this.#opening ??= this.#open().finally(() => {
      this.#opening = undefined;
    });
    return (await this.#opening).client;
  }

  /**
   * Gives up `client`, because it was lost, its outcome is unknown, or its prepared statements are void. Takes effect at once:
   * the next `client()` is another connection, and this one's server process is ended before that is used.
   */
  abandon(client: pg.Client): void {
    if (this.#live?.client !== client) return;
    this.#lost = this.#live.backend;
    this.#live = undefined;
    client.end().catch(() => {});
    if (!this.#closed) this.#log?.warn("the journal's database connection was given up");
  }

  async close(): Promise<void> {
    this.#closed = true;
    const client = this.#live?.client ?? (await this.#opening?.catch(() => undefined))?.client;
    await client?.end().catch(() => {});
  }

  async #open(): Promise<Connection> {
    const giveUpAt = performance.now() + this.#patience;
    for (let delay = firstDelay; ; delay = Math.min(delay * 2, longestDelay)) {
      try {
        return await this.#tryOpen();
      } catch (error) {
        if (error instanceof StoreError || this.#closed || performance.now() + delay > giveUpAt) {
          throw error instanceof StoreError ? error : unreachable(this.#options.url, error);
        }
        this.#log?.warn("the database cannot be reached, trying again", { error: messageOf(error), delay });
        await sleep(delay);
      }
    }
  }

  async #tryOpen(): Promise<Connection> {
    const statementTimeout = this.#options.statementTimeout ?? defaultStatementTimeout;
    const client = await connect({
      ...clientConfig(this.#options, "journal"),
      pipeline: true,
      // Past the server's own limit only a dead peer is silent. In pipeline mode this destroys the connection.
      query_timeout: statementTimeout + 5_000,
    });
    // Listened for from the start: what breaks between the last answer and the next line must not become the live connection,
    // of whose end no second event would tell.
    let broken = false;
    const onBroken = () => {
      broken = true;
      this.abandon(client);
    };
    client.on("error", onBroken);
    client.on("end", onBroken);
    try {
      await client.query(sessionSettings);
      if (this.#lost !== undefined) await endBackend(client, this.#lost);
      this.#lost = undefined;
      const backend = await identify(client);
      if (broken) throw new Error("the connection was lost while it was opened");
      const connection = { client, backend };
      this.#live = connection;
      return connection;
    } catch (error) {
      client.end().catch(() => {});
      throw error;
    }
  }
}

/** Long enough for a server to be restarted under us; short enough that callers hear of it before their own deadline. */
const defaultPatience = 8_000;
const firstDelay = 20;
const longestDelay = 1_000;

// Every statement here finds its rows by key, a few hundred at a time. Left alone, the planner prefers to scan a table that
// was still small when the statement was first planned, and keeps that plan until the next ANALYZE, a minute and a hundred
// thousand rows later. Forbidding scans and hash joins leaves the index, which is right at every size.
const sessionSettings = `
  set default_transaction_read_only = on;
  set enable_seqscan = off; set enable_hashjoin = off; set enable_mergejoin = off; set jit = off;
  set idle_in_transaction_session_timeout = '60s'`;

interface Connection {
  readonly client: pg.Client;
  readonly backend: Backend;
}

/** A server process, told apart from a later one with the same number. */
interface Backend {
  readonly pid: number;
  readonly started: string;
}

async function identify(client: pg.Client): Promise<Backend> {
  const { rows } = await client.query<Backend>(
    "select pid, extract(epoch from backend_start)::text as started from pg_stat_activity where pid = pg_backend_pid()",
  );
  const backend = rows[0];
  if (backend === undefined) throw new Error("pg_stat_activity does not show this connection");
  return backend;
}

async function endBackend(client: pg.Client, backend: Backend): Promise<void> {
  const { rows } = await client.query<{ gone: boolean }>(
    `select pg_terminate_backend(pid, 5000) as gone from pg_stat_activity
     where pid = $1 and extract(epoch from backend_start)::text = $2`,
    [backend.pid, backend.started],
  );
  if (rows[0]?.gone === false)
    throw new Error(`the server process ${backend.pid} of the lost connection has not ended yet`);
}
