/** What JobService and NodeService show of rows that the database holds. */
import { Refusal } from "../../domain/refusal.ts";
import type { JobRow, NodeMetricsRow, Queries } from "../../store/queries/index.ts";
import { codeOfEnd } from "../reason-codes.ts";
import { statusOnWire, unixSeconds } from "./job-messages.ts";
import type { JobFilter, JobPage } from "./job-service.ts";
import type { DeepPartial, JobStatus, MetricPoint } from "./protocol.ts";

export async function listJobs(queries: Queries, filter: JobFilter): Promise<JobPage> {
  const where = {
    ...(filter.user === null ? {} : { owner: filter.user }),
    ...(filter.statuses === null ? {} : { statuses: filter.statuses }),
    ...(filter.type === null ? {} : { type: filter.type }),
  };
  const page = { limit: filter.pageSize, ...(filter.pageToken === "" ? {} : { after: filter.pageToken }) };
  const [{ rows, next }, total] = await Promise.all([
    queries.jobs.list(where, page).catch(asPageToken),
    queries.jobs.count(where),
  ]);
  return { jobs: rows.map(messageOf), nextPageToken: next ?? "", total };
}

/** The query names the field as REST spells it. */
function asPageToken(error: unknown): never {
  if (!(error instanceof Refusal) || error.details.field !== "cursor") throw error;
  throw new Refusal(error.code, error.message.replace("cursor", "page_token"), { field: "page_token" });
}

function messageOf(row: JobRow): DeepPartial<JobStatus> {
  return {
    jobId: row.id,
    status: statusOnWire(row.status),
    progress: row.progress,
    currentNodeId: row.assigned_node_id ?? "",
    startTime: unixSeconds(row.started_at?.getTime()),
    endTime: unixSeconds(row.completed_at?.getTime()),
    error:
      row.error_message === null
        ? undefined
        : { code: codeOfEnd(row.state_reason), message: row.error_message, details: row.state_reason ?? "" },
    metrics: row.metrics as Readonly<Record<string, number>>,
    currentEpoch: row.current_epoch,
  };
}

/** The newest of the range, as the original answered at most. */
const METRIC_POINTS = 1000;

export async function readMetrics(
  queries: Queries,
  nodeId: string,
  from: number | null,
  to: number | null,
): Promise<readonly DeepPartial<MetricPoint>[]> {
  const rows = await queries.metrics.list(nodeId, {
    limit: METRIC_POINTS,
    ...(from === null ? {} : { from: new Date(from) }),
    ...(to === null ? {} : { to: new Date(to) }),
  });
  return rows.map(pointOf);
}

function pointOf(row: NodeMetricsRow): DeepPartial<MetricPoint> {
  return {
    timestamp: unixSeconds(row.timestamp.getTime()),
    cpuUsage: row.cpu_usage_percent,
    gpuUsage: row.gpu_usage_percent ?? 0,
    memoryUsage: row.ram_usage_percent,
    networkThroughput: Number(row.network_rx_bytes + row.network_tx_bytes),
    powerConsumption: 0,
  };
}
