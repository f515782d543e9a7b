/**
 * Which share of the submissions is worth reading. Of those that it refuses the server learns only that it must refuse them, at
 * half the price of accepting them; so most of what would be refused anyway is refused unread.
 *
 * What is read is a little more than what was accepted of late (`SPARE`): some are still refused after reading, and by them the
 * share follows when more could be accepted again. When hardly any of what is read is refused, it grows until some are.
 */
import type { Millis } from "../../../actors/runtime/index.ts";

const STEP: Millis = 100;
/**
 * What is left of a count after a step: half of it is forgotten in a second. The server accepts and refuses by turns, for as long as
 * submissions may wait for the database, and a memory shorter than that follows each turn (at 0.3 s a third of what was
 * read was refused).
 */
const KEPT = 0.93;
/** The same for what tells that the trouble is over, which may be noticed sooner: half is forgotten in 0.3 s. */
const KEPT_LATELY = 0.8;
/** Read beyond what was accepted: at 1.1 one read submission in eleven is in vain. */
const SPARE = 1.1;
/** From a half to all in 1.5 s, from the least share in 6 s. */
const GROWTH = 1.05;
/** A share of what is read, and a number: fewer refusals are not worth the trouble. */
const HARDLY_ANY = 0.02;
/** However little is accepted, so much is read, or nobody would notice that the trouble is over. */
const LEAST = 0.05;
const FEW = 5;

export class Shedding {
  /** Faded counts. */
  #read = 0;
  #refused = 0;
  #shed = 0;
  #readLately = 0;
  #refusedLately = 0;
  #share = 1;
  #steppedAt: Millis;
  /** Whole submissions that may pass. */
  #credit = 0;

  constructor(private readonly now: () => Millis) {
    this.#steppedAt = now();
  }

  /** Whether any are to be refused unread. */
  get active(): boolean {
    if (this.#share < 1) this.#step();
    return this.#share < 1;
  }

  /** A submission was read. */
  noteRead(): void {
    this.#step();
    this.#read += 1;
    this.#readLately += 1;
  }

  /** One that was read was refused. */
  noteRefused(): void {
    this.#step();
    this.#refused += 1;
    this.#refusedLately += 1;
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
      this.#read = this.#refused = this.#shed = this.#readLately = this.#refusedLately = 0;
      this.#share = 1;
      return;
    }
    this.#steppedAt += steps * STEP;
    this.#share = this.#nextShare(steps);
    const kept = KEPT ** steps;
    this.#read *= kept;
    this.#refused *= kept;
    this.#shed *= kept;
    this.#readLately *= KEPT_LATELY ** steps;
    this.#refusedLately *= KEPT_LATELY ** steps;
  }

  #nextShare(steps: number): number {
    if (this.#refusedLately < Math.max(FEW, this.#readLately * HARDLY_ANY))
      return Math.min(1, this.#share * GROWTH ** steps);
    const offered = this.#read + this.#shed;
    return Math.min(1, Math.max(LEAST, (SPARE * (this.#read - this.#refused)) / offered));
  }
}
