/** A clock that moves only when told to. Timers fire in order of time, then of setting. */
import type { Clock, Millis } from "../../src/actors/runtime/index.ts";

export class FakeClock implements Clock {
  #now: Millis;
  #order = 0;
  #timers: { at: Millis; order: number; callback: () => void }[] = [];

  constructor(now: Millis = 1_700_000_000_000) {
    this.#now = now;
  }

  now(): Millis {
    return this.#now;
  }

  after(delay: Millis, callback: () => void): () => void {
    const timer = { at: this.#now + Math.max(0, delay), order: this.#order++, callback };
    this.#timers.push(timer);
    return () => {
      this.#timers = this.#timers.filter((one) => one !== timer);
    };
  }

  /** Moves time forward, firing what comes due and letting promises and commits settle after each. */
  async advance(by: Millis): Promise<void> {
    const until = this.#now + by;
    await settle();
    for (;;) {
      const next = this.#timers.filter(({ at }) => at <= until).sort((a, b) => a.at - b.at || a.order - b.order)[0];
      if (!next) break;
      this.#timers = this.#timers.filter((one) => one !== next);
      this.#now = Math.max(this.#now, next.at);
      next.callback();
      await settle();
    }
    this.#now = until;
    await settle();
  }

  /** Moves the wall clock at once, as if the process had been stopped: nothing fires until the next `advance`. */
  jump(by: Millis): void {
    this.#now += by;
  }

  get pending(): number {
    return this.#timers.length;
  }
}

/** Enough turns of the event loop for a commit and all that follows from it. */
export async function settle(turns = 12): Promise<void> {
  for (let turn = 0; turn < turns; turn++) await new Promise((resolve) => setImmediate(resolve));
}
