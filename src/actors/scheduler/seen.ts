/** What nodes have been known to have: a job that asks for anything else needs no look at any of them. */
import type { NameBits } from "./name-bits.ts";

export interface Seen {
  readonly regions: NameBits;
  readonly formats: NameBits;
  readonly runtimes: NameBits;
  readonly extremes: Extremes;
}

/**
 * The most that any node ever had of what jobs set floors and ceilings for. Never taken back: a job that asks for more than
 * anybody ever had needs no look at all, where a walk past a hundred thousand nodes would take milliseconds.
 */
export class Extremes {
  #reputation = Number.NEGATIVE_INFINITY;
  #stake = Number.NEGATIVE_INFINITY;
  #lowestPrice = Number.POSITIVE_INFINITY;
  #anyListPriced = false;

  /** `price`: the node's own by the hour; null where the network's price list holds. */
  note(reputation: number, stake: number, price: number | null): void {
    this.#reputation = Math.max(this.#reputation, reputation);
    this.#stake = Math.max(this.#stake, stake);
    if (price === null) this.#anyListPriced = true;
    else this.#lowestPrice = Math.min(this.#lowestPrice, price);
  }

  /** Whether a node with all of this may ever have been: false only if there surely was none. */
  reach(reputation: number, stake: number, price: number, listPriceWillDo: boolean): boolean {
    const priced = price >= this.#lowestPrice || (listPriceWillDo && this.#anyListPriced);
    return reputation <= this.#reputation && stake <= this.#stake && (price === Number.POSITIVE_INFINITY || priced);
  }
}
