/**
 * The jobs that want a node, in the order they should get one: priority first, then the owner with the fewest running
 * jobs, then age. In memory only: it is derived from the jobs' committed states.
 *
 * A job that fits nowhere is parked under its shape (what it demands) and is not looked at again until something changes
 * that could let its shape in; so it never blocks those behind it, and a thousand parked jobs of one shape cost as much
 * as one.
 */
import type { Demand } from "../../domain/job-spec.ts";
import type { Exclusion } from "../job/state.ts";
import type { Millis } from "../runtime/index.ts";

export interface QueuedJob {
  readonly id: string;
  readonly owner: string;
  /** Higher goes first. */
  readonly priority: number;
  readonly queuedAt: Millis;
  readonly demand: Demand;
  readonly exclusions: readonly Exclusion[];
}

interface Line {
  /** Oldest last, so that taking one is a pop. Entries of jobs that are no longer ready are skipped when they surface. */
  readonly jobs: QueuedJob[];
}

/** Oldest first; the id breaks ties, so that the order is the same after a restart. */
const isOlder = (a: QueuedJob, b: QueuedJob): boolean =>
  a.queuedAt < b.queuedAt || (a.queuedAt === b.queuedAt && a.id < b.id);

/** Jobs with one shape fit the same nodes. A job that must avoid some nodes has a shape of its own. */
export function shapeOf(job: QueuedJob): string {
  const { device, ramBytes, vramBytes } = job.demand;
  return `${device ?? "any"}/${ramBytes}/${vramBytes}${job.exclusions.length > 0 ? `/${job.id}` : ""}`;
}

/** Some jobs in their order. */
class Ranking {
  readonly #jobs = new Map<string, QueuedJob>();
  /** Priority, then owner. */
  readonly #lines = new Map<number, Map<string, Line>>();
  #priorities: number[] = [];

  get size(): number {
    return this.#jobs.size;
  }

  get(id: string): QueuedJob | undefined {
    return this.#jobs.get(id);
  }

  /** Any of them. */
  example(): QueuedJob | undefined {
    const [any] = this.#jobs.values();
    return any;
  }

  add(job: QueuedJob): void {
    this.#jobs.set(job.id, job);
    let owners = this.#lines.get(job.priority);
    if (!owners) {
      owners = new Map();
      this.#lines.set(job.priority, owners);
      this.#priorities = [...this.#lines.keys()].sort((a, b) => b - a);
    }
    const line = owners.get(job.owner);
    if (line) insert(line.jobs, job);
    else owners.set(job.owner, { jobs: [job] });
  }

  remove(id: string): boolean {
    return this.#jobs.delete(id);
  }

  /** Takes the first, given how many jobs each owner has running. */
  take(runningOf: (owner: string) => number): QueuedJob | undefined {
    for (const priority of this.#priorities) {
      const owners = this.#lines.get(priority);
      if (!owners) continue;
      let best: QueuedJob | undefined;
      let bestRunning = 0;
      for (const [owner, line] of owners) {
        const head = this.#head(line);
        if (!head) {
          owners.delete(owner);
          continue;
        }
        const running = runningOf(owner);
        if (best === undefined || running < bestRunning || (running === bestRunning && isOlder(head, best))) {
          best = head;
          bestRunning = running;
        }
      }
      if (best === undefined) continue;
      owners.get(best.owner)?.jobs.pop();
      this.#jobs.delete(best.id);
      return best;
    }
    return undefined;
  }

  #head(line: Line): QueuedJob | undefined {
    for (;;) {
      const head = line.jobs.at(-1);
      if (head === undefined || this.#jobs.get(head.id) === head) return head;
      line.jobs.pop();
    }
  }
}

export class JobQueue {
  readonly #ready = new Ranking();
  /** By shape; ranked too, so that whoever is first when room appears is woken, not whoever was parked first. */
  readonly #parked = new Map<string, Ranking>();
  readonly #shapeOfParked = new Map<string, string>();

  get size(): number {
    return this.#ready.size + this.#shapeOfParked.size;
  }

  get parked(): number {
    return this.#shapeOfParked.size;
  }

  has(id: string): boolean {
    return this.#ready.get(id) !== undefined || this.#shapeOfParked.has(id);
  }

  isParked(id: string): boolean {
    return this.#shapeOfParked.has(id);
  }

  add(job: QueuedJob): void {
    this.remove(job.id);
    this.#ready.add(job);
  }

  remove(id: string): void {
    this.#ready.remove(id);
    const shape = this.#shapeOfParked.get(id);
    if (shape === undefined) return;
    this.#shapeOfParked.delete(id);
    const group = this.#parked.get(shape);
    group?.remove(id);
    if (group?.size === 0) this.#parked.delete(shape);
  }

  /** Takes the job that should be placed next, given how many jobs each owner has running. */
  take(runningOf: (owner: string) => number): QueuedJob | undefined {
    return this.#ready.take(runningOf);
  }

  /** Sets a job aside that fits nowhere now. */
  park(job: QueuedJob): void {
    this.remove(job.id);
    const shape = shapeOf(job);
    let group = this.#parked.get(shape);
    if (!group) {
      group = new Ranking();
      this.#parked.set(shape, group);
    }
    group.add(job);
    this.#shapeOfParked.set(job.id, shape);
  }

  /**
   * Makes parked jobs ready again. `fits` is asked once for each shape, with one job of it, how many of them could go
   * through; the first ones by rank are taken, each counted as running for those after it.
   */
  wake(fits: (example: QueuedJob) => number, runningOf: (owner: string) => number): number {
    let woken = 0;
    for (const [shape, group] of [...this.#parked]) {
      const example = group.example();
      if (!example) continue;
      const taken = new Map<string, number>();
      for (let places = fits(example); places > 0; places--) {
        const job = group.take((owner) => runningOf(owner) + (taken.get(owner) ?? 0));
        if (!job) break;
        taken.set(job.owner, (taken.get(job.owner) ?? 0) + 1);
        this.#shapeOfParked.delete(job.id);
        this.#ready.add(job);
        woken += 1;
      }
      if (group.size === 0) this.#parked.delete(shape);
    }
    return woken;
  }

  /** Makes one parked job ready again. */
  wakeOne(id: string, renewed?: QueuedJob): void {
    const shape = this.#shapeOfParked.get(id);
    const job = shape === undefined ? undefined : this.#parked.get(shape)?.get(id);
    if (job) this.add(renewed ?? job);
  }
}

/** Keeps `jobs` sorted, oldest last. New jobs are the youngest as a rule, so the place is near the front; ids spread ties. */
function insert(jobs: QueuedJob[], job: QueuedJob): void {
  let low = 0;
  let high = jobs.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (isOlder(jobs[middle] as QueuedJob, job)) high = middle;
    else low = middle + 1;
  }
  jobs.splice(low, 0, job);
}
