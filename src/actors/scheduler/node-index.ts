/**
 * Finds the best nodes for a job without scoring all of them: the shelves of nodes, and the search that walks them best first.
 * Its answers are those of the plain rules in `domain/placement.ts`, to the last bit of the score and the last tie.
 */
import type { Demand } from "../../domain/job-spec.ts";
import type { NodeProfile } from "../../domain/node-profile.ts";
import { type Room, regionOf, takes } from "../../domain/placement.ts";
import { NameBits } from "./name-bits.ts";
import { classOf } from "./node-facts.ts";
import type { Place } from "./node-place.ts";
import { Query } from "./node-query.ts";
import { NodeSearch } from "./node-search.ts";
import { type Make, NodeShelves } from "./node-shelves.ts";
import { Extremes, type Seen } from "./seen.ts";

/** What the index is told of a node; the room is what it has left. */
export interface Indexed extends Room {
  readonly id: string;
  readonly node: { readonly id: string; readonly profile: NodeProfile; readonly reputation: number };
  /** Of its best GPU with nothing on it (`node-lines.ts`). */
  readonly gpuBytes: number;
  /** Whether all its kinds of GPU have one that large. */
  readonly oneSize: boolean;
  /** The job-independent part of its score. */
  readonly standing: number;
  /** Whether it may be offered jobs, as long as it has room. */
  readonly available: boolean;
  /** Where the index has it, and the index's number for it. The index's own; null until it was put there. */
  make: Make | null;
  column: number;
  number: number;
}

export class NodeIndex<Entry extends Indexed> {
  readonly #shelves = new NodeShelves();
  readonly #search = new NodeSearch(this.#shelves);
  /** Regions are many, so they get more bits. */
  readonly #seen: Seen = {
    regions: new NameBits(2),
    formats: new NameBits(1),
    runtimes: new NameBits(1),
    extremes: new Extremes(),
  };
  readonly #query = new Query(this.#seen);
  readonly #entries: (Entry | undefined)[] = [];

  /** Nodes and classes looked at by all searches so far: what the decisions cost. */
  get looked(): number {
    return this.#search.looked;
  }

  /** To be called for a new node, and when anything of it has changed. */
  put(entry: Entry): void {
    const place = placeOf(entry.node);
    if (entry.make && !isSame(this.#shelves.places[entry.number] as Place, place)) {
      this.#shelves.remove(entry.number, entry.make);
      entry.make = null;
    }
    if (entry.make === null) {
      entry.make = this.#shelves.makeOf(place);
      entry.column = entry.make.column;
      entry.number = this.#shelves.insert(place, entry.make);
    }
    this.#entries[entry.number] = entry;
    this.#shelves.takeAway(entry.number, entry.column);
    this.#shelves.lines.writeLasting(entry.number, entry.node.profile, entry.node.reputation, this.#seen);
    this.refresh(entry);
  }

  /** The same when nothing but its room and its standing can have changed. */
  refresh({ column, number, available, standing, slots, ramBytes, gpuBytes, vramTaken }: Entry): void {
    if (!available) return;
    if (slots < 1) this.#shelves.takeAway(number, column);
    else this.#shelves.put(number, column, standing, ramBytes, gpuBytes - vramTaken);
  }

  /** Begins a search for nodes that can take the job now. Another one, or a change of a node, ends it. */
  search(demand: Demand): void {
    this.#search.start(this.#query.ask(demand));
  }

  /** The best node that the search has not come to yet; null when there are no more. */
  next(demand: Demand, isExcluded: (nodeId: string) => boolean): Entry | null {
    const search = this.#search;
    const { isExact } = this.#query;
    for (let number = search.next(); number !== null; number = search.next()) {
      const entry = this.#entries[number] as Entry;
      if (isExcluded(entry.id)) continue;
      // Lines are cautious, so as a rule the rules have the last word.
      if ((isExact && entry.oneSize) || takes(entry.node, entry, demand)) return entry;
    }
    return null;
  }

  /** Of the node that `next` returned last. */
  get score(): number {
    return this.#search.score;
  }
}

const placeOf = ({ id, profile }: Indexed["node"]): Place => ({
  hardware: classOf(profile),
  region: regionOf(profile),
  id,
});

const isSame = (one: Place, other: Place): boolean =>
  one.hardware.number === other.hardware.number && one.region === other.region;
