/**
 * One client's stream of one job.
 *
 *   opening -> following -> ended
 *
 * States are not buffered: the stream is a cursor into the transition log. The feed only says "something was committed";
 * the transitions after the cursor are then read from the table, each once and in order. That is why none is missed or
 * doubled between replay and live, and why a slow client costs no memory: while it does not read, nothing is fetched.
 * Telemetry is what can be lost: the newest few are kept for a client that is behind, and it is told how many it missed.
 */
import type { FeedItem } from "../../../actors/job/feed.ts";
import type { Log, Millis } from "../../../actors/runtime/index.ts";
import type { RestServices } from "../deps.ts";
import type { OpenStream } from "./streams.ts";
import {
  aliveComment,
  droppedEvent,
  endEvent,
  isEnd,
  progressEvent,
  retryHint,
  rowStateEvent,
  stateEvent,
  stoppingComment,
} from "./wire.ts";

/** Transitions read at a time: one chunk to the client, some tens of kilobytes. */
const STATES_PER_READ = 100;
/** Progress events kept for a client that is behind. A node reports once a second or so: a minute's worth. */
const PROGRESS_KEPT = 64;
const HEARTBEAT: Millis = 15_000;
const DATABASE_RETRY: Millis = 1000;

export interface JobEventsOptions {
  readonly jobId: string;
  /** The version the client has seen already; undefined to begin with the present state. */
  readonly after: number | undefined;
  readonly services: RestServices;
  /** Under whose share the stream is counted. */
  readonly caller: string;
  readonly log: Log;
}

/** "changed": the transitions after the cursor are to be read. Text: a progress event, ready to be sent. */
type Pending = "changed" | { readonly progress: string };

export class JobEvents implements OpenStream {
  readonly #pending: Pending[] = [];
  #progressKept = 0;
  #dropped = 0;
  #cursor = 0;
  /** The terminal state, once it has been sent. */
  #over: string | null = null;
  #disposed = false;
  #stopping = false;
  /** The last chunk is on its way. */
  #finished = false;
  #wake: () => void = () => {};
  readonly #unwatch: () => void;

  private constructor(private readonly options: JobEventsOptions) {
    // Before the first read, so that nothing falls between the two.
    this.#unwatch = options.services.core.feed.watch(options.jobId, (item) => this.#take(item));
  }

  /** Null when there is no such job. @throws Refusal when too many streams are open, and what the database throws */
  static async open(options: JobEventsOptions): Promise<ReadableStream<Uint8Array> | null> {
    const events = new JobEvents(options);
    try {
      options.services.streams.add(events, options.caller);
      const first = await events.#begin();
      if (first === null) events.dispose();
      return first === null ? null : events.#body(retryHint + first);
    } catch (error) {
      events.dispose();
      throw error;
    }
  }

  get backlog(): number {
    return this.#pending.length;
  }

  /** The server is stopping: the client is let go, and may resume by its last id. */
  end(): void {
    this.#stopping = true;
    this.#wake();
  }

  /** Lets go of the feed. May be called again. */
  dispose(): void {
    if (this.#disposed) return;
    this.#disposed = true;
    this.#unwatch();
    this.options.services.streams.remove(this);
    this.#wake();
  }

  #take(item: FeedItem): void {
    if (item.type === "change") {
      if (this.#pending.at(-1) !== "changed") this.#pending.push("changed");
    } else {
      this.#pending.push({ progress: progressEvent(item.telemetry) });
      this.#progressKept += 1;
      if (this.#progressKept > PROGRESS_KEPT) this.#dropOldest();
    }
    this.#wake();
  }

  #dropOldest(): void {
    const index = this.#pending.findIndex((one) => one !== "changed");
    this.#pending.splice(index, 1);
    this.#progressKept -= 1;
    this.#dropped += 1;
    // Two notices that have become neighbours are one.
    if (index > 0 && this.#pending[index] === "changed") this.#pending.splice(index, 1);
  }

  /** What the client is sent at once; null when the job is unknown. */
  async #begin(): Promise<string | null> {
    const { jobId, after, services } = this.options;
    const latest = await services.queries.jobs.latestTransition(jobId);
    if (latest === undefined) {
      const row = await services.queries.jobs.find(jobId);
      if (row === undefined) return null;
      this.#cursor = Number(row.version);
      if (isEnd(row.state)) this.#over = row.state;
      return rowStateEvent(row);
    }
    const telemetry = services.core.feed.latest(jobId);
    // Published before the watch began; whatever came since is pending already.
    if (telemetry && this.#progressKept === 0) this.#take({ type: "telemetry", telemetry });
    // A version that this job has not reached is from another life of its id: begin anew.
    if (after !== undefined && after <= latest.version) {
      this.#cursor = after;
      if (after < latest.version) this.#pending.unshift("changed");
      else if (isEnd(latest.to)) this.#over = latest.to;
      return "";
    }
    this.#cursor = latest.version;
    if (isEnd(latest.to)) this.#over = latest.to;
    return stateEvent(jobId, latest);
  }

  #body(first: string): ReadableStream<Uint8Array> {
    const encoder = new TextEncoder();
    let start: string | null = first;
    return new ReadableStream<Uint8Array>(
      {
        pull: async (controller) => {
          const chunk = start ?? (await this.#next());
          start = null;
          if (this.#disposed) return;
          if (chunk !== null) controller.enqueue(encoder.encode(chunk));
          if (chunk === null || this.#stopping || this.#finished) {
            this.dispose();
            controller.close();
          }
        },
        cancel: () => this.dispose(),
      },
      // Asked for only when the client can take it.
      { highWaterMark: 0 },
    );
  }

  /** The next chunk, waiting for it as long as it takes; null at the end. Never rejects. */
  async #next(): Promise<string | null> {
    const { jobId, services, log } = this.options;
    while (!this.#disposed) {
      if (this.#stopping) return stoppingComment;
      if (this.#over !== null) {
        this.#finished = true;
        // Progress that the states have overtaken is of no use any more.
        return this.#droppedNotice(this.#progressKept) + endEvent(jobId, this.#cursor, this.#over);
      }
      const pending = this.#pending.shift();
      if (pending === undefined) {
        if (!(await this.#wait(services.heartbeatEvery ?? HEARTBEAT))) return aliveComment;
      } else if (pending === "changed") {
        try {
          const chunk = await this.#readStates();
          if (chunk !== "") return chunk;
        } catch (error) {
          log.warn("an event stream could not read the transitions; trying again", { job: jobId, error });
          this.#pending.unshift("changed");
          await this.#pause(DATABASE_RETRY);
          return aliveComment;
        }
      } else {
        this.#progressKept -= 1;
        return this.#droppedNotice() + pending.progress;
      }
    }
    return null;
  }

  #droppedNotice(besides = 0): string {
    const dropped = this.#dropped + besides;
    this.#dropped = 0;
    return dropped > 0 ? droppedEvent(this.options.jobId, dropped) : "";
  }

  /** The transitions after the cursor, up to the terminal one; "" when there are none. */
  async #readStates(): Promise<string> {
    const { jobId, services } = this.options;
    const transitions = await services.queries.jobs.transitionsAfter(jobId, this.#cursor, STATES_PER_READ);
    let chunk = "";
    for (const transition of transitions) {
      chunk += stateEvent(jobId, transition);
      this.#cursor = transition.version;
      if (isEnd(transition.to)) {
        this.#over = transition.to;
        return chunk;
      }
    }
    if (transitions.length === STATES_PER_READ) this.#pending.unshift("changed");
    return chunk;
  }

  /** True when something happened, false when `time` passed first. */
  #wait(time: Millis): Promise<boolean> {
    return new Promise((resolve) => {
      const cancel = this.options.services.clock.after(time, () => {
        this.#wake = () => {};
        resolve(false);
      });
      this.#wake = () => {
        this.#wake = () => {};
        cancel();
        resolve(true);
      };
    });
  }

  /** Sleeps for `time`, or until the stream ends; commits meanwhile do not shorten it. */
  #pause(time: Millis): Promise<void> {
    return new Promise((resolve) => {
      const cancel = this.options.services.clock.after(time, resolve);
      this.#wake = () => {
        if (!this.#disposed && !this.#stopping) return;
        cancel();
        resolve();
      };
    });
  }
}
