/**
 * Which classes of hardware could take a job at all, and how well each fits it. That depends on a few numbers of the job, which
 * most jobs share with many others; so it is kept, until a class comes or goes. For a job with numbers of its own it is put together from
 * the classes by size, whose order is the same for all jobs that ask for the same kind of device. (Sorted anew for each of them,
 * it was nine tenths of what a decision cost.)
 */
import { type HardwareClass, NEVER } from "./node-facts.ts";
import type { Query } from "./node-query.ts";
import type { NodeShelves } from "./node-shelves.ts";

/** The best fits first. */
export interface Shortlist {
  /** Of the classes, in the tables of `node-shelves.ts`. */
  readonly columns: Int32Array;
  readonly fits: Float64Array;
}

/** Classes that fit all jobs of a kind alike. */
interface Alike {
  readonly one: HardwareClass;
  readonly columns: Int32Array;
}

/** Owners could make up any number of shapes. */
const MOST_KEPT = 256;

export class Shortlists {
  readonly #shelves: NodeShelves;
  readonly #kept = new Map<number, Shortlist>();
  /** By kind of device, the smallest first. */
  readonly #bySize = new Map<number, readonly Alike[]>();
  #edition = 0;

  constructor(shelves: NodeShelves) {
    this.#shelves = shelves;
  }

  of(query: Query): Shortlist {
    if (this.#edition !== this.#shelves.edition) {
      this.#edition = this.#shelves.edition;
      this.#bySize.clear();
      this.#kept.clear();
    }
    const { shape } = query;
    if (shape === null) return this.#sorted(query);
    const kept = this.#kept.get(shape);
    if (kept) return kept;
    if (this.#kept.size === MOST_KEPT) this.#kept.clear();
    const made = this.#fromSizes(query);
    this.#kept.set(shape, made);
    return made;
  }

  #fromSizes(query: Query): Shortlist {
    const fitting: Alike[] = [];
    const grades: number[] = [];
    let length = 0;
    for (const alike of this.#sizes(query)) {
      const fit = query.fit(alike.one);
      if (fit === NEVER) continue;
      fitting.push(alike);
      grades.push(fit);
      length += alike.columns.length;
    }
    const columns = new Int32Array(length);
    const fits = new Float64Array(length);
    let at = 0;
    for (const [index, alike] of fitting.entries()) {
      columns.set(alike.columns, at);
      fits.fill(grades[index] as number, at, at + alike.columns.length);
      at += alike.columns.length;
    }
    return { columns, fits };
  }

  #sizes(query: Query): readonly Alike[] {
    const known = this.#bySize.get(query.kind);
    if (known) return known;
    const bySize = Map.groupBy(this.#shelves.makes(), ({ hardware }) => query.sizeOf(hardware));
    const made = [...bySize]
      .flatMap(([size, makes]) => (size === null ? [] : [{ size, makes }]))
      .sort((one, other) => one.size - other.size)
      .flatMap(({ makes }) => {
        const [first] = makes;
        return first ? [{ one: first.hardware, columns: Int32Array.from(makes, ({ column }) => column) }] : [];
      });
    this.#bySize.set(query.kind, made);
    return made;
  }

  /** For a job whose fits are not a matter of size alone. */
  #sorted(query: Query): Shortlist {
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
