/** When a node can take a job, as what runs there ends. */
import type { Demand } from "../../domain/job-spec.ts";
import type { NodeProfile } from "../../domain/node-profile.ts";
import { crowded, roomLeft, type Taken } from "../../domain/placement.ts";
import type { Millis } from "../runtime/index.ts";

/** A job on a node, and when it will have left. */
export interface Occupied {
  readonly demand: Taken;
  readonly end: Millis;
}

/** The moments at which the node can take one such job, and a further one each time. The first is `now` if it can at once. */
export function openings(
  profile: NodeProfile,
  running: readonly Occupied[],
  demand: Demand,
  now: Millis,
): readonly Millis[] {
  const left = [...running].sort((one, other) => one.end - other.end);
  const isOpen = (): boolean =>
    crowded(
      roomLeft(
        profile,
        left.map((one) => one.demand),
      ),
      demand,
    ) === null;
  const times: Millis[] = isOpen() ? [now] : [];
  for (let next = left.shift(); next !== undefined; next = left.shift()) if (isOpen()) times.push(next.end);
  return times;
}
