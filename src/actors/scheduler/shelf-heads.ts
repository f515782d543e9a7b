/**
 * What a search needs of the shelves with nodes on them, by make: how high the first node of each stands, the chunk it is in
 * (`node-order.ts`), and the shelf's number. A record each, the highest first, and before them one that has how many there are: so a search
 * that reads no further than the best few waits for one cache line. (In lists of their own, unsorted, they were an eighth of
 * what a decision costs at 100,000 nodes.)
 */
import { GPU_STEPS, RAM_STEPS } from "./node-facts.ts";
import { doublesOf, Records, wordsOf } from "./records.ts";

/** Bits of a shelf's number that tell the tier of RAM; the others tell that of GPU memory. */
const RAM_BITS = 4;
export const numberOf = (gpuTier: number, ramTier: number): number => (gpuTier << RAM_BITS) | ramTier;
export const gpuTierOf = (shelf: number): number => shelf >> RAM_BITS;
export const ramTierOf = (shelf: number): number => shelf & ((1 << RAM_BITS) - 1);
/** More than any shelf's number. */
const NUMBERS = GPU_STEPS << RAM_BITS;

/**
 * Room for all shelves that a make can have, and the record before them. An odd number of cache lines: makes that lie a power of two
 * apart would have to share few places of a cache.
 */
const RECORD_BYTES = 16;
const PER_LINE = 64 / RECORD_BYTES;
const RECORDS = PER_LINE * (Math.ceil((1 + GPU_STEPS * RAM_STEPS) / PER_LINE) | 1);
const DOUBLES = doublesOf(RECORD_BYTES);
const WORDS = wordsOf(RECORD_BYTES);
/** Places of the words in a record; its first double is how high the shelf stands. */
const CHUNK = 2;
const NUMBER = 3;

/** All of a make lie together: what is one of `Records` is a column with the records of all its shelves. */
export class ShelfHeads extends Records {
  /** By column and number of a shelf, its place among the column's records; 0: it has no nodes. */
  #positions: Uint8Array;

  constructor(columns: number) {
    super(RECORDS * RECORD_BYTES, columns);
    this.#positions = new Uint8Array(columns * NUMBERS);
  }

  /** Where the records of a column begin: that of its highest shelf is the next. */
  firstOf(column: number): number {
    return column * RECORDS;
  }

  /** How many shelves of the column have nodes on them. */
  countOf(column: number): number {
    return this.numberAt(this.firstOf(column));
  }

  /** Of the record at this place. */
  numberAt(at: number): number {
    return this.words[at * WORDS + NUMBER] as number;
  }

  chunkAt(at: number): number {
    return this.words[at * WORDS + CHUNK] as number;
  }

  topAt(at: number): number {
    return this.doubles[at * DOUBLES] as number;
  }

  /** The place of the shelf's record; 0 where it has none. */
  placeOf(column: number, number: number): number {
    const position = this.#positions[column * NUMBERS + number] as number;
    return position === 0 ? 0 : this.firstOf(column) + position;
  }

  add(column: number, number: number, top: number, chunk: number): void {
    const count = this.countOf(column) + 1;
    this.words[this.firstOf(column) * WORDS + NUMBER] = count;
    this.#settle(column, this.firstOf(column) + count, number, top, chunk);
  }

  remove(column: number, at: number): void {
    const count = this.countOf(column);
    this.#positions[column * NUMBERS + this.numberAt(at)] = 0;
    for (let from = at + 1; from <= this.firstOf(column) + count; from++) this.#shift(column, from, from - 1);
    this.words[this.firstOf(column) * WORDS + NUMBER] = count - 1;
  }

  change(column: number, at: number, top: number, chunk: number): void {
    this.#settle(column, at, this.numberAt(at), top, chunk);
  }

  widen(columns: number): void {
    this.makeRoom(columns);
    const positions = new Uint8Array(columns * NUMBERS);
    positions.set(this.#positions);
    this.#positions = positions;
  }

  /** Writes the record where it belongs; those between there and its place till now move by one. */
  #settle(column: number, place: number, number: number, top: number, chunk: number): void {
    const first = this.firstOf(column);
    const last = first + this.countOf(column);
    let at = place;
    for (; at > first + 1 && this.topAt(at - 1) < top; at--) this.#shift(column, at - 1, at);
    for (; at < last && this.topAt(at + 1) > top; at++) this.#shift(column, at + 1, at);
    this.doubles[at * DOUBLES] = top;
    this.words[at * WORDS + CHUNK] = chunk;
    this.words[at * WORDS + NUMBER] = number;
    this.#positions[column * NUMBERS + number] = at - first;
  }

  #shift(column: number, from: number, to: number): void {
    const number = this.numberAt(from);
    this.doubles[to * DOUBLES] = this.topAt(from);
    this.words[to * WORDS + CHUNK] = this.chunkAt(from);
    this.words[to * WORDS + NUMBER] = number;
    this.#positions[column * NUMBERS + number] = to - this.firstOf(column);
  }
}
