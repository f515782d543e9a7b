/**
 * All that is going to happen, by virtual time: messages under way, timers, answers of the database, faults. Whatever is
 * asynchronous in the simulated world waits here and nowhere else, so the order of everything follows from the seed.
 */
import type { Millis } from "../../src/actors/runtime/index.ts";
import { Heap, type HeapItem } from "../../src/actors/scheduler/heap.ts";

/** Something that can be killed or stopped for a while, and with it all that it was going to do. */
export interface Process {
  readonly name: string;
  dead: boolean;
  pausedUntil: Millis;
}

export const newProcess = (name: string): Process => ({ name, dead: false, pausedUntil: 0 });

interface Item extends HeapItem {
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
  readonly #heap = new Heap<Item>(goesBefore);

  constructor(now: Millis) {
    this.now = now;
  }

  get size(): number {
    return this.#heap.size;
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
      position: -1,
    };
    this.#heap.add(item);
    return () => {
      item.cancelled = true;
    };
  }

  /** Takes the next thing that really happens, and moves the time to it. */
  next(): { readonly label: string; readonly run: () => void } | undefined {
    for (let item = this.#heap.first; item; item = this.#heap.first) {
      this.#heap.remove(item);
      const { process } = item;
      if (item.cancelled || process?.dead) continue;
      if (process !== null && process.pausedUntil > item.at) {
        item.at = process.pausedUntil;
        this.#heap.add(item);
        continue;
      }
      this.now = Math.max(this.now, item.at);
      return item;
    }
    return undefined;
  }
}

const goesBefore = (one: Item, other: Item): boolean =>
  one.at < other.at || (one.at === other.at && one.order < other.order);
