/**
 * How many jobs get their turn before a given one, found by playing the next turns on copies: each job taken adds to the
 * share of its owner, and an owner at its limit is passed over. That is the order in which jobs are looked at; a job
 * that fits nowhere has its turn and goes without. Nothing is changed.
 */
import type { FairShare, Owner } from "./fair-share.ts";
import { Heap, type HeapItem } from "./heap.ts";
import { isOlder, type Line, type QueuedJob } from "./ranking.ts";

/** Turns that are played at most: a few milliseconds' work. Whoever is further back is told only how long the queue is. */
export const POSITIONS_COUNTED = 2000;

/** What an owner holds in the play. */
interface Holding {
  rate: number;
  running: number;
  readonly weight: number;
}

type Turn = Pick<QueuedJob, "id" | "queuedAt" | "rate">;

/** Jobs in the order of their age, of which only the oldest is looked at. */
class Stack {
  readonly #rest: Iterator<Turn>;
  top: Turn | undefined;

  constructor(jobs: Iterable<Turn>) {
    this.#rest = jobs[Symbol.iterator]();
    this.pop();
  }

  pop(): void {
    const next = this.#rest.next();
    this.top = next.done ? undefined : next.value;
  }
}

/** The jobs of one owner with one priority, ready and parked. */
class Hand implements HeapItem {
  position = -1;
  head: Turn | undefined;
  #oldest: Stack | undefined;

  constructor(
    readonly holding: Holding,
    private readonly stacks: readonly Stack[],
  ) {
    this.#lookUp();
  }

  get share(): number {
    return this.holding.rate / this.holding.weight;
  }

  play(): void {
    this.holding.rate += this.head?.rate ?? 0;
    this.holding.running += 1;
    this.#oldest?.pop();
    this.#lookUp();
  }

  /** One stack per group of parked jobs, so a few. */
  #lookUp(): void {
    this.#oldest = undefined;
    for (const stack of this.stacks) {
      if (stack.top !== undefined && (this.#oldest?.top === undefined || isOlder(stack.top, this.#oldest.top))) {
        this.#oldest = stack;
      }
    }
    this.head = this.#oldest?.top;
  }
}

function isNext(one: Hand, other: Hand): boolean {
  if (one.share !== other.share) return one.share < other.share;
  return one.head !== undefined && other.head !== undefined && isOlder(one.head, other.head);
}

/**
 * 1: next. The job need not be in the queue. Null when it is further back than `POSITIONS_COUNTED`, or its owner reaches
 * its limit first, so that its turn depends on when jobs end.
 */
export function positionOf(job: QueuedJob, shares: FairShare): number | null {
  const holdings = new Map<string, Holding>();
  const holdingOf = ({ name, rate, running, weight }: Owner): Holding => {
    let holding = holdings.get(name);
    if (!holding) {
      holding = { rate, running, weight };
      holdings.set(name, holding);
    }
    return holding;
  };
  const ours = shares.find(job.owner) ?? shares.newOwner(job.owner);
  let position = 0;
  for (const priority of prioritiesFrom(job.priority, shares)) {
    const hands = new Heap<Hand>(isNext);
    for (const owner of nextOwners(priority, shares, ours)) {
      const stacks = linesOf(owner, priority).map((line) => new Stack(othersOf(line, job.id)));
      // Dealt with apart from the others: it need not be in the queue.
      if (owner === ours && priority === job.priority) stacks.push(new Stack([job]));
      const hand = new Hand(holdingOf(owner), stacks);
      if (hand.head && hand.holding.running < shares.limit) hands.add(hand);
    }
    for (let hand = hands.first; hand?.head; hand = hands.first) {
      position += 1;
      if (position > POSITIONS_COUNTED) return null;
      if (hand.head.id === job.id) return position;
      hand.play();
      if (hand.head && hand.holding.running < shares.limit) hands.update(hand);
      else hands.remove(hand);
    }
  }
  return null;
}

/** The highest first, down to the given one. */
function prioritiesFrom(lowest: number, shares: FairShare): readonly number[] {
  const priorities = new Set([lowest]);
  for (const { lines } of shares.owners()) {
    for (const { level } of lines) if (level.priority > lowest) priorities.add(level.priority);
  }
  return [...priorities].sort((one, other) => other - one);
}

/**
 * Ours, and those that may have a turn within what is counted: each turn only puts the owner that has it further back, so
 * nobody comes up who is behind more than that many others now.
 */
function nextOwners(priority: number, shares: FairShare, ours: Owner): Iterable<Owner> {
  const waiting = [...shares.owners()].flatMap((owner) => {
    const heads = linesOf(owner, priority).map(({ head }) => head);
    const [first] = heads;
    if (first === undefined || shares.isBlocked(owner)) return [];
    return [{ owner, head: heads.reduce((oldest, one) => (isOlder(one, oldest) ? one : oldest), first) }];
  });
  if (waiting.length > POSITIONS_COUNTED) {
    waiting.sort((one, other) => one.owner.share - other.owner.share || (isOlder(one.head, other.head) ? -1 : 1));
  }
  return new Set([ours, ...waiting.slice(0, POSITIONS_COUNTED + 1).map(({ owner }) => owner)]);
}

const linesOf = ({ lines }: Owner, priority: number): readonly Line[] =>
  [...lines].filter(({ level }) => level.priority === priority);

function* othersOf(line: Line, id: string): Iterable<Turn> {
  for (const { job } of line.jobs) if (job.id !== id) yield job;
}
