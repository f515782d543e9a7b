/** Which node suits a job: who can run it at all, and who runs it best. Pure. */
import type { Demand, DeviceKind } from "./job-spec.ts";
import type { Device, NodeProfile } from "./node-profile.ts";

/** What a node has left for new work. Derived from live attempts each time, never counted up and down (I3). */
export interface Room {
  readonly slots: number;
  readonly ramBytes: number;
  /**
   * What is left of the best GPU of each kind. Which card a job ends up on is the node's choice and not told us, and one card
   * may be listed under two kinds; so every job's GPU memory is counted against every kind's best card. A node with
   * several cards may then be used less than it could be, and no card is ever promised twice (I3).
   */
  readonly vramBytes: Readonly<Partial<Record<DeviceKind, number>>>;
}

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

const vramOf = (devices: readonly Device[], demand: Demand): number =>
  devices.reduce((most, one) => (one.kind === demand.device ? Math.max(most, one.vramBytes) : most), 0);

export const totalRoom = (profile: NodeProfile): Room => roomLeft(profile, []);

export function roomLeft(profile: NodeProfile, taken: Iterable<Demand>): Room {
  let { slots, ramBytes } = profile;
  let vramTaken = 0;
  for (const demand of taken) {
    slots -= 1;
    ramBytes -= demand.ramBytes;
    vramTaken += demand.vramBytes;
  }
  const vramBytes: Partial<Record<DeviceKind, number>> = {};
  for (const { kind, vramBytes: vram } of profile.devices) {
    vramBytes[kind] = Math.max(vramBytes[kind] ?? Number.NEGATIVE_INFINITY, vram - vramTaken);
  }
  return { slots, ramBytes, vramBytes };
}

/** What is left for a job of this kind; without a kind it asks for no GPU memory. */
export const vramLeft = (room: Room, { device }: Demand): number =>
  device === null ? 0 : (room.vramBytes[device] ?? 0);

/** Whether an empty node of this make could ever run the job; null means yes. */
export function lacks(profile: NodeProfile, demand: Demand): Unfit | null {
  if (demand.device !== null && !profile.devices.some((one) => one.kind === demand.device)) {
    // A node that lists no devices at all still has the CPU it runs on.
    if (demand.device !== "cpu") return "device";
  }
  if (demand.ramBytes > profile.ramBytes) return "ram";
  if (demand.vramBytes > 0 && demand.vramBytes > vramOf(profile.devices, demand)) return "vram";
  return null;
}

/** Whether the job fits into what is left; null means yes. Assumes that `lacks` said null. */
export function crowded(room: Room, demand: Demand): Unfit | null {
  if (room.slots < 1) return "full";
  if (demand.ramBytes > room.ramBytes) return "ram_in_use";
  if (demand.vramBytes > 0 && demand.vramBytes > vramLeft(room, demand)) return "vram_in_use";
  return null;
}

export interface Candidate {
  /** 0..100. */
  readonly reputation: number;
  /** 0..1: the part of its slots that is taken. */
  readonly load: number;
  /** 0..100. */
  readonly uptime: number;
}

const WEIGHT = { reputation: 0.4, availability: 0.3, capability: 0.2, uptime: 0.1 } as const;

const unit = (value: number): number => Math.min(1, Math.max(0, value));

/** The job-independent part of the score, and so a bound: no job can score the node higher than this plus the capability weight. */
export function standingScore({ reputation, load, uptime }: Candidate): number {
  return (
    WEIGHT.reputation * unit(reputation / 100) +
    WEIGHT.availability * unit(1 - load) +
    WEIGHT.uptime * unit(uptime / 100)
  );
}

/** The most that `capabilityScore` can add. */
export const CAPABILITY_WEIGHT = WEIGHT.capability;

/**
 * 0..1, highest for the tightest fit, so that a small job does not take the big GPU: the share of the node's memory of
 * the kind in question that the job would use, halved for a CPU job on a machine whose GPU would idle meanwhile.
 */
export function capabilityMatch(profile: NodeProfile, demand: Demand): number {
  if (demand.vramBytes > 0) return unit(demand.vramBytes / Math.max(1, vramOf(profile.devices, demand)));
  const tightness = unit(demand.ramBytes / Math.max(1, profile.ramBytes));
  const wantsGpu = demand.device !== null && demand.device !== "cpu";
  const hasGpu = profile.devices.some((one) => one.vramBytes > 0);
  return hasGpu && !wantsGpu ? (0.5 + tightness / 2) * 0.5 : 0.5 + tightness / 2;
}

/** `0.4·reputation + 0.3·(1 − load) + 0.2·capability_match + 0.1·uptime`, every term 0..1 (the specification's formula). */
export function matchScore(candidate: Candidate, capability: number): number {
  return standingScore(candidate) + WEIGHT.capability * unit(capability);
}
