/** Jobs as the command line shows them: as JSON, and as text. */
import type { JobStatus, JobUpdateStream } from "../transport/grpc/protocol.ts";
import { StatusCode } from "../transport/grpc/protocol.ts";
import { safe } from "./text/safe.ts";
import type { Style } from "./text/style.ts";
import { duration, figure, percent } from "./text/units.ts";

const names: Readonly<Record<number, string>> = {
  [StatusCode.STATUS_UNKNOWN]: "unknown",
  [StatusCode.STATUS_SUCCESS]: "completed",
  [StatusCode.STATUS_ERROR]: "failed",
  [StatusCode.STATUS_PENDING]: "pending",
  [StatusCode.STATUS_IN_PROGRESS]: "in_progress",
  [StatusCode.STATUS_COMPLETED]: "completed",
  [StatusCode.STATUS_FAILED]: "failed",
  [StatusCode.STATUS_CANCELLED]: "cancelled",
};

/** The wire tells a job that was assigned from one that runs no more than the original did: both are "in_progress". */
export const statusName = (status: number): string => names[status] ?? String(status);

export function paintStatus(status: number, style: Style): (text: string) => string {
  switch (statusName(status)) {
    case "completed":
      return style.good;
    case "failed":
      return style.bad;
    case "in_progress":
      return style.accent;
    case "cancelled":
      return style.dim;
    default:
      return (text) => text;
  }
}

/** Unix seconds on the wire, 0 for "not yet". */
export const timeOf = (seconds: bigint): Date | null => (seconds === 0n ? null : new Date(Number(seconds) * 1000));

export function jobJson(job: JobStatus) {
  return {
    job_id: job.jobId,
    status: statusName(job.status),
    progress: job.progress,
    current_epoch: job.currentEpoch,
    node_id: job.currentNodeId || null,
    started_at: isoOf(job.startTime),
    ended_at: isoOf(job.endTime),
    metrics: job.metrics,
    waiting: whyWaiting(job),
    error: job.error === undefined || waits(job) ? null : told(job.error),
  };
}

/** The server puts into `error` why a job waits, too: the wire has no other place. */
const waits = ({ status }: JobStatus): boolean => status === StatusCode.STATUS_PENDING;

const told = ({ message, details }: NonNullable<JobStatus["error"]>) => ({ message, reason: details });

/** Null: it does not wait, or the server does not say why. */
export const whyWaiting = (job: JobStatus) => (waits(job) && job.error !== undefined ? told(job.error) : null);

const isoOf = (seconds: bigint): string | null => {
  const time = timeOf(seconds);
  return time === null || Number.isNaN(time.getTime()) ? null : time.toISOString();
};

/** One line of `watch --json`. */
export const updateJson = ({ logMessage, liveMetrics }: JobUpdateStream, status: JobStatus) => ({
  ...jobJson(status),
  ...(Object.keys(liveMetrics).length > 0 ? { metrics: liveMetrics } : {}),
  ...(logMessage === "" ? {} : { log: logMessage }),
});

/** Metrics that are shares of one, and read best as percentages. */
const isShare = (name: string): boolean => /(^|_)(accuracy|precision|recall|f1)$/.test(name);

export const metricText = (name: string, value: number): string =>
  isShare(name) && value >= 0 && value <= 1 ? percent(value, 1) : figure(value);

/** Names come from a node, and a node may be hostile: they are made safe and are not many. */
export const metricPairs = (metrics: Readonly<Record<string, number>>, most = 20): (readonly [string, string])[] =>
  Object.entries(metrics)
    .slice(0, most)
    .map(([name, value]) => [safe(name).slice(0, 40), metricText(name, value)] as const);

/** How long the job has run, or ran; null when it has not started. */
export function ranFor(job: JobStatus, now: number): string | null {
  const started = timeOf(job.startTime);
  if (started === null) return null;
  const ended = timeOf(job.endTime)?.getTime() ?? now;
  // The wire counts whole seconds: below a few of them the difference says next to nothing.
  const millis = Math.max(0, ended - started.getTime());
  return millis < 1000 ? "< 1 s" : duration(Math.round(millis / 1000) * 1000).replace(".0 ", " ");
}
