/** What a committed job or node looks like in Redis. Pure; every value is text, and absent ones are empty. */

import type { Telemetry } from "../../actors/job/feed.ts";
import { type CommittedJob, isTerminal, jobStatusOf } from "../../actors/job/kind.ts";
import { type CommittedNode, nodeStatusOf } from "../../actors/node/kind.ts";
import type { Millis } from "../../actors/runtime/index.ts";
import { PRIORITIES } from "../../domain/job-spec.ts";

export type Fields = Readonly<Record<string, string>>;

export interface JobImage {
  readonly id: string;
  readonly hash: Fields;
  /** Of the live attempt. */
  readonly node: string | null;
  /** Its place in the queue, lowest first; null when it does not wait for a node. */
  readonly queueScore: number | null;
  /** How long it is kept from now on; null: for as long as it lives. */
  readonly expiresIn: Millis | null;
}

export interface NodeImage {
  readonly id: string;
  readonly hash: Fields;
  readonly status: string;
  /** Heard from and in service. */
  readonly online: boolean;
}

/** Readers who poll find how a job ended for a day; later the REST API knows. */
const KEEP_FINISHED: Millis = 86_400_000;
/** A point in time has 13 digits until the year 2286; so one priority outweighs any age, and both fit a double exactly. */
const PRIORITY_WEIGHT = 1e13;

/** `latest` is the newest telemetry of the live attempt, which is ahead of what is committed. */
export function imageOfJob(job: CommittedJob, latest: Telemetry | undefined, now: Millis): JobImage {
  const { context } = job.snapshot;
  const status = jobStatusOf(job.state);
  return {
    id: context.id,
    hash: {
      status,
      state: job.state,
      ...telemetryOf(job, latest),
      node: context.live?.nodeId ?? "",
      attempt: String(context.attempt),
      owner: context.owner,
      version: String(job.version),
      updated_at: String(job.at),
    },
    node: context.live?.nodeId ?? null,
    queueScore:
      job.state === "pending.queued"
        ? (PRIORITIES.length - 1 - PRIORITIES.indexOf(context.spec.priority)) * PRIORITY_WEIGHT + context.queuedAt
        : null,
    // Counted from our own clock: the one on Redis's machine does not matter.
    expiresIn: isTerminal(status) ? Math.max(1000, (context.endedAt ?? job.at) + KEEP_FINISHED - now) : null,
  };
}

/** The part of a job's hash that moves between commits. Progress never goes back within an attempt. */
export function telemetryOf(job: CommittedJob, latest: Telemetry | undefined): Fields {
  const { context } = job.snapshot;
  const live = latest !== undefined && latest.attempt === context.live?.number ? latest : undefined;
  return {
    progress: String(Math.max(context.progress, live?.progress ?? 0)),
    epoch: String(Math.max(context.epoch, live?.epoch ?? 0)),
    metrics: JSON.stringify(live?.metrics ?? context.metrics),
  };
}

export function imageOfNode(node: CommittedNode, heardAt: Millis | undefined): NodeImage {
  const { context } = node.snapshot;
  const status = nodeStatusOf(node.state);
  return {
    id: context.id,
    hash: {
      status,
      state: node.state,
      name: context.profile.name,
      region: context.profile.region,
      reachability: context.reachability,
      reputation: String(context.reputation),
      slots: String(context.profile.slots),
      jobs_completed: String(context.jobsCompleted),
      jobs_failed: String(context.jobsFailed),
      ...heartbeatOf(heardAt),
      version: String(node.version),
      updated_at: String(node.at),
    },
    status,
    online: status === "online" || status === "busy",
  };
}

/** The part of a node's hash that moves between commits. */
export const heartbeatOf = (heardAt: Millis | undefined): Fields => ({
  last_heartbeat: heardAt === undefined ? "" : String(heardAt),
});
