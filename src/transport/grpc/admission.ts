/** How many jobs may wait, of all owners together and of one, and how much the database may be behind when another comes. */
import type { Core } from "../../actors/core.ts";
import type { Millis } from "../../actors/runtime/index.ts";
import { Refusal } from "../../domain/refusal.ts";

export interface AdmissionOptions {
  readonly core: Core;
  readonly maxQueueDepth: number;
  /** Changes that wait for the database. */
  readonly maxCommitBacklog: number;
  /** How long the submission that has waited longest for it may have waited. */
  readonly maxCommitWait: Millis;
  readonly now: () => Millis;
  /** 0: no limit of its own. */
  readonly maxQueuedPerOwner: number;
  /** Whether the database holds the job; asked only before a refusal. */
  readonly isStored: (id: string) => Promise<boolean>;
}

/** About what a job takes to leave the queue when it is short of nothing. */
const RETRY_AFTER_MS = 5000;
/** The backlog is a fraction of a second's work: it is gone, or full again, long before. */
const BACKLOG_RETRY_MS = 1000;

export class Admission {
  /** Submissions between their check and their commit, by owner. */
  readonly #underWay = new Map<string, Set<string>>();
  /** The same ones, in the order in which they came. */
  readonly #line = new Set<{ readonly since: Millis }>();

  constructor(private readonly options: AdmissionOptions) {}

  /**
   * Runs `submit` if there is room for the job. The check and the note that it is under way happen in one step, so that a
   * thousand submissions sent at once see each other. A job that was accepted before is let through whatever waits: its
   * client has only not heard of it.
   *
   * @param named whether the client chose the id; one that was just made up is not asked for in the database
   * @throws Refusal (`resource_exhausted`) naming the limit
   */
  async admit<T>(
    { id, owner, named }: { readonly id: string; readonly owner: string; readonly named: boolean },
    submit: () => Promise<T>,
  ): Promise<T> {
    if (!this.#isKnown(id, owner)) {
      // At once, and without a question to the very database that is behind: a refusal must cost next to nothing.
      const behind = this.#behind();
      if (behind !== null) throw behind;
      const refusal = this.#refusalFor(owner);
      if (refusal !== null && !(named && (await this.options.isStored(id)))) throw refusal;
    }
    const mine = this.#underWay.get(owner) ?? new Set();
    this.#underWay.set(owner, mine.add(id));
    const place = { since: this.options.now() };
    this.#line.add(place);
    try {
      return await submit();
    } finally {
      this.#line.delete(place);
      mine.delete(id);
      if (mine.size === 0 && this.#underWay.get(owner) === mine) this.#underWay.delete(owner);
    }
  }

  #isKnown(id: string, owner: string): boolean {
    return this.options.core.jobs.peek(id) !== undefined || this.#underWay.get(owner)?.has(id) === true;
  }

  /**
   * Taking more than the database keeps up with makes everybody wait longer and serves nobody sooner. Time is the measure
   * that fits every machine: 4,000 changes are a second for one and half a minute for another, whose callers have
   * given up by then.
   */
  #behind(): Refusal | null {
    const { maxCommitBacklog, maxCommitWait, now, core } = this.options;
    const [oldest] = this.#line;
    const full = Math.max(this.#line.size, core.system.pending) >= maxCommitBacklog;
    const slow = oldest !== undefined && now() - oldest.since >= maxCommitWait;
    if (!full && !slow) return null;
    const why = full
      ? `${maxCommitBacklog} changes wait for the database already (limits.max_commit_backlog)`
      : `submissions wait longer than ${maxCommitWait} ms for the database (limits.max_commit_wait_ms)`;
    return new Refusal("resource_exhausted", `${why}; try again in a second`, {
      retryAfterMs: BACKLOG_RETRY_MS,
      whoever: true,
    });
  }

  #refusalFor(owner: string): Refusal | null {
    const { core, maxQueueDepth, maxQueuedPerOwner } = this.options;
    // Counting exactly costs a look at each of them, so it is done only where it may matter.
    const full = core.broker.queued + this.#line.size >= maxQueueDepth;
    if (full && core.broker.queued + this.#uncommitted(this.#underWay.keys()) >= maxQueueDepth) {
      return new Refusal(
        "resource_exhausted",
        `${maxQueueDepth} jobs wait already (limits.max_queue_depth); try again later`,
        { retryAfterMs: RETRY_AFTER_MS, whoever: true },
      );
    }
    if (maxQueuedPerOwner > 0 && core.broker.queuedOf(owner) + this.#uncommitted([owner]) >= maxQueuedPerOwner) {
      return new Refusal(
        "resource_exhausted",
        `${maxQueuedPerOwner} of your jobs wait already (scheduler.max_queued_per_owner); try again when one of them has started`,
        { retryAfterMs: RETRY_AFTER_MS },
      );
    }
    return null;
  }

  /** Those that the broker does not count yet. A commit is told to the broker before its submission goes on. */
  #uncommitted(owners: Iterable<string>): number {
    let count = 0;
    for (const owner of owners) {
      for (const id of this.#underWay.get(owner) ?? []) if (!this.options.core.jobs.peek(id)) count += 1;
    }
    return count;
  }
}
