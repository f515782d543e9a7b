/** Where a node belongs. Of nodes that score the same, the one whose place comes first is chosen. */
import type { HardwareClass } from "./node-facts.ts";

export interface Place {
  readonly hardware: HardwareClass;
  readonly region: string;
  readonly id: string;
}

/** By class of hardware, region and id. */
export function isBefore(one: Place, other: Place): boolean {
  if (one.hardware.number !== other.hardware.number) return one.hardware.number < other.hardware.number;
  return one.region === other.region ? one.id < other.id : one.region < other.region;
}
