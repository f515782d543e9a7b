/**
 * The lines of each node: what decisions ask of it, and what runs on it leaves, in two pieces of 64 bytes that lie together. A
 * processor fetches 64 bytes at once. A large fleet does not fit its caches, and what a decision costs there is how many lines it
 * waits for: so nothing that it needs of a node is in an object of its own.
 *
 * The first line is what a search asks of the nodes it comes to, the second what an attempt that comes or goes changes.
 */
import type { NodeProfile } from "../../domain/node-profile.ts";
import { type Cards, nameOf, ownHourlyPrice, regionOf } from "../../domain/placement.ts";
import { marksOfNode } from "./node-marks.ts";
import { doublesOf, Records, wordsOf } from "./records.ts";
import type { Seen } from "./seen.ts";

const BYTES = 128;
const DOUBLES = doublesOf(BYTES);
const WORDS = wordsOf(BYTES);

/** Places of the doubles of the first line. */
const FREE_RAM = 0;
/** The most of all kinds of GPU; minus infinity where there is none. */
const FREE_GPU = 1;
const REPUTATION = 2;
const STAKE = 3;
const PRICE = 4;
/** Places of its words. */
const REGIONS = 10;
const FORMATS = 12;
const RUNTIMES = 13;
const MARKS = 14;
const FLAGS = 15;
/** The same of the second line. */
const STANDING = 8;
const RAM = 9;
const GPU = 10;
const UPTIME = 11;
const VRAM_TAKEN = 12;
const ALL_SLOTS = 26;
const SLOTS = 27;
const ATTEMPT = 28;
const COLUMN = 29;
const SHELF = 30;
const CHUNK = 31;

const AVAILABLE = 1;
const EXACT = 2;

/** Instead of a price by the hour: the network's price list holds. */
export const LIST_PRICED = -1;
/** Instead of a shelf, or of a column. */
export const NOWHERE = -1;
/** Instead of an attempt. */
export const NO_ATTEMPT = -1;

/** What no attempt changes of a node. */
export interface Lasting {
  readonly profile: NodeProfile;
  /** Null: it may be offered jobs. */
  readonly unavailable: unknown;
  readonly reputation: number;
  readonly uptime: number;
}

export class NodeLines extends Records {
  constructor() {
    super(BYTES);
  }

  /** Of a node of which nothing is known yet. */
  create(): number {
    const node = this.take();
    const at = node * WORDS;
    this.words.fill(0, at, at + WORDS);
    this.words[at + ATTEMPT] = NO_ATTEMPT;
    this.words[at + COLUMN] = NOWHERE;
    this.words[at + SHELF] = NOWHERE;
    return node;
  }

  drop(node: number): void {
    this.giveBack(node);
  }

  freeRam(node: number): number {
    return this.doubles[node * DOUBLES + FREE_RAM] as number;
  }

  freeGpu(node: number): number {
    return this.doubles[node * DOUBLES + FREE_GPU] as number;
  }

  reputation(node: number): number {
    return this.doubles[node * DOUBLES + REPUTATION] as number;
  }

  stake(node: number): number {
    return this.doubles[node * DOUBLES + STAKE] as number;
  }

  price(node: number): number {
    return this.doubles[node * DOUBLES + PRICE] as number;
  }

  lowRegions(node: number): number {
    return this.words[node * WORDS + REGIONS] as number;
  }

  highRegions(node: number): number {
    return this.words[node * WORDS + REGIONS + 1] as number;
  }

  formats(node: number): number {
    return this.words[node * WORDS + FORMATS] as number;
  }

  runtimes(node: number): number {
    return this.words[node * WORDS + RUNTIMES] as number;
  }

  marks(node: number): number {
    return this.words[node * WORDS + MARKS] as number;
  }

  /** In which chunk of its shelf it is (`node-order.ts`). */
  chunk(node: number): number {
    return this.words[node * WORDS + CHUNK] as number;
  }

  /** The part of its score that is the same for all jobs. */
  standing(node: number): number {
    return this.doubles[node * DOUBLES + STANDING] as number;
  }

  uptime(node: number): number {
    return this.doubles[node * DOUBLES + UPTIME] as number;
  }

  /** With nothing on it. */
  ram(node: number): number {
    return this.doubles[node * DOUBLES + RAM] as number;
  }

  vramTaken(node: number): number {
    return this.doubles[node * DOUBLES + VRAM_TAKEN] as number;
  }

  /** With nothing on it. */
  allSlots(node: number): number {
    return this.words[node * WORDS + ALL_SLOTS] as number;
  }

  slots(node: number): number {
    return this.words[node * WORDS + SLOTS] as number;
  }

  /** The last attempt that came to it (`node-attempts.ts`). */
  attempt(node: number): number {
    return this.words[node * WORDS + ATTEMPT] as number;
  }

  /** Where the index has it (`node-shelves.ts`): the column of its make, and which of the make's shelves it is on. */
  column(node: number): number {
    return this.words[node * WORDS + COLUMN] as number;
  }

  shelf(node: number): number {
    return this.words[node * WORDS + SHELF] as number;
  }

  /** Whether it may be offered jobs, as long as it has room. */
  isAvailable(node: number): boolean {
    return ((this.words[node * WORDS + FLAGS] as number) & AVAILABLE) !== 0;
  }

  /** Whether its lines tell all there is to know of it: its GPUs are of one size, and no digit was lost. */
  isExact(node: number): boolean {
    return ((this.words[node * WORDS + FLAGS] as number) & EXACT) !== 0;
  }

  setChunk(node: number, chunk: number): void {
    this.words[node * WORDS + CHUNK] = chunk;
  }

  setStanding(node: number, standing: number): void {
    this.doubles[node * DOUBLES + STANDING] = standing;
  }

  setAttempt(node: number, attempt: number): void {
    this.words[node * WORDS + ATTEMPT] = attempt;
  }

  setColumn(node: number, column: number): void {
    this.words[node * WORDS + COLUMN] = column;
  }

  setShelf(node: number, shelf: number): void {
    this.words[node * WORDS + SHELF] = shelf;
  }

  /** Writes what its attempts leave. */
  setRoom(node: number, slots: number, ram: number, vramTaken: number): void {
    const at = node * DOUBLES;
    this.words[node * WORDS + SLOTS] = slots;
    this.doubles[at + FREE_RAM] = ram;
    this.doubles[at + VRAM_TAKEN] = vramTaken;
    this.doubles[at + FREE_GPU] = (this.doubles[at + GPU] as number) - vramTaken;
  }

  /** Writes what no attempt changes. The node must be on no shelf: the shelf has its marks. */
  writeLasting(node: number, { profile, reputation, uptime, unavailable }: Lasting, cards: Cards, seen: Seen): void {
    const at = node * DOUBLES;
    const stake = Number(profile.stakeUnits);
    const own = ownHourlyPrice(profile);
    const price = own === null ? null : Number(own);
    this.doubles[at + RAM] = profile.ramBytes;
    this.doubles[at + GPU] = bestGpu(cards);
    this.doubles[at + REPUTATION] = reputation;
    this.doubles[at + UPTIME] = uptime;
    this.doubles[at + STAKE] = stake;
    this.doubles[at + PRICE] = price ?? LIST_PRICED;
    seen.extremes.note(reputation, stake, price);
    const region = regionOf(profile);
    const regions = region === "" ? [0, 0] : seen.regions.of([region]);
    const formats = seen.formats.of(profile.formats.map(nameOf))[0] ?? 0;
    const runtimes = seen.runtimes.of(profile.runtimes.map(nameOf))[0] ?? 0;
    const isExact = isOneSize(cards) && Number.isSafeInteger(stake) && Number.isSafeInteger(price ?? 0);
    const words = node * WORDS;
    this.words[words + ALL_SLOTS] = profile.slots;
    this.words[words + REGIONS] = regions[0] ?? 0;
    this.words[words + REGIONS + 1] = regions[1] ?? 0;
    this.words[words + FORMATS] = formats;
    this.words[words + RUNTIMES] = runtimes;
    this.words[words + MARKS] = marksOfNode({ regions, formats, runtimes, reputation, stake, price });
    this.words[words + FLAGS] = (unavailable === null ? AVAILABLE : 0) | (isExact ? EXACT : 0);
  }
}

/** Bytes of the best GPU of all kinds; minus infinity where there is none. */
const bestGpu = ({ cuda = NONE, opencl = NONE, metal = NONE, vulkan = NONE }: Cards): number =>
  Math.max(cuda, opencl, metal, vulkan);

/** Whether it has no other than that large. */
const isOneSize = (cards: Cards): boolean =>
  Object.entries(cards).every(([kind, bytes]) => kind === "cpu" || bytes === bestGpu(cards));

const NONE = Number.NEGATIVE_INFINITY;
