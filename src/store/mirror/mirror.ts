/**
 * The Redis mirror: keeps a session with Redis going, and everything else going without one.
 *
 *   off         no URL: nothing happens
 *   connecting  started, and the first attempt has neither succeeded nor failed
 *   filling     connected; Redis is being made equal to the actors
 *   up          Redis follows every commit, a few milliseconds behind
 *   down        no session; tried again with growing pauses, and filled from the actors when it succeeds
 *
 * Nothing of it can reach a commit (I8): listeners only put what they are told into a bounded backlog, and while there is
 * no session they drop it, because the next session begins with everything.
 */
import type { JobFeed } from "../../actors/job/feed.ts";
import type { Jobs } from "../../actors/job/kind.ts";
import type { Nodes } from "../../actors/node/kind.ts";
import type { RollCall } from "../../actors/node/roll-call.ts";
import type { Clock, Log, Millis, Random } from "../../actors/runtime/index.ts";
import { messageOf } from "../errors.ts";
import type { RedisAddress } from "./address.ts";
import { GenerationLost, MirrorConnection } from "./connection.ts";
import { type MirrorKeys, mirrorKeys } from "./keys.ts";
import { type Filled, Session } from "./session.ts";

export type MirrorState = "off" | "connecting" | "filling" | "up" | "down";

export interface MirrorHealth {
  readonly state: MirrorState;
  /** Of the newest round trip; null without a session. */
  readonly latencyMs: number | null;
  /** How old the oldest commit is that Redis does not have yet; null without a session. */
  readonly lag: Millis | null;
  readonly lastFilledAt: Millis | null;
  /** Why it is down, or was last; null when it is up. */
  readonly error: string | null;
}

export interface Mirror {
  readonly state: MirrorState;
  /** How many things wait to be written. */
  readonly waiting: number;
  health(): MirrorHealth;
  /** Whether Redis answers now. Never rejects. */
  ping(): Promise<boolean>;
  start(): void;
  /** Writes what is left, for a second at most, and ends. Never rejects. */
  stop(): Promise<void>;
}

export interface MirrorOptions {
  readonly address: RedisAddress;
  readonly keyPrefix: string;
  readonly epoch: bigint;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly jobs: Pick<Jobs, "live" | "peek" | "size" | "onCommit">;
  readonly nodes: Pick<Nodes, "live" | "peek" | "size" | "onCommit">;
  readonly feed: Pick<JobFeed, "latest" | "watchAll">;
  readonly rollCall: Pick<RollCall, "heardAt">;
}

const FIRST_RETRY: Millis = 250;
/** A Redis that is back is noticed within this time. */
const SLOWEST_RETRY: Millis = 10_000;
/** A session that held this long was a good one: the next failure is a new one, and its first retry comes soon. */
const GOOD_SESSION: Millis = 5000;

export class RedisMirror implements Mirror {
  #state: MirrorState = "connecting";
  #error: string | null = null;
  #lastFilledAt: Millis | null = null;
  #filledAt: Millis | null = null;
  #session: Session | null = null;
  #connection: MirrorConnection | null = null;
  #failures = 0;
  /** The last state that was logged, so that a Redis that stays away is one line. */
  #told: "up" | "down" | null = null;
  readonly #stop = new AbortController();
  #endPause: (() => void) | null = null;
  #running: Promise<void> = Promise.resolve();
  #unsubscribe: readonly (() => void)[] = [];
  readonly #keys: MirrorKeys;

  constructor(private readonly options: MirrorOptions) {
    this.#keys = mirrorKeys(options.keyPrefix);
  }

  get state(): MirrorState {
    return this.#state;
  }

  get waiting(): number {
    return this.#session?.waiting ?? 0;
  }

  health(): MirrorHealth {
    return {
      state: this.#state,
      latencyMs: this.#connection?.latency ?? null,
      lag: this.#session?.lag ?? null,
      lastFilledAt: this.#lastFilledAt,
      error: this.#error,
    };
  }

  async ping(): Promise<boolean> {
    try {
      return this.#connection !== null && (await this.#connection.ask([["ping"]])).length === 1;
    } catch {
      return false;
    }
  }

  start(): void {
    const { jobs, nodes, feed } = this.options;
    this.#unsubscribe = [
      jobs.onCommit((change) => this.#session?.noteJob(change)),
      nodes.onCommit((change) => this.#session?.noteNode(change)),
      feed.watchAll((item) => this.#session?.noteTelemetry(item)),
    ];
    this.#running = this.#run();
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    this.#endPause?.();
    this.#session?.stop();
    await this.#running;
    for (const unsubscribe of this.#unsubscribe) unsubscribe();
    this.#state = "down";
  }

  async #run(): Promise<void> {
    while (!this.#stop.signal.aborted) {
      try {
        await this.#hold();
      } catch (error) {
        if (!this.#stop.signal.aborted) await this.#failed(error);
      }
    }
  }

  /** One session, from connecting to its end. */
  async #hold(): Promise<void> {
    const { address, clock, random, epoch } = this.options;
    this.#filledAt = null;
    const ref: { session: Session | null } = { session: null };
    const connection = await MirrorConnection.open(
      address,
      this.#keys.generation,
      clock,
      () => ref.session?.wake(),
      this.#stop.signal,
    );
    const session = new Session({
      sources: this.options,
      clock,
      keys: this.#keys,
      connection,
      generation: `${epoch}:${random.uuid()}`,
      onFilling: () => {
        this.#state = "filling";
      },
      onFilled: (filled) => this.#filled(filled),
    });
    ref.session = session;
    this.#connection = connection;
    this.#session = session;
    if (this.#stop.signal.aborted) session.stop();
    try {
      await session.run();
    } finally {
      this.#connection = null;
      this.#session = null;
    }
  }

  #filled({ jobs, nodes, removed }: Filled): void {
    const { log, address, clock } = this.options;
    this.#state = "up";
    this.#error = null;
    this.#filledAt = clock.now();
    this.#lastFilledAt = this.#filledAt;
    if (this.#told === "up") return;
    this.#told = "up";
    log.info("the Redis mirror is up", { redis: address.shown, jobs, nodes, removed });
  }

  async #failed(error: unknown): Promise<void> {
    const { log, address, clock } = this.options;
    const why = messageOf(error);
    const held = this.#filledAt === null ? 0 : clock.now() - this.#filledAt;
    if (held >= GOOD_SESSION) this.#failures = 0;
    this.#error = why;
    if (error instanceof GenerationLost && this.#filledAt !== null && this.#failures === 0) {
      // Somebody emptied a healthy Redis: fill it at once. If it happens again soon, the pauses below apply.
      this.#failures += 1;
      this.#state = "filling";
      log.info("the Redis mirror is filled anew", { redis: address.shown, why });
      return;
    }
    this.#state = "down";
    if (this.#told !== "down") {
      this.#told = "down";
      log.warn("the Redis mirror is down; everything works without it, and it is filled anew when Redis is back", {
        redis: address.shown,
        why,
      });
    }
    await this.#pause();
  }

  /** Grows with every failure; the jitter keeps many servers from knocking at the same instant. */
  #pause(): Promise<void> {
    const { clock, random } = this.options;
    const full = Math.min(SLOWEST_RETRY, FIRST_RETRY * 2 ** this.#failures);
    this.#failures += 1;
    return new Promise((resolve) => {
      const cancel = clock.after(full / 2 + (full / 2) * random.next(), resolve);
      this.#endPause = () => {
        cancel();
        resolve();
      };
    });
  }
}
