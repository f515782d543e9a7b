/**
 * Nodes that have grown (room was given back, a node appeared, came into service, changed for the better) and have not been
 * looked at since: each may let in a parked job.
 *
 * No wake-up is missed, because none is sent. A node stays here until a search finds no parked job that it could take, so
 * if the job it was meant for is cancelled, or goes elsewhere, the next search finds the next one. And the search ends: it
 * proposes only jobs that were parked before the node last grew, and a job that is tried in vain is parked anew, after it.
 */
import { Heap, type HeapItem } from "./heap.ts";
import { type Entry, goesBefore, type Rank } from "./ranking.ts";

/**
 * So many nodes are ranked afresh for every round, at some microseconds each. When more have grown at once the round goes by
 * what was found before, corrected where it comes to be used; only the order among nodes may then be late by one round.
 */
const RANKED_AFRESH = 256;

/** Before everything: not searched yet. */
const UNKNOWN: Rank = {
  priority: Number.POSITIVE_INFINITY,
  share: Number.NEGATIVE_INFINITY,
  queuedAt: Number.NEGATIVE_INFINITY,
  id: "",
};

interface Grown extends HeapItem {
  readonly nodeId: string;
  /** Of the first parked job that it could take when that was last looked up. Never better than it is now: shares only grow within a round. */
  rank: Rank;
}

export class GrownNodes {
  readonly #grownAt = new Map<string, number>();
  readonly #waiting = new Map<string, Grown>();
  readonly #heap = new Heap<Grown>((one, other) =>
    one.rank === other.rank || !(goesBefore(one.rank, other.rank) || goesBefore(other.rank, one.rank))
      ? one.nodeId < other.nodeId
      : goesBefore(one.rank, other.rank),
  );

  get size(): number {
    return this.#waiting.size;
  }

  /** At this moment, on the scale of `JobQueue.park`. */
  grew(nodeId: string, at: number): void {
    this.#grownAt.set(nodeId, at);
    this.lookAgain(nodeId);
  }

  /** It has not grown, but somebody who could not be looked at then can be now. */
  lookAgain(nodeId: string): void {
    const known = this.#waiting.get(nodeId);
    if (known) {
      this.#rerank(known, UNKNOWN);
      return;
    }
    const grown: Grown = { nodeId, rank: UNKNOWN, position: -1 };
    this.#waiting.set(nodeId, grown);
    this.#heap.add(grown);
  }

  beginRound(): void {
    if (this.#waiting.size > RANKED_AFRESH) return;
    for (const grown of this.#waiting.values()) this.#rerank(grown, UNKNOWN);
  }

  /**
   * The first parked job that any of the nodes could take. `search` finds it for one node; `onDone` is told of the nodes
   * for which it finds none, which are done with.
   */
  first(
    search: (nodeId: string, grownAt: number) => Entry | undefined,
    onDone: (nodeId: string) => void,
  ): Entry | undefined {
    for (let grown = this.#heap.first; grown; grown = this.#heap.first) {
      const found = search(grown.nodeId, this.#grownAt.get(grown.nodeId) ?? Number.NEGATIVE_INFINITY);
      if (found === undefined) {
        this.#heap.remove(grown);
        this.#waiting.delete(grown.nodeId);
        onDone(grown.nodeId);
        continue;
      }
      const { priority, share, queuedAt, id } = found;
      const rank = { priority, share, queuedAt, id };
      const isLater = goesBefore(grown.rank, rank);
      this.#rerank(grown, rank);
      if (!isLater || this.#heap.first === grown) return found;
    }
    return undefined;
  }

  #rerank(grown: Grown, rank: Rank): void {
    grown.rank = rank;
    this.#heap.update(grown);
  }
}
