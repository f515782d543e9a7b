/**
 * Finds the best nodes for a job without scoring all of them: the shelves of nodes, and the search that walks them best first.
 * Its answers are those of the plain rules in `domain/placement.ts`, to the last bit of the score and the last tie.
 */
import type { Demand } from "../../domain/job-spec.ts";
import type { NodeProfile } from "../../domain/node-profile.ts";
import { type Room, regionOf, takes } from "../../domain/placement.ts";
import { NameBits } from "./name-bits.ts";
import { classOf } from "./node-facts.ts";
import { freeGpu } from "./node-lines.ts";
import type { Place } from "./node-place.ts";
import { Query } from "./node-query.ts";
import { NodeSearch } from "./node-search.ts";
import { type Make, NodeShelves } from "./node-shelves.ts";
import { Extremes, type Seen } from "./seen.ts";

/** What the index is told of a node. */
export interface Indexed {
  readonly node: { readonly id: string; readonly profile: NodeProfile; readonly reputation: number };
  readonly room: Room;
  /** The job-independent part of its score. */
  readonly standing: number;
  /** Whether it may be offered jobs, as long as it has room. */
  readonly available: boolean;
  /** The index's own. */
  seat: Seat | null;
}

/** Where the index has a node. */
export interface Seat {
  /** The index's number for it. */
  readonly number: number;
  readonly place: Place;
  readonly make: Make;
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
  readonly #entries: (Entry | undefined)[] = [];

  /** Nodes and classes looked at by all searches so far: what the decisions cost. */
  get looked(): number {
    return this.#search.looked;
  }

  /** To be called for a new node, and when anything of it has changed. */
  put(entry: Entry): void {
    const place = placeOf(entry.node);
    if (entry.seat && !isSame(entry.seat.place, place)) {
      this.#shelves.remove(entry.seat.number, entry.seat.make);
      entry.seat = null;
    }
    entry.seat ??= this.#seatAt(place);
    const { number, make } = entry.seat;
    this.#entries[number] = entry;
    this.#shelves.takeAway(number, make);
    this.#shelves.lines.writeLasting(number, entry.node.profile, entry.node.reputation, this.#seen);
    this.refresh(entry);
  }

  /** The same when nothing but its room and its standing can have changed. */
  refresh({ seat, available, room, standing }: Entry): void {
    if (!seat || !available) return;
    if (room.slots < 1) this.#shelves.takeAway(seat.number, seat.make);
    else this.#shelves.put(seat.number, seat.make, standing, room.ramBytes, freeGpu(room));
  }

  /**
   * The nodes that can take the job now, best first, one with every call; null when there are no more. Another `search`, or
   * a change of a node, ends this one.
   */
  search(demand: Demand, isExcluded: (nodeId: string) => boolean): () => { entry: Entry; score: number } | null {
    const search = this.#search;
    search.start(new Query(demand, this.#seen));
    return () => {
      for (let number = search.next(); number !== null; number = search.next()) {
        const entry = this.#entries[number] as Entry;
        const { node, room } = entry;
        // Lines are cautious, so the rules have the last word.
        if (!isExcluded(node.id) && takes(node, room, demand)) return { entry, score: search.score };
      }
      return null;
    };
  }

  #seatAt(place: Place): Seat {
    const make = this.#shelves.makeOf(place);
    return { number: this.#shelves.insert(place, make), place, make };
  }
}

const placeOf = ({ id, profile }: Indexed["node"]): Place => ({
  hardware: classOf(profile),
  region: regionOf(profile),
  id,
});

const isSame = (one: Place, other: Place): boolean =>
  one.hardware.number === other.hardware.number && one.region === other.region;
