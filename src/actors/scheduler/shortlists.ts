/**
 * Which classes of hardware could take a job at all, and how well each fits it. That depends on a few numbers of the job, which
 * most jobs share with many others; so it is kept, until a class comes or goes.
 */
import { NEVER } from "./node-facts.ts";
import type { Query } from "./node-query.ts";
import type { NodeShelves } from "./node-shelves.ts";

/** The best fits first. */
export interface Shortlist {
  /** Of the classes, in the tables of `node-shelves.ts`. */
  readonly columns: Int32Array;
  readonly fits: Float64Array;
}

/** Owners could make up any number of shapes. */
const MOST_KEPT = 256;

export class Shortlists {
  readonly #shelves: NodeShelves;
  readonly #kept = new Map<number, Shortlist>();
  #edition = 0;

  constructor(shelves: NodeShelves) {
    this.#shelves = shelves;
  }

  of(query: Query): Shortlist {
    const { shape } = query;
    if (shape === null) return this.#make(query);
    if (this.#edition !== this.#shelves.edition || this.#kept.size === MOST_KEPT) {
      this.#kept.clear();
      this.#edition = this.#shelves.edition;
    }
    const kept = this.#kept.get(shape);
    if (kept) return kept;
    const made = this.#make(query);
    this.#kept.set(shape, made);
    return made;
  }

  #make(query: Query): Shortlist {
    const fitting = [...this.#shelves.makes()]
      .map((make) => ({ make, fit: query.fit(make.hardware) }))
      .filter(({ fit }) => fit !== NEVER)
      .sort((one, other) => other.fit - one.fit);
    return {
      columns: Int32Array.from(fitting, ({ make }) => make.column),
      fits: Float64Array.from(fitting, ({ fit }) => fit),
    };
  }
}
