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

/** Fields of the table: by tiers of free GPU memory, then of RAM, how high the best stands that has at least so much. */
const FIELDS = GPU_STEPS + RAM_STEPS;

/** Bits of a shelf's number that tell the tier of RAM; the others tell that of GPU memory. */
const RAM_BITS = 4;
const numberOf = (gpuTier: number, ramTier: number): number => (gpuTier << RAM_BITS) | ramTier;
export const gpuTierOf = (shelf: number): number => shelf >> RAM_BITS;
export const ramTierOf = (shelf: number): number => shelf & ((1 << RAM_BITS) - 1);

/** All nodes of a class. */
export class Make {
  nodes = 0;

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
/** More than any shelf's number. */
const NUMBERS = GPU_STEPS << RAM_BITS;
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
   * it is in (`node-order.ts`). A search needs no more of a shelf, and here it lies together. In front of the numbers is how many
   * there are. The shelf whose first stands highest comes first: a search mostly reads no further, where reading all was an
   * eighth of what a decision costs at 100,000 nodes.
   */
  #numbers = new Uint8Array(16 * SHELVES);
  #tops = new Float64Array(16 * SHELVES);
  #chunks = new Int32Array(16 * SHELVES);
  /** By make and number of a shelf, where it is in these; 0: it has no nodes. */
  #positions = new Uint8Array(16 * NUMBERS);
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
    this.takeAway(node, make.column);
    this.places[node] = undefined;
    this.lines.drop(node);
    make.nodes -= 1;
    if (make.nodes > 0) return;
    this.#makes.delete(make.hardware.number);
    this.#freeColumns.push(make.column);
    this.edition += 1;
  }

  /** Puts a node where its standing and its free memory belong. */
  put(node: number, column: number, standing: number, freeRam: number, freeGpu: number): void {
    this.lines.setFree(node, freeRam, freeGpu);
    const number = numberOf(gpuTier(freeGpu), ramTier(freeRam));
    const was = this.lines.shelf(node);
    if (number === was && standing === this.lines.standing(node)) return;
    const wasFirst = was !== NOWHERE && this.#takeOff(node, column, was);
    const isFirst = this.#putOn(node, column, number, standing);
    if (wasFirst || isFirst) this.#sum(column);
  }

  /** Takes a node off its shelf: it can take nothing at present. */
  takeAway(node: number, column: number): void {
    const shelf = this.lines.shelf(node);
    if (shelf === NOWHERE) return;
    const wasFirst = this.#takeOff(node, column, shelf);
    this.lines.setShelf(node, NOWHERE);
    if (wasFirst) this.#sum(column);
  }

  /** Whether it now is the highest of its shelf, alone. */
  #putOn(node: number, column: number, number: number, standing: number): boolean {
    const first = column * SHELVES;
    const known = this.#positions[column * NUMBERS + number] as number;
    const position = known === 0 ? (this.#numbers[first] as number) + 1 : known;
    const at = first + position;
    const was = known === 0 ? NO_CHUNK : (this.#chunks[at] as number);
    const top = known === 0 ? NEVER : (this.#tops[at] as number);
    const chunk = this.order.add(was, node, standing, this.lines.marks(node));
    this.lines.setShelf(node, number);
    this.lines.setStanding(node, standing);
    if (known === 0) this.#numbers[first] = position;
    else if (standing <= top) return false;
    this.#settle(column, position, number, standing, chunk);
    return true;
  }

  /** Whether what is left stands less high. */
  #takeOff(node: number, column: number, number: number): boolean {
    const first = column * SHELVES;
    const position = this.#positions[column * NUMBERS + number] as number;
    const at = first + position;
    const top = this.#tops[at] as number;
    const stood = this.lines.standing(node);
    const chunk = this.order.remove(this.#chunks[at] as number, node, stood);
    if (stood < top) return false;
    if (chunk === NO_CHUNK) {
      // Behind all others, and out.
      this.#settle(column, position, number, NEVER, NO_CHUNK);
      this.#numbers[first] = (this.#numbers[first] as number) - 1;
      this.#positions[column * NUMBERS + number] = 0;
      return true;
    }
    const high = this.order.standingAt(chunk, 0);
    this.#settle(column, position, number, high, chunk);
    return high !== top;
  }

  /** Moves the shelf from this position to where it belongs. */
  #settle(column: number, position: number, number: number, top: number, chunk: number): void {
    const numbers = this.#numbers;
    const tops = this.#tops;
    const first = column * SHELVES;
    const last = first + (numbers[first] as number);
    let at = first + position;
    for (; at > first + 1 && (tops[at - 1] as number) < top; at--) this.#shift(column, at - 1, at);
    for (; at < last && (tops[at + 1] as number) > top; at++) this.#shift(column, at + 1, at);
    numbers[at] = number;
    tops[at] = top;
    this.#chunks[at] = chunk;
    this.#positions[column * NUMBERS + number] = at - first;
  }

  #shift(column: number, from: number, to: number): void {
    const number = this.#numbers[from] as number;
    this.#numbers[to] = number;
    this.#tops[to] = this.#tops[from] as number;
    this.#chunks[to] = this.#chunks[from] as number;
    this.#positions[column * NUMBERS + number] = to - column * SHELVES;
  }

  /** Writes the make's part of the table. As the shelves come highest first, the first that reaches a field is its best. */
  #sum(column: number): void {
    const first = column * SHELVES;
    const last = first + (this.#numbers[first] as number);
    let gpu = 0;
    let ram = GPU_STEPS;
    for (let at = first + 1; at <= last && (gpu < GPU_STEPS || ram < FIELDS); at++) {
      const number = this.#numbers[at] as number;
      const top = this.#tops[at] as number;
      for (; gpu <= gpuTierOf(number); gpu++) this.#table[this.rowOf(gpu) + column] = top;
      for (; ram <= GPU_STEPS + ramTierOf(number); ram++) this.#table[this.rowOf(ram) + column] = top;
    }
    for (; gpu < GPU_STEPS; gpu++) this.#table[this.rowOf(gpu) + column] = NEVER;
    for (; ram < FIELDS; ram++) this.#table[this.rowOf(ram) + column] = NEVER;
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
    const positions = new Uint8Array(columns * NUMBERS);
    positions.set(this.#positions);
    this.#positions = positions;
  }
}
