/**
 * What the index knows of a node, as numbers. Of its hardware the class: all nodes of a class fit a job equally well, to the last
 * bit, because fits are judged by nominal sizes (`domain/placement.ts`). Of all else a row of numbers: enough to tell that a
 * job cannot run there, and how high the node stands. The row of a group of nodes holds, field by field, the best of its members, so
 * the same question asked of a group has the answer for all of them.
 *
 * Rows are cautious: they never rule out a node that the rules in `domain/placement.ts` admit. Where a number cannot hold the
 * whole truth (amounts beyond 2^53, more names than bits), the rules themselves are asked of the few nodes that remain.
 */
import { DEVICE_KINDS, type Demand, type DeviceKind } from "../../domain/job-spec.ts";
import { isGpu, type NodeProfile } from "../../domain/node-profile.ts";
import {
  bestCard,
  capabilityScore,
  cpuMatch,
  gpuMatch,
  listPrice,
  nameOf,
  nominal,
  ownHourlyPrice,
  type Room,
  regionOf,
  sizeClass,
  wantsGpu,
} from "../../domain/placement.ts";
import type { NameBits } from "./name-bits.ts";

/** Members of a group of the tree, whose rows lie together field by field: the next field of a member is this many numbers on. */
export const FAN = 24;

const KINDS = DEVICE_KINDS.length;
const CPU = DEVICE_KINDS.indexOf("cpu");

const GIB = 2 ** 30;

/**
 * Free memory by which standings are told apart. Those who stand highest are offered the next job again and again until they
 * have no room for it; so the highest standing of a group and the most free memory are mostly two members', and together
 * a bound that none reaches. A group's row therefore holds the highest standing of a member with so much free, GPU memory
 * first, then RAM. (At 100,000 nodes without these: 20,000 rows looked at for a job that wants a gigabyte, with them 200.)
 */
const VRAM_TIERS = [1, 2, 4, 6, 8, 12, 16, 24, 32, 48, 80];
const TIER_BYTES = Float64Array.from([...VRAM_TIERS, 1, 2, 4, 8, 16, 32, 64, 128, 256], (gib) => gib * GIB);
export const FIRST_RAM_TIER = VRAM_TIERS.length;
export const TIERS = TIER_BYTES.length;

/**
 * Fields of a row. Of a group: the highest of its members in the first range, then the lowest, then all bits. The first of all
 * are those that change with every attempt.
 */
export const STANDING = 0;
const FREE_RAM = STANDING + 1;
/** One for each kind of device; minus infinity where there is none of it. */
const FREE_VRAM = FREE_RAM + 1;
/** The most of all kinds of GPU. */
const FREE_GPU = FREE_VRAM + KINDS;
export const LIVE_END = FREE_GPU + 1;
const REPUTATION = LIVE_END;
const STAKE = REPUTATION + 1;
export const HIGHEST_END = STAKE + 1;
/** By the hour, of nodes that name a price; infinity for the others. */
const OWN_PRICE = HIGHEST_END;
/** 0 where the network's price list holds; infinity otherwise. */
const LIST_PRICED = OWN_PRICE + 1;
export const LOWEST_END = LIST_PRICED + 1;
/** Two words. */
const REGIONS = LOWEST_END;
const FORMATS = REGIONS + 2;
const RUNTIMES = FORMATS + 1;
export const NODE_END = RUNTIMES + 1;
/** Of a group besides, all highest: a standing for each tier; minus infinity where no member has so much free. */
export const TIER_STANDINGS = NODE_END;
export const WIDTH = TIER_STANDINGS + TIERS;

export interface Names {
  readonly regions: NameBits;
  readonly formats: NameBits;
  readonly runtimes: NameBits;
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

/** A field of a row that no job passes, and of a group without members. */
export const clearedField = (field: number): number =>
  isHighest(field) ? Number.NEGATIVE_INFINITY : field < LOWEST_END ? Number.POSITIVE_INFINITY : 0;

/** Whether a group holds the highest of its members. */
export const isHighest = (field: number): boolean => field < HIGHEST_END || field >= TIER_STANDINGS;

/** Makes the fields up to `end` such that no job passes the row. */
export function clearRow(row: Float64Array, end: number): void {
  for (let field = 0; field < end; field++) row[field] = clearedField(field);
}

/** Writes the fields that change with every attempt. */
export function writeLive(row: Float64Array, standing: number, room: Room): void {
  row[STANDING] = standing;
  row[FREE_RAM] = room.ramBytes;
  let free = NEVER;
  for (let kind = 0; kind < KINDS; kind++) {
    const card = room.cards[DEVICE_KINDS[kind] as DeviceKind];
    const left = card === undefined ? NEVER : card - room.vramTaken;
    row[FREE_VRAM + kind] = left;
    if (kind !== CPU && left > free) free = left;
  }
  row[FREE_GPU] = free;
}

/** Of a node: the standing that counts in a group's field for the tier. */
export function tierStanding(rows: Float64Array, at: number, tier: number): number {
  const free = rows[at + (tier < FIRST_RAM_TIER ? FREE_GPU : FREE_RAM) * FAN] as number;
  return free >= (TIER_BYTES[tier] as number) ? (rows[at + STANDING * FAN] as number) : NEVER;
}

/** Tiers of one kind of memory: the field of the first, the field in a node's row that tells how much is free, and how many there are. */
export interface Ladder {
  readonly first: number;
  readonly free: number;
  readonly tiers: number;
}

export const LADDERS: readonly Ladder[] = [
  { first: TIER_STANDINGS, free: FREE_GPU, tiers: FIRST_RAM_TIER },
  { first: TIER_STANDINGS + FIRST_RAM_TIER, free: FREE_RAM, tiers: TIERS - FIRST_RAM_TIER },
];

/** How many tiers of the ladder so much free memory reaches, from the first on. */
export function reach({ first, tiers }: Ladder, free: number): number {
  let reached = 0;
  while (reached < tiers && free >= (TIER_BYTES[first - TIER_STANDINGS + reached] as number)) reached += 1;
  return reached;
}

/** Writes all other fields. */
export function writeLasting(row: Float64Array, profile: NodeProfile, reputation: number, names: Names): void {
  row[REPUTATION] = reputation;
  // A bigint rounds to the nearest number, and rounding keeps order: "at least the floor" is never lost by it.
  row[STAKE] = Number(profile.stakeUnits);
  const price = ownHourlyPrice(profile);
  row[OWN_PRICE] = price === null ? Number.POSITIVE_INFINITY : Number(price);
  row[LIST_PRICED] = price === null ? 0 : Number.POSITIVE_INFINITY;
  const region = regionOf(profile);
  const regions = region === "" ? [0, 0] : names.regions.of([region]);
  row[REGIONS] = regions[0] ?? 0;
  row[REGIONS + 1] = regions[1] ?? 0;
  row[FORMATS] = names.formats.of(profile.formats.map(nameOf))[0] ?? 0;
  row[RUNTIMES] = names.runtimes.of(profile.runtimes.map(nameOf))[0] ?? 0;
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
  /** Offset of the device kind's fields; -1: any device will do. */
  readonly #kind: number;
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
    // Minus infinity says "no such device"; a card that is overcommitted is still there.
    this.#vram = demand.vramBytes > 0 ? demand.vramBytes : -Number.MAX_VALUE;
    this.#asksMore = asked !== undefined;
    this.#reputation = asked?.minReputation ?? Number.NEGATIVE_INFINITY;
    this.#stake = Number(asked?.minStake ?? Number.NEGATIVE_INFINITY);
    this.#price = Number(asked?.maxPricePerHour ?? Number.POSITIVE_INFINITY);
    this.#listPriceWillDo = asked?.maxPricePerHour === undefined || listPrice(demand) <= BigInt(asked.maxPricePerHour);
    const regions = asked?.regions && asked.regions.length > 0 ? names.regions.peek(asked.regions) : [];
    this.#lowRegions = regions[0] ?? 0;
    this.#highRegions = regions[1] ?? 0;
    this.#formats = asked?.format === undefined ? 0 : (names.formats.peek([asked.format])[0] ?? 0);
    this.#runtimes = asked?.runtime === undefined ? 0 : (names.runtimes.peek([asked.runtime])[0] ?? 0);
  }

  /** The same for queries that all classes of hardware fit equally well; null: like no other. */
  get shape(): number | null {
    const shape = this.#wanted * (KINDS + 1) + this.#kind + 1;
    return Number.isSafeInteger(shape) ? shape : null;
  }

  /** How well the class fits the job, as a part of the score: the same for all its nodes. `NEVER`: none of them could take it. */
  fit({ cards, ram, hasGpu }: HardwareClass): number {
    if (!this.#gpu) return ram < this.#wanted ? NEVER : capabilityScore(cpuMatch(ram, hasGpu, this.#demand));
    const card = cards[this.#kind] as number;
    return card === 0 || card < this.#wanted ? NEVER : capabilityScore(gpuMatch(card, this.#demand));
  }

  /** The field of a group that bounds how high those of it stand that could take the job. */
  get field(): number {
    const [first, end] = this.#gpu ? [0, FIRST_RAM_TIER] : [FIRST_RAM_TIER, TIERS];
    let field = STANDING;
    for (let tier = first; tier < end && (TIER_BYTES[tier] as number) <= this.#wanted; tier++)
      field = TIER_STANDINGS + tier;
    return field;
  }

  /** Whether any node of the row could take the job, as far as a row tells. `at`: where it begins. */
  passes(rows: Float64Array, at: number): boolean {
    if (!((rows[at + FREE_RAM * FAN] as number) >= this.#ram)) return false;
    if (this.#kind >= 0 && !((rows[at + (FREE_VRAM + this.#kind) * FAN] as number) >= this.#vram)) return false;
    return !this.#asksMore || this.#meets(rows, at);
  }

  #meets(rows: Float64Array, at: number): boolean {
    const [low, high] = [this.#lowRegions, this.#highRegions];
    if ((low | high) !== 0) {
      const offered =
        ((rows[at + REGIONS * FAN] as number) & low) | ((rows[at + (REGIONS + 1) * FAN] as number) & high);
      if (offered === 0) return false;
    }
    if (this.#formats !== 0 && ((rows[at + FORMATS * FAN] as number) & this.#formats) === 0) return false;
    if (this.#runtimes !== 0 && ((rows[at + RUNTIMES * FAN] as number) & this.#runtimes) === 0) return false;
    if ((rows[at + REPUTATION * FAN] as number) < this.#reputation) return false;
    if ((rows[at + STAKE * FAN] as number) < this.#stake) return false;
    if (this.#price === Number.POSITIVE_INFINITY) return true;
    const listed = this.#listPriceWillDo && (rows[at + LIST_PRICED * FAN] as number) === 0;
    return listed || (rows[at + OWN_PRICE * FAN] as number) <= this.#price;
  }
}
