/** What the queue needs to know of a job, from the job's committed state or from a job that is not submitted yet. */
import { demandOf, gangSizeOf, type JobSpec, needsGpu, PRIORITIES, ramGbOf } from "../../domain/job-spec.ts";
import { ratePerSecond } from "../../domain/money.ts";
import type { CommittedJob } from "../job/kind.ts";
import type { AttemptOutcome, JobContext } from "../job/state.ts";
import type { Millis } from "../runtime/index.ts";
import type { QueuedJob } from "./ranking.ts";

/** The ends of an attempt for which its node is to blame, or may be. */
const BLAMED: ReadonlySet<AttemptOutcome> = new Set([
  "failed",
  "rejected",
  "invalid",
  "unreachable",
  "no_answer",
  "start_timeout",
  "lost",
]);

export function toQueued(committed: CommittedJob): QueuedJob {
  const { context } = committed.snapshot;
  return {
    ...wantedBy(context.spec, context.owner),
    id: context.id,
    queuedAt: context.queuedAt,
    exclusions: context.exclusions,
    avoid: avoidedBy(context),
  };
}

/** After every id of a real job in the order of ids, so that it is the youngest of its time. */
const NOT_SUBMITTED = "~";

export const hypotheticalJob = (spec: JobSpec, owner: string, now: Millis): QueuedJob => ({
  ...wantedBy(spec, owner),
  id: NOT_SUBMITTED,
  queuedAt: now,
  exclusions: [],
  avoid: [],
});

const wantedBy = (spec: JobSpec, owner: string) => ({
  owner,
  priority: PRIORITIES.indexOf(spec.priority),
  demand: demandOf(spec),
  gang: spec.gang ?? null,
  seconds: spec.estimatedSeconds,
  rate: ratePerSecond({ gpu: needsGpu(spec), ramGb: ramGbOf(spec) }) * gangSizeOf(spec),
});

/** The nodes on which the last attempt failed. Of a gang only those that were excluded for it: the others did nothing wrong. */
function avoidedBy({ history, exclusions }: JobContext): readonly string[] {
  const last = history.at(-1);
  if (!last || !BLAMED.has(last.outcome)) return [];
  if (!last.nodeIds) return [last.nodeId];
  return last.nodeIds.filter((nodeId) => exclusions.some((one) => one.nodeId === nodeId));
}
