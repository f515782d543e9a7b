/**
 * Finds the best nodes for a job without scoring all of them: the shelves of nodes, and the search that walks them best first.
 * Its answers are those of the plain rules in `domain/placement.ts`, to the last bit of the score and the last tie.
 */
import type { Demand } from "../../domain/job-spec.ts";
import { type Cards, regionOf } from "../../domain/placement.ts";
import { NameBits } from "./name-bits.ts";
import { classOf } from "./node-facts.ts";
import { type Lasting, NOWHERE } from "./node-lines.ts";
import type { Place } from "./node-place.ts";
import { Query } from "./node-query.ts";
import { NodeSearch } from "./node-search.ts";
import { NodeShelves } from "./node-shelves.ts";
import { Extremes, type Seen } from "./seen.ts";

interface Facts extends Lasting {
  readonly id: string;
}

export class NodeIndex {
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
  readonly lines = this.#shelves.lines;

  /** Nodes and classes looked at by all searches so far: what the decisions cost. */
  get looked(): number {
    return this.#search.looked;
  }

  /** Notes what no attempt changes of a node, new or changed. It is on no shelf then, until it is put there. */
  equip(node: number, facts: Facts, cards: Cards): void {
    const place = placeOf(facts);
    if (this.lines.column(node) === NOWHERE) this.#shelves.insert(node, place);
    else if (isSame(this.#shelves.places[node] as Place, place)) this.#shelves.takeAway(node);
    else {
      this.#shelves.remove(node);
      this.#shelves.insert(node, place);
    }
    this.lines.writeLasting(node, facts, cards, this.#seen);
  }

  /** Puts a node where the room that its line tells and its standing belong; on no shelf if it can take nothing. */
  put(node: number, standing: number): void {
    if (!this.lines.isAvailable(node)) return;
    if (this.lines.slots(node) < 1) this.#shelves.takeAway(node);
    else this.#shelves.put(node, standing);
  }

  /** Begins a search for nodes that can take the job now. Another one, or a change of a node, ends it. */
  search(demand: Demand): void {
    this.#search.start(this.#query.ask(demand));
  }

  /** The best node that the search has not come to yet; null when there are no more. Perhaps it cannot take the job: see `isSure`. */
  next(): number | null {
    return this.#search.next();
  }

  /** Whether a node that came up takes the job for sure. Lines are cautious, so else the rules have the last word. */
  isSure(node: number): boolean {
    return this.#query.isExact && this.lines.isExact(node);
  }

  /** Of the node that `next` returned last. */
  get score(): number {
    return this.#search.score;
  }
}

const placeOf = ({ id, profile }: Facts): Place => ({ hardware: classOf(profile), region: regionOf(profile), id });

const isSame = (one: Place, other: Place): boolean =>
  one.hardware.number === other.hardware.number && one.region === other.region;
