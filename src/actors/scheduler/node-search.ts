/**
 * Walks the tree of nodes best first: of all vertices seen and not opened yet, the one with the highest bound is next. A node
 * that comes up is therefore the best of those left, its own bound being its score; the search stops there and goes on only
 * when asked for another. How much of the tree it opens depends on how many nodes could have been better, not on how many
 * there are.
 *
 * It begins with a sweep over the classes of hardware. Most of them are far from the best, so they are taken up in bands of
 * nearly equal bounds. Of a group of nodes only the best is seen at first, and the one after it when that one has come
 * up: mostly nobody asks for it.
 *
 * Ties: of equal bounds goes first what comes first in the tree. A bound is reached exactly or not at all, as standings and
 * fits add without rounding (`domain/placement.ts`); so a node comes up only when no group is left that could hold
 * another one of the same score and before it.
 */
import { FAN, NEVER, type Query, STANDING } from "./node-facts.ts";
import type { NodeTree } from "./node-tree.ts";
import { type Shortlist, Shortlists } from "./shortlists.ts";

const NOBODY = -1;
/** Measured: half of it and twice as much are no faster. */
const BAND = 1 / 64;

export class NodeSearch {
  readonly #tree: NodeTree;
  /** A heap, used again by every search: nothing is allocated on the way. */
  #bounds = new Float64Array(256);
  #vertices = new Int32Array(256);
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
      const leaf = this.#tree.parentOf(this.#last);
      this.#addBestOf(leaf, query, this.#lastClass, this.score, this.#tree.rankOf(this.#last));
      this.#last = NOBODY;
    }
    for (;;) {
      if (this.#highest !== NEVER && (this.#size === 0 || (this.#bounds[0] as number) < this.#floor)) {
        this.#takeUpBand(query, shortlist);
        continue;
      }
      if (this.#size === 0) return null;
      const vertex = this.#vertices[0] as number;
      const bound = this.#bounds[0] as number;
      const kind = this.#classes[0] as number;
      this.#dropFirst();
      if (this.#tree.isNode(vertex)) {
        this.#last = vertex;
        this.#lastClass = kind;
        this.score = bound;
        return vertex;
      }
      if (this.#tree.isLeaf(vertex)) this.#addBestOf(vertex, query, kind, Number.POSITIVE_INFINITY, NOBODY);
      else this.#open(vertex, query, shortlist, kind);
    }
  }

  #sweep(shortlist: Shortlist): void {
    const { length, rows: offsets, fits, field } = shortlist;
    if (length > this.#classBounds.length) this.#classBounds = new Float64Array(2 * length);
    const { rows } = this.#tree;
    const bounds = this.#classBounds;
    let highest = NEVER;
    for (let kind = 0; kind < length; kind++) {
      const at = (offsets[kind] as number) + field * FAN;
      const bound = (rows[at] as number) + (fits[kind] as number);
      bounds[kind] = bound;
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
    const { rows } = this.#tree;
    let left = NEVER;
    for (let kind = 0; kind < length; kind++) {
      const bound = this.#classBounds[kind] as number;
      if (bound >= end) continue;
      if (bound < floor) {
        if (bound > left) left = bound;
      } else if (query.passes(rows, offsets[kind] as number)) this.#add(bound, kind, roots[kind] as number);
    }
    this.#floor = floor;
    this.#highest = left;
  }

  #open(group: number, query: Query, { fits, field }: Shortlist, kind: number): void {
    const members = this.#tree.countOf(group);
    const at = this.#tree.rowsOf(group);
    const { rows } = this.#tree;
    const fit = fits[kind] as number;
    this.looked += members;
    for (let rank = 0; rank < members; rank++) {
      const standing = rows[at + rank + field * FAN] as number;
      if (standing !== NEVER && query.passes(rows, at + rank))
        this.#add(standing + fit, kind, this.#tree.memberAt(group, rank));
    }
  }

  /** Adds the best of a group of nodes, of those that come after the one with this score and rank. */
  #addBestOf(leaf: number, query: Query, kind: number, score: number, after: number): void {
    const members = this.#tree.countOf(leaf);
    const at = this.#tree.rowsOf(leaf);
    const { rows } = this.#tree;
    const fit = this.#shortlist?.fits[kind] as number;
    this.looked += members;
    let best = NEVER;
    let who = NOBODY;
    for (let rank = 0; rank < members; rank++) {
      const found = (rows[at + rank + STANDING * FAN] as number) + fit;
      if (found <= best || found > score || (found === score && rank <= after)) continue;
      if (!query.passes(rows, at + rank)) continue;
      best = found;
      who = rank;
    }
    if (who !== NOBODY) this.#add(best, kind, this.#tree.memberAt(leaf, who));
  }

  #add(bound: number, kind: number, vertex: number): void {
    if (this.#size === this.#bounds.length) this.#grow();
    let at = this.#size++;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!this.#isBefore(bound, vertex, parent)) break;
      this.#shift(parent, at);
      at = parent;
    }
    this.#put(at, bound, kind, vertex);
  }

  #dropFirst(): void {
    const last = --this.#size;
    const bound = this.#bounds[last] as number;
    const kind = this.#classes[last] as number;
    const vertex = this.#vertices[last] as number;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= last) break;
      const right = child + 1;
      if (right < last && this.#isBefore(this.#bounds[right] as number, this.#vertices[right] as number, child))
        child = right;
      if (this.#isBefore(bound, vertex, child)) break;
      this.#shift(child, at);
      at = child;
    }
    this.#put(at, bound, kind, vertex);
  }

  #isBefore(bound: number, vertex: number, at: number): boolean {
    const other = this.#bounds[at] as number;
    return bound > other || (bound === other && this.#tree.isBefore(vertex, this.#vertices[at] as number));
  }

  #shift(from: number, to: number): void {
    this.#put(to, this.#bounds[from] as number, this.#classes[from] as number, this.#vertices[from] as number);
  }

  #put(at: number, bound: number, kind: number, vertex: number): void {
    this.#bounds[at] = bound;
    this.#classes[at] = kind;
    this.#vertices[at] = vertex;
  }

  #grow(): void {
    const size = this.#bounds.length * 2;
    this.#bounds = copied(this.#bounds, new Float64Array(size));
    this.#classes = copied(this.#classes, new Int32Array(size));
    this.#vertices = copied(this.#vertices, new Int32Array(size));
  }
}

function copied<Numbers extends Float64Array<ArrayBuffer> | Int32Array<ArrayBuffer>>(
  from: Numbers,
  to: Numbers,
): Numbers {
  to.set(from);
  return to;
}
