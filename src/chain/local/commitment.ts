/** How far a transaction has come, and what the accounts were at that point. */
import type { Account, Address } from "./account.ts";

export type Commitment = "processed" | "confirmed" | "finalized";
export const commitments: readonly Commitment[] = ["processed", "confirmed", "finalized"];

/**
 * Slots behind the newest at which a commitment is reached. Here a transaction is settled the moment it is executed; the
 * lag is there so that programs which act too early are found out on a laptop and not on a cluster. A cluster confirms within
 * a slot or two, and finalizes after 32 (13 s), which nobody would wait for here: 2 slots are 0.8 s.
 */
export const LAG: Readonly<Record<Commitment, number>> = { processed: 0, confirmed: 1, finalized: 2 };

/** The highest commitment of what happened in `slot`. */
export function commitmentOf(slot: number, newest: number): Commitment {
  if (newest - slot >= LAG.finalized) return "finalized";
  return newest - slot >= LAG.confirmed ? "confirmed" : "processed";
}

interface Before {
  /** The slot in which it was changed. */
  readonly slot: number;
  readonly account: Account | null;
}

/**
 * What accounts were before the changes of the last slots, so that a reader who asks for confirmed or finalized state does not
 * get what is only processed. Small: what is older than the longest lag is forgotten.
 */
export class RecentChanges {
  readonly #changes = new Map<Address, Before[]>();

  /** Slots come in rising order; the first change of a slot counts. */
  add(address: Address, slot: number, before: Account | null): void {
    const known = this.#changes.get(address);
    if (known === undefined) this.#changes.set(address, [{ slot, account: before }]);
    else if (known.at(-1)?.slot !== slot) known.push({ slot, account: before });
  }

  /** The account at the end of `slot`; undefined when it has not changed since. */
  at(address: Address, slot: number): Account | null | undefined {
    return this.#changes.get(address)?.find((change) => change.slot > slot)?.account;
  }

  addresses(): IterableIterator<Address> {
    return this.#changes.keys();
  }

  /** Forgets what nobody can ask for any more. */
  settle(newest: number): void {
    for (const [address, changes] of this.#changes) {
      const kept = changes.filter(({ slot }) => newest - slot < LAG.finalized);
      if (kept.length === 0) this.#changes.delete(address);
      else if (kept.length < changes.length) this.#changes.set(address, kept);
    }
  }
}
