/**
 * Which waiting jobs others have overtaken for longer than the patience allows: those that were parked while jobs that go after them
 * were placed. Memory of placements since the last look, and of the shapes that were looked at in vain.
 */
import type { Millis } from "../runtime/index.ts";
import { goesBefore, type QueuedJob, type Rank } from "./ranking.ts";

/** For so many times the patience a job that too few nodes could ever run is not looked at again. */
const HOPELESS = 5;

/** What decides where a job fits, as far as the job goes. */
export const shapeOf = ({ demand, gang }: QueuedJob): string => JSON.stringify([demand, gang]);

/** Where a job stands, but for its owner's share. */
export const rankOf = ({ priority, queuedAt, id }: QueuedJob): Omit<Rank, "share"> => ({ priority, queuedAt, id });

export class Overtaken {
  /** By owner, of the jobs that were placed the one that would have been last. */
  readonly #lastPlaced = new Map<string, Rank>();
  /** Until when it is believed of a shape that too few nodes could ever run it. */
  readonly #hopeless = new Map<string, Millis>();

  constructor(private readonly patience: Millis) {}

  /** A job was placed while others were parked; `rank` is what it had before. */
  placed(owner: string, rank: Rank): void {
    const last = this.#lastPlaced.get(owner);
    if (last === undefined || goesBefore(last, rank)) this.#lastPlaced.set(owner, rank);
  }

  giveUp(job: QueuedJob, now: Millis): void {
    this.#hopeless.set(shapeOf(job), now + HOPELESS * this.patience);
  }

  /** Tells of a parked job whether what was placed since the last look has overtaken it for too long. */
  look(now: Millis): (job: QueuedJob, rank: Rank) => boolean {
    const lastOf = new Map(this.#lastPlaced);
    this.#lastPlaced.clear();
    for (const [shape, until] of this.#hopeless) if (until <= now) this.#hopeless.delete(shape);
    const [first, ...others] = lastOf.values();
    if (first === undefined) return () => false;
    const last = others.reduce((one, other) => (goesBefore(one, other) ? other : one), first);
    return (job, rank) => {
      if (job.queuedAt > now - this.patience) return false;
      // An owner's share grew with what was placed; among its own jobs it decides nothing.
      const own = lastOf.get(job.owner);
      const isBehind = goesBefore(rank, last) || (own && goesBefore({ ...rankOf(job), share: own.share }, own));
      return Boolean(isBehind) && !this.#hopeless.has(shapeOf(job));
    };
  }
}
