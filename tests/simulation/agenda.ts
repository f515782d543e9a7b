/**
 * All that is going to happen, by virtual time: messages under way, timers, answers of the database, faults. Whatever is
 * asynchronous in the simulated world waits here and nowhere else, so the order of everything follows from the seed.
 */
import type { Millis } from "../../src/actors/runtime/index.ts";

/** Something that can be killed or stopped for a while, and with it all that it was going to do. */
export interface Process {
  readonly name: string;
  dead: boolean;
  pausedUntil: Millis;
}

export const newProcess = (name: string): Process => ({ name, dead: false, pausedUntil: 0 });

interface Item {
  at: Millis;
  readonly order: number;
  /** Whose doing it is; null: the world's, which does not die. */
  readonly process: Process | null;
  readonly label: string;
  readonly run: () => void;
  cancelled: boolean;
}

export class Agenda {
  now: Millis;
  #order = 0;
  readonly #heap: Item[] = [];

  constructor(now: Millis) {
    this.now = now;
  }

  get size(): number {
    return this.#heap.length;
  }

  /** The returned function cancels it. */
  after(process: Process | null, delay: Millis, label: string, run: () => void): () => void {
    const item: Item = {
      at: this.now + Math.max(0, delay),
      order: this.#order++,
      process,
      label,
      run,
      cancelled: false,
    };
    this.#push(item);
    return () => {
      item.cancelled = true;
    };
  }

  /** Takes the next thing that really happens, and moves the time to it. */
  next(): { readonly label: string; readonly run: () => void } | undefined {
    for (let item = this.#pop(); item; item = this.#pop()) {
      const { process } = item;
      if (item.cancelled || process?.dead) continue;
      if (process !== null && process.pausedUntil > item.at) {
        item.at = process.pausedUntil;
        this.#push(item);
        continue;
      }
      this.now = Math.max(this.now, item.at);
      return item;
    }
    return undefined;
  }

  #push(item: Item): void {
    const heap = this.#heap;
    let child = heap.push(item) - 1;
    while (child > 0) {
      const parent = (child - 1) >> 1;
      const above = heap[parent] as Item;
      if (!goesBefore(item, above)) break;
      heap[child] = above;
      child = parent;
    }
    heap[child] = item;
  }

  #pop(): Item | undefined {
    const heap = this.#heap;
    const first = heap[0];
    const last = heap.pop();
    if (first === undefined || last === undefined || heap.length === 0) return first;
    let hole = 0;
    for (;;) {
      let child = 2 * hole + 1;
      const left = heap[child];
      if (left === undefined) break;
      const right = heap[child + 1];
      if (right !== undefined && goesBefore(right, left)) child += 1;
      const smallest = heap[child] as Item;
      if (!goesBefore(smallest, last)) break;
      heap[hole] = smallest;
      hole = child;
    }
    heap[hole] = last;
    return first;
  }
}

const goesBefore = (one: Item, other: Item): boolean =>
  one.at < other.at || (one.at === other.at && one.order < other.order);
