/** Why a job is where it is, and what would help. Counted afresh from what the broker sees (I10). Pure. */
import type { JobSpec } from "../../domain/job-spec.ts";
import { type CommittedJob, deadlineOf } from "../job/kind.ts";
import type { JobContext } from "../job/state.ts";
import { adviceOn, many, plural } from "./advice.ts";
import type { Explanation, NodeCounts, NodeReason, Queueing, WaitReason } from "./explanation.ts";
import { countsOf, offLimits, placementReason } from "./obstacles.ts";
import type { QueuedJob } from "./ranking.ts";
import type { Scene } from "./scene.ts";

/** A job that is not submitted yet. */
export interface Wanted {
  readonly spec: JobSpec;
  /** Base units, for the whole job. */
  readonly price: bigint;
  readonly owner: string;
}

export const CANDIDATES_SHOWN = 5;

export function explain(committed: CommittedJob, job: QueuedJob, scene: Scene): Explanation {
  const { context } = committed.snapshot;
  const why = scene.pool.why(job.demand, scene.exclusionOf(job), scene.keptFrom(job));
  const nodes = countsOf(why, scene.pool.size);
  const unplaced = placementReason(job, why, scene);
  const reason = reasonOf(committed, job, unplaced, scene);
  const stage = scene.stageOf(job.id);
  const queue: Queueing | null =
    stage === undefined
      ? null
      : { position: stage === "placing" ? 1 : scene.positionOf(job), length: scene.queueLength };
  const until = deadlineOf(context);
  return {
    jobId: job.id,
    state: committed.state,
    reason,
    summary: reason === null ? settledSummary(committed.state, context) : summaryOf(reason, job, nodes, scene, until),
    nodes,
    candidates: scene.pool.candidates(job.demand, offLimits(job, scene), CANDIDATES_SHOWN),
    queue,
    wouldHelp: reason === null ? [] : whatHelps(reason, job, unplaced, scene),
    lastAttempt: context.history.at(-1) ?? null,
    until,
  };
}

function reasonOf(
  { state }: CommittedJob,
  job: QueuedJob,
  unplaced: WaitReason | null,
  scene: Scene,
): WaitReason | null {
  if (state === "pending.awaitingFunds") return "awaiting_funds";
  if (state === "pending.backoff") return "retry_backoff";
  if (state.endsWith(".orphaned")) return "node_silent";
  if (state !== "pending.queued") return null;
  const stage = scene.stageOf(job.id);
  if (stage === "placing" || scene.isReturning(job.id)) return "placing";
  // It wants a node, and the broker was told not to offer it.
  if (stage === undefined) return "quarantined";
  return heldBack(job, scene) ?? unplaced ?? "queued_behind_others";
}

/** What keeps a job from being looked at, whatever the nodes. */
export function heldBack({ owner }: QueuedJob, { isOpen, shares }: Scene): WaitReason | null {
  if (!isOpen) return "paused";
  return shares.runningOf(owner) >= shares.limit ? "owner_limit" : null;
}

/** The way out of the reason first, then what the nodes would have to be. */
export function whatHelps(
  reason: WaitReason,
  job: QueuedJob,
  unplaced: WaitReason | null,
  scene: Scene,
): readonly string[] {
  const first = FIRST_OF_ALL[reason]?.(job, scene);
  return [
    ...(first === undefined ? [] : [first]),
    ...(unplaced === null || !WANTS_A_NODE.has(reason) ? [] : adviceOn(job, scene)),
  ];
}

const WANTS_A_NODE: ReadonlySet<WaitReason> = new Set([
  "awaiting_funds",
  "retry_backoff",
  "paused",
  "owner_limit",
  "no_capacity",
  "no_matching_node",
  "nodes_unavailable",
  "gang_incomplete",
  "no_nodes",
]);

const FIRST_OF_ALL: Readonly<Partial<Record<WaitReason, (job: QueuedJob, scene: Scene) => string>>> = {
  awaiting_funds: () => "lock its price in escrow",
  paused: () => "resume brokering (an operator has paused it)",
  owner_limit: ({ owner }, { shares }) =>
    `wait for one of the ${many(shares.runningOf(owner), "running job", "running jobs")} of its owner to end, or raise scheduler.max_running_per_owner above ${shares.limit}`,
  quarantined: () => "release it (an operator can, once the cause is mended)",
  node_silent: () => "its node being heard again",
};

/** One sentence. */
export function summaryOf(
  reason: WaitReason,
  job: QueuedJob,
  nodes: NodeCounts,
  scene: Scene,
  until: number | null,
): string {
  const at = until === null ? "later" : `at ${new Date(until).toISOString()}`;
  switch (reason) {
    case "awaiting_funds":
      return "it waits for its price to be locked in escrow";
    case "retry_backoff":
      return `it failed and is tried again ${at}`;
    case "placing":
      return "it is being offered to a node";
    case "queued_behind_others":
      return `${many(nodes.fitting, "node", "nodes")} could take it, and others go first`;
    case "paused":
      return "an operator has paused brokering";
    case "owner_limit":
      return `its owner runs ${many(scene.shares.runningOf(job.owner), "job", "jobs")} already, which is the limit`;
    case "no_nodes":
      return "no node has registered";
    case "quarantined":
      return "it was set aside after repeated trouble with it, until an operator releases it";
    case "node_silent":
      return `its node went silent; it is given up ${at} unless the node is heard again`;
    case "gang_incomplete": {
      const where = job.gang?.topology === "region" ? " in one region" : "";
      return `it needs ${job.gang?.size ?? 1} nodes at a time${where}; ${sentence(nodes)}${keptPart(job, scene)}`;
    }
    default:
      return `${sentence(nodes)}${keptPart(job, scene)}`;
  }
}

function keptPart({ id }: QueuedJob, { keptFor }: Scene): string {
  const kept = keptFor(id);
  return kept === 0
    ? ""
    : `; ${many(kept, "node is", "nodes are")} kept for it, as others have overtaken it for too long`;
}

function sentence({ total, fitting, ruledOut }: NodeCounts): string {
  const parts = ruledOut.map(({ reason, nodes }) => `${nodes} ${plural(nodes, ...MEANING[reason])}`);
  const found = `${fitting} of ${many(total, "node", "nodes")} could take it now`;
  return parts.length === 0 ? found : `${found}: ${parts.join(", ")}`;
}

/** What each reason means of a node; completes "1 ..." and "3 ...". */
export const MEANING: Readonly<Record<NodeReason, readonly [one: string, several: string]>> = {
  device: ["lacks the device", "lack the device"],
  ram: ["has too little RAM", "have too little RAM"],
  vram: ["has too little GPU memory", "have too little GPU memory"],
  region: ["is in another region", "are in another region"],
  format: ["does not support the format", "do not support the format"],
  runtime: ["lacks the runtime", "lack the runtime"],
  reputation: ["has too low a reputation", "have too low a reputation"],
  stake: ["has too small a stake", "have too small a stake"],
  price: ["is too expensive", "are too expensive"],
  kept: ["is kept for a job that goes first", "are kept for a job that goes first"],
  full: ["has no free slot", "have no free slot"],
  ram_in_use: ["has its RAM in use", "have their RAM in use"],
  vram_in_use: ["has its GPU memory in use", "have their GPU memory in use"],
  offline: ["is offline", "are offline"],
  suspect: ["has gone silent", "have gone silent"],
  cordoned: ["is cordoned", "are cordoned"],
  draining: ["is draining", "are draining"],
  banned: ["is banned", "are banned"],
  set_aside: ["is set aside after failing too often", "are set aside after failing too often"],
  reserved: ["is reserved", "are reserved"],
  uncallable: ["can not be called", "can not be called"],
  excluded: ["was tried a short while ago", "were tried a short while ago"],
};

function settledSummary(state: string, { live, failure, cancelReason }: JobContext): string {
  if (failure) return `it failed: ${failure.message}`;
  if (cancelReason !== null) return `it was cancelled: ${cancelReason || "no reason given"}`;
  if (live === null) return state === "completed" ? "it is completed" : `it is ${state}`;
  const where = live.members ? `${live.members.length} nodes, rank 0 on ${live.nodeId}` : `node ${live.nodeId}`;
  return state.startsWith("running") ? `it runs on ${where}` : `it was offered to ${where} and has not started yet`;
}
