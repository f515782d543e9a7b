/**
 * When a job that can not start now may start: from what the owners of running jobs expected them to take. An estimate made
 * of estimates, and "unknown" where there is nothing to make it from: a run that is past its estimate tells nothing.
 */

import type { Demand } from "../../domain/job-spec.ts";
import { demandOf } from "../../domain/job-spec.ts";
import { lacks, regionOf } from "../../domain/placement.ts";
import type { Millis } from "../runtime/index.ts";
import type { Plan, WaitReason } from "./explanation.ts";
import type { PooledNode } from "./node-pool.ts";
import { openings } from "./openings.ts";
import type { QueuedJob } from "./ranking.ts";
import type { Scene } from "./scene.ts";

type ExpectedStart = Plan["expectedStart"];

const UNKNOWN: ExpectedStart = { kind: "unknown", at: null };

export function expectedStart(job: QueuedJob, reason: WaitReason, scene: Scene): ExpectedStart {
  // An operator, or jobs that may be anywhere, decide.
  if (reason === "paused" || reason === "owner_limit") return UNKNOWN;
  const position = scene.positionOf(job);
  if (position === null) return UNKNOWN;
  const usable = [...scene.pool.nodes()].filter(
    (node) => node.unavailable === null && lacks(node, job.demand) === null,
  );
  const found = usable.map((node) => ({ node, times: openingsOn(node, job.demand, scene) }));
  const at = job.gang
    ? gangStart(job.gang.size, job.gang.topology === "region", position, found)
    : // Everybody ahead is taken to want one of these nodes: rather too late than too early.
      found.flatMap(({ times }) => times).sort((one, other) => one - other)[position - 1];
  return at === undefined || !Number.isFinite(at) ? UNKNOWN : { kind: "after_others", at };
}

interface Openings {
  readonly node: PooledNode;
  readonly times: readonly Millis[];
}

/** When the last of its members finds a node. With others ahead nothing can be said: they may take single nodes again and again. */
function gangStart(
  size: number,
  inOneRegion: boolean,
  position: number,
  found: readonly Openings[],
): Millis | undefined {
  if (position > 1) return undefined;
  const byRegion = new Map<string, Millis[]>();
  for (const { node, times } of found) {
    const region = inOneRegion ? regionOf(node.profile) : "any";
    const [first] = times;
    if (first !== undefined && region !== "") byRegion.set(region, [...(byRegion.get(region) ?? []), first]);
  }
  const starts = [...byRegion.values()].flatMap((times) => times.sort((one, other) => one - other)[size - 1] ?? []);
  return starts.length === 0 ? undefined : Math.min(...starts);
}

/** When the node can take one such job, and a further one each time, as what runs there ends. */
function openingsOn({ id, profile }: PooledNode, demand: Demand, { pool, jobOf, now }: Scene): readonly Millis[] {
  const running = pool.attemptsOn(id).flatMap((jobId) => {
    const context = jobOf(jobId);
    if (!context) return [];
    const began = context.live?.startedAt ?? context.live?.offeredAt ?? now;
    const end = began + context.spec.estimatedSeconds * 1000;
    return [{ demand: demandOf(context.spec), end: end > now ? end : Number.POSITIVE_INFINITY }];
  });
  return openings(profile, running, demand, now);
}
