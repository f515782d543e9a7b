/**
 * The jobs that want a node. In memory only: it is derived from the jobs' committed states.
 *
 * `ready` jobs have not been looked at since they came; they are looked at in the order of ranking.ts. A job that was found
 * to fit nowhere is parked, with the moment of that finding, and not looked at again until a node has grown since:
 * so it never blocks those behind it. What a node that grows costs then does not depend on how many shapes of jobs are
 * parked: see parked-groups.ts, and bench/dirty-queue.ts for the figures.
 */
import type { NodeFacts, Room } from "../../domain/placement.ts";
import type { FairShare, Owner } from "./fair-share.ts";
import { needsOf, supplyOf } from "./needs.ts";
import { ParkedGroups } from "./parked-groups.ts";
import { Entry, goesBefore, type QueuedJob, type Rank, Ranking } from "./ranking.ts";

export type { QueuedJob } from "./ranking.ts";

/** A node that has grown. */
export interface GrownNode {
  readonly id: string;
  readonly facts: NodeFacts;
  readonly room: Room;
  /** On the scale of `park`'s `at`. */
  readonly grownAt: number;
}

export class JobQueue {
  readonly #entries = new Map<string, Entry>();
  readonly #ready: Ranking;
  readonly #parked: ParkedGroups;
  readonly #isBlocked = (owner: Owner): boolean => this.shares.isBlocked(owner);

  constructor(private readonly shares: FairShare) {
    this.#ready = new Ranking(this.#isBlocked);
    this.#parked = new ParkedGroups(() => new Ranking(this.#isBlocked));
  }

  get size(): number {
    return this.#entries.size;
  }

  get parked(): number {
    return this.#parked.size;
  }

  has(id: string): boolean {
    return this.#entries.has(id);
  }

  get(id: string): QueuedJob | undefined {
    return this.#entries.get(id)?.job;
  }

  /** Where the job stands; undefined: it does not wait. */
  rankOf(id: string): Rank | undefined {
    return this.#entries.get(id);
  }

  /** The parked job that goes first of those with a turn for which it holds. Looks at all of them. */
  firstParked(holds: (job: QueuedJob, rank: Rank) => boolean): QueuedJob | undefined {
    let first: Entry | undefined;
    for (const entry of this.#entries.values()) {
      if (this.#isBlocked(entry.owner) || (first && !goesBefore(entry, first)) || !this.#parked.has(entry.id)) continue;
      if (holds(entry.job, entry)) first = entry;
    }
    return first?.job;
  }

  isParked(id: string): boolean {
    return this.#parked.has(id);
  }

  /** Makes the job ready, with its old place if it has been here before. */
  add(job: QueuedJob): void {
    this.remove(job.id);
    const entry = new Entry(job, this.shares.owner(job.owner), needsOf(job.demand, Number.NEGATIVE_INFINITY));
    this.#entries.set(job.id, entry);
    this.#ready.add(entry);
  }

  remove(id: string): void {
    const entry = this.#entries.get(id);
    if (!entry) return;
    this.#take(entry);
    this.shares.forgetIfIdle(entry.owner);
  }

  /** The ready job whose turn it is; it stays. */
  get first(): Entry | undefined {
    return this.#ready.first;
  }

  /** Sets a job aside that was found, at this moment, to fit nowhere. `excluded`: the nodes it must keep away from for now. */
  park(job: QueuedJob, at: number, excluded: readonly string[]): void {
    const known = this.#entries.get(job.id);
    if (known) this.#take(known);
    const entry = new Entry(job, this.shares.owner(job.owner), needsOf(job.demand, at));
    this.#entries.set(job.id, entry);
    this.#parked.add(entry, excluded);
  }

  /** Of the parked jobs that have not been looked at since the node grew, the first that `fits` it. It stays parked. */
  firstFitting({ id, facts, room, grownAt }: GrownNode, fits: (job: QueuedJob) => boolean): Entry | undefined {
    let best: Entry | undefined;
    for (const { demand, ranking } of this.#parked.suiting(id, facts)) {
      best = ranking.firstFitting(supplyOf(facts, room, demand, grownAt), fits, best);
    }
    return best;
  }

  /** Takes it out of its ranking; its owner is left alone, for it may come back at once. */
  #take(entry: Entry): void {
    this.#entries.delete(entry.id);
    if (!this.#parked.remove(entry)) this.#ready.remove(entry);
  }
}
