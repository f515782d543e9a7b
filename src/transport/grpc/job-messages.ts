/** Jobs as the wire shows them. */

import type { Telemetry } from "../../actors/job/feed.ts";
import { errorMessageOf, jobStatusOf, type JobStatus as Status } from "../../actors/job/kind.ts";
import type { JobContext } from "../../actors/job/state.ts";
import type { Explanation } from "../../actors/scheduler/explanation.ts";
import { codeOfEnd, WAIT_CODES } from "../reason-codes.ts";
import type { DeepPartial, JobStatus } from "./protocol.ts";
import { StatusCode } from "./protocol.ts";

const wireStatus: Readonly<Record<Status, StatusCode>> = {
  pending: StatusCode.STATUS_PENDING,
  assigned: StatusCode.STATUS_IN_PROGRESS,
  running: StatusCode.STATUS_IN_PROGRESS,
  completed: StatusCode.STATUS_COMPLETED,
  failed: StatusCode.STATUS_FAILED,
  cancelled: StatusCode.STATUS_CANCELLED,
};

export const statusOnWire = (status: Status): StatusCode => wireStatus[status];

/** The statuses that a filter by wire status stands for; null for one that no job ever has. */
export function statusesFor(code: number): readonly Status[] | null {
  const found = (Object.keys(wireStatus) as Status[]).filter((status) => wireStatus[status] === code);
  // SUCCESS is what engines call a finished job.
  if (code === StatusCode.STATUS_SUCCESS) return ["completed"];
  return found.length > 0 ? found : null;
}

export const unixSeconds = (at: number | null | undefined): bigint => (at == null ? 0n : BigInt(Math.floor(at / 1000)));

/**
 * A job's committed state, with the newest telemetry of its live attempt where there is some, and with why it waits. The
 * reason is in `error`, the one place that existing clients show; it means failure in a job that failed only.
 */
export function jobMessage(
  state: string,
  context: JobContext,
  newest: Telemetry | undefined,
  waiting: Explanation | null = null,
): DeepPartial<JobStatus> {
  // Numbers of another attempt say nothing about this one.
  const telemetry = newest !== undefined && newest.attempt === context.live?.number ? newest : undefined;
  return {
    jobId: context.id,
    status: statusOnWire(jobStatusOf(state)),
    progress: Math.max(context.progress, telemetry?.progress ?? 0),
    currentNodeId: context.live?.nodeId ?? context.result?.nodeId ?? "",
    startTime: unixSeconds(context.startedAt),
    endTime: unixSeconds(context.endedAt),
    error: errorOf(context, waiting),
    metrics: telemetry?.metrics ?? context.metrics,
    currentEpoch: Math.max(context.epoch, telemetry?.epoch ?? 0),
  };
}

function errorOf(context: JobContext, waiting: Explanation | null): DeepPartial<JobStatus>["error"] {
  const message = errorMessageOf(context);
  if (message !== null) {
    const details = context.failure?.code ?? "cancelled";
    return { code: codeOfEnd(details), message, details };
  }
  if (waiting === null || waiting.reason === null) return undefined;
  return { code: WAIT_CODES[waiting.reason], message: waiting.summary, details: waiting.reason };
}
