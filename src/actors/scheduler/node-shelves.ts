/**
 * All nodes: for each class of hardware its make, and in a make a shelf for each tier of free memory, on which nodes stand in
 * the order of `node-order.ts`. Nodes of a class differ for a job by their standing alone, and those of a shelf have about
 * the same room; so the first of a shelf is mostly the one that a job should get, and what a filter rules out before it is passed
 * by node for node: one in a hundred fits, a hundred are looked at, however large the fleet.
 *
 * There are as many classes as there are makes of machines, some hundreds, whether a thousand nodes or a hundred thousand. How
 * high the best of each stands is kept for every tier of free memory in one table, over which a search sweeps first.
 *
 * Nodes that can take nothing at present are on no shelf. An attempt that comes or goes moves one node from its shelf to its
 * next, and writes its make's part of the table if it was or is the first of one.
 */
import { GPU_STEPS, gpuTier, type HardwareClass, NEVER, RAM_STEPS, ramTier } from "./node-facts.ts";
import { NOWHERE, NodeLines } from "./node-lines.ts";
import { NodeOrder, Ordered } from "./node-order.ts";
import type { Place } from "./node-place.ts";

/** Fields of the table: by tiers of free GPU memory, then of RAM, how high the best stands that has at least so much. */
const FIELDS = GPU_STEPS + RAM_STEPS;

/** Bits of a shelf's number that tell the tier of RAM; the others tell that of GPU memory. */
const RAM_BITS = 4;
const numberOf = (gpuTier: number, ramTier: number): number => (gpuTier << RAM_BITS) | ramTier;
export const gpuTierOf = (shelf: number): number => shelf >> RAM_BITS;
export const ramTierOf = (shelf: number): number => shelf & ((1 << RAM_BITS) - 1);

/** The nodes of a make with about the same memory free. */
export class Shelf extends Ordered {
  /** Among the shelves of its make that have nodes on them, from 1 on. */
  position = 0;

  constructor(readonly number: number) {
    super();
  }
}

/** All nodes of a class. */
export class Make {
  nodes = 0;
  /** By their number, those that were ever used. */
  readonly shelves: (Shelf | undefined)[] = [];
  /** Those with nodes on them. */
  readonly used: Shelf[] = [];

  /** `column`: its own in the table, and the number of its place in the tables of shelves. */
  constructor(
    readonly hardware: HardwareClass,
    readonly column: number,
  ) {}
}

/**
 * Room for all shelves that a make can have, and before them for how many there are. No power of two, as those lie where
 * a cache can hold few of them at once; the rows of the table are apart by an odd number of cache lines for the same reason.
 */
export const SHELVES = 136;
const ROW_GAP = 8;

export class NodeShelves {
  readonly lines = new NodeLines();
  /** By node. */
  readonly places: (Place | undefined)[] = [];
  readonly order = new NodeOrder(this.places);
  readonly #makes = new Map<number, Make>();
  /** Field by field, so that a sweep over the makes reads numbers that lie together. */
  #table = new Float64Array(FIELDS * (16 + ROW_GAP)).fill(NEVER);
  #columns = 16;
  #rowLength = 16 + ROW_GAP;
  /**
   * By make, of the shelves with nodes on them: their numbers, how high the first node of each stands, and the chunk
   * it is in (`node-order.ts`). A search needs no more of a shelf, and here it lies together.
   */
  #numbers = new Uint8Array(16 * SHELVES);
  #tops = new Float64Array(16 * SHELVES);
  #chunks = new Int32Array(16 * SHELVES);
  readonly #freeColumns: number[] = [];
  #usedColumns = 0;
  /** The make's part of the table that is being written. */
  readonly #sums = new Float64Array(FIELDS);
  /** Counts changes of the list of makes. */
  edition = 0;

  makes(): Iterable<Make> {
    return this.#makes.values();
  }

  /** Of the field of the make in column 0; those of the others follow. */
  get table(): Float64Array {
    return this.#table;
  }

  get numbers(): Uint8Array {
    return this.#numbers;
  }

  get chunks(): Int32Array {
    return this.#chunks;
  }

  get tops(): Float64Array {
    return this.#tops;
  }

  /** Where the field begins in the table. */
  rowOf(field: number): number {
    return field * this.#rowLength;
  }

  makeOf({ hardware }: Place): Make {
    const known = this.#makes.get(hardware.number);
    if (known) return known;
    const column = this.#freeColumns.pop() ?? this.#usedColumns++;
    if (column === this.#columns) this.#widen();
    const make = new Make(hardware, column);
    this.#makes.set(hardware.number, make);
    this.edition += 1;
    return make;
  }

  /** Adds a node that is on no shelf yet. */
  insert(place: Place, make: Make): number {
    const node = this.lines.create();
    this.places[node] = place;
    make.nodes += 1;
    return node;
  }

  remove(node: number, make: Make): void {
    this.takeAway(node, make);
    this.places[node] = undefined;
    this.lines.drop(node);
    make.nodes -= 1;
    if (make.nodes > 0) return;
    this.#makes.delete(make.hardware.number);
    this.#freeColumns.push(make.column);
    this.edition += 1;
  }

  /** Puts a node where its standing and its free memory belong. */
  put(node: number, make: Make, standing: number, freeRam: number, freeGpu: number): void {
    this.lines.setFree(node, freeRam, freeGpu);
    const number = numberOf(gpuTier(freeGpu), ramTier(freeRam));
    const was = this.lines.shelf(node);
    if (number === was && standing === this.lines.standing(node)) return;
    const wasFirst = was !== NOWHERE && this.#takeOff(node, make, was);
    const isFirst = this.#putOn(node, make, number, standing);
    if (wasFirst || isFirst) this.#sum(make);
  }

  /** Takes a node off its shelf: it can take nothing at present. */
  takeAway(node: number, make: Make): void {
    const shelf = this.lines.shelf(node);
    if (shelf === NOWHERE) return;
    const wasFirst = this.#takeOff(node, make, shelf);
    this.lines.setShelf(node, NOWHERE);
    if (wasFirst) this.#sum(make);
  }

  /** Whether it now is the highest of its shelf, alone. */
  #putOn(node: number, make: Make, number: number, standing: number): boolean {
    let shelf = make.shelves[number];
    if (shelf === undefined) {
      shelf = new Shelf(number);
      make.shelves[number] = shelf;
    }
    if (shelf.chunks.length === 0) {
      shelf.position = make.used.push(shelf);
      this.#numbers[make.column * SHELVES] = shelf.position;
      this.#numbers[make.column * SHELVES + shelf.position] = number;
      this.#tops[make.column * SHELVES + shelf.position] = NEVER;
    }
    this.order.add(shelf, node, standing, this.lines.marks(node));
    this.lines.setShelf(node, number);
    this.lines.setStanding(node, standing);
    const at = make.column * SHELVES + shelf.position;
    if (standing <= (this.#tops[at] as number)) return false;
    this.#tops[at] = standing;
    this.#chunks[at] = shelf.chunks[0] as number;
    return true;
  }

  /** Whether what is left stands less high. */
  #takeOff(node: number, make: Make, number: number): boolean {
    const shelf = make.shelves[number] as Shelf;
    const first = make.column * SHELVES;
    const at = first + shelf.position;
    const stood = this.lines.standing(node);
    this.order.remove(shelf, node, stood);
    if (stood < (this.#tops[at] as number)) return false;
    if (shelf.chunks.length > 0) {
      this.#tops[at] = shelf.highs[0] as number;
      this.#chunks[at] = shelf.chunks[0] as number;
      return stood !== this.#tops[at];
    }
    // The last one takes its position.
    const last = make.used.pop() as Shelf;
    this.#numbers[first] = make.used.length;
    if (last === shelf) return true;
    this.#numbers[at] = last.number;
    this.#tops[at] = this.#tops[first + last.position] as number;
    this.#chunks[at] = this.#chunks[first + last.position] as number;
    make.used[shelf.position - 1] = last;
    last.position = shelf.position;
    return true;
  }

  /** Writes the make's part of the table. */
  #sum({ column }: Make): void {
    const sums = this.#sums;
    sums.fill(NEVER);
    const first = column * SHELVES;
    const last = first + (this.#numbers[first] as number);
    for (let at = first + 1; at <= last; at++) {
      const number = this.#numbers[at] as number;
      const top = this.#tops[at] as number;
      const gpu = gpuTierOf(number);
      const ram = GPU_STEPS + ramTierOf(number);
      if (top > (sums[gpu] as number)) sums[gpu] = top;
      if (top > (sums[ram] as number)) sums[ram] = top;
    }
    let best = NEVER;
    for (let field = FIELDS - 1; field >= 0; field--) {
      if (field === GPU_STEPS - 1) best = NEVER;
      if ((sums[field] as number) > best) best = sums[field] as number;
      this.#table[field * this.#rowLength + column] = best;
    }
  }

  #widen(): void {
    const columns = 2 * this.#columns;
    const rowLength = columns + ROW_GAP;
    const table = new Float64Array(FIELDS * rowLength).fill(NEVER);
    for (let field = 0; field < FIELDS; field++)
      table.set(this.#table.subarray(this.rowOf(field), this.rowOf(field) + this.#columns), field * rowLength);
    this.#columns = columns;
    this.#rowLength = rowLength;
    this.#table = table;
    const numbers = new Uint8Array(columns * SHELVES);
    numbers.set(this.#numbers);
    this.#numbers = numbers;
    const tops = new Float64Array(columns * SHELVES);
    tops.set(this.#tops);
    this.#tops = tops;
    const chunks = new Int32Array(columns * SHELVES);
    chunks.set(this.#chunks);
    this.#chunks = chunks;
  }
}
