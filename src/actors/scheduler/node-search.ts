/**
 * Walks the shelves best first: of the shelves that could hold the best node, the one whose next node scores highest goes on by
 * one. A node that comes up and passes is therefore the best of those left; the search stops there and goes on only when
 * asked for another. It looks at as many nodes as would have been better and do not fit, not at as many as there are.
 *
 * It begins with a sweep over the classes of hardware, the best fits first, and takes up the best of them. Others follow in bands of
 * nearly equal bounds, when the search has come down to theirs. A class that is taken up waits among the shelves until its next shelf is due,
 * so that memory is read of no shelf but those that could hold the next node: in a large fleet that reading is what a decision costs.
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

/** Measured: the next is mostly all that a job with filters needs. */
const BAND = 1 / 128;

/** How far a search has come, on a shelf or on the shelves of a class. */
interface Walk {
  /** Of a class the head (`shelf-heads.ts`) of the next shelf; none: it is on a shelf. */
  head: number;
  /** The chunk of the shelf in which the next node to look at is, and that node's number there. Of a class its column. */
  chunk: number;
  rank: number;
  /** What the class's fit adds to the standings. */
  fit: number;
  /** What the next node to look at would score. Of a class, no node of its shelves that are left scores higher. */
  score: number;
}

/** Instead of a head. */
const NO_HEAD = -1;

export class NodeSearch {
  readonly #shelves: NodeShelves;
  readonly #shortlists: Shortlists;
  /** A heap; the walks are used again by every search, so that nothing is allocated on the way. */
  readonly #walks: Walk[] = [];
  #size = 0;
  #shortlist: Shortlist | null = null;
  /** By class, as the shortlist has them. */
  #bounds = new Float64Array(256);
  /** Of so many classes, the best fits, the bounds are known; no other's is higher than its fit and the peak. */
  #swept = 0;
  #peak = NEVER;
  /** Where the field that the job asks for begins in the table. */
  #row = 0;
  /** Of these, the highest bound of those that are not taken up. */
  #highest = NEVER;
  /** No class that is not taken up could hold a node of a higher score. */
  #left = NEVER;
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
    this.#row = this.#shelves.rowOf(query.field);
    this.#peak = this.#shelves.peakOf(query.field);
    this.#shortlist = this.#shortlists.of(query);
    if (this.#shortlist.columns.length > this.#bounds.length)
      this.#bounds = new Float64Array(2 * this.#shortlist.columns.length);
    this.#takeUpFirst(this.#shortlist);
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
      if (this.#left !== NEVER && (first === null || first.score <= this.#left)) {
        this.#takeUpBand(shortlist);
        continue;
      }
      if (first === null) return null;
      this.looked += 1;
      if (first.head !== NO_HEAD) {
        this.#takeUp(first);
        continue;
      }
      const node = this.#passing(query, first);
      if (node !== null) {
        this.#returned = true;
        this.score = first.score;
        return node;
      }
      this.#goOn(query);
    }
  }

  /** Takes up the best class, which is mostly enough for a job without filters. */
  #takeUpFirst({ columns, fits }: Shortlist): void {
    const { table } = this.#shelves;
    const bounds = this.#bounds;
    const row = this.#row;
    const peak = this.#peak;
    let [highest, second] = [NEVER, NEVER];
    let best = -1;
    let swept = 0;
    for (; swept < columns.length; swept++) {
      const fit = fits[swept] as number;
      if (fit + peak < highest) break;
      const bound = (table[row + (columns[swept] as number)] as number) + fit;
      bounds[swept] = bound;
      if (bound > highest) {
        second = highest;
        highest = bound;
        best = swept;
      } else if (bound > second) second = bound;
    }
    this.looked += swept;
    this.#swept = swept;
    if (best >= 0) this.#addClass(columns[best] as number, fits[best] as number, highest);
    if (best >= 0) bounds[best] = NEVER;
    this.#leave(second, fits);
  }

  /** Takes up the best classes of those left. */
  #takeUpBand({ columns, fits }: Shortlist): void {
    this.#sweep(columns, fits, Number.POSITIVE_INFINITY);
    const floor = this.#highest - BAND;
    this.#sweep(columns, fits, floor);
    const bounds = this.#bounds;
    let highest = NEVER;
    for (let listed = 0; listed < this.#swept; listed++) {
      const bound = bounds[listed] as number;
      if (bound < floor) {
        if (bound > highest) highest = bound;
      } else if (bound !== NEVER) {
        this.#addClass(columns[listed] as number, fits[listed] as number, bound);
        bounds[listed] = NEVER;
      }
    }
    this.#leave(highest, fits);
  }

  /** Goes on over the classes as far as those that could reach the floor, or else the highest bound found. */
  #sweep(columns: Int32Array, fits: Float64Array, floor: number): void {
    const { table } = this.#shelves;
    const from = this.#swept;
    for (; this.#swept < columns.length; this.#swept++) {
      const fit = fits[this.#swept] as number;
      if (fit + this.#peak < Math.min(floor, this.#highest)) break;
      const bound = (table[this.#row + (columns[this.#swept] as number)] as number) + fit;
      this.#bounds[this.#swept] = bound;
      if (bound > this.#highest) this.#highest = bound;
    }
    this.looked += this.#swept - from;
  }

  /** Notes what is left: the highest bound that is known, and of the classes without a bound yet their best fit and the peak. */
  #leave(highest: number, fits: Float64Array): void {
    this.#highest = highest;
    this.#left = this.#swept < fits.length ? Math.max(highest, (fits[this.#swept] as number) + this.#peak) : highest;
  }

  /** The first walk is of a class: its next shelf with enough free is taken up. */
  #takeUp(walk: Walk): void {
    const { heads } = this.#shelves;
    const { fit } = walk;
    const first = heads.firstOf(walk.chunk);
    const last = first + heads.countOf(walk.chunk);
    let at = walk.head;
    for (; at <= last; at++) {
      const number = heads.numberAt(at);
      if (gpuTierOf(number) >= this.#gpuTier && ramTierOf(number) >= this.#ramTier) break;
    }
    if (at < last) {
      walk.head = at + 1;
      walk.score = heads.topAt(at + 1) + fit;
      this.#sink(walk);
    } else this.#dropFirst();
    if (at <= last) this.#add(NO_HEAD, heads.chunkAt(at), fit, heads.topAt(at) + fit);
  }

  #addClass(column: number, fit: number, bound: number): void {
    this.#add(this.#shelves.heads.firstOf(column) + 1, column, fit, bound);
  }

  #add(head: number, chunk: number, fit: number, score: number): void {
    let at = this.#size++;
    let walk = this.#walks[at];
    if (walk === undefined) walk = { head, chunk, rank: 0, fit, score };
    else {
      walk.head = head;
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
    // Before equals are told apart all of them must have been taken up.
    if (one.head !== NO_HEAD || other.head !== NO_HEAD) return one.head !== NO_HEAD;
    return isBefore(this.#placeOf(one), this.#placeOf(other));
  }
}
