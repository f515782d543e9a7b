/**
 * By what the index tells nodes apart. By the class of their hardware: all nodes of a class fit a job equally well, to the last
 * bit, because fits are judged by nominal sizes (`domain/placement.ts`). And by the tier of their free memory.
 */
import { DEVICE_KINDS } from "../../domain/job-spec.ts";
import { isGpu, type NodeProfile } from "../../domain/node-profile.ts";
import { bestCard, nominal, sizeClass } from "../../domain/placement.ts";

const GIB = 2 ** 30;

/**
 * Free memory by which nodes of a class are told apart. Those who stand highest are offered the next job again and again until
 * they have no room for it; so they would be in the way of every search if they were not kept apart from those with
 * room. (At 100,000 nodes without these: 20,000 nodes looked at for a job that wants a gigabyte, with them a few.) A tier for each
 * size in which GPUs are sold, as those are what jobs ask for: without 20 and 40, decisions at 100,000 nodes took a fifth longer.
 */
const GPU_TIERS = [1, 2, 4, 6, 8, 10, 12, 16, 20, 24, 32, 40, 48, 64, 80].map((gib) => gib * GIB);
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

/** A standing lower than any node's: none could take the job. */
export const NEVER = Number.NEGATIVE_INFINITY;
