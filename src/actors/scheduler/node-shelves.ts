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
import { NO_CHUNK, NodeOrder } from "./node-order.ts";
import type { Place } from "./node-place.ts";
import { gpuTierOf, numberOf, ramTierOf, ShelfHeads } from "./shelf-heads.ts";

/** Fields of the table: by tiers of free GPU memory, then of RAM, how high the best stands that has at least so much. */
const FIELDS = GPU_STEPS + RAM_STEPS;

/** All nodes of a class. */
export class Make {
  nodes = 0;

  /** `column`: its own in the table, and the number of its place in the tables of shelves. */
  constructor(
    readonly hardware: HardwareClass,
    readonly column: number,
  ) {}
}

/** So often the highest of a field is asked for before it is looked up again. */
const PEAK_ASKED = 64;

/** Rows of the table are apart by an odd number of cache lines: a power of two apart, few of them would fit a cache at once. */
const ROW_GAP = 8;

export class NodeShelves {
  readonly lines = new NodeLines();
  /** By node. */
  readonly places: (Place | undefined)[] = [];
  readonly order = new NodeOrder(this.lines, this.places);
  readonly #makes = new Map<number, Make>();
  /** Field by field, so that a sweep over the makes reads numbers that lie together. */
  #table = new Float64Array(FIELDS * (16 + ROW_GAP)).fill(NEVER);
  #columns = 16;
  #rowLength = 16 + ROW_GAP;
  /** By field, what no node of any make stands higher than, and how often that will do before it is looked up again. */
  readonly #peaks = new Float64Array(FIELDS).fill(NEVER);
  readonly #fresh = new Int32Array(FIELDS);
  readonly heads = new ShelfHeads(16);
  readonly #freeColumns: number[] = [];
  #usedColumns = 0;
  /** Counts changes of the list of makes. */
  edition = 0;

  makes(): Iterable<Make> {
    return this.#makes.values();
  }

  /** Of the field of the make in column 0; those of the others follow. */
  get table(): Float64Array {
    return this.#table;
  }

  /** Where the field begins in the table. */
  rowOf(field: number): number {
    return field * this.#rowLength;
  }

  /** No node of the field stands higher. Perhaps none so high: what rises is noted at once, what falls now and then. */
  peakOf(field: number): number {
    const left = this.#fresh[field] as number;
    if (left > 0) this.#fresh[field] = left - 1;
    else {
      let peak = NEVER;
      const row = this.rowOf(field);
      for (let column = 0; column < this.#usedColumns; column++)
        peak = Math.max(peak, this.#table[row + column] as number);
      this.#peaks[field] = peak;
      this.#fresh[field] = PEAK_ASKED;
    }
    return this.#peaks[field] as number;
  }

  /** Adds a node, which is on no shelf yet. */
  insert(node: number, place: Place): void {
    const make = this.#makeOf(place);
    this.places[node] = place;
    this.lines.setColumn(node, make.column);
    make.nodes += 1;
  }

  remove(node: number): void {
    this.takeAway(node);
    const make = this.#makeOf(this.places[node] as Place);
    this.places[node] = undefined;
    this.lines.setColumn(node, NOWHERE);
    make.nodes -= 1;
    if (make.nodes > 0) return;
    this.#makes.delete(make.hardware.number);
    this.#freeColumns.push(make.column);
    this.edition += 1;
  }

  /** Puts a node where its standing and its free memory belong. */
  put(node: number, standing: number): void {
    const { lines } = this;
    const column = lines.column(node);
    const number = numberOf(gpuTier(lines.freeGpu(node)), ramTier(lines.freeRam(node)));
    const was = lines.shelf(node);
    if (number === was && standing === lines.standing(node)) return;
    const wasFirst = was !== NOWHERE && this.#takeOff(node, column, was);
    const isFirst = this.#putOn(node, column, number, standing);
    if (wasFirst || isFirst) this.#sum(column);
  }

  /** Takes a node off its shelf: it can take nothing at present. */
  takeAway(node: number): void {
    const { lines } = this;
    const shelf = lines.shelf(node);
    if (shelf === NOWHERE) return;
    const column = lines.column(node);
    const wasFirst = this.#takeOff(node, column, shelf);
    lines.setShelf(node, NOWHERE);
    if (wasFirst) this.#sum(column);
  }

  #makeOf({ hardware }: Place): Make {
    const known = this.#makes.get(hardware.number);
    if (known) return known;
    const column = this.#freeColumns.pop() ?? this.#usedColumns++;
    if (column === this.#columns) this.#widen();
    const make = new Make(hardware, column);
    this.#makes.set(hardware.number, make);
    this.edition += 1;
    return make;
  }

  /** Whether it now is the highest of its shelf, alone. */
  #putOn(node: number, column: number, number: number, standing: number): boolean {
    const { heads, lines } = this;
    const at = heads.placeOf(column, number);
    const chunk = this.order.add(at === 0 ? NO_CHUNK : heads.chunkAt(at), node, standing, lines.marks(node));
    lines.setShelf(node, number);
    lines.setStanding(node, standing);
    if (at === 0) heads.add(column, number, standing, chunk);
    else if (standing > heads.topAt(at)) heads.change(column, at, standing, chunk);
    else return false;
    return true;
  }

  /** Whether what is left stands less high. */
  #takeOff(node: number, column: number, number: number): boolean {
    const { heads, order } = this;
    const at = heads.placeOf(column, number);
    const top = heads.topAt(at);
    const stood = this.lines.standing(node);
    const chunk = order.remove(heads.chunkAt(at), node);
    if (stood < top) return false;
    if (chunk === NO_CHUNK) {
      heads.remove(column, at);
      return true;
    }
    const high = order.standingAt(chunk, 0);
    heads.change(column, at, high, chunk);
    return high !== top;
  }

  /** Writes the make's part of the table. As the shelves come highest first, the first that reaches a field is its best. */
  #sum(column: number): void {
    const { heads } = this;
    const first = heads.firstOf(column);
    const last = first + heads.countOf(column);
    let gpu = 0;
    let ram = GPU_STEPS;
    for (let at = first + 1; at <= last && (gpu < GPU_STEPS || ram < FIELDS); at++) {
      const number = heads.numberAt(at);
      const top = heads.topAt(at);
      for (; gpu <= gpuTierOf(number); gpu++) this.#write(gpu, column, top);
      for (; ram <= GPU_STEPS + ramTierOf(number); ram++) this.#write(ram, column, top);
    }
    for (; gpu < GPU_STEPS; gpu++) this.#write(gpu, column, NEVER);
    for (; ram < FIELDS; ram++) this.#write(ram, column, NEVER);
  }

  #write(field: number, column: number, top: number): void {
    this.#table[this.rowOf(field) + column] = top;
    if (top > (this.#peaks[field] as number)) this.#peaks[field] = top;
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
    this.heads.widen(columns);
  }
}
