import type { PostgresPool } from "kysely";
import pg from "pg";

/** A connection that has answered so recently is handed out as it is: one question a second costs nothing. */
const freshFor = 1_000;
/** A trivial question takes a millisecond; a connection that leaves it open for so long is half-open. */
const checkTimeout = 2_000;

/**
 * The readers' pool, which hands out connections that are alive. One whose other end has gone without a word (a firewall that
 * forgot it, a failover) looks like any other until something is asked of it, and then the reader waits; and one whose answer
 * never came would be handed out again, and again. Hence a question before it is handed out, with a time limit.
 */
export class ReaderPool implements PostgresPool {
  readonly options: object;
  readonly #pool: pg.Pool;
  readonly #answeredAt = new WeakMap<pg.PoolClient, number>();

  constructor(config: pg.PoolConfig, onLost: (error: Error) => void) {
    this.#pool = new pg.Pool(config);
    this.options = this.#pool.options;
    // A connection that breaks, idle or in use, must not crash the process: the pool makes another on the next query.
    this.#pool.on("error", onLost);
    this.#pool.on("connect", (client) => {
      client.on("error", () => {});
      this.#answeredAt.set(client, performance.now());
    });
  }

  /** @throws when no connection can be had */
  async connect(): Promise<pg.PoolClient> {
    for (;;) {
      const client = await this.#pool.connect();
      if (performance.now() - (this.#answeredAt.get(client) ?? 0) < freshFor) return client;
      try {
        const question: pg.QueryConfig & { readonly query_timeout: number } = {
          text: "select 1",
          query_timeout: checkTimeout,
        };
        await client.query(question);
        this.#answeredAt.set(client, performance.now());
        return client;
      } catch {
        client.release(true);
      }
    }
  }

  /** One trivial question. @throws when it is not answered */
  async ask(): Promise<void> {
    const client = await this.connect();
    try {
      await client.query("select 1");
    } finally {
      client.release();
    }
  }

  async end(): Promise<void> {
    if (!this.#pool.ending) await this.#pool.end();
  }
}
