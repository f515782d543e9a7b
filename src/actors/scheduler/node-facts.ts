/**
 * What the index knows of a node, as numbers in one row of a Float64Array: enough to tell that a job cannot run there and how
 * high it could score at most. The row of a group of nodes holds, field by field, the best of its members, so the same
 * question asked of a group has the answer for all of them.
 *
 * Rows are cautious: they never rule out a node that the rules in `domain/placement.ts` admit. Where a number cannot hold the
 * whole truth (amounts beyond 2^53, more names than bits), the rules themselves are asked of the few nodes that remain.
 */
import { DEVICE_KINDS, type Demand, type DeviceKind } from "../../domain/job-spec.ts";
import { isGpu, type NodeProfile } from "../../domain/node-profile.ts";
import {
  bestCard,
  capabilityScore,
  cpuFloor,
  cpuMatch,
  cpuSlope,
  gpuMatch,
  gpuSlope,
  listPrice,
  nameOf,
  nominal,
  ownHourlyPrice,
  type Room,
  regionOf,
  scoreBound,
  wantedBytes,
  wantsGpu,
} from "../../domain/placement.ts";
import type { NameBits } from "./name-bits.ts";

const GIB = 2 ** 30;

/**
 * Members of a group of the tree, whose rows lie together field by field: so a field of the next member is one number on, and
 * the next field of the same member this many. Measured from 1,000 to 100,000 nodes: 24 and 32 are alike, 12 is slower by a
 * tenth.
 */
export const FAN = 24;

/**
 * Free memory by which scores are told apart; the last of each stands for all that is more. A group's row does not hold how high
 * its members stand and how tight a fit they could be, for these are the best of different members and together a bound that
 * none reaches; it holds, for each tier, the highest score of a member with so much free. How the score grows with what a job
 * wants is a straight line for each node, so the highest of them is a convex curve, and between two tiers it lies under
 * the chord: `LOW` and `HIGH` are its ends. At 100,000 nodes half full a decision so looks at some 150 rows, where standing
 * and fit apart took 1,500.
 */
const VRAM_TIERS = [0, 1, 2, 4, 6, 8, 12, 16, 24, 32, 48, 80].map((gib) => gib * GIB);
const RAM_TIERS = [0, 1, 2, 4, 8, 16, 32, 64, 128, 256].map((gib) => gib * GIB);
/** No job wants more. */
const MOST_BYTES = 2 ** 50;

/** The end of the tier that begins there. */
const tierEnd = (tiers: readonly number[], tier: number): number => tiers[tier + 1] ?? MOST_BYTES;

/** The tier in which so much memory lies. */
function tierOf(tiers: readonly number[], bytes: number): number {
  let tier = 0;
  while (tier + 1 < tiers.length && (tiers[tier + 1] as number) <= bytes) tier += 1;
  return tier;
}

/** Fields of a row. Of a group: the highest of its members in the first range, then the lowest, then all bits. */
const STANDING = 0;
/** Two for each tier, see above; minus infinity where so much memory is not free. */
const VRAM_SCORES = STANDING + 1;
const RAM_SCORES = VRAM_SCORES + 2 * VRAM_TIERS.length;
const CPU = DEVICE_KINDS.indexOf("cpu");
const LOW = 0;
const HIGH = 1;
const FREE_RAM = RAM_SCORES + 2 * RAM_TIERS.length;
/** One for each kind of device; minus infinity where there is none of it. */
const FREE_VRAM = FREE_RAM + 1;
const REPUTATION = FREE_VRAM + DEVICE_KINDS.length;
const STAKE = REPUTATION + 1;
export const HIGHEST_END = STAKE + 1;
/** Nominal RAM of nodes without a GPU; infinity for those with one. */
const PLAIN_RAM = HIGHEST_END;
/** Nominal RAM of nodes with a GPU; infinity for those without. */
const GPU_RAM = PLAIN_RAM + 1;
/** Nominal size of the best card of each kind; infinity where there is none of it. */
const CARD = GPU_RAM + 1;
/** By the hour, of nodes that name a price; infinity for the others. */
const OWN_PRICE = CARD + DEVICE_KINDS.length;
/** 0 where the network's price list holds; infinity otherwise. */
const LIST_PRICED = OWN_PRICE + 1;
export const LOWEST_END = LIST_PRICED + 1;
/** Two words. */
const REGIONS = LOWEST_END;
const FORMATS = REGIONS + 2;
const RUNTIMES = FORMATS + 1;
export const BITS_END = RUNTIMES + 1;
export const WIDTH = BITS_END;

export interface Names {
  readonly regions: NameBits;
  readonly formats: NameBits;
  readonly runtimes: NameBits;
}

/** A field of a row that no job passes, and of a group without members. */
export const clearedField = (field: number): number =>
  field < HIGHEST_END ? Number.NEGATIVE_INFINITY : field < LOWEST_END ? Number.POSITIVE_INFINITY : 0;

export function clearRow(row: Float64Array): void {
  for (let field = 0; field < WIDTH; field++) row[field] = clearedField(field);
}

/** Writes the fields that change with every attempt. The others must be there. */
export function writeLive(row: Float64Array, standing: number, room: Room): void {
  row[STANDING] = standing;
  row[FREE_RAM] = room.ramBytes;
  let freeVram = Number.NEGATIVE_INFINITY;
  let card = Number.POSITIVE_INFINITY;
  for (let kind = 0; kind < DEVICE_KINDS.length; kind++) {
    const left = room.vramBytes[DEVICE_KINDS[kind] as DeviceKind] ?? Number.NEGATIVE_INFINITY;
    row[FREE_VRAM + kind] = left;
    if (kind === CPU) continue;
    freeVram = Math.max(freeVram, left);
    card = Math.min(card, row[CARD + kind] as number);
  }
  // Whatever kind a job asks for: the most that is free and the tightest fit of all kinds are a bound for each of them.
  writeScores(row, VRAM_SCORES, VRAM_TIERS, standing, freeVram, 0, gpuSlope(card));
  const plain = row[PLAIN_RAM] as number;
  const idleGpu = plain === Number.POSITIVE_INFINITY;
  const slope = cpuSlope(idleGpu ? (row[GPU_RAM] as number) : plain, idleGpu);
  writeScores(row, RAM_SCORES, RAM_TIERS, standing, room.ramBytes, cpuFloor(idleGpu), slope);
}

/** The score is `standing`, and `floor`, and `slope` for every byte that is wanted. */
function writeScores(
  row: Float64Array,
  field: number,
  tiers: readonly number[],
  standing: number,
  free: number,
  floor: number,
  slope: number,
): void {
  for (let tier = 0; tier < tiers.length; tier++) {
    const from = tiers[tier] as number;
    // A card that is overcommitted can still be asked for by a job that says nothing of memory.
    const fits = free >= from || (tier === 0 && free > Number.NEGATIVE_INFINITY);
    const at = field + 2 * tier;
    row[at + LOW] = fits ? standing + floor + slope * from : Number.NEGATIVE_INFINITY;
    row[at + HIGH] = fits ? standing + floor + slope * tierEnd(tiers, tier) : Number.NEGATIVE_INFINITY;
  }
}

/** Writes all other fields. */
export function writeLasting(row: Float64Array, profile: NodeProfile, reputation: number, names: Names): void {
  const gpu = profile.devices.some(isGpu);
  row[REPUTATION] = reputation;
  // A bigint rounds to the nearest number, and rounding keeps order: "at least the floor" is never lost by it.
  row[STAKE] = Number(profile.stakeUnits);
  const ram = nominal(profile.ramBytes);
  row[PLAIN_RAM] = gpu ? Number.POSITIVE_INFINITY : ram;
  row[GPU_RAM] = gpu ? ram : Number.POSITIVE_INFINITY;
  for (let kind = 0; kind < DEVICE_KINDS.length; kind++) {
    const device = DEVICE_KINDS[kind] as DeviceKind;
    const has = profile.devices.some((one) => one.kind === device);
    row[CARD + kind] = has ? nominal(bestCard(profile.devices, device)) : Number.POSITIVE_INFINITY;
  }
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

/** The same fields as they are in another row. */
export function copyLasting(from: Float64Array, to: Float64Array): void {
  for (let field = REPUTATION; field < WIDTH; field++) to[field] = from[field] as number;
}

/** What a bound is when no node of the row can take the job. */
export const NEVER = Number.NEGATIVE_INFINITY;

/** A demand, ready to be asked of many rows. */
export class Query {
  readonly #demand: Demand;
  readonly #gpu: boolean;
  readonly #ram: number;
  /** Offset of the device kind's fields; -1: any device will do. */
  readonly #kind: number;
  readonly #vram: number;
  /** The tier's fields, and how far from one end to the other the job lies. */
  readonly #scores: number;
  readonly #along: number;
  readonly #asksMore: boolean;
  readonly #reputation: number;
  readonly #stake: number;
  readonly #price: number;
  readonly #listPriceWillDo: boolean;
  /** All bits where nothing is asked. */
  readonly #regions: readonly number[];
  readonly #formats: number;
  readonly #runtimes: number;

  constructor(demand: Demand, names: Names) {
    const asked = demand.requirements;
    this.#demand = demand;
    this.#gpu = wantsGpu(demand);
    // GPU memory without a kind of GPU is on no node.
    this.#ram = demand.device === null && demand.vramBytes > 0 ? Number.POSITIVE_INFINITY : demand.ramBytes;
    // A CPU is taken for granted, also of nodes that list none.
    const cpuUnasked = demand.device === "cpu" && demand.vramBytes <= 0;
    this.#kind = demand.device === null || cpuUnasked ? -1 : DEVICE_KINDS.indexOf(demand.device);
    // Minus infinity says "no such device"; a card that is overcommitted is still there.
    this.#vram = demand.vramBytes > 0 ? demand.vramBytes : -Number.MAX_VALUE;
    const [tiers, first, bytes] = this.#gpu
      ? [VRAM_TIERS, VRAM_SCORES, demand.vramBytes]
      : [RAM_TIERS, RAM_SCORES, demand.ramBytes];
    const tier = tierOf(tiers, bytes);
    const from = tiers[tier] as number;
    this.#scores = first + 2 * tier;
    this.#along = (wantedBytes(bytes) - from) / (tierEnd(tiers, tier) - from);
    this.#asksMore = asked !== undefined;
    this.#reputation = asked?.minReputation ?? Number.NEGATIVE_INFINITY;
    this.#stake = Number(asked?.minStake ?? Number.NEGATIVE_INFINITY);
    this.#price = Number(asked?.maxPricePerHour ?? Number.POSITIVE_INFINITY);
    this.#listPriceWillDo = asked?.maxPricePerHour === undefined || listPrice(demand) <= BigInt(asked.maxPricePerHour);
    this.#regions = asked?.regions && asked.regions.length > 0 ? names.regions.peek(asked.regions) : [];
    this.#formats = asked?.format === undefined ? 0 : (names.formats.peek([asked.format])[0] ?? 0);
    this.#runtimes = asked?.runtime === undefined ? 0 : (names.runtimes.peek([asked.runtime])[0] ?? 0);
  }

  /** The highest score any member of the group can have for the job; `NEVER` when none can take it. `at`: where its row begins. */
  bound(rows: Float64Array, at: number): number {
    if (!this.#passes(rows, at)) return NEVER;
    const low = rows[at + (this.#scores + LOW) * FAN] as number;
    if (low === Number.NEGATIVE_INFINITY) return NEVER;
    const high = rows[at + (this.#scores + HIGH) * FAN] as number;
    const most = (rows[at + STANDING * FAN] as number) + capabilityScore(1);
    return Math.min(most, scoreBound(low + (high - low) * this.#along));
  }

  /** The score of the node for the job; `NEVER` when it cannot take it, as far as a row tells. */
  score(rows: Float64Array, at: number): number {
    return this.#passes(rows, at)
      ? (rows[at + STANDING * FAN] as number) + capabilityScore(this.#match(rows, at))
      : NEVER;
  }

  #passes(rows: Float64Array, at: number): boolean {
    if (!((rows[at + FREE_RAM * FAN] as number) >= this.#ram)) return false;
    if (this.#kind >= 0 && !((rows[at + (FREE_VRAM + this.#kind) * FAN] as number) >= this.#vram)) return false;
    return !this.#asksMore || this.#meets(rows, at);
  }

  #match(rows: Float64Array, at: number): number {
    if (this.#gpu) return gpuMatch(rows[at + (CARD + this.#kind) * FAN] as number, this.#demand);
    const plain = rows[at + PLAIN_RAM * FAN] as number;
    const idleGpu = plain === Number.POSITIVE_INFINITY;
    return cpuMatch(idleGpu ? (rows[at + GPU_RAM * FAN] as number) : plain, idleGpu, this.#demand);
  }

  #meets(rows: Float64Array, at: number): boolean {
    if ((rows[at + REPUTATION * FAN] as number) < this.#reputation) return false;
    if ((rows[at + STAKE * FAN] as number) < this.#stake) return false;
    const listed = this.#listPriceWillDo && (rows[at + LIST_PRICED * FAN] as number) === 0;
    if (!listed && (rows[at + OWN_PRICE * FAN] as number) > this.#price) return false;
    const [low = 0, high = 0] = this.#regions;
    const offered = ((rows[at + REGIONS * FAN] as number) & low) | ((rows[at + (REGIONS + 1) * FAN] as number) & high);
    if ((low | high) !== 0 && offered === 0) return false;
    if (this.#formats !== 0 && ((rows[at + FORMATS * FAN] as number) & this.#formats) === 0) return false;
    return this.#runtimes === 0 || ((rows[at + RUNTIMES * FAN] as number) & this.#runtimes) !== 0;
  }
}
