/** Jobs as JSON: the legacy shapes of the original's `/api/jobs`, and the whole of them for `/api/v1/jobs`. */
import { PRIORITIES } from "../../../domain/job-spec.ts";
import { type JobDetail, type JobRow, typeName } from "../../../store/queries/index.ts";
import type { RestServices } from "../deps.ts";
import { capitalised, isoFromMillis, isoOrNull, wideInteger, wideOrNull } from "../json.ts";
import { pastAttemptView } from "./explanation-view.ts";
import { waitingOf } from "./waiting-view.ts";

export function legacyJob(row: JobRow) {
  return {
    id: row.id,
    user: row.user_wallet,
    status: capitalised(row.status),
    job_type: typeName(row.job_type),
    created_at: row.created_at.toISOString(),
    assigned_node: row.assigned_node_id,
  };
}

export function legacyJobDetail(row: JobRow) {
  return {
    id: row.id,
    user: row.user_wallet,
    status: capitalised(row.status),
    job_type: typeName(row.job_type),
    required_gpu: row.required_gpu,
    required_ram_gb: row.required_ram_gb,
    estimated_duration_seconds: wideInteger(row.estimated_duration_seconds),
    estimated_cost: wideInteger(row.estimated_cost),
    actual_cost: wideOrNull(row.actual_cost),
    assigned_node_id: row.assigned_node_id,
    retry_count: row.retry_count,
    result_hash: row.result_hash,
    error_message: row.error_message,
    metadata: row.metadata,
    created_at: row.created_at.toISOString(),
    started_at: isoOrNull(row.started_at),
    completed_at: isoOrNull(row.completed_at),
  };
}

export function jobView(row: JobRow, { core }: RestServices) {
  const live = telemetryOf(row, core.feed);
  return {
    id: row.id,
    type: typeName(row.job_type),
    status: row.status,
    state: row.state,
    reason: row.state_reason,
    owner: row.user_id,
    wallet: row.user_wallet,
    priority: priorityName(row.priority),
    progress: live?.progress ?? row.progress,
    epoch: live?.epoch ?? row.current_epoch,
    total_epochs: row.total_epochs,
    assigned_node_id: row.assigned_node_id,
    attempt: row.attempt,
    retry_count: row.retry_count,
    estimated_cost: wideInteger(row.estimated_cost),
    actual_cost: wideOrNull(row.actual_cost),
    version: wideInteger(row.version),
    created_at: row.created_at.toISOString(),
    started_at: isoOrNull(row.started_at),
    completed_at: isoOrNull(row.completed_at),
    updated_at: row.updated_at.toISOString(),
  };
}

export function jobDetailView({ row, context }: JobDetail, services: RestServices) {
  const live = telemetryOf(row, services.core.feed);
  return {
    ...jobView(row, services),
    required: { gpu: row.required_gpu, gpu_memory_gb: row.required_gpu_memory_gb, ram_gb: row.required_ram_gb },
    estimated_duration_seconds: wideInteger(row.estimated_duration_seconds),
    metrics: live?.metrics ?? row.metrics,
    /** When the numbers above were reported, if they are newer than what is committed. */
    reported_at: live ? isoFromMillis(live.at) : null,
    deadline: isoFromMillis(context?.deadline ?? null),
    waiting: waitingOf(row, services),
    attempts: attemptsOf(context),
    result: resultOf(row, context),
    error_message: row.error_message,
    metadata: row.metadata,
  };
}

/** The newest telemetry, if it is of the attempt that the row shows as running. */
function telemetryOf(row: JobRow, feed: RestServices["core"]["feed"]) {
  const latest = feed.latest(row.id);
  return row.status === "running" && latest?.attempt === row.attempt ? latest : undefined;
}

/** Oldest first; the last one is live when its `outcome` is null. */
function attemptsOf(context: JobDetail["context"]) {
  if (context === null) return [];
  const past = context.history.map(pastAttemptView);
  const { live } = context;
  if (live === null) return past;
  return [
    ...past,
    {
      number: live.number,
      node_id: live.nodeId,
      node_ids: live.members?.map(({ nodeId }) => nodeId) ?? [live.nodeId],
      offered_at: isoFromMillis(live.offeredAt),
      started_at: isoFromMillis(live.startedAt),
      ended_at: null,
      outcome: null,
      message: "",
    },
  ];
}

function resultOf(row: JobRow, context: JobDetail["context"]) {
  if (row.status !== "completed") return null;
  const result = context?.result ?? null;
  return {
    uri: row.result_uri,
    hash: row.result_hash,
    size: wideOrNull(row.result_size),
    compute_seconds: result?.computeSeconds ?? null,
    signature: result?.signature ?? null,
    node_id: result?.nodeId ?? row.assigned_node_id,
    attempt: result?.attempt ?? row.attempt,
  };
}

export const priorityName = (priority: number): string => PRIORITIES[priority] ?? String(priority);
