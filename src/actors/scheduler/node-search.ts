/**
 * Walks the shelves best first: of the shelves that could hold the best node, the one whose next node scores highest goes on by
 * one. A node that comes up and passes is therefore the best of those left; the search stops there and goes on only when
 * asked for another. It looks at as many nodes as would have been better and do not fit, not at as many as there are.
 *
 * It begins with a sweep over the classes of hardware. Most of them are far from the best, so they are taken up in bands of
 * nearly equal bounds.
 *
 * Ties: of equal scores goes first whose place comes first. A score is compared exactly, as standings and fits add without
 * rounding (`domain/placement.ts`), and no class is left out that could hold another node of the same score.
 */
import { NEVER } from "./node-facts.ts";
import { NO_CHUNK } from "./node-order.ts";
import { isBefore, type Place } from "./node-place.ts";
import type { Query } from "./node-query.ts";
import type { NodeShelves } from "./node-shelves.ts";
import { gpuTierOf, ramTierOf } from "./shelf-heads.ts";
import { type Shortlist, Shortlists } from "./shortlists.ts";

/** Measured: the second is mostly all that a job with filters needs. */
const BAND = 1 / 64;

/** How far a search has come on a shelf. */
interface Walk {
  /** The chunk of the shelf in which the next node to look at is, and that node's number there. */
  chunk: number;
  rank: number;
  /** What the class's fit adds to the standings. */
  fit: number;
  /** What the next node to look at would score. */
  score: number;
}

export class NodeSearch {
  readonly #shelves: NodeShelves;
  readonly #shortlists: Shortlists;
  /** A heap; the walks are used again by every search, so that nothing is allocated on the way. */
  readonly #walks: Walk[] = [];
  #size = 0;
  #shortlist: Shortlist | null = null;
  /** By class, as the shortlist has them. */
  #bounds = new Float64Array(256);
  /** Of the classes those with a bound of at least this have been taken up. */
  #floor = Number.POSITIVE_INFINITY;
  /** The highest bound of those that have not. */
  #highest = NEVER;
  #query: Query | null = null;
  #gpuTier = 0;
  #ramTier = 0;
  /** Whether the first walk stands at the node that `next` returned last. */
  #returned = false;
  /** Of the node that `next` returned last. */
  score = NEVER;
  /** Classes and nodes looked at since this search was made; what a decision costs. */
  looked = 0;

  constructor(shelves: NodeShelves) {
    this.#shelves = shelves;
    this.#shortlists = new Shortlists(shelves);
  }

  /** Begins anew. No node must change before the last `next` of this search. */
  start(query: Query): void {
    this.#size = 0;
    this.#query = query;
    this.#gpuTier = query.gpuTier;
    this.#ramTier = query.ramTier;
    this.#returned = false;
    this.#floor = Number.POSITIVE_INFINITY;
    this.#shortlist = this.#shortlists.of(query);
    this.#sweep(this.#shortlist, query.field);
  }

  /** The next best node; null when no other could take the job. `score` is then its score. */
  next(): number | null {
    const query = this.#query;
    const shortlist = this.#shortlist;
    if (!query || !shortlist) return null;
    if (this.#returned) this.#goOn(query);
    this.#returned = false;
    for (;;) {
      const first = this.#size === 0 ? null : (this.#walks[0] as Walk);
      if (this.#highest !== NEVER && (first === null || first.score < this.#floor)) {
        this.#takeUpBand(shortlist);
        continue;
      }
      if (first === null) return null;
      this.looked += 1;
      const node = this.#passing(query, first);
      if (node !== null) {
        this.#returned = true;
        this.score = first.score;
        return node;
      }
      this.#goOn(query);
    }
  }

  #sweep({ columns, fits }: Shortlist, field: number): void {
    const { length } = columns;
    if (length > this.#bounds.length) this.#bounds = new Float64Array(2 * length);
    const { table } = this.#shelves;
    const row = this.#shelves.rowOf(field);
    const bounds = this.#bounds;
    let highest = NEVER;
    for (let listed = 0; listed < length; listed++) {
      const bound = (table[row + (columns[listed] as number)] as number) + (fits[listed] as number);
      bounds[listed] = bound;
      if (bound > highest) highest = bound;
    }
    this.#highest = highest;
    this.looked += length;
  }

  /** Takes up the best shelves of those left. */
  #takeUpBand({ columns, fits }: Shortlist): void {
    const end = this.#floor;
    // The first of all is mostly enough for a job without filters.
    const floor = end === Number.POSITIVE_INFINITY ? this.#highest : this.#highest - BAND;
    const bounds = this.#bounds;
    let highest = NEVER;
    for (let listed = 0; listed < columns.length; listed++) {
      let bound = bounds[listed] as number;
      if (bound >= floor) {
        bound = this.#takeUp(columns[listed] as number, fits[listed] as number, floor, end);
        bounds[listed] = bound;
      }
      if (bound > highest) highest = bound;
    }
    this.#floor = floor;
    this.#highest = highest;
  }

  /** Takes up the shelves of a class whose nodes have enough free and stand high enough; returns the bound of the others. */
  #takeUp(column: number, fit: number, floor: number, end: number): number {
    const { heads } = this.#shelves;
    const first = heads.firstOf(column);
    const last = first + heads.countOf(column);
    for (let at = first + 1; at <= last; at++) {
      const number = heads.numberAt(at);
      const score = heads.topAt(at) + fit;
      if (score >= end || gpuTierOf(number) < this.#gpuTier || ramTierOf(number) < this.#ramTier) continue;
      if (score < floor) return score;
      this.#add(heads.chunkAt(at), fit, score);
    }
    return NEVER;
  }

  #add(chunk: number, fit: number, score: number): void {
    let at = this.#size++;
    let walk = this.#walks[at];
    if (walk === undefined) walk = { chunk, rank: 0, fit, score };
    else {
      walk.chunk = chunk;
      walk.rank = 0;
      walk.fit = fit;
      walk.score = score;
    }
    while (at > 0) {
      const parent = (at - 1) >> 1;
      const above = this.#walks[parent] as Walk;
      if (!this.#isBefore(walk, above)) break;
      this.#walks[at] = above;
      at = parent;
    }
    this.#walks[at] = walk;
  }

  /** The node the walk stands at; null if it could not take the job. */
  #passing(query: Query, { chunk, rank }: Walk): number | null {
    const { order, lines } = this.#shelves;
    if (!query.admits(order.marksAt(chunk, rank))) return null;
    const node = order.nodeAt(chunk, rank);
    return query.passes(lines, node) ? node : null;
  }

  #placeOf(walk: Walk): Place {
    return this.#shelves.places[this.#shelves.order.nodeAt(walk.chunk, walk.rank)] as Place;
  }

  /**
   * The first walk goes on, past those of its chunk that surely cannot take the job: their marks are at hand, and a job
   * that no node can take would have every node find its place in the heap.
   */
  #goOn(query: Query): void {
    const walk = this.#walks[0] as Walk;
    const { order } = this.#shelves;
    const count = order.countOf(walk.chunk);
    const from = walk.rank;
    do walk.rank += 1;
    while (walk.rank < count && !query.admits(order.marksAt(walk.chunk, walk.rank)));
    this.looked += walk.rank - from - 1;
    if (walk.rank === count) {
      walk.rank = 0;
      walk.chunk = order.nextOf(walk.chunk);
      if (walk.chunk === NO_CHUNK) {
        this.#dropFirst();
        return;
      }
    }
    walk.score = order.standingAt(walk.chunk, walk.rank) + walk.fit;
    this.#sink(walk);
  }

  #dropFirst(): void {
    const walks = this.#walks;
    const first = walks[0] as Walk;
    const last = walks[--this.#size] as Walk;
    walks[this.#size] = first;
    if (this.#size > 0) this.#sink(last);
  }

  /** Puts a walk in the place of the first, and moves it down to where it belongs. */
  #sink(walk: Walk): void {
    const walks = this.#walks;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= this.#size) break;
      const right = child + 1;
      if (right < this.#size && this.#isBefore(walks[right] as Walk, walks[child] as Walk)) child = right;
      const below = walks[child] as Walk;
      if (this.#isBefore(walk, below)) break;
      walks[at] = below;
      at = child;
    }
    walks[at] = walk;
  }

  #isBefore(one: Walk, other: Walk): boolean {
    if (one.score !== other.score) return one.score > other.score;
    return isBefore(this.#placeOf(one), this.#placeOf(other));
  }
}
