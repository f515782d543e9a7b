/**
 * Walks the tree of nodes best first: of all vertices seen and not opened yet, the one with the highest bound is next. A node
 * that comes up is therefore the best of those left, its own bound being its score; the search stops there and goes on only
 * when asked for another. How much of the tree it opens depends on how many nodes could have been better, not on how many
 * there are.
 *
 * It begins with a sweep over the classes of hardware. Most of them are far from the best, so they are taken up in bands of
 * nearly equal bounds. Of a group only the best member is seen at first, and the one after it when that one has come up:
 * mostly nobody asks for it. (At 100,000 nodes to see all at once put 64 on the heap for a decision that opens nine.)
 *
 * Ties: of equal bounds goes first what comes first in the tree. A bound is reached exactly or not at all, as standings and
 * fits add without rounding (`domain/placement.ts`); so a node comes up only when no group is left that could hold
 * another one of the same score and before it.
 */
import { FAN, NEVER, type Query, STANDING } from "./node-facts.ts";
import type { NodeTree } from "./node-tree.ts";
import { NOBODY, type Vertices } from "./node-vertices.ts";
import { type Shortlist, Shortlists } from "./shortlists.ts";

/** Measured: half of it and twice as much are no faster. */
const BAND = 1 / 64;

export class NodeSearch {
  readonly #tree: NodeTree;
  readonly #vertices: Vertices;
  /** A heap, used again by every search: nothing is allocated on the way. */
  #bounds = new Float64Array(256);
  #seen = new Int32Array(256);
  /** Their classes, as positions in the shortlist. */
  #classes = new Int32Array(256);
  #size = 0;
  readonly #shortlists: Shortlists;
  #shortlist: Shortlist | null = null;
  /** By class, as the shortlist has them. */
  #classBounds = new Float64Array(256);
  /** Of the classes those with a bound of at least this have been taken up. */
  #floor = Number.POSITIVE_INFINITY;
  /** The highest bound of those that have not. */
  #highest = NEVER;
  #query: Query | null = null;
  #last = NOBODY;
  #lastClass = 0;
  /** Of the node that `next` returned last. */
  score = NEVER;
  /** Rows looked at since this search was made; what a decision costs. */
  looked = 0;

  constructor(tree: NodeTree) {
    this.#tree = tree;
    this.#vertices = tree.vertices;
    this.#shortlists = new Shortlists(tree);
  }

  /** Begins anew. The tree must not change before the last `next` of this search. */
  start(query: Query): void {
    this.#size = 0;
    this.#query = query;
    this.#last = NOBODY;
    this.#floor = Number.POSITIVE_INFINITY;
    this.#sweep(this.#shortlists.of(query));
  }

  /** The next best node's vertex; null when no other could take the job. `score` is then its score. */
  next(): number | null {
    const query = this.#query;
    const shortlist = this.#shortlist;
    if (!query || !shortlist) return null;
    if (this.#last !== NOBODY) {
      this.#addNextTo(this.#last, query, shortlist, this.#lastClass, this.score);
      this.#last = NOBODY;
    }
    for (;;) {
      if (this.#highest !== NEVER && (this.#size === 0 || (this.#bounds[0] as number) < this.#floor)) {
        this.#takeUpBand(query, shortlist);
        continue;
      }
      if (this.#size === 0) return null;
      const vertex = this.#seen[0] as number;
      const bound = this.#bounds[0] as number;
      const listed = this.#classes[0] as number;
      this.#dropFirst();
      if (this.#vertices.isNode(vertex)) {
        this.#last = vertex;
        this.#lastClass = listed;
        this.score = bound;
        return vertex;
      }
      if (vertex !== shortlist.roots[listed]) this.#addNextTo(vertex, query, shortlist, listed, bound);
      this.#addBestOf(vertex, query, shortlist, listed, Number.POSITIVE_INFINITY, NOBODY);
    }
  }

  #sweep(shortlist: Shortlist): void {
    const { length, rows: offsets, fits, field } = shortlist;
    if (length > this.#classBounds.length) this.#classBounds = new Float64Array(2 * length);
    const { rows } = this.#vertices;
    const bounds = this.#classBounds;
    let highest = NEVER;
    for (let listed = 0; listed < length; listed++) {
      const at = (offsets[listed] as number) + field * FAN;
      const bound = (rows[at] as number) + (fits[listed] as number);
      bounds[listed] = bound;
      if (bound > highest) highest = bound;
    }
    this.#highest = highest;
    this.#shortlist = shortlist;
    this.looked += length;
  }

  /** Takes up the best classes of those left. */
  #takeUpBand(query: Query, { length, rows: offsets, roots }: Shortlist): void {
    const end = this.#floor;
    const floor = this.#highest - BAND;
    const { rows } = this.#vertices;
    let left = NEVER;
    for (let listed = 0; listed < length; listed++) {
      const bound = this.#classBounds[listed] as number;
      if (bound >= end) continue;
      if (bound < floor) {
        if (bound > left) left = bound;
      } else if (query.passes(rows, offsets[listed] as number)) this.#add(bound, listed, roots[listed] as number);
    }
    this.#floor = floor;
    this.#highest = left;
  }

  /** Adds the next best of the vertex's group. */
  #addNextTo(vertex: number, query: Query, shortlist: Shortlist, listed: number, bound: number): void {
    const group = this.#vertices.parentOf(vertex);
    this.#addBestOf(group, query, shortlist, listed, bound, this.#vertices.rankOf(vertex));
  }

  /** Adds the best member of a group, of those that come after the one with this bound and rank. */
  #addBestOf(
    group: number,
    query: Query,
    { fits, field }: Shortlist,
    listed: number,
    limit: number,
    after: number,
  ): void {
    const members = this.#vertices.countOf(group);
    const at = this.#vertices.rowsOf(group);
    const { rows } = this.#vertices;
    const bounds = at + (this.#vertices.isLeaf(group) ? STANDING : field) * FAN;
    const fit = fits[listed] as number;
    this.looked += members;
    let best = NEVER;
    let who = NOBODY;
    for (let rank = 0; rank < members; rank++) {
      const bound = (rows[bounds + rank] as number) + fit;
      if (bound <= best || bound > limit || (bound === limit && rank <= after)) continue;
      if (!query.passes(rows, at + rank)) continue;
      best = bound;
      who = rank;
    }
    if (who !== NOBODY) this.#add(best, listed, this.#vertices.memberAt(group, who));
  }

  #add(bound: number, listed: number, vertex: number): void {
    if (this.#size === this.#bounds.length) this.#grow();
    let at = this.#size++;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!this.#isBefore(bound, vertex, parent)) break;
      this.#shift(parent, at);
      at = parent;
    }
    this.#put(at, bound, listed, vertex);
  }

  #dropFirst(): void {
    const last = --this.#size;
    const bound = this.#bounds[last] as number;
    const listed = this.#classes[last] as number;
    const vertex = this.#seen[last] as number;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= last) break;
      const right = child + 1;
      if (right < last && this.#isBefore(this.#bounds[right] as number, this.#seen[right] as number, child))
        child = right;
      if (this.#isBefore(bound, vertex, child)) break;
      this.#shift(child, at);
      at = child;
    }
    this.#put(at, bound, listed, vertex);
  }

  #isBefore(bound: number, vertex: number, at: number): boolean {
    const other = this.#bounds[at] as number;
    return bound > other || (bound === other && this.#tree.isBefore(vertex, this.#seen[at] as number));
  }

  #shift(from: number, to: number): void {
    this.#put(to, this.#bounds[from] as number, this.#classes[from] as number, this.#seen[from] as number);
  }

  #put(at: number, bound: number, listed: number, vertex: number): void {
    this.#bounds[at] = bound;
    this.#classes[at] = listed;
    this.#seen[at] = vertex;
  }

  #grow(): void {
    const size = this.#bounds.length * 2;
    this.#bounds = copied(this.#bounds, new Float64Array(size));
    this.#classes = copied(this.#classes, new Int32Array(size));
    this.#seen = copied(this.#seen, new Int32Array(size));
  }
}

function copied<Numbers extends Float64Array<ArrayBuffer> | Int32Array<ArrayBuffer>>(
  from: Numbers,
  to: Numbers,
): Numbers {
  to.set(from);
  return to;
}
