/**
 * Which classes of hardware could take a job at all, and how well each fits it. That depends on a few numbers of the job, which
 * most jobs share with many others; so it is kept, until a class comes or goes.
 */
import { NEVER, type Query } from "./node-facts.ts";
import type { NodeTree } from "./node-tree.ts";

export interface Shortlist {
  readonly length: number;
  readonly roots: Int32Array;
  /** Where the rows of the roots begin. */
  readonly rows: Int32Array;
  readonly fits: Float64Array;
  /** The field that bounds the standings. */
  readonly field: number;
}

/** Owners could make up any number of shapes. */
const MOST_KEPT = 256;

export class Shortlists {
  readonly #tree: NodeTree;
  readonly #kept = new Map<number, Shortlist>();
  #edition = 0;

  constructor(tree: NodeTree) {
    this.#tree = tree;
  }

  of(query: Query): Shortlist {
    const { shape } = query;
    if (shape === null) return this.#make(query);
    if (this.#edition !== this.#tree.edition || this.#kept.size === MOST_KEPT) {
      this.#kept.clear();
      this.#edition = this.#tree.edition;
    }
    const kept = this.#kept.get(shape);
    if (kept) return kept;
    const made = this.#make(query);
    this.#kept.set(shape, made);
    return made;
  }

  #make(query: Query): Shortlist {
    const classes = [...this.#tree.roots()]
      .map((root) => ({ root, fit: query.fit(this.#tree.hardwareOf(root)) }))
      .filter(({ fit }) => fit !== NEVER);
    return {
      length: classes.length,
      roots: Int32Array.from(classes, ({ root }) => root),
      rows: Int32Array.from(classes, ({ root }) => this.#tree.vertices.rowOf(root)),
      fits: Float64Array.from(classes, ({ fit }) => fit),
      field: query.field,
    };
  }
}
