/**
 * What the index knows of a node, as numbers. Of its hardware the class: all nodes of a class fit a job equally well, to the last
 * bit, because fits are judged by nominal sizes (`domain/placement.ts`). Of all else one cache line: how high the node stands
 * and enough to tell that a job cannot run there.
 *
 * Lines are cautious: they never rule out a node that the rules in `domain/placement.ts` admit. Where a number cannot hold the
 * whole truth (digits beyond a float's, more names than bits, two cards of different size), the rules themselves are asked of
 * the few nodes that remain.
 */
import { DEVICE_KINDS, type Demand } from "../../domain/job-spec.ts";
import { isGpu, type NodeProfile } from "../../domain/node-profile.ts";
import {
  bestCard,
  capabilityScore,
  cpuMatch,
  gpuMatch,
  listPrice,
  nominal,
  sizeClass,
  wantsGpu,
} from "../../domain/placement.ts";
import type { NameBits } from "./name-bits.ts";
import { LIST_PRICED, type NodeLines } from "./node-lines.ts";
import { marksAsked, marksOfRegions } from "./node-marks.ts";

const KINDS = DEVICE_KINDS.length;

const GIB = 2 ** 30;

/**
 * Free memory by which nodes of a class are told apart. Those who stand highest are offered the next job again and again until
 * they have no room for it; so they would be in the way of every search if they were not kept apart from those with
 * room. (At 100,000 nodes without these: 20,000 nodes looked at for a job that wants a gigabyte, with them a few.)
 */
const GPU_TIERS = [1, 2, 4, 6, 8, 12, 16, 24, 32, 48, 80].map((gib) => gib * GIB);
const RAM_TIERS = [1, 2, 4, 8, 16, 32, 64, 128, 256].map((gib) => gib * GIB);

/** How many tiers of GPU memory a node can be in: the first is of those with less than any of them. */
export const GPU_STEPS = GPU_TIERS.length + 1;
export const RAM_STEPS = RAM_TIERS.length + 1;

/** The tier of so much GPU memory, free or wanted. */
export const gpuTier = (bytes: number): number => tierOf(GPU_TIERS, bytes);
export const ramTier = (bytes: number): number => tierOf(RAM_TIERS, bytes);

function tierOf(tiers: readonly number[], bytes: number): number {
  let tier = 0;
  while (tier < tiers.length && bytes >= (tiers[tier] as number)) tier += 1;
  return tier;
}

export interface Names {
  readonly regions: NameBits;
  readonly formats: NameBits;
  readonly runtimes: NameBits;
  readonly extremes: Extremes;
}

/**
 * The most that any node ever had of what jobs set floors and ceilings for. Never taken back: a job that asks for more than
 * anybody ever had needs no look at all, where a walk past a hundred thousand nodes would take milliseconds.
 */
export class Extremes {
  #reputation = Number.NEGATIVE_INFINITY;
  #stake = Number.NEGATIVE_INFINITY;
  #lowestPrice = Number.POSITIVE_INFINITY;
  #anyListPriced = false;

  /** `price`: the node's own by the hour; null where the network's price list holds. */
  note(reputation: number, stake: number, price: number | null): void {
    this.#reputation = Math.max(this.#reputation, reputation);
    this.#stake = Math.max(this.#stake, stake);
    if (price === null) this.#anyListPriced = true;
    else this.#lowestPrice = Math.min(this.#lowestPrice, price);
  }

  /** Whether a node with all of this may ever have been: false only if there surely was none. */
  reach(reputation: number, stake: number, price: number, listPriceWillDo: boolean): boolean {
    const priced = price >= this.#lowestPrice || (listPriceWillDo && this.#anyListPriced);
    return reputation <= this.#reputation && stake <= this.#stake && (price === Number.POSITIVE_INFINITY || priced);
  }
}

/** A class of hardware. */
export interface HardwareClass {
  /** Tells it from all others, and orders them. */
  readonly number: number;
  /** Nominal size of the best card of each kind; 0 where there is none of it. */
  readonly cards: readonly number[];
  /** Nominal. */
  readonly ram: number;
  readonly hasGpu: boolean;
}

/** More than there are size classes of amounts that the wire can carry. */
const SIZES = 256;

export function classOf({ devices, ramBytes }: NodeProfile): HardwareClass {
  let number = 0;
  const cards: number[] = [];
  for (const kind of DEVICE_KINDS) {
    const has = devices.some((one) => one.kind === kind);
    const card = has ? bestCard(devices, kind) : 0;
    cards.push(has ? nominal(card) : 0);
    number = number * SIZES + (has ? 1 + sizeClass(card) : 0);
  }
  number = number * SIZES + sizeClass(ramBytes);
  return { number, cards, ram: nominal(ramBytes), hasGpu: devices.some(isGpu) };
}

/** What a standing is when no node of the row can take the job. */
export const NEVER = Number.NEGATIVE_INFINITY;

/** A demand, ready to be asked of many rows. */
export class Query {
  readonly #demand: Demand;
  readonly #gpu: boolean;
  /** Bytes by which a fit is judged: of GPU memory or of RAM. */
  readonly #wanted: number;
  readonly #ram: number;
  /** -1: any device will do. */
  readonly #kind: number;
  /** Of one that is no GPU. Nodes have none, as a rule. */
  readonly #ownVram: number;
  readonly #vram: number;
  readonly #asksMore: boolean;
  readonly #reputation: number;
  readonly #stake: number;
  readonly #price: number;
  readonly #listPriceWillDo: boolean;
  /** Bits of which a node must have one; none where nothing is asked. */
  readonly #lowRegions: number;
  readonly #highRegions: number;
  readonly #formats: number;
  readonly #runtimes: number;
  /** It asks for what no node ever had: no need to look at any. */
  readonly #unheardOf: boolean;
  /** Marks of which a node must have all, and of which one if there are any. */
  readonly #marks: number;
  readonly #regionMarks: number;

  constructor(demand: Demand, names: Names) {
    const asked = demand.requirements;
    this.#demand = demand;
    this.#gpu = wantsGpu(demand);
    this.#wanted = this.#gpu ? demand.vramBytes : demand.ramBytes;
    // GPU memory without a kind of GPU is on no node.
    this.#ram = demand.device === null && demand.vramBytes > 0 ? Number.POSITIVE_INFINITY : demand.ramBytes;
    // A CPU is taken for granted, also of nodes that list none.
    const cpuUnasked = demand.device === "cpu" && demand.vramBytes <= 0;
    this.#kind = demand.device === null || cpuUnasked ? -1 : DEVICE_KINDS.indexOf(demand.device);
    this.#ownVram = this.#gpu ? 0 : demand.vramBytes;
    // A card that is overcommitted is still there for a job that asks for none of its memory.
    this.#vram = this.#gpu && demand.vramBytes > 0 ? demand.vramBytes : Number.NEGATIVE_INFINITY;
    this.#asksMore = asked !== undefined;
    this.#reputation = Math.fround(asked?.minReputation ?? Number.NEGATIVE_INFINITY);
    this.#stake = Math.fround(Number(asked?.minStake ?? Number.NEGATIVE_INFINITY));
    this.#price = Math.fround(Number(asked?.maxPricePerHour ?? Number.POSITIVE_INFINITY));
    this.#listPriceWillDo = asked?.maxPricePerHour === undefined || listPrice(demand) <= BigInt(asked.maxPricePerHour);
    const regions = asked?.regions && asked.regions.length > 0 ? names.regions.peek(asked.regions) : [];
    this.#lowRegions = regions[0] ?? 0;
    this.#highRegions = regions[1] ?? 0;
    const formats = asked?.format === undefined ? [] : names.formats.peek([asked.format]);
    this.#formats = formats[0] ?? 0;
    const runtimes = asked?.runtime === undefined ? [] : names.runtimes.peek([asked.runtime]);
    this.#runtimes = runtimes[0] ?? 0;
    this.#unheardOf =
      (regions.length > 0 && !names.regions.hasGiven(regions)) ||
      (formats.length > 0 && !names.formats.hasGiven(formats)) ||
      (runtimes.length > 0 && !names.runtimes.hasGiven(runtimes)) ||
      (asked !== undefined && !names.extremes.reach(this.#reputation, this.#stake, this.#price, this.#listPriceWillDo));
    const named = { regions, formats: this.#formats, runtimes: this.#runtimes };
    this.#marks = asked === undefined ? 0 : marksAsked(asked, named, this.#listPriceWillDo);
    this.#regionMarks = marksOfRegions(regions);
  }

  /** The same for queries that all classes of hardware fit equally well; null: like no other. */
  get shape(): number | null {
    const shape = this.#wanted * (KINDS + 1) + this.#kind + 1;
    return Number.isSafeInteger(shape) && this.#ownVram <= 0 && !this.#unheardOf ? shape : null;
  }

  /** How well the class fits the job, as a part of the score: the same for all its nodes. `NEVER`: none of them could take it. */
  fit({ cards, ram, hasGpu }: HardwareClass): number {
    if (this.#unheardOf) return NEVER;
    if (!this.#gpu) {
      const lacks = ram < this.#wanted || (this.#kind >= 0 && (cards[this.#kind] as number) < this.#ownVram);
      return lacks ? NEVER : capabilityScore(cpuMatch(ram, hasGpu, this.#demand));
    }
    const card = cards[this.#kind] as number;
    return card === 0 || card < this.#wanted ? NEVER : capabilityScore(gpuMatch(card, this.#demand));
  }

  /** Nodes of lower tiers have no room for the job. */
  get gpuTier(): number {
    return this.#gpu ? gpuTier(this.#wanted) : 0;
  }

  get ramTier(): number {
    return ramTier(this.#ram);
  }

  /** The field of a class that bounds how high those of it stand that could take the job. */
  get field(): number {
    return this.#gpu ? this.gpuTier : GPU_STEPS + this.ramTier;
  }

  /** Whether a node with these marks could take the job. */
  admits(marks: number): boolean {
    return (marks & this.#marks) === this.#marks && (this.#regionMarks === 0 || (marks & this.#regionMarks) !== 0);
  }

  /** Whether the node could take the job, as far as its line tells. */
  passes(lines: NodeLines, node: number): boolean {
    if (lines.freeRam(node) < this.#ram || lines.freeGpu(node) < this.#vram) return false;
    return !this.#asksMore || this.#meets(lines, node);
  }

  #meets(lines: NodeLines, node: number): boolean {
    const low = this.#lowRegions;
    const high = this.#highRegions;
    if ((low | high) !== 0 && ((lines.lowRegions(node) & low) | (lines.highRegions(node) & high)) === 0) return false;
    if (this.#formats !== 0 && (lines.formats(node) & this.#formats) === 0) return false;
    if (this.#runtimes !== 0 && (lines.runtimes(node) & this.#runtimes) === 0) return false;
    if (lines.reputation(node) < this.#reputation || lines.stake(node) < this.#stake) return false;
    const price = lines.price(node);
    return price === LIST_PRICED ? this.#listPriceWillDo : price <= this.#price;
  }
}
