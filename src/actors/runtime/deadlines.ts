/**
 * The deadlines of all live actors, as one heap and one timer. A deadline lives in the actor's row; this is only the
 * alarm clock. Entries are never searched for and removed: an entry whose actor has moved on is dropped when it surfaces.
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

export class Deadlines<T> {
  readonly #heap: Alarm<T>[] = [];
  #cancelTimer: (() => void) | null = null;
  #timerAt: Millis = Number.POSITIVE_INFINITY;
  #napStarted: Millis = 0;
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

  set(alarm: Alarm<T>): void {
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
    if (this.#running && alarm.at < this.#timerAt) this.#arm();
  }

  #arm(): void {
    const now = this.clock.now();
    const next = this.#heap[0]?.at ?? Number.POSITIVE_INFINITY;
    const wakeAt = Math.min(Math.max(next, now), now + LONGEST_NAP);
    this.#cancelTimer?.();
    this.#timerAt = wakeAt;
    this.#napStarted = now;
    this.#cancelTimer = this.clock.after(wakeAt - now, () => this.#wake(wakeAt));
  }

  #wake(meant: Millis): void {
    this.#cancelTimer = null;
    const now = this.clock.now();
    // A clock set back makes `now` smaller than the nap's start: no stall, and no deadline fires early either.
    if (now - meant > STALL && now > this.#napStarted) this.onStall(now - meant);
    for (let first = this.#heap[0]; first !== undefined && first.at <= now; first = this.#heap[0]) {
      this.#pop();
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
