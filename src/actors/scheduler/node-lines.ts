/**
 * The line of each node: what the index asks of it, in the 64 bytes that a processor fetches at once. A large fleet does not
 * fit the caches, and what a decision costs there is how many lines it waits for.
 *
 * Amounts that never change with an attempt are floats of 32 bits. Rounding keeps order, so what a node has is compared with
 * what a job asks after both are rounded, and "at least the floor" is never lost.
 */
import type { NodeProfile } from "../../domain/node-profile.ts";
import { type Cards, nameOf, ownHourlyPrice, regionOf } from "../../domain/placement.ts";
import { marksOfNode } from "./node-marks.ts";
import type { Seen } from "./seen.ts";

const LINE_BYTES = 64;
const DOUBLES = LINE_BYTES / Float64Array.BYTES_PER_ELEMENT;
const WORDS = LINE_BYTES / Int32Array.BYTES_PER_ELEMENT;

/** Places of the doubles in a line. */
const STANDING = 0;
const FREE_RAM = 1;
/** The most of all kinds of GPU; minus infinity where there is none. */
const FREE_GPU = 2;
/** Places of the others, which are of 32 bits: floats first, then bits. */
const REPUTATION = 6;
const STAKE = 7;
const PRICE = 8;
const REGIONS = 9;
const FORMATS = 11;
const RUNTIMES = 12;
const SHELF = 13;
const MARKS = 14;

/** Instead of a price by the hour: the network's price list holds. */
export const LIST_PRICED = -1;
/** Instead of a shelf. */
export const NOWHERE = -1;

export class NodeLines {
  #buffer = new ArrayBuffer(64 * LINE_BYTES);
  #doubles = new Float64Array(this.#buffer);
  #floats = new Float32Array(this.#buffer);
  #words = new Int32Array(this.#buffer);
  readonly #free: number[] = [];
  #used = 0;

  /** A node that is nowhere yet. */
  create(): number {
    const node = this.#free.pop() ?? this.#used++;
    if (this.#used * LINE_BYTES > this.#buffer.byteLength) this.#grow();
    this.setShelf(node, NOWHERE);
    return node;
  }

  drop(node: number): void {
    this.#free.push(node);
  }

  standing(node: number): number {
    return this.#doubles[node * DOUBLES + STANDING] as number;
  }

  freeRam(node: number): number {
    return this.#doubles[node * DOUBLES + FREE_RAM] as number;
  }

  freeGpu(node: number): number {
    return this.#doubles[node * DOUBLES + FREE_GPU] as number;
  }

  reputation(node: number): number {
    return this.#floats[node * WORDS + REPUTATION] as number;
  }

  stake(node: number): number {
    return this.#floats[node * WORDS + STAKE] as number;
  }

  price(node: number): number {
    return this.#floats[node * WORDS + PRICE] as number;
  }

  lowRegions(node: number): number {
    return this.#words[node * WORDS + REGIONS] as number;
  }

  highRegions(node: number): number {
    return this.#words[node * WORDS + REGIONS + 1] as number;
  }

  formats(node: number): number {
    return this.#words[node * WORDS + FORMATS] as number;
  }

  runtimes(node: number): number {
    return this.#words[node * WORDS + RUNTIMES] as number;
  }

  /** On which shelf of its make the node is (`node-shelves.ts`). */
  shelf(node: number): number {
    return this.#words[node * WORDS + SHELF] as number;
  }

  marks(node: number): number {
    return this.#words[node * WORDS + MARKS] as number;
  }

  setShelf(node: number, shelf: number): void {
    this.#words[node * WORDS + SHELF] = shelf;
  }

  setStanding(node: number, standing: number): void {
    this.#doubles[node * DOUBLES + STANDING] = standing;
  }

  setFree(node: number, ram: number, gpu: number): void {
    this.#doubles[node * DOUBLES + FREE_RAM] = ram;
    this.#doubles[node * DOUBLES + FREE_GPU] = gpu;
  }

  /** Writes what no attempt changes. The node must be on no shelf: the shelf has its marks. */
  writeLasting(node: number, profile: NodeProfile, reputation: number, seen: Seen): void {
    const at = node * WORDS;
    const stake = Number(profile.stakeUnits);
    const own = ownHourlyPrice(profile);
    const price = own === null ? null : Number(own);
    this.#floats[at + REPUTATION] = reputation;
    this.#floats[at + STAKE] = stake;
    this.#floats[at + PRICE] = price ?? LIST_PRICED;
    const { fround } = Math;
    seen.extremes.note(fround(reputation), fround(stake), price === null ? null : fround(price));
    const region = regionOf(profile);
    const regions = region === "" ? [0, 0] : seen.regions.of([region]);
    const formats = seen.formats.of(profile.formats.map(nameOf))[0] ?? 0;
    const runtimes = seen.runtimes.of(profile.runtimes.map(nameOf))[0] ?? 0;
    this.#words[at + REGIONS] = regions[0] ?? 0;
    this.#words[at + REGIONS + 1] = regions[1] ?? 0;
    this.#words[at + FORMATS] = formats;
    this.#words[at + RUNTIMES] = runtimes;
    this.#words[at + MARKS] = marksOfNode({ regions, formats, runtimes, reputation, stake, price });
  }

  #grow(): void {
    this.#buffer = this.#buffer.transfer(2 * this.#buffer.byteLength);
    this.#doubles = new Float64Array(this.#buffer);
    this.#floats = new Float32Array(this.#buffer);
    this.#words = new Int32Array(this.#buffer);
  }
}

/** Bytes of the best GPU of all kinds; minus infinity where there is none. */
export const bestGpu = ({ cuda = NONE, opencl = NONE, metal = NONE, vulkan = NONE }: Cards): number =>
  Math.max(cuda, opencl, metal, vulkan);

/** Whether it has no other than that large. */
export const isOneSize = (cards: Cards): boolean =>
  Object.entries(cards).every(([kind, bytes]) => kind === "cpu" || bytes === bestGpu(cards));

const NONE = Number.NEGATIVE_INFINITY;
