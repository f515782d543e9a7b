/**
 * Slots from time: one every 400 ms, computed when asked, so that an idle chain costs nothing.
 *
 * Slots never go back, across restarts neither: a client that has seen a block height beyond a transaction's last valid one
 * may pay again, and would pay twice if the height came back. So while the wall clock is set back the slot stands still and
 * goes on from there; and the clock is on disk as a mark that is never behind what anybody was told.
 */
import type { Millis } from "../../actors/runtime/index.ts";
import type { ClockMark } from "./ledger.ts";

/** Solana's target. */
export const SLOT_MS = 400;

/** So many slots are promised to the disk in advance: one small write in 13 seconds of use, a jump of as many at a restart at most. */
const AHEAD = 32;

export class SlotClock {
  #slot: number;
  #startedAt: Millis;
  #promised = 0;

  /**
   * @param save makes a mark durable: at its time, no slot has been told that is later
   * @param atLeast no slot before this one
   */
  constructor(
    mark: ClockMark,
    atLeast: number,
    private readonly now: () => Millis,
    private readonly save: (mark: ClockMark) => void,
  ) {
    const at = now();
    const passed = Math.max(0, Math.floor((at - mark.at) / SLOT_MS));
    this.#slot = Math.max(mark.slot + passed, atLeast);
    this.#startedAt = at;
    this.#promise();
  }

  read(): number {
    const at = this.now();
    if (at < this.#startedAt) this.#startedAt = at;
    const passed = Math.floor((at - this.#startedAt) / SLOT_MS);
    if (passed > 0) {
      this.#slot += passed;
      this.#startedAt += passed * SLOT_MS;
      if (this.#slot > this.#promised) this.#promise();
    }
    return this.#slot;
  }

  /** Saved before it counts: if that fails, the next reader tries again, and nobody has been told a slot too many. */
  #promise(): void {
    const slot = this.#slot + AHEAD;
    this.save({ slot, at: this.#startedAt + AHEAD * SLOT_MS });
    this.#promised = slot;
  }
}
