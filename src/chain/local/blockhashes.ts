/**
 * The blockhash of each slot, and which of them a transaction may still name. They are derived from the ledger's secret, so a
 * restart knows them without having stored any: a transaction that was signed before is as valid after it.
 */
import { createHash } from "node:crypto";
import { encodeBase58 } from "../../domain/base58.ts";
import type { SlotHash } from "./vm.ts";

/** A blockhash is good for this many slots after its own (`MAX_PROCESSING_AGE` of the official node). */
export const BLOCKHASH_SLOTS = 150;

export class Blockhashes {
  readonly #slots = new Map<string, number>();
  #slot: number;

  constructor(
    private readonly seed: string,
    slot: number,
  ) {
    this.#slot = Math.max(0, slot - BLOCKHASH_SLOTS - 1);
    this.advance(slot);
  }

  /** Takes in the slots up to this one and forgets those beyond the window. */
  advance(slot: number): void {
    const oldest = Math.max(1, slot - BLOCKHASH_SLOTS);
    for (let next = Math.max(this.#slot + 1, oldest); next <= slot; next++) this.#slots.set(this.hashOf(next), next);
    // In order of slot: the first that is young enough ends the search.
    for (const [hash, at] of this.#slots) {
      if (at >= oldest) break;
      this.#slots.delete(hash);
    }
    this.#slot = Math.max(this.#slot, slot);
  }

  hashOf(slot: number): string {
    return encodeBase58(createHash("sha256").update(`${this.seed} ${slot}`).digest());
  }

  isValid(hash: string): boolean {
    return this.#slots.has(hash);
  }

  /** Which slot's it is; undefined when it is none of the window's. */
  slotOf(hash: string): number | undefined {
    return this.#slots.get(hash);
  }

  /** Of the slots before this one, newest first: what programs see in the sysvar `SlotHashes`. */
  earlier(): readonly SlotHash[] {
    const hashes = [...this.#slots].map(([hash, slot]) => ({ slot, hash }));
    return hashes.slice(0, -1).reverse();
  }
}
