/**
 * How much of the network each owner holds, and so whose turn it is.
 *
 * The share of an owner is what its jobs on nodes cost per second by the price list, divided by its weight; who has the
 * lowest goes first. It is what is held at this moment, measured and not promised: a flood of short jobs holds no more than
 * a few long ones, a long one holds no more than a short one, and a lie about the duration changes nothing.
 *
 * An owner that runs as many jobs as it may is passed over: its lines leave their places, and return when one of its jobs
 * ends.
 */
import type { Line } from "./ranking.ts";

/** How much of the network each owner may have. */
export interface Fairness {
  /** An owner of weight 2 gets twice the share of one of weight 1. Above 0. */
  weightOf(owner: string): number;
  /** Jobs an owner may have on nodes at a time; Infinity: as many as fit. */
  readonly maxRunningPerOwner: number;
  /** How long a job waits while others overtake it before nodes are kept for it (`kept-nodes.ts`), in milliseconds; Infinity: always. */
  readonly patience: number;
}

export const EQUAL: Fairness = {
  weightOf: () => 1,
  maxRunningPerOwner: Number.POSITIVE_INFINITY,
  patience: 60_000,
};

export class Owner {
  /** Of jobs that want a node, ready and parked. */
  readonly lines = new Set<Line>();
  /** Base units per second. Whole numbers, so that adding and taking away leaves nothing behind. */
  rate = 0;
  running = 0;
  share = 0;

  constructor(
    readonly name: string,
    readonly weight: number,
  ) {}
}

export class FairShare {
  readonly #owners = new Map<string, Owner>();
  readonly #held = new Map<string, { readonly owner: Owner; readonly rate: number }>();

  /** `onFreed` is told of an owner that was passed over and is so no longer, `onBlocked` of the opposite. */
  constructor(
    private readonly fairness: Fairness,
    private readonly onBlocked: (owner: Owner) => void = () => {},
    private readonly onFreed: (owner: Owner) => void = () => {},
  ) {}

  get limit(): number {
    return this.fairness.maxRunningPerOwner;
  }

  get patience(): number {
    return this.fairness.patience;
  }

  /** Jobs of the owner that are on nodes, or on their way there. */
  runningOf(name: string): number {
    return this.#owners.get(name)?.running ?? 0;
  }

  isBlocked({ running }: Owner): boolean {
    return running >= this.fairness.maxRunningPerOwner;
  }

  owners(): Iterable<Owner> {
    return this.#owners.values();
  }

  find(name: string): Owner | undefined {
    return this.#owners.get(name);
  }

  /** Of a job on nodes, or on its way there. */
  ownerOf(jobId: string): Owner | undefined {
    return this.#held.get(jobId)?.owner;
  }

  owner(name: string): Owner {
    let owner = this.#owners.get(name);
    if (!owner) {
      owner = this.newOwner(name);
      this.#owners.set(name, owner);
    }
    return owner;
  }

  /** One that holds nothing, and is not noted. A weight that is none counts as 1: nobody is to be starved by a slip. */
  newOwner(name: string): Owner {
    const weight = this.fairness.weightOf(name);
    return new Owner(name, weight > 0 && Number.isFinite(weight) ? weight : 1);
  }

  /** The job is on nodes, or on its way there. Told again, it changes nothing. */
  hold(jobId: string, name: string, rate: number): void {
    if (this.#held.has(jobId)) return;
    const owner = this.owner(name);
    this.#held.set(jobId, { owner, rate });
    this.#change(owner, 1, rate);
    if (owner.running === this.limit) this.onBlocked(owner);
  }

  release(jobId: string): void {
    const held = this.#held.get(jobId);
    if (!held) return;
    this.#held.delete(jobId);
    const { owner, rate } = held;
    this.#change(owner, -1, -rate);
    if (owner.running === this.limit - 1) this.onFreed(owner);
    this.forgetIfIdle(owner);
  }

  forgetIfIdle(owner: Owner): void {
    if (owner.running === 0 && owner.lines.size === 0) this.#owners.delete(owner.name);
  }

  /** All lines of the owner leave their places, and take the new ones: none, if it is to be passed over from now on. */
  #change(owner: Owner, jobs: number, rate: number): void {
    for (const line of owner.lines) line.withdraw();
    owner.running += jobs;
    owner.rate += rate;
    owner.share = owner.rate / owner.weight;
    if (!this.isBlocked(owner)) for (const line of owner.lines) line.takePlace();
  }
}
