/**
 * What a job needs of a node, as numbers that must not exceed what the node supplies. Only what can be compared is here:
 * enough to skip at once what can not fit. Whether a job does fit is the domain's to say (`lacks` and `crowded`).
 */
import type { Demand } from "../../domain/job-spec.ts";
import { type NodeFacts, ownHourlyPrice, type Room, vramLeft } from "../../domain/placement.ts";

export interface Needs {
  readonly ram: number;
  readonly vram: number;
  readonly reputation: number;
  readonly stake: number;
  /** Below 0: the most the job pays, so that here too less is easier to satisfy. */
  readonly price: number;
  /** For a parked job: when it was last found to fit nowhere. A node that has not grown since then can not take it. */
  readonly since: number;
}

export type LeastNeeds = { -readonly [Key in keyof Needs]: Needs[Key] };

/** Amounts become floats here. That rounds, but never the wrong way round, so nothing that fits is skipped. */
export function needsOf({ ramBytes, vramBytes, requirements }: Demand, since: number): Needs {
  const { minReputation, minStake, maxPricePerHour } = requirements ?? {};
  return {
    ram: ramBytes,
    vram: vramBytes,
    reputation: minReputation ?? Number.NEGATIVE_INFINITY,
    stake: minStake === undefined ? Number.NEGATIVE_INFINITY : Number(minStake),
    price: maxPricePerHour === undefined ? Number.NEGATIVE_INFINITY : -Number(maxPricePerHour),
    since,
  };
}

/** What the node supplies to jobs of this device. `grownAt`: when it last came to have room, or filters passed, that it had not before. */
export function supplyOf({ profile, reputation }: NodeFacts, room: Room, demand: Demand, grownAt: number): Needs {
  const own = ownHourlyPrice(profile);
  return {
    ram: room.ramBytes,
    // A job without GPU memory fits a node whose cards are more than taken.
    vram: Math.max(0, vramLeft(room, demand)),
    reputation,
    stake: Number(profile.stakeUnits),
    // By the price list the price depends on the job, so the node as such rules nobody out.
    price: own === null ? Number.POSITIVE_INFINITY : -Number(own),
    since: grownAt,
  };
}

export const nothingNeeded = (): LeastNeeds => ({ ram: 0, vram: 0, reputation: 0, stake: 0, price: 0, since: 0 });

export const within = (needs: Needs, supply: Needs): boolean =>
  needs.ram <= supply.ram &&
  needs.vram <= supply.vram &&
  needs.since <= supply.since &&
  needs.reputation <= supply.reputation &&
  needs.stake <= supply.stake &&
  needs.price <= supply.price;

export function setTo(least: LeastNeeds, { ram, vram, reputation, stake, price, since }: Needs): void {
  least.ram = ram;
  least.vram = vram;
  least.reputation = reputation;
  least.stake = stake;
  least.price = price;
  least.since = since;
}

export function lower(least: LeastNeeds, other: Needs): void {
  if (other.ram < least.ram) least.ram = other.ram;
  if (other.vram < least.vram) least.vram = other.vram;
  if (other.reputation < least.reputation) least.reputation = other.reputation;
  if (other.stake < least.stake) least.stake = other.stake;
  if (other.price < least.price) least.price = other.price;
  if (other.since < least.since) least.since = other.since;
}
