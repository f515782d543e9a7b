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
  cpuMatch,
  gpuMatch,
  listPrice,
  nameOf,
  ownHourlyPrice,
  type Room,
  regionOf,
  wantsGpu,
} from "../../domain/placement.ts";
import type { NameBits } from "./name-bits.ts";

const GIB = 2 ** 30;

/**
 * Members of a group of the tree, whose rows lie together field by field: so a field of the next member is one number on, and
 * the next field of the same member this many. Measured at 10,000 and 100,000 nodes: 8 to 16 are alike, 32 is slower.
 */
export const FAN = 12;

/**
 * Bytes of free GPU memory by which standings are told apart. Without them the standing of a group would be that of a node
 * whose GPU is taken, and its free memory that of another one: a bound that is far too high, and at 100,000 nodes
 * half-full 1,500 rows to look at for a decision instead of 60.
 */
const TIERS = [1, 2, 3, 4, 6, 8, 10, 12, 16, 20, 24, 32, 40, 48, 64, 80].map((gib) => gib * GIB);
/** The same of RAM, for jobs that want no GPU memory. */
const RAM_TIERS = [1, 2, 4, 8, 12, 16, 24, 32, 64, 128, 256].map((gib) => gib * GIB);

/** Fields of a row. Of a group: the highest of its members in the first range, then the lowest, then all bits. */
const STANDING = 0;
/** The standing where so much GPU memory is free; minus infinity where it is not. One for each tier. */
const TIER_STANDING = 1;
const RAM_TIER_STANDING = TIER_STANDING + TIERS.length;
const FREE_RAM = RAM_TIER_STANDING + RAM_TIERS.length;
/** One for each kind of device; minus infinity where there is none of it. */
const FREE_VRAM = FREE_RAM + 1;
const REPUTATION = FREE_VRAM + DEVICE_KINDS.length;
const STAKE = REPUTATION + 1;
export const HIGHEST_END = STAKE + 1;
/** RAM of nodes without a GPU; infinity for those with one. */
const PLAIN_RAM = HIGHEST_END;
/** RAM of nodes with a GPU; infinity for those without. */
const GPU_RAM = PLAIN_RAM + 1;
/** Best card of each kind; infinity where there is none of it. */
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

/** Writes the fields that change with every attempt. */
export function writeLive(row: Float64Array, standing: number, room: Room): void {
  row[STANDING] = standing;
  row[FREE_RAM] = room.ramBytes;
  let most = Number.NEGATIVE_INFINITY;
  for (let kind = 0; kind < DEVICE_KINDS.length; kind++) {
    const left = room.vramBytes[DEVICE_KINDS[kind] as DeviceKind] ?? Number.NEGATIVE_INFINITY;
    row[FREE_VRAM + kind] = left;
    if (left > most) most = left;
  }
  for (let tier = 0; tier < TIERS.length; tier++) {
    row[TIER_STANDING + tier] = most >= (TIERS[tier] as number) ? standing : Number.NEGATIVE_INFINITY;
  }
  for (let tier = 0; tier < RAM_TIERS.length; tier++) {
    row[RAM_TIER_STANDING + tier] = room.ramBytes >= (RAM_TIERS[tier] as number) ? standing : Number.NEGATIVE_INFINITY;
  }
}

/** Writes all other fields. */
export function writeLasting(row: Float64Array, profile: NodeProfile, reputation: number, names: Names): void {
  const gpu = profile.devices.some(isGpu);
  row[REPUTATION] = reputation;
  // A bigint rounds to the nearest number, and rounding keeps order: "at least the floor" is never lost by it.
  row[STAKE] = Number(profile.stakeUnits);
  row[PLAIN_RAM] = gpu ? Number.POSITIVE_INFINITY : profile.ramBytes;
  row[GPU_RAM] = gpu ? profile.ramBytes : Number.POSITIVE_INFINITY;
  for (let kind = 0; kind < DEVICE_KINDS.length; kind++) {
    const device = DEVICE_KINDS[kind] as DeviceKind;
    const has = profile.devices.some((one) => one.kind === device);
    row[CARD + kind] = has ? bestCard(profile.devices, device) : Number.POSITIVE_INFINITY;
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

/** The field with the standing of the nodes that have so much memory free, as nearly as the tiers tell. */
function standingField({ vramBytes, ramBytes }: Demand): number {
  const below = (tiers: readonly number[], bytes: number) => tiers.filter((tier) => tier <= bytes).length;
  const gpu = below(TIERS, vramBytes);
  if (gpu > 0) return TIER_STANDING + gpu - 1;
  const ram = below(RAM_TIERS, ramBytes);
  return ram > 0 ? RAM_TIER_STANDING + ram - 1 : STANDING;
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
  /** The field whose standing counts. */
  readonly #standing: number;
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
    this.#standing = standingField(demand);
    this.#asksMore = asked !== undefined;
    this.#reputation = asked?.minReputation ?? Number.NEGATIVE_INFINITY;
    this.#stake = Number(asked?.minStake ?? Number.NEGATIVE_INFINITY);
    this.#price = Number(asked?.maxPricePerHour ?? Number.POSITIVE_INFINITY);
    this.#listPriceWillDo = asked?.maxPricePerHour === undefined || listPrice(demand) <= BigInt(asked.maxPricePerHour);
    this.#regions = asked?.regions && asked.regions.length > 0 ? names.regions.peek(asked.regions) : [];
    this.#formats = asked?.format === undefined ? 0 : (names.formats.peek([asked.format])[0] ?? 0);
    this.#runtimes = asked?.runtime === undefined ? 0 : (names.runtimes.peek([asked.runtime])[0] ?? 0);
  }

  /** The highest score any node of the row can have for the job, `NEVER` when none can take it; of a single node, its score. `at`: where the row begins in its block. */
  bound(rows: Float64Array, at: number): number {
    if (!((rows[at + FREE_RAM * FAN] as number) >= this.#ram)) return NEVER;
    if (this.#kind >= 0 && !((rows[at + (FREE_VRAM + this.#kind) * FAN] as number) >= this.#vram)) return NEVER;
    if (this.#asksMore && !this.#meets(rows, at)) return NEVER;
    return (rows[at + this.#standing * FAN] as number) + capabilityScore(this.#match(rows, at));
  }

  #match(rows: Float64Array, at: number): number {
    if (this.#gpu) return gpuMatch(rows[at + (CARD + this.#kind) * FAN] as number, this.#demand);
    const plain = rows[at + PLAIN_RAM * FAN] as number;
    // Half of a match is the least that a machine without a GPU has, and the most that one with a GPU has.
    if (plain < Number.POSITIVE_INFINITY) return cpuMatch(plain, false, this.#demand);
    return cpuMatch(rows[at + GPU_RAM * FAN] as number, true, this.#demand);
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
