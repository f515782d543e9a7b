/**
 * The deadlines of all live actors, as one heap and one timer. A deadline lives in the actor's row; this is only the
 * alarm clock. Each target has one alarm at most. Entries are never searched for and removed: one whose target has a newer
 * alarm, or none, is void; it is dropped when it surfaces, and all such are swept out when they are more than half of the heap.
 */
import type { Clock, Millis } from "./ports.ts";

export interface Alarm<T> {
  readonly at: Millis;
  readonly target: T;
  /** The version whose deadline this is; a newer version of the actor makes the entry void. */
  readonly version: number;
}

/** The timer never sleeps longer, so that a stall of the process (or a suspended laptop) is noticed by its absence. */
const LONGEST_NAP: Millis = 1000;
/** A nap that overslept by this much was a stall: outsiders could not reach us meanwhile. Ten times what a busy loop shows. */
const STALL: Millis = 3000;
/** A heap smaller than this is not worth sweeping. */
const SWEEP_FROM = 64;

export class Deadlines<T> {
  #heap: Alarm<T>[] = [];
  /** The version of each target's alarm. */
  readonly #armed = new Map<T, number>();
  #cancelTimer: (() => void) | null = null;
  #timerAt: Millis = Number.POSITIVE_INFINITY;
  #running = false;

  constructor(
    private readonly clock: Clock,
    private readonly fire: (alarm: Alarm<T>) => void,
    private readonly onStall: (stalledFor: Millis) => void,
  ) {}

  start(): void {
    this.#running = true;
    this.#arm();
  }

  stop(): void {
    this.#running = false;
    this.#cancelTimer?.();
    this.#cancelTimer = null;
    this.#timerAt = Number.POSITIVE_INFINITY;
  }

  get size(): number {
    return this.#heap.length;
  }

  /** Replaces the target's alarm; the one it has for the same version stays as it is. */
  set(alarm: Alarm<T>): void {
    if (this.#armed.get(alarm.target) === alarm.version) return;
    this.#armed.set(alarm.target, alarm.version);
    this.#push(alarm);
    if (this.#heap.length > SWEEP_FROM + 2 * this.#armed.size) this.#sweep();
    if (this.#running && alarm.at < this.#timerAt) this.#arm();
  }

  /** The target wants no alarm any more. */
  clear(target: T): void {
    this.#armed.delete(target);
  }

  #isArmed({ target, version }: Alarm<T>): boolean {
    return this.#armed.get(target) === version;
  }

  /** Half of the heap at least goes, so the work is paid for by the alarms set since the last sweep. */
  #sweep(): void {
    const armed = this.#heap.filter((alarm) => this.#isArmed(alarm));
    this.#heap = [];
    for (const alarm of armed) this.#push(alarm);
  }

  #push(alarm: Alarm<T>): void {
    const heap = this.#heap;
    let child = heap.push(alarm) - 1;
    while (child > 0) {
      const parent = (child - 1) >> 1;
      const above = heap[parent] as Alarm<T>;
      if (above.at <= alarm.at) break;
      heap[child] = above;
      child = parent;
    }
    heap[child] = alarm;
  }

  #arm(): void {
    const now = this.clock.now();
    // After a stall, a commit may come first and set an alarm before the timer gets its turn.
    this.#noteStall(now);
    const next = this.#heap[0]?.at ?? Number.POSITIVE_INFINITY;
    const wakeAt = Math.min(Math.max(next, now), now + LONGEST_NAP);
    this.#cancelTimer?.();
    this.#timerAt = wakeAt;
    this.#cancelTimer = this.clock.after(wakeAt - now, () => this.#wake());
  }

  #noteStall(now: Millis): void {
    const overslept = now - this.#timerAt;
    if (overslept > STALL) this.onStall(overslept);
  }

  #wake(): void {
    this.#cancelTimer = null;
    const now = this.clock.now();
    this.#noteStall(now);
    this.#timerAt = Number.POSITIVE_INFINITY;
    for (let first = this.#heap[0]; first !== undefined && first.at <= now; first = this.#heap[0]) {
      this.#pop();
      if (!this.#isArmed(first)) continue;
      this.#armed.delete(first.target);
      this.fire(first);
    }
    if (this.#running) this.#arm();
  }

  #pop(): void {
    const heap = this.#heap;
    const last = heap.pop();
    if (last === undefined || heap.length === 0) return;
    let hole = 0;
    for (;;) {
      let child = 2 * hole + 1;
      const left = heap[child];
      if (left === undefined) break;
      const right = heap[child + 1];
      let smallest = left;
      if (right !== undefined && right.at < left.at) {
        child += 1;
        smallest = right;
      }
      if (last.at <= smallest.at) break;
      heap[hole] = smallest;
      hole = child;
    }
    heap[hole] = last;
  }
}
