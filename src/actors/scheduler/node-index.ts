/**
 * Finds the best nodes for a job without scoring all of them: the tree of nodes, and the search that walks it best first. Its
 * answers are those of the plain rules in `domain/placement.ts`, to the last bit of the score and the last tie.
 */
import { DEVICE_KINDS, type Demand } from "../../domain/job-spec.ts";
import { isGpu, type NodeProfile } from "../../domain/node-profile.ts";
import { crowded, lacks, type Room, regionOf, sizeClass } from "../../domain/placement.ts";
import { NameBits } from "./name-bits.ts";
import { clearRow, copyLasting, type Names, Query, WIDTH, writeLasting, writeLive } from "./node-facts.ts";
import { NodeSearch } from "./node-search.ts";
import { NodeTree, type Place } from "./node-tree.ts";

/** What the index is told of a node. */
export interface Indexed {
  readonly node: { readonly id: string; readonly profile: NodeProfile; readonly reputation: number };
  readonly room: Room;
  /** The job-independent part of its score. */
  readonly standing: number;
  /** Whether it may be offered anything now. */
  readonly open: boolean;
}

export class NodeIndex<Entry extends Indexed> {
  readonly #tree = new NodeTree();
  readonly #search = new NodeSearch(this.#tree);
  /** Regions are many, so they get more bits. */
  readonly #names: Names = { regions: new NameBits(2), formats: new NameBits(1), runtimes: new NameBits(1) };
  readonly #entries: (Entry | undefined)[] = [];
  readonly #held = new Map<Entry, Held>();
  /** The row that is being written. */
  readonly #row = new Float64Array(WIDTH);

  /** Rows looked at by all searches so far: what the decisions cost. */
  get looked(): number {
    return this.#search.looked;
  }

  /** To be called for a new node, and when anything of it has changed. */
  put(entry: Entry): void {
    const place = placeOf(entry.node);
    let held = this.#held.get(entry);
    if (held && !isSame(held.place, place)) {
      this.#tree.remove(held.vertex);
      held = undefined;
    }
    if (!held) {
      held = {
        vertex: this.#tree.insert(place),
        place,
        row: new Float64Array(WIDTH),
        lasting: new Float64Array(WIDTH),
        open: false,
      };
      clearRow(held.row);
      this.#entries[held.vertex] = entry;
      this.#held.set(entry, held);
    }
    this.#write(entry, held, true);
  }

  /** The same when nothing but its room, its standing and whether it is open can have changed. */
  refresh(entry: Entry): void {
    const held = this.#held.get(entry);
    if (held) this.#write(entry, held, false);
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
        if (!isExcluded(node.id) && lacks(node, demand) === null && crowded(room, demand) === null)
          return { entry, score: search.score };
      }
      return null;
    };
  }

  #write(entry: Entry, held: Held, all: boolean): void {
    const { node, open } = entry;
    if (all) writeLasting(held.lasting, node.profile, node.reputation, this.#names);
    if (!open && !held.open) return;
    const row = this.#row;
    if (open) {
      copyLasting(held.lasting, row);
      writeLive(row, entry.standing, entry.room);
    } else clearRow(row);
    held.open = open;
    this.#tree.write(held.vertex, held.row, row, open);
  }
}

interface Held {
  readonly vertex: number;
  readonly place: Place;
  /** As the tree has it. */
  readonly row: Float64Array;
  /** The part of it that does not change as attempts come and go, kept while the node is closed too. */
  readonly lasting: Float64Array;
  open: boolean;
}

function placeOf({ id, profile }: Indexed["node"]): Place {
  const kinds = profile.devices.reduce((bits, { kind }) => bits | (1 << DEVICE_KINDS.indexOf(kind)), 0);
  const gpu = profile.devices.reduce((most, one) => (isGpu(one) ? Math.max(most, one.vramBytes) : most), 0);
  const ram = profile.ramBytes;
  return { kinds, gpuSize: sizeClass(gpu), ramSize: sizeClass(ram), region: regionOf(profile), gpu, ram, id };
}

const isSame = (one: Place, other: Place): boolean =>
  one.kinds === other.kinds && one.gpu === other.gpu && one.ram === other.ram && one.region === other.region;
