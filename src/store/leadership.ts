import { setTimeout as sleep } from "node:timers/promises";
import type pg from "pg";
import { failpoints, type Log } from "../actors/runtime/index.ts";
import { type ConnectionOptions, clientConfig, connect, unreachable } from "./connection.ts";
import { messageOf, StoreError } from "./errors.ts";

export interface LeadershipOptions extends ConnectionOptions {
  /** Shown to those who wait for us: host name and process id, say. */
  readonly holder: string;
  /** Told, once and then whenever it changes, who leads while we wait. */
  readonly onWaiting?: (leader: string) => void;
  /** Another server leads. Called at most once; nothing this process computes can be stored any more. */
  readonly onDeposed: (reason: string) => void;
  readonly pollInterval?: number;
  readonly signal?: AbortSignal;
  readonly log?: Log;
}

/** Names the lock in pg_locks. A database has one leader, whatever the version of its servers. */
export const leadershipLock = 7_219_002_002n;
/** A standby takes over within about a second of the lock's release. */
const defaultPollInterval = 1_000;
/** How often the leader looks whether it still leads. It only saves useless work: the fence is what protects the data. */
const checkInterval = 3_000;
const queryTimeout = 5_000;
const longestDelay = 1_000;
/** So that the server lets go of a vanished leader's lock within some 15 seconds. Without effect on a unix socket. */
const quickKeepalive =
  "set tcp_keepalives_idle = 5; set tcp_keepalives_interval = 3; set tcp_keepalives_count = 3; set statement_timeout = '4s'";

/**
 * The right to write, held by one server at a time: an advisory lock on a connection of its own, and an epoch.
 *
 *     waiting -> leading <-> reconnecting -> deposed
 *                leading -> released
 *
 * The lock only keeps standbys waiting. What makes a second writer harmless is the epoch, which every commit checks in its
 * own transaction: from the moment another server counts it up, ours are refused, whatever we believe. Hence losing the
 * connection is no reason to stop: while the epoch is ours, nobody else has written, and taking the lock again is enough.
 */
export class Leadership {
  readonly epoch: bigint;
  readonly #options: LeadershipOptions;
  #session: Session;
  #ended = false;
  #wake: () => void = () => {};
  readonly #watching: Promise<void>;

  private constructor(options: LeadershipOptions, session: Session, epoch: bigint) {
    this.#options = options;
    this.#session = session;
    this.epoch = epoch;
    this.#watching = this.#watch();
  }

  /**
   * Waits until the lock is free, then counts the epoch up. Sits out a restart of the database.
   * @throws StoreError when the database cannot be reached at first; the abort reason when `signal` aborts
   */
  static async take(options: LeadershipOptions): Promise<Leadership> {
    let session = await openSession(options).catch((error: unknown) => {
      throw error instanceof StoreError ? error : unreachable(options.url, error);
    });
    for (;;) {
      try {
        await waitForLock(session.client, options);
        if (failpoints.armed) await failpoints.hit("leadership.locked");
        return new Leadership(options, session, await countUp(session.client, options.holder));
      } catch (error) {
        session.client.end().catch(() => {});
        options.signal?.throwIfAborted();
        options.log?.warn("lost the database while waiting to lead, trying again", { error: messageOf(error) });
      }
      session = await reopen(options);
    }
  }

  /** Lets the next server lead at once. Commits already sent are finished first by the one who counts the epoch up. */
  async release(): Promise<void> {
    this.#ended = true;
    this.#wake();
    await this.#watching;
    await this.#session.client.end().catch(() => {});
  }

  /** Never throws: it ends by `release` or by `onDeposed`. */
  async #watch(): Promise<void> {
    while (!this.#ended) {
      await this.#pause(checkInterval, this.#session.lost);
      if (this.#ended) return;
      try {
        const { epoch, holder } = await readLeader(this.#session.client);
        if (epoch !== this.epoch) return this.#deposed(holder);
      } catch (error) {
        this.#options.log?.warn("the leader's database connection was lost", { error: messageOf(error) });
        const other = await this.#retake();
        if (other !== undefined) return this.#deposed(other);
      }
    }
  }

  /** Takes the lock again. Returns the holder of a newer epoch, if there is one; tries for ever otherwise. */
  async #retake(): Promise<string | undefined> {
    // Sessions whose lock the server may still hold for us.
    let stale = [this.#session];
    for (let delay = 50; !this.#ended; delay = Math.min(delay * 2, longestDelay)) {
      this.#session.client.end().catch(() => {});
      try {
        const session = await openSession(this.#options);
        this.#session = session;
        for (const earlier of stale) await endSession(session.client, earlier);
        stale = [session];
        while (!this.#ended) {
          const { epoch, holder } = await readLeader(session.client);
          if (epoch !== this.epoch) return holder;
          // Held by another whose epoch has not grown yet: it is about to, or the lock is about to be free.
          if (await tryLock(session.client)) {
            this.#options.log?.info("leadership confirmed after a lost connection", { epoch: this.epoch.toString() });
            return undefined;
          }
          await this.#pause(100);
        }
      } catch (error) {
        if (!stale.includes(this.#session)) stale = [...stale, this.#session];
        this.#options.log?.warn("the database cannot be reached, trying again", { error: messageOf(error), delay });
        await this.#pause(delay);
      }
    }
    return undefined;
  }

  #deposed(holder: string): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#session.client.end().catch(() => {});
    this.#options.onDeposed(`${holder} has taken over`);
  }

  /** Waits `delay`, or less when released or when `early` settles. */
  #pause(delay: number, early?: Promise<void>): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, delay);
      const stop = () => {
        clearTimeout(timer);
        resolve();
      };
      this.#wake = stop;
      early?.then(stop, stop);
    });
  }
}

interface Session {
  readonly client: pg.Client;
  readonly pid: number;
  readonly started: string;
  /** Resolves when the connection breaks. */
  readonly lost: Promise<void>;
}

async function waitForLock(client: pg.Client, options: LeadershipOptions): Promise<void> {
  const { signal, pollInterval = defaultPollInterval } = options;
  for (let shown: string | undefined; !(await tryLock(client)); ) {
    const { holder } = await readLeader(client);
    if (holder !== shown) options.onWaiting?.(holder);
    shown = holder;
    await sleep(pollInterval, undefined, signal && { signal });
  }
  signal?.throwIfAborted();
}

async function reopen(options: LeadershipOptions): Promise<Session> {
  for (let delay = 50; ; delay = Math.min(delay * 2, longestDelay)) {
    await sleep(delay, undefined, options.signal && { signal: options.signal });
    try {
      return await openSession(options);
    } catch (error) {
      options.log?.warn("the database cannot be reached, trying again", { error: messageOf(error), delay });
    }
  }
}

async function openSession(options: LeadershipOptions): Promise<Session> {
  const client = await connect({ ...clientConfig(options, "leadership"), query_timeout: queryTimeout });
  const lost = new Promise<void>((resolve) => client.once("end", () => resolve()));
  try {
    await client.query(quickKeepalive);
    const { rows } = await client.query<{ pid: number; started: string }>(
      "select pid, extract(epoch from backend_start)::text as started from pg_stat_activity where pid = pg_backend_pid()",
    );
    const self = rows[0];
    if (self === undefined) throw new Error("pg_stat_activity does not show this connection");
    return { client, ...self, lost };
  } catch (error) {
    client.end().catch(() => {});
    throw error;
  }
}

/** The server may not have noticed that our earlier connection is gone, and would keep the lock for it. */
async function endSession(client: pg.Client, { pid, started }: Session): Promise<void> {
  await client.query(
    `select pg_terminate_backend(pid, 3000) from pg_stat_activity
     where pid = $1 and extract(epoch from backend_start)::text = $2`,
    [pid, started],
  );
}

async function tryLock(client: pg.Client): Promise<boolean> {
  const { rows } = await client.query<{ taken: boolean }>("select pg_try_advisory_lock($1) as taken", [leadershipLock]);
  return rows[0]?.taken ?? false;
}

async function readLeader(client: pg.Client): Promise<{ readonly epoch: bigint; readonly holder: string }> {
  const { rows } = await client.query<{ epoch: bigint; holder: string }>(
    "select epoch, holder from leadership where id = 1",
  );
  if (rows[0] === undefined) throw new Error("the table leadership has lost its row");
  return rows[0];
}

async function countUp(client: pg.Client, holder: string): Promise<bigint> {
  const { rows } = await client.query<{ epoch: bigint }>(
    "update leadership set epoch = epoch + 1, holder = $1, taken_at = now() where id = 1 returning epoch",
    [holder],
  );
  if (rows[0] === undefined) throw new Error("the table leadership has lost its row");
  return rows[0].epoch;
}
