/** Which node suits a job: who can run it at all, and who runs it best. Pure. */
import type { Demand, DeviceKind, Requirements } from "./job-spec.ts";
import { isAtMost, price, ratePerSecond, type TokenUnits } from "./money.ts";
import { type Device, isGpu, type NodeProfile } from "./node-profile.ts";

const GIB = 2 ** 30;

/** What a node has left for new work. Derived from live attempts each time, never counted up and down (I3). */
export interface Room {
  readonly slots: number;
  readonly ramBytes: number;
  /**
   * The best card of each kind, and what of its memory is taken. Which card a job ends up on is the node's choice and not told
   * us, and one card may be listed under two kinds; so every job's GPU memory is counted against every kind's best card. A
   * node with several cards may then be used less than it could be, and no card is ever promised twice (I3).
   */
  readonly cards: Cards;
  readonly vramTaken: number;
}

/** Bytes of the best card of each kind. */
export type Cards = Readonly<Partial<Record<DeviceKind, number>>>;

/** Why a node cannot take a job now. With `Unavailable` the closed list behind "why is my job waiting?" (I10). */
export type Unfit =
  | "device"
  | "ram"
  | "vram"
  | "region"
  | "format"
  | "runtime"
  | "reputation"
  | "stake"
  | "price"
  | "full"
  | "ram_in_use"
  | "vram_in_use";

/** Why a node as a whole is out of the question, whatever the job. */
export type Unavailable =
  | "offline"
  | "suspect"
  | "cordoned"
  | "draining"
  | "banned"
  /** Failed or refused several offers in a row, and is left alone for a while. */
  | "set_aside"
  /** Held for one user's reservation. */
  | "reserved"
  | "uncallable";

/** The part of a node that decides whether a job may run there at all. A node actor's context and a pooled node both are one. */
export interface NodeFacts {
  readonly profile: NodeProfile;
  /** 0..100. */
  readonly reputation: number;
}

/** Bytes of the best card of this kind; 0 when there is none. */
export const bestCard = (devices: readonly Device[], kind: DeviceKind | null): number =>
  devices.reduce((most, one) => (one.kind === kind ? Math.max(most, one.vramBytes) : most), 0);

function cardsOf({ devices }: NodeProfile): Cards {
  const cards: Partial<Record<DeviceKind, number>> = {};
  for (const { kind, vramBytes } of devices) cards[kind] = Math.max(cards[kind] ?? 0, vramBytes);
  return cards;
}

export const totalRoom = (profile: NodeProfile): Room => ({
  slots: profile.slots,
  ramBytes: profile.ramBytes,
  cards: cardsOf(profile),
  vramTaken: 0,
});

export function roomLeft(profile: NodeProfile, taken: Iterable<Taken>): Room {
  const room: RoomLeft = totalRoom(profile);
  for (const demand of taken) draw(room, demand);
  return room;
}

/** Of a job on a node, what it takes. */
export type Taken = Pick<Demand, "ramBytes" | "vramBytes">;

/** Room that is being worked out. */
export type RoomLeft = { -readonly [Part in keyof Room]: Room[Part] };

/** Takes from the room what one job takes. */
export function draw(room: RoomLeft, { ramBytes, vramBytes }: Taken): void {
  room.slots -= 1;
  room.ramBytes -= ramBytes;
  room.vramTaken += vramBytes;
}

/** What is left for a job of this kind; without a kind it asks for no GPU memory. */
export function vramLeft({ cards, vramTaken }: Room, { device }: Demand): number {
  const card = device === null ? undefined : cards[device];
  return card === undefined ? 0 : card - vramTaken;
}

/** Whether an empty node of this make and standing could ever run the job; null means yes. */
export const lacks = (node: NodeFacts, demand: Demand): Unfit | null =>
  lacksHardware(node.profile, demand) ?? (demand.requirements ? fails(node, demand, demand.requirements) : null);

/** As `lacks`, and nothing asked of the node but its hardware. */
export function lacksHardware(profile: NodeProfile, demand: Demand): "device" | "ram" | "vram" | null {
  if (demand.device !== null && !profile.devices.some((one) => one.kind === demand.device)) {
    // A node that lists no devices at all still has the CPU it runs on.
    if (demand.device !== "cpu") return "device";
  }
  if (demand.ramBytes > profile.ramBytes) return "ram";
  if (demand.vramBytes > 0 && demand.vramBytes > bestCard(profile.devices, demand.device)) return "vram";
  return null;
}

/** What the owner asks for beyond hardware, in the order in which the reasons are told. */
function fails({ profile, reputation }: NodeFacts, demand: Demand, asked: Requirements): Unfit | null {
  if (asked.regions && asked.regions.length > 0 && !asked.regions.includes(regionOf(profile))) return "region";
  if (asked.format !== undefined && !hasName(profile.formats, asked.format)) return "format";
  if (asked.runtime !== undefined && !hasName(profile.runtimes, asked.runtime)) return "runtime";
  if (asked.minReputation !== undefined && !(reputation >= asked.minReputation)) return "reputation";
  if (asked.minStake !== undefined && !isAtMost(asked.minStake, profile.stakeUnits)) return "stake";
  if (asked.maxPricePerHour !== undefined && !costsAtMost(profile, demand, asked.maxPricePerHour)) return "price";
  return null;
}

/** As jobs spell it; "" when the node did not say. */
export const regionOf = (profile: NodeProfile): string => nameOf(profile.region);

/** The spelling by which names of regions, formats and runtimes are compared. */
export const nameOf = (written: string): string => written.trim().toLowerCase();

const hasName = (names: readonly string[], wanted: string): boolean => names.some((one) => nameOf(one) === wanted);

/** The wire's number for billing by the hour. */
const BILLING_HOURLY = 0;
/** The highest price that a node may register. */
const MOST_TOKENS = 1e15;

/** Base units an hour the node itself asks for; null when it bills otherwise or named no price, so that the price list holds. */
export function ownHourlyPrice({ pricing }: NodeProfile): TokenUnits | null {
  const tokens = pricing?.pricePerHour;
  if (typeof tokens !== "number" || !(tokens > 0) || (pricing?.billingModel ?? BILLING_HOURLY) !== BILLING_HOURLY)
    return null;
  // Nine decimals are exact base units, and digits are never lost on the way as they would be in a product of floats.
  return BigInt(Math.min(tokens, MOST_TOKENS).toFixed(9).replace(".", ""));
}

/** Base units that an hour of the job costs on the node: the node's own price, else the network's. */
export function hourlyPrice(profile: NodeProfile, demand: Demand): TokenUnits {
  return ownHourlyPrice(profile) ?? listPrice(demand);
}

function costsAtMost(profile: NodeProfile, demand: Demand, most: string): boolean {
  const own = ownHourlyPrice(profile);
  return own === null ? listsAtMost(demand, most) : own <= BigInt(most);
}

/** Base units an hour by the network's price list. */
export const listPrice = (demand: Demand): TokenUnits => price({ ...pricedAs(demand), seconds: HOUR });

/** Whether that is at most so much, as decimal text; as `isAtMost`. */
export function listsAtMost(demand: Demand, most: string): boolean {
  const [listed, limit] = [ratePerSecond(pricedAs(demand)) * HOUR, Number(most)];
  return listed === limit ? listPrice(demand) <= BigInt(most) : listed < limit;
}

const HOUR = 3600;

/** As jobs are priced: whole gigabytes, at least one. */
const pricedAs = (demand: Demand): { readonly gpu: boolean; readonly ramGb: number } => ({
  gpu: wantsGpu(demand),
  ramGb: Math.max(1, Math.ceil(demand.ramBytes / GIB)),
});

/** Whether the job fits into what is left; null means yes. Assumes that `lacks` said null. */
export function crowded(room: Room, demand: Demand): Unfit | null {
  if (room.slots < 1) return "full";
  if (demand.ramBytes > room.ramBytes) return "ram_in_use";
  if (demand.vramBytes > 0 && demand.vramBytes > vramLeft(room, demand)) return "vram_in_use";
  return null;
}

/** Whether the node could take the job now: the same as to lack nothing for it and not to be crowded, and quicker to tell. */
export function takes(node: NodeFacts, room: Room, demand: Demand): boolean {
  const { device, requirements } = demand;
  if (device !== null && device !== "cpu" && room.cards[device] === undefined) return false;
  return crowded(room, demand) === null && (requirements === undefined || fails(node, demand, requirements) === null);
}

/** What a score is made of, besides the job. */
export interface Standing {
  /** 0..100. */
  readonly reputation: number;
  /** 0..1: the part of its slots that is taken. */
  readonly load: number;
  /** 0..100. */
  readonly uptime: number;
}

/** Each 0..1, before weighting. */
export interface ScoreTerms {
  readonly reputation: number;
  readonly availability: number;
  readonly capability: number;
  readonly uptime: number;
}

const WEIGHT: ScoreTerms = { reputation: 0.4, availability: 0.3, capability: 0.2, uptime: 0.1 };

/** What is no number counts for nothing, so that no score is ever NaN. */
const unit = (value: number): number => (value > 0 ? Math.min(1, value) : 0);

/**
 * Scores are whole multiples of 2^-40. Two of them then add without rounding, so the standing and the capability of
 * a node can be bounded apart from each other, and two nodes tie by their bounds exactly when they tie by their scores.
 */
const GRAIN = 2 ** 40;
const grained = (value: number): number => Math.round(value * GRAIN) / GRAIN;

/** The four terms of the specification's formula. */
export const scoreTerms = (standing: Standing, profile: NodeProfile, demand: Demand): ScoreTerms => ({
  reputation: unit(standing.reputation / 100),
  availability: unit(1 - standing.load),
  capability: capabilityMatch(profile, demand),
  uptime: unit(standing.uptime / 100),
});

/** The job-independent part of the score: no job can score the node higher than this plus `capabilityScore(1)`. */
export const standingScore = ({ reputation, load, uptime }: Standing): number =>
  grained(
    WEIGHT.reputation * unit(reputation / 100) +
      WEIGHT.availability * unit(1 - load) +
      WEIGHT.uptime * unit(uptime / 100),
  );

/** What a capability match (0..1) adds to the score. */
export const capabilityScore = (match: number): number => grained(WEIGHT.capability * unit(match));

/** A job that does not say how much memory it wants counts as one that wants this much: a small one. */
const UNSAID_BYTES = GIB;
const wantedBytes = (bytes: number): number => bytes || UNSAID_BYTES;

/** Sizes to a doubling that memory is told apart by. */
const SIZES_PER_DOUBLING = 4;

/** The size class of so much memory: 0 for none, and one more for every quarter of a doubling. */
export const sizeClass = (bytes: number): number => (bytes > 1 ? Math.ceil(SIZES_PER_DOUBLING * Math.log2(bytes)) : 0);

/**
 * The memory of a size class, never less than there is. A fit is judged by it and not by the last byte: a machine that reports
 * 15.4 of its 16 GB is no tighter a fit than its neighbour that reports 15.6. Equal machines then differ by their standing alone, which is also
 * what lets the index tell at once which of them is best.
 */
export const nominal = (bytes: number): number => 2 ** (sizeClass(bytes) / SIZES_PER_DOUBLING);

/**
 * 0..1, highest for the tightest fit, so that a small job does not take the big GPU. A GPU job: the share of the best
 * card's memory that it would use. Any other: half, and half the share of the RAM that it would use; of that again
 * half on a machine whose GPU would idle meanwhile, so that machines without one are always tried first among equals.
 */
export function capabilityMatch(profile: NodeProfile, demand: Demand): number {
  return wantsGpu(demand)
    ? gpuMatch(nominal(bestCard(profile.devices, demand.device)), demand)
    : cpuMatch(nominal(profile.ramBytes), profile.devices.some(isGpu), demand);
}

export const wantsGpu = ({ device }: Demand): boolean => device !== null && device !== "cpu";

/** `capabilityMatch` of a GPU job for a best card of this nominal size. Falls as the card grows. */
export const gpuMatch = (cardBytes: number, { vramBytes }: Demand): number =>
  unit(wantedBytes(vramBytes) / Math.max(1, cardBytes));

/** `capabilityMatch` of any other job, on so much RAM by its nominal size. Falls as the RAM grows, and with an idle GPU. */
export const cpuMatch = (totalRamBytes: number, idleGpu: boolean, { ramBytes }: Demand): number =>
  (0.5 + unit(wantedBytes(ramBytes) / Math.max(1, totalRamBytes)) / 2) * (idleGpu ? 0.5 : 1);

/** `0.4·reputation + 0.3·(1 − load) + 0.2·capability_match + 0.1·uptime`, every term 0..1 (the specification's formula). */
export const matchScore = (standing: Standing, capability: number): number =>
  standingScore(standing) + capabilityScore(capability);
