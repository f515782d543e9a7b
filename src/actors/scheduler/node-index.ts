/**
 * Finds the best nodes for a job without scoring all of them: the tree of nodes, and the search that walks it best first. Its
 * answers are those of the plain rules in `domain/placement.ts`, to the last bit of the score and the last tie.
 */
import type { Demand } from "../../domain/job-spec.ts";
import type { NodeProfile } from "../../domain/node-profile.ts";
import { type Room, regionOf, takes } from "../../domain/placement.ts";
import { NameBits } from "./name-bits.ts";
import { classOf, clearRow, LIVE_END, type Names, NODE_END, Query, writeLasting, writeLive } from "./node-facts.ts";
import { NodeSearch } from "./node-search.ts";
import { NodeTree, type Place } from "./node-tree.ts";

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
  readonly vertex: number;
  readonly place: Place;
}

export class NodeIndex<Entry extends Indexed> {
  readonly #tree = new NodeTree();
  readonly #search = new NodeSearch(this.#tree);
  /** Regions are many, so they get more bits. */
  readonly #names: Names = { regions: new NameBits(2), formats: new NameBits(1), runtimes: new NameBits(1) };
  readonly #entries: (Entry | undefined)[] = [];
  /** The row that is being written. */
  readonly #row = new Float64Array(NODE_END);

  /** Rows looked at by all searches so far: what the decisions cost. */
  get looked(): number {
    return this.#search.looked;
  }

  /** To be called for a new node, and when anything of it has changed. */
  put(entry: Entry): void {
    const place = placeOf(entry.node);
    if (entry.seat && !isSame(entry.seat.place, place)) {
      this.#tree.remove(entry.seat.vertex);
      entry.seat = null;
    }
    entry.seat ??= { vertex: this.#tree.insert(place), place };
    this.#entries[entry.seat.vertex] = entry;
    writeLasting(this.#row, entry.node.profile, entry.node.reputation, this.#names);
    this.#writeRoom(entry);
    // One that is away should not be why a search looks into its group: not for its price or its region either.
    if (!entry.available) clearRow(this.#row, NODE_END);
    this.#tree.write(entry.seat.vertex, this.#row, NODE_END);
  }

  /** The same when nothing but its room and its standing can have changed. */
  refresh(entry: Entry): void {
    if (!entry.seat || !entry.available) return;
    this.#writeRoom(entry);
    this.#tree.write(entry.seat.vertex, this.#row, LIVE_END);
  }

  /**
   * The nodes that can take the job now, best first, one with every call; null when there are no more. Another `search`, or
   * a change of a node, ends this one.
   */
  search(demand: Demand, isExcluded: (nodeId: string) => boolean): () => { entry: Entry; score: number } | null {
    const search = this.#search;
    search.start(new Query(demand, this.#names));
    return () => {
      for (let vertex = search.next(); vertex !== null; vertex = search.next()) {
        const entry = this.#entries[vertex] as Entry;
        const { node, room } = entry;
        // Rows are cautious, so the rules have the last word.
        if (!isExcluded(node.id) && takes(node, room, demand)) return { entry, score: search.score };
      }
      return null;
    };
  }

  #writeRoom({ room, standing }: Entry): void {
    if (room.slots >= 1) writeLive(this.#row, standing, room);
    else clearRow(this.#row, LIVE_END);
  }
}

const placeOf = ({ id, profile }: Indexed["node"]): Place => ({
  hardware: classOf(profile),
  region: regionOf(profile),
  id,
});

const isSame = (one: Place, other: Place): boolean =>
  one.hardware.number === other.hardware.number && one.region === other.region;
