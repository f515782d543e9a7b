/** How many jobs may wait: of all owners together, and of one. */
import type { Core } from "../../actors/core.ts";
import { Refusal } from "../../domain/refusal.ts";

export interface AdmissionOptions {
  readonly core: Core;
  readonly maxQueueDepth: number;
  /** 0: no limit of its own. */
  readonly maxQueuedPerOwner: number;
  /** Whether the database holds the job; asked only before a refusal. */
  readonly isStored: (id: string) => Promise<boolean>;
}

/** About what a job takes to leave the queue when it is short of nothing. */
const RETRY_AFTER_MS = 5000;

export class Admission {
  /** Submissions between their check and their commit, by owner. */
  readonly #underWay = new Map<string, Set<string>>();

  constructor(private readonly options: AdmissionOptions) {}

  /**
   * Runs `submit` if there is room for the job. The check and the note that it is under way happen in one step, so that a
   * thousand submissions sent at once see each other. A job that was accepted before is let through whatever waits: its
   * client has only not heard of it.
   *
   * @throws Refusal (`resource_exhausted`) naming the limit
   */
  async admit<T>(id: string, owner: string, submit: () => Promise<T>): Promise<T> {
    const refusal = this.#refusalFor(id, owner);
    if (refusal !== null && !(await this.options.isStored(id))) throw refusal;
    const mine = this.#underWay.get(owner) ?? new Set();
    this.#underWay.set(owner, mine.add(id));
    try {
      return await submit();
    } finally {
      mine.delete(id);
      if (mine.size === 0 && this.#underWay.get(owner) === mine) this.#underWay.delete(owner);
    }
  }

  #refusalFor(id: string, owner: string): Refusal | null {
    const { core, maxQueueDepth, maxQueuedPerOwner } = this.options;
    if (core.jobs.peek(id) || this.#underWay.get(owner)?.has(id)) return null;
    if (core.broker.queued + this.#uncommitted(this.#underWay.keys()) >= maxQueueDepth) {
      return new Refusal(
        "resource_exhausted",
        `${maxQueueDepth} jobs wait already (limits.max_queue_depth); try again later`,
        { retryAfterMs: RETRY_AFTER_MS },
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
