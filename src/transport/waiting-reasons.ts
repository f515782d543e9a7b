/**
 * Why jobs wait, for whoever shows many of them or asks for one again and again: lists, GetJobStatus, streams.
 *
 * An explanation looks at every node several times. Asked for by name that is its price; polled by a thousand engines it
 * would take all of the server's time. So in a large network explanations are made for a twentieth of the time at most; in
 * between a job is told what it was told last, or nothing.
 */
import type { Core } from "../actors/core.ts";
import type { CommittedJob } from "../actors/job/kind.ts";
import type { Clock, Millis } from "../actors/runtime/index.ts";
import type { Explanation } from "../actors/scheduler/explanation.ts";
import { explainWaiting } from "./explain.ts";

/** Below this an explanation costs about a millisecond, less than the call it is part of. */
const SMALL_NETWORK = 1000;
/** 3 µs a node, measured with 10,000 of them on a 2-core machine; twenty times that. */
const REST_PER_NODE: Millis = 0.06;
/** What was true a minute ago may be wrong by now; nothing is better. */
const OLDEST: Millis = 60_000;
const REMEMBERED = 10_000;

interface Told {
  readonly version: number;
  readonly at: Millis;
  readonly explanation: Explanation;
}

export class WaitingReasons {
  readonly #told = new Map<string, Told>();
  #restsUntil: Millis = Number.NEGATIVE_INFINITY;

  constructor(
    private readonly core: Core,
    private readonly clock: Clock,
  ) {}

  /** Null: it does not wait, is not in this state any more, or nothing is known at the moment. */
  of(jobId: string, version: number): Explanation | null {
    const job = this.core.jobs.peek(jobId);
    return job?.version === version ? this.#ofCurrent(job) : null;
  }

  /** The same for the job as it is now. */
  ofPresent(jobId: string): Explanation | null {
    const job = this.core.jobs.peek(jobId);
    return job ? this.#ofCurrent(job) : null;
  }

  #ofCurrent(job: CommittedJob): Explanation | null {
    const now = this.clock.now();
    if (now < this.#restsUntil) {
      const last = this.#told.get(job.ref.id);
      return last?.version === job.version && now - last.at <= OLDEST ? last.explanation : null;
    }
    const explanation = explainWaiting(this.core, job);
    if (explanation === null) return null;
    const nodes = this.core.broker.pool.size;
    if (nodes >= SMALL_NETWORK) this.#remember(job, explanation, now, now + nodes * REST_PER_NODE);
    return explanation;
  }

  #remember({ ref: { id }, version }: CommittedJob, explanation: Explanation, now: Millis, restsUntil: Millis): void {
    this.#restsUntil = restsUntil;
    // Deleted first, so that the oldest are at the front.
    this.#told.delete(id);
    this.#told.set(id, { version, at: now, explanation });
    for (const oldest of this.#told.keys()) {
      if (this.#told.size <= REMEMBERED) break;
      this.#told.delete(oldest);
    }
  }
}
