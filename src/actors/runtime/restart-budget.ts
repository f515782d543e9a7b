/** How often an actor may fail before it is set aside, and how long it rests after each failure. */
import type { Clock, Millis } from "./ports.ts";

const WINDOW: Millis = 60_000;
const FIRST_REST: Millis = 20;

export class RestartBudget {
  /** A machine that fails this often within a minute fails for a reason that waiting does not cure. */
  static readonly limit = 5;
  #failures: Millis[] = [];

  constructor(private readonly clock: Clock) {}

  /** Notes a failure. Returns how long to rest, or null when the budget is spent. */
  spend(): Millis | null {
    const now = this.clock.now();
    this.#failures = this.#failures.filter((at) => now - at < WINDOW);
    this.#failures.push(now);
    if (this.#failures.length >= RestartBudget.limit) return null;
    return FIRST_REST * 2 ** (this.#failures.length - 1);
  }

  clear(): void {
    this.#failures = [];
  }
}
