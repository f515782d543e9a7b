/**
 * Walks the tree of nodes best first: of all vertices seen and not opened yet, the one with the highest bound is next. A node
 * that comes up is therefore the best of those left, its own bound being its score; the search stops there and goes on only
 * when asked for another. How much of the tree it opens depends on how many nodes could have been better, not on how many
 * there are.
 *
 * Ties: of equal bounds the lower id goes first, where a group goes by the lowest id in it. A bound is reached exactly or not
 * at all, as standings and capabilities add without rounding (`domain/placement.ts`); so a node comes up only when no
 * group is left that could hold another one of the same score and a lower id.
 */
import { NEVER, type Query } from "./node-facts.ts";
import type { NodeTree } from "./node-tree.ts";

export class NodeSearch {
  readonly #tree: NodeTree;
  /** A heap, used again by every search: nothing is allocated on the way. */
  #bounds = new Float64Array(1024);
  #vertices = new Int32Array(1024);
  #size = 0;
  #query: Query | null = null;
  /** Of the node that `next` returned last. */
  score = NEVER;
  /** Rows looked at since this search was made; what a decision costs. */
  looked = 0;

  constructor(tree: NodeTree) {
    this.#tree = tree;
  }

  /** Begins anew. The tree must not change before the last `next` of this search. */
  start(query: Query): void {
    this.#size = 0;
    this.#query = query;
    this.#open(this.#tree.root, query);
  }

  /** The next best node's vertex; null when no other could take the job. `score` is then its score. */
  next(): number | null {
    const query = this.#query;
    while (query && this.#size > 0) {
      const vertex = this.#vertices[0] as number;
      this.score = this.#bounds[0] as number;
      this.#dropFirst();
      if (this.#tree.isNode(vertex)) return vertex;
      this.#open(vertex, query);
    }
    return null;
  }

  #open(group: number, query: Query): void {
    const members = this.#tree.countOf(group);
    const at = this.#tree.rowsOf(group);
    this.looked += members;
    const areNodes = members > 0 && this.#tree.isNode(this.#tree.memberAt(group, 0));
    for (let rank = 0; rank < members; rank++) {
      const bound = areNodes ? query.score(this.#tree.rows, at + rank) : query.bound(this.#tree.rows, at + rank);
      if (bound !== NEVER) this.#add(bound, this.#tree.memberAt(group, rank));
    }
  }

  #add(bound: number, vertex: number): void {
    if (this.#size === this.#bounds.length) this.#grow();
    let at = this.#size++;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!this.#isBefore(bound, vertex, parent)) break;
      this.#put(at, this.#bounds[parent] as number, this.#vertices[parent] as number);
      at = parent;
    }
    this.#put(at, bound, vertex);
  }

  #dropFirst(): void {
    const last = --this.#size;
    const bound = this.#bounds[last] as number;
    const vertex = this.#vertices[last] as number;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= last) break;
      const right = child + 1;
      if (right < last && this.#isBefore(this.#bounds[right] as number, this.#vertices[right] as number, child))
        child = right;
      if (this.#isBefore(bound, vertex, child)) break;
      this.#put(at, this.#bounds[child] as number, this.#vertices[child] as number);
      at = child;
    }
    this.#put(at, bound, vertex);
  }

  #isBefore(bound: number, vertex: number, at: number): boolean {
    const other = this.#bounds[at] as number;
    return (
      bound > other ||
      (bound === other && this.#tree.lowestIdOf(vertex) < this.#tree.lowestIdOf(this.#vertices[at] as number))
    );
  }

  #put(at: number, bound: number, vertex: number): void {
    this.#bounds[at] = bound;
    this.#vertices[at] = vertex;
  }

  #grow(): void {
    const bounds = new Float64Array(this.#bounds.length * 2);
    const vertices = new Int32Array(this.#vertices.length * 2);
    bounds.set(this.#bounds);
    vertices.set(this.#vertices);
    this.#bounds = bounds;
    this.#vertices = vertices;
  }
}
