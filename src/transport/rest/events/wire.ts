/** Events of a job as server-sent events. Pure. */
import type { Telemetry } from "../../../actors/job/feed.ts";
import { isTerminal, jobStatusOf } from "../../../actors/job/kind.ts";
import type { JobRow, Transition } from "../../../store/queries/index.ts";

/** Longer log lines are cut: one must not hold up a slow client's whole buffer. */
const MAX_LOG = 16_384;

/** JSON holds no raw line break, so the data is always one line. */
function frame(event: string, data: unknown, id?: number): string {
  return `${id === undefined ? "" : `id: ${id}\n`}event: ${event}\ndata: ${JSON.stringify(data)}\n\n`;
}

export const isEnd = (state: string): boolean => isTerminal(jobStatusOf(state));

/** The event's id is the job's version, which is what a client resumes by. */
export function stateEvent(jobId: string, { version, event, from, to, at }: Transition): string {
  const data = {
    job_id: jobId,
    version,
    at: at.toISOString(),
    status: jobStatusOf(to),
    state: to,
    from,
    event: event.type,
    details: detailsOf(event),
  };
  return frame("state", data, version);
}

/** The state of a row that no actor stands behind: there is no log of how it came about. */
export function rowStateEvent(row: JobRow): string {
  const version = Number(row.version);
  const data = {
    job_id: row.id,
    version,
    at: row.updated_at.toISOString(),
    status: row.status,
    state: row.state,
    from: null,
    event: "imported",
    details: {},
  };
  return frame("state", data, version);
}

export function progressEvent({ jobId, attempt, progress, epoch, metrics, log, at }: Telemetry): string {
  const data = {
    job_id: jobId,
    attempt,
    at: new Date(at).toISOString(),
    progress,
    epoch,
    metrics,
    log: log.length > MAX_LOG ? `${log.slice(0, MAX_LOG).toWellFormed()}…` : log,
  };
  return frame("progress", data);
}

/** Tells a slow client how many progress events it did not get. */
export const droppedEvent = (jobId: string, count: number): string =>
  frame("dropped", { job_id: jobId, progress_events: count });

export const endEvent = (jobId: string, version: number, state: string): string =>
  frame("end", { job_id: jobId, version, status: jobStatusOf(state), state });

/** A comment: keeps proxies from taking a quiet job for a dead connection. */
export const aliveComment = ": alive\n\n";
export const stoppingComment = ": the server is stopping; reconnect with Last-Event-ID\n\n";
/** How long a browser waits before it reconnects. */
export const retryHint = "retry: 2000\n\n";

/** What the event said, under the names the API uses. The creation carries the whole job, which the detail route shows. */
function detailsOf(event: Transition["event"]): Readonly<Record<string, unknown>> {
  const result =
    typeof event.result === "object" && event.result !== null ? (event.result as Record<string, unknown>) : {};
  const named: Record<string, unknown> = {
    node_id: event.nodeId,
    attempt: event.attempt ?? undefined,
    outcome: event.outcome,
    message: event.message,
    reason: event.reason,
    progress: event.progress,
    epoch: event.epoch,
    metrics: event.metrics ?? result.metrics,
    result_uri: result.weightsUri,
    result_hash: result.weightsHash,
  };
  return Object.fromEntries(Object.entries(named).filter(([, value]) => value !== undefined));
}
