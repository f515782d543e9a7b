/**
 * One connection to Redis that may write only while it is the newest.
 *
 * The danger: a Redis that hangs keeps what an abandoned connection sent, and carries it out when it wakes, in any order
 * with what the next connection sends; old states would overwrite newer ones. So every filling claims the key
 * `mirror:generation` with a name of its own, and every write is a transaction that Redis drops when that key was touched
 * since this connection last read it as its own:
 *
 *   claim   SET generation mine · WATCH generation · GET generation
 *   write   MULTI · ... · EXEC · WATCH generation · GET generation
 *
 * Nothing is sent before the answer to the step before it, so at most one transaction of an abandoned connection can still
 * arrive; and once a newer one has claimed, it changes nothing. A claim that arrives late makes the newer connection's next
 * write fail, which then fills again. The same check notices FLUSHALL, a replaced server, and a second server
 * that uses the same prefix, at the price of one round trip for everything.
 *
 * ioredis neither reconnects nor resends here: a connection that failed in any way is closed for good.
 */
import { Redis } from "ioredis";
import type { Clock, Millis } from "../../actors/runtime/index.ts";
import { messageOf } from "../errors.ts";
import type { RedisAddress } from "./address.ts";
import type { Command } from "./commands.ts";

/** A slow network answers in a tenth of this; a reader of health should know of a hanging one within a few seconds. */
const ANSWER_WITHIN: Millis = 3000;
/** Probes by the kernel, for a path that dies while nothing is sent. */
const KEEP_ALIVE: Millis = 10_000;

/** The generation is no longer ours: Redis was emptied or replaced, or somebody else fills it. */
export class GenerationLost extends Error {
  override readonly name = "GenerationLost";
}

export class MirrorConnection {
  readonly #redis: Redis;
  #failure: string | null = null;
  #marker = "";
  #latency: Millis | null = null;
  readonly #check: readonly [Command, Command];

  private constructor(
    private readonly address: RedisAddress,
    private readonly generationKey: string,
    private readonly clock: Clock,
    onClosed: () => void,
  ) {
    this.#check = [
      ["watch", generationKey],
      ["get", generationKey],
    ];
    this.#redis = new Redis({
      host: address.host,
      port: address.port,
      db: address.database,
      ...(address.username === null ? {} : { username: address.username }),
      ...(address.password === null ? {} : { password: address.password }),
      ...(address.tls ? { tls: {} } : {}),
      connectionName: "cyxwiz-mirror",
      // The oldest protocol: everything that calls itself Redis speaks it, and the mirror needs nothing newer.
      protocol: 2,
      lazyConnect: true,
      connectTimeout: ANSWER_WITHIN,
      keepAlive: KEEP_ALIVE,
      enableReadyCheck: false,
      enableOfflineQueue: false,
      disableClientInfo: true,
      autoResendUnfulfilledCommands: false,
      maxRetriesPerRequest: 0,
      retryStrategy: () => null,
    });
    this.#redis.on("error", (error: Error) => {
      // The last one explains: a wrong password is told after the commands that were refused for want of one.
      this.#failure = error.message || ("code" in error ? String(error.code) : error.name);
    });
    this.#redis.on("end", onClosed);
  }

  /**
   * @param onClosed called once the connection is gone, by whatever cause
   * @param signal gives up connecting
   */
  static async open(
    address: RedisAddress,
    generationKey: string,
    clock: Clock,
    onClosed: () => void,
    signal: AbortSignal,
  ): Promise<MirrorConnection> {
    const connection = new MirrorConnection(address, generationKey, clock, onClosed);
    const giveUp = (): void => connection.close();
    signal.addEventListener("abort", giveUp);
    try {
      await connection.#within(connection.#redis.connect());
      // A database number that does not exist is told this way only, and the connection goes on with database 0.
      if (connection.#failure !== null) throw new Error(connection.#failure);
      return connection;
    } catch (error) {
      connection.close();
      throw new Error(connection.#failure ?? messageOf(error));
    } finally {
      signal.removeEventListener("abort", giveUp);
    }
  }

  /** How long the newest round trip took. */
  get latency(): Millis | null {
    return this.#latency;
  }

  /** Makes this connection the one that may write. */
  async claim(marker: string): Promise<void> {
    this.#marker = marker;
    await this.ask([["set", this.generationKey, marker], ...this.#check]).then((replies) => this.#verify(replies));
  }

  /**
   * Carries out all commands, or none when the generation is lost.
   * @param marker the generation's new name, which takes effect with the commands
   * @throws GenerationLost, or an Error for whatever else went wrong; then this connection is of no more use
   */
  async write(commands: readonly Command[], marker = this.#marker): Promise<void> {
    const marking: Command[] = marker === this.#marker ? [] : [["set", this.generationKey, marker]];
    this.#marker = marker;
    const body = [...commands, ...marking];
    if (body.length === 0) {
      this.#verify(await this.ask(this.#check));
      return;
    }
    const replies = await this.ask([["multi"], ...body, ["exec"], ...this.#check]);
    const results = replies.at(-1 - this.#check.length);
    if (!Array.isArray(results)) throw new GenerationLost("its generation was changed during a write");
    // Inside a transaction Redis goes on after an error: it is found in the results.
    const failed: unknown = results.find((result) => result instanceof Error);
    if (failed !== undefined) throw new Error(messageOf(failed));
    this.#verify(replies);
  }

  /** Sends commands in one go, outside a transaction, and resolves to their replies; rejects when one of them failed. */
  async ask(commands: readonly Command[]): Promise<readonly unknown[]> {
    const asked = performance.now();
    const pipeline = this.#redis.pipeline(commands.map((command) => [...command]));
    const replies = (await this.#within(pipeline.exec())) ?? [];
    this.#latency = performance.now() - asked;
    const failed = replies.find(([error]) => error !== null)?.[0];
    // The first error explains; those after it (EXECABORT, a closed connection) only follow from it.
    if (failed) throw new Error(this.#failure ?? failed.message);
    return replies.map(([, reply]) => reply);
  }

  /** Ends it at once; whatever is under way is rejected. Never throws. */
  close(): void {
    // Ending politely would wait for an answer that a hanging Redis never gives. Before the first attempt there is no stream.
    const stream: { destroy(): void } | undefined = this.#redis.stream;
    this.#redis.disconnect();
    stream?.destroy();
  }

  #verify(replies: readonly unknown[]): void {
    const found = replies.at(-1);
    if (found === this.#marker) return;
    throw new GenerationLost(
      found === null ? "its keys are gone (FLUSHALL, eviction, or another Redis)" : "another server fills it",
    );
  }

  #within<T>(promise: Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      const cancel = this.clock.after(ANSWER_WITHIN, () =>
        reject(new Error(`${this.address.shown} did not answer within ${ANSWER_WITHIN / 1000} s`)),
      );
      promise.then(resolve, reject).finally(cancel);
    });
  }
}
