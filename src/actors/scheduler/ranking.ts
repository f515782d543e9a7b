/**
 * Some jobs in the order in which they should get nodes: priority, then the share of their owner (the lowest first), then
 * age, then id, so that the order is the same after a restart.
 *
 * Per priority there is a tree of lines, one for each owner, in the order of their shares; and a line is a tree of jobs in
 * the order of their age. So one owner's fifty thousand jobs are one entry among the owners, and a change of a share moves
 * one entry per priority.
 */
import type { Demand, Gang } from "../../domain/job-spec.ts";
import type { Exclusion } from "../job/state.ts";
import type { Millis } from "../runtime/index.ts";
import type { Owner } from "./fair-share.ts";
import { type LeastNeeds, type Needs, nothingNeeded } from "./needs.ts";
import { OrderedTree, type TreeItem } from "./ordered-tree.ts";

export interface QueuedJob {
  readonly id: string;
  readonly owner: string;
  /** Higher goes first. */
  readonly priority: number;
  readonly queuedAt: Millis;
  readonly demand: Demand;
  readonly gang: Gang | null;
  /** Base units per second that it costs while it runs, on all its nodes together. */
  readonly rate: number;
  /** How long it takes, as its owner estimates; 0: not said. */
  readonly seconds: number;
  readonly exclusions: readonly Exclusion[];
  /** Nodes that failed it the last time: used only when no other fits. */
  readonly avoid: readonly string[];
}

/** Where a job stands: enough to compare two. */
export interface Rank {
  readonly priority: number;
  readonly share: number;
  readonly queuedAt: Millis;
  readonly id: string;
}

export function goesBefore(one: Rank, other: Rank): boolean {
  if (one.priority !== other.priority) return one.priority > other.priority;
  if (one.share !== other.share) return one.share < other.share;
  return isOlder(one, other);
}

export const isOlder = (one: Pick<Rank, "queuedAt" | "id">, other: Pick<Rank, "queuedAt" | "id">): boolean =>
  one.queuedAt < other.queuedAt || (one.queuedAt === other.queuedAt && one.id < other.id);

/** A job in a ranking. */
export class Entry implements TreeItem<Entry>, Rank {
  left: Entry | null = null;
  right: Entry | null = null;
  weight = 0;
  readonly least: LeastNeeds = nothingNeeded();
  readonly id: string;
  readonly queuedAt: Millis;
  readonly priority: number;
  line: Line | null = null;

  constructor(
    readonly job: QueuedJob,
    readonly owner: Owner,
    readonly needs: Needs,
  ) {
    this.id = job.id;
    this.queuedAt = job.queuedAt;
    this.priority = job.priority;
  }

  get share(): number {
    return this.owner.share;
  }
}

/** The jobs of one owner with one priority. Never empty while it is in a ranking. */
export class Line implements TreeItem<Line> {
  left: Line | null = null;
  right: Line | null = null;
  weight = 0;
  readonly least: LeastNeeds = nothingNeeded();
  readonly #jobs = new OrderedTree<Entry>(isOlder);
  #isIn = false;

  constructor(
    readonly owner: Owner,
    readonly level: Level,
  ) {}

  get head(): Entry {
    return this.#jobs.first as Entry;
  }

  get needs(): Needs {
    return this.#jobs.least;
  }

  get jobs(): Iterable<Entry> {
    return this.#jobs.values();
  }

  get isEmpty(): boolean {
    return this.#jobs.size === 0;
  }

  firstWithin(
    supply: Needs,
    isTooLate: (entry: Entry) => boolean,
    accept: (entry: Entry) => boolean,
  ): Entry | undefined {
    return this.#jobs.firstWithin(supply, isTooLate, accept);
  }

  add(entry: Entry): void {
    this.withdraw();
    this.#jobs.add(entry);
  }

  remove(entry: Entry): void {
    this.withdraw();
    this.#jobs.remove(entry);
  }

  /** Before its rank changes, or its owner is passed over. */
  withdraw(): void {
    if (this.#isIn) this.level.inTurn.remove(this);
    this.#isIn = false;
  }

  /** When its rank is as it is to be, and its owner may have jobs placed. */
  takePlace(): void {
    if (!this.#isIn) this.level.inTurn.add(this);
    this.#isIn = true;
  }
}

const comesFirst = (one: Line, other: Line): boolean =>
  one.owner.share < other.owner.share || (one.owner.share === other.owner.share && isOlder(one.head, other.head));

/** One priority. */
class Level {
  /** The lines of the owners that are not passed over. */
  readonly inTurn = new OrderedTree<Line>(comesFirst);
  readonly lines = new Map<Owner, Line>();

  constructor(readonly priority: number) {}
}

export class Ranking {
  /** The highest priority first. */
  #levels: readonly Level[] = [];

  constructor(private readonly isBlocked: (owner: Owner) => boolean) {}

  get isEmpty(): boolean {
    return this.#levels.length === 0;
  }

  add(entry: Entry): void {
    const level = this.#level(entry.priority);
    let line = level.lines.get(entry.owner);
    if (!line) {
      line = new Line(entry.owner, level);
      level.lines.set(entry.owner, line);
      entry.owner.lines.add(line);
    }
    line.add(entry);
    if (!this.isBlocked(entry.owner)) line.takePlace();
    entry.line = line;
  }

  remove(entry: Entry): void {
    const { line, owner } = entry;
    if (line === null) return;
    entry.line = null;
    line.remove(entry);
    if (!line.isEmpty) {
      if (!this.isBlocked(owner)) line.takePlace();
      return;
    }
    owner.lines.delete(line);
    line.level.lines.delete(owner);
    if (line.level.lines.size === 0) this.#levels = this.#levels.filter((one) => one !== line.level);
  }

  get first(): Entry | undefined {
    for (const { inTurn } of this.#levels) {
      const line = inTurn.first;
      if (line) return line.head;
    }
    return undefined;
  }

  /** The first that the supply suffices for and that `fits`, if it goes before `rival`; otherwise `rival`. */
  firstFitting(supply: Needs, fits: (job: QueuedJob) => boolean, rival?: Entry): Entry | undefined {
    let best = rival;
    const isTooLate = (entry: Entry): boolean => best !== undefined && !goesBefore(entry, best);
    const inLine = (line: Line): boolean => {
      best = line.firstWithin(supply, isTooLate, (entry) => fits(entry.job)) ?? best;
      // A job of another owner with the same share may be older.
      return false;
    };
    for (const { priority, inTurn } of this.#levels) {
      if (best !== undefined && best.priority > priority) break;
      // No job of a line, nor of the lines after it, goes before its head.
      inTurn.firstWithin(supply, (line) => isTooLate(line.head), inLine);
    }
    return best;
  }

  #level(priority: number): Level {
    const known = this.#levels.find((one) => one.priority === priority);
    if (known) return known;
    const level = new Level(priority);
    this.#levels = [...this.#levels, level].sort((one, other) => other.priority - one.priority);
    return level;
  }
}
