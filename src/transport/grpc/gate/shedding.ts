/**
 * Which share of a connection's submissions is worth reading. When the server refuses a part of them, it learns from each of
 * those only that it must refuse it, and pays half of what an accepted one costs; so most of what would be refused
 * anyway is refused unread.
 *
 * What is read is a little more than what was accepted of late (`SPARE`): some are still refused after reading, and by them the
 * share follows when more could be accepted again. When none of what is read is refused any more, it grows fast.
 */
import type { Millis } from "../../../actors/runtime/index.ts";

const STEP: Millis = 100;
/** What is left of a count after a step: half of it is forgotten in 0.3 s, a fraction of the longest wait for the database. */
const KEPT = 0.8;
/** Read beyond what was accepted: at 1.1 one read submission in eleven is in vain. */
const SPARE = 1.1;
const GROWTH = 1.5;
/** However little is accepted, so much is read, or nobody would notice that the trouble is over. */
const LEAST = 0.05;
/** Fewer refusals than this are not worth the trouble. */
const FEW = 5;

export class Shedding {
  /** Faded counts. */
  #read = 0;
  #refused = 0;
  #shed = 0;
  #share = 1;
  #steppedAt: Millis;
  /** Whole submissions that may pass. */
  #credit = 0;

  constructor(private readonly now: () => Millis) {
    this.#steppedAt = now();
  }

  /** Whether any are to be refused unread; while not, a connection costs nothing here. */
  get active(): boolean {
    if (this.#share < 1) this.#step();
    return this.#share < 1;
  }

  /** A submission was read. */
  noteRead(): void {
    this.#step();
    this.#read += 1;
  }

  /** One that was read was refused. */
  noteRefused(): void {
    this.#step();
    this.#refused += 1;
  }

  /** Whether the next submission is to be read. */
  admits(): boolean {
    this.#step();
    this.#credit += this.#share;
    if (this.#credit >= 1) {
      this.#credit -= 1;
      return true;
    }
    this.#shed += 1;
    return false;
  }

  #step(): void {
    const steps = Math.floor((this.now() - this.#steppedAt) / STEP);
    if (steps === 0) return;
    // A clock that was set back, or a long silence: everything is forgotten.
    if (steps < 0 || steps > 50) {
      this.#steppedAt = this.now();
      this.#read = this.#refused = this.#shed = 0;
      this.#share = 1;
      return;
    }
    this.#steppedAt += steps * STEP;
    this.#share = this.#nextShare(steps);
    const kept = KEPT ** steps;
    this.#read *= kept;
    this.#refused *= kept;
    this.#shed *= kept;
  }

  #nextShare(steps: number): number {
    if (this.#refused < FEW) return Math.min(1, this.#share * GROWTH ** steps);
    const offered = this.#read + this.#shed;
    return Math.min(1, Math.max(LEAST, (SPARE * (this.#read - this.#refused)) / offered));
  }
}
