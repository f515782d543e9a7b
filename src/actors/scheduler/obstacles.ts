/**
 * Why a job fits nowhere, node by node: the counts (I10), and what each node would do if a single thing were different.
 * Looks at every node, whenever it is asked.
 */
import type { Demand } from "../../domain/job-spec.ts";
import { lacks, type Unavailable, type Unfit } from "../../domain/placement.ts";
import type { NodeCounts, NodeReason, WaitReason } from "./explanation.ts";
import type { PooledNode, WhyNot } from "./node-pool.ts";
import type { QueuedJob } from "./ranking.ts";
import type { Scene } from "./scene.ts";

/** What the node lacks whatever runs there. */
export type Lack = Exclude<Unfit, "full" | "ram_in_use" | "vram_in_use">;

const TAKEN: readonly NodeReason[] = ["full", "ram_in_use", "vram_in_use", "kept"];
const OUT_OF_REACH: readonly NodeReason[] = [
  "offline",
  "suspect",
  "cordoned",
  "draining",
  "banned",
  "set_aside",
  "reserved",
  "uncallable",
  "excluded",
];

/** The nodes that the job does not get at present, whatever room they have. */
export function offLimits(job: QueuedJob, scene: Scene): (nodeId: string) => boolean {
  const [isExcluded, isKept] = [scene.exclusionOf(job), scene.keptFrom(job)];
  return (nodeId) => isExcluded(nodeId) || isKept(nodeId);
}

/** The most frequent reason first. */
export function countsOf({ fitting, reasons }: WhyNot, total: number): NodeCounts {
  const ruledOut = [...reasons]
    .map(([reason, nodes]) => ({ reason, nodes }))
    .sort((one, other) => other.nodes - one.nodes || (one.reason < other.reason ? -1 : 1));
  return { total, fitting, ruledOut };
}

/** Null: it could be placed now. */
export function placementReason(job: QueuedJob, { fitting, reasons }: WhyNot, scene: Scene): WaitReason | null {
  if (scene.pool.size === 0) return "no_nodes";
  const { demand, gang } = job;
  if (gang === null && fitting > 0) return null;
  if (gang !== null && fitting > 0) {
    return scene.pool.bestGang(demand, gang, offLimits(job, scene)) === null ? "gang_incomplete" : null;
  }
  // As long as there are too few nodes of the kind, waiting for those there are would be in vain.
  const ofTheKind = [...TAKEN, ...OUT_OF_REACH].reduce((sum, reason) => sum + (reasons.get(reason) ?? 0), 0);
  if (gang !== null && ofTheKind > 0 && ofTheKind < gang.size) return "gang_incomplete";
  if (TAKEN.some((reason) => reasons.has(reason))) return "no_capacity";
  return OUT_OF_REACH.some((reason) => reasons.has(reason)) ? "nodes_unavailable" : "no_matching_node";
}

export interface Obstacles {
  /** Nodes in service that would have to differ in this one thing, to be able to run the job when they are free. */
  readonly only: ReadonlyMap<Lack, readonly PooledNode[]>;
  /** Nodes that could run the job if they were in service. */
  readonly unavailable: ReadonlyMap<Unavailable, number>;
  readonly excluded: number;
  /** Nodes that could run it if other jobs were not there. */
  readonly taken: number;
  /** Ruled out by nothing. */
  readonly fitting: readonly PooledNode[];
}

export function obstaclesOf(job: QueuedJob, { pool, exclusionOf, keptFrom }: Scene): Obstacles {
  const [isExcluded, isKept] = [exclusionOf(job), keptFrom(job)];
  const only = new Map<Lack, PooledNode[]>();
  const unavailable = new Map<Unavailable, number>();
  const fitting: PooledNode[] = [];
  let excluded = 0;
  let taken = 0;
  for (const node of pool.nodes()) {
    const lack = lacks(node, job.demand);
    if (lack !== null) {
      if (node.unavailable !== null || !isLack(lack)) continue;
      if (lacks(node, without(job.demand, lack)) !== null) continue;
      const others = only.get(lack);
      if (others) others.push(node);
      else only.set(lack, [node]);
    } else if (node.unavailable !== null) {
      unavailable.set(node.unavailable, (unavailable.get(node.unavailable) ?? 0) + 1);
    } else if (isExcluded(node.id)) excluded += 1;
    else if (pool.placesOn(node.id, job.demand) > 0 && !isKept(node.id)) fitting.push(node);
    else taken += 1;
  }
  return { only, unavailable, excluded, taken, fitting };
}

const isLack = (unfit: Unfit): unfit is Lack => !TAKEN.includes(unfit);

/** The same demand without the one thing. */
function without(demand: Demand, lack: Lack): Demand {
  const { requirements = {} } = demand;
  switch (lack) {
    case "device":
      return { ...demand, device: null, vramBytes: 0 };
    case "ram":
      return { ...demand, ramBytes: 0 };
    case "vram":
      return { ...demand, vramBytes: 0 };
    default: {
      const { regions, format, runtime, minReputation, minStake, maxPricePerHour, ...rest } = requirements;
      return {
        ...demand,
        requirements: {
          ...rest,
          ...(lack !== "region" && regions && { regions }),
          ...(lack !== "format" && format !== undefined && { format }),
          ...(lack !== "runtime" && runtime !== undefined && { runtime }),
          ...(lack !== "reputation" && minReputation !== undefined && { minReputation }),
          ...(lack !== "stake" && minStake !== undefined && { minStake }),
          ...(lack !== "price" && maxPricePerHour !== undefined && { maxPricePerHour }),
        },
      };
    }
  }
}
