/** Nodes as JSON: the legacy shapes of the original's `/api/nodes`, and the whole of them for `/api/v1/nodes`. */
import { nodesOf } from "../../../actors/job/attempt.ts";
import { noticeOf, presenceOf, uptimeOf } from "../../../actors/node/kind.ts";
import { tierOf } from "../../../domain/reputation.ts";
import type {
  NodeDetail,
  NodeDeviceRow,
  NodeMetricsRow,
  NodeRow,
  ReputationChangeRow,
} from "../../../store/queries/index.ts";
import { type Caller, ownerShownTo } from "../access.ts";
import type { RestServices } from "../deps.ts";
import { capitalised, isoFromMillis, isoOrNull, wideInteger } from "../json.ts";

export function legacyNode(row: NodeRow, services: RestServices) {
  return {
    id: row.id,
    name: row.name,
    status: capitalised(row.status),
    reputation: row.reputation_score,
    jobs_completed: wideInteger(row.total_jobs_completed),
    current_load: pulseOf(row, services).load,
  };
}

export function legacyNodeDetail(row: NodeRow, services: RestServices) {
  const pulse = pulseOf(row, services);
  return {
    id: row.id,
    name: row.name,
    wallet: row.wallet_address,
    status: capitalised(row.status),
    reputation: row.reputation_score,
    stake: wideInteger(row.stake_amount),
    cpu_cores: row.cpu_cores,
    ram_gb: row.ram_gb,
    gpu_model: row.gpu_model,
    gpu_memory_gb: row.gpu_memory_gb,
    has_cuda: row.has_cuda,
    jobs_completed: wideInteger(row.total_jobs_completed),
    jobs_failed: wideInteger(row.total_jobs_failed),
    uptime: pulse.uptime,
    current_load: pulse.load,
    registered_at: row.registered_at.toISOString(),
  };
}

export function nodeView(row: NodeRow, services: RestServices, caller: Caller) {
  const pulse = pulseOf(row, services);
  return {
    id: row.id,
    name: row.name,
    wallet: row.wallet_address,
    owner: ownerShownTo(caller, row.user_id),
    status: row.status,
    state: row.state,
    reachability: row.reachability,
    reputation: row.reputation_score,
    reputation_tier: tierOf(row.reputation_score),
    strikes: row.strike_count,
    total_bans: row.total_bans,
    banned_until: isoOrNull(row.banned_until),
    set_aside_until: isoOrNull(row.set_aside_until),
    drain_until: isoOrNull(row.drain_until),
    standing_reason: row.standing_reason,
    stake: wideInteger(row.stake_amount),
    cpu_cores: row.cpu_cores,
    ram_gb: row.ram_gb,
    gpu_model: row.gpu_model,
    gpu_memory_gb: row.gpu_memory_gb,
    has_cuda: row.has_cuda,
    has_opencl: row.has_opencl,
    region: row.region,
    country: row.country,
    ip_address: row.ip_address,
    port: row.port,
    software_version: row.software_version,
    current_load: pulse.load,
    uptime: pulse.uptime,
    jobs_completed: wideInteger(row.total_jobs_completed),
    jobs_failed: wideInteger(row.total_jobs_failed),
    last_heartbeat: pulse.heardAt,
    registered_at: row.registered_at.toISOString(),
    updated_at: row.updated_at.toISOString(),
  };
}

export function nodeDetailView({ row, devices }: NodeDetail, services: RestServices, caller: Caller) {
  const node = services.core.nodes.peek(row.id);
  const context = node?.snapshot.context;
  return {
    ...nodeView(row, services, caller),
    /** Whether it is heard from, whatever its standing. */
    presence: node ? presenceOf(node.snapshot) : "offline",
    /** What its owner is told with every heartbeat. */
    notice: node ? noticeOf(node.snapshot) : null,
    slots: context?.profile.slots ?? null,
    assign_endpoint: row.assign_endpoint,
    reports_attempts: context?.profile.reportsAttempts ?? null,
    public_key: row.public_key,
    supported_formats: row.supported_formats,
    available_runtimes: row.available_runtimes,
    pricing: row.pricing,
    version: wideInteger(row.version),
    devices: devices.map(deviceView),
    live_attempts: liveAttemptsOn(row.id, services),
  };
}

function deviceView(device: NodeDeviceRow) {
  return {
    type: device.device_type,
    index: device.device_index,
    name: device.device_name,
    gpu_model: device.gpu_model,
    memory_total_bytes: wideInteger(device.memory_total_bytes),
    memory_available_bytes: wideInteger(device.memory_available_bytes),
    compute_units: device.compute_units,
    driver_version: device.driver_version,
    cuda_version: device.cuda_version,
    compute_capability: device.compute_capability,
  };
}

/** Committed ones only: an offer that is still on its way to the journal may yet come to nothing. */
function liveAttemptsOn(nodeId: string, { core }: RestServices) {
  return [...core.broker.pool.attemptsOn(nodeId)].flatMap((jobId) => {
    const job = core.jobs.peek(jobId);
    const live = job?.snapshot.context.live;
    if (!job || !live || !nodesOf(live).includes(nodeId)) return [];
    return [
      {
        job_id: jobId,
        attempt: live.number,
        state: job.state,
        offered_at: isoFromMillis(live.offeredAt),
        started_at: isoFromMillis(live.startedAt),
        progress: core.feed.latest(jobId)?.progress ?? job.snapshot.context.progress,
      },
    ];
  });
}

export function reputationView(row: NodeRow, changes: readonly ReputationChangeRow[]) {
  return {
    node_id: row.id,
    reputation: row.reputation_score,
    tier: tierOf(row.reputation_score),
    strikes: row.strike_count,
    total_bans: row.total_bans,
    changes: changes.map((change) => ({
      number: wideInteger(change.number),
      reason: change.reason,
      before: change.score_before,
      after: change.score_after,
      delta: change.delta,
      job_id: change.job_id,
      attempt: change.attempt,
      detail: change.detail,
      at: change.changed_at.toISOString(),
    })),
  };
}

export function metricsView(row: NodeMetricsRow) {
  return {
    node_id: row.node_id,
    cpu_usage: row.cpu_usage_percent,
    ram_usage: row.ram_usage_percent,
    gpu_usage: row.gpu_usage_percent,
    gpu_memory_usage: row.gpu_memory_usage_percent,
    network_rx: wideInteger(row.network_rx_bytes),
    network_tx: wideInteger(row.network_tx_bytes),
    active_jobs: row.active_jobs,
    timestamp: row.timestamp.toISOString(),
  };
}

/** What changes with every heartbeat: from memory while the node's actor is there, from the last batch otherwise. */
function pulseOf(row: NodeRow, { core, clock }: RestServices) {
  const node = core.nodes.peek(row.id);
  const heardAt = core.rollCall.heardAt(row.id);
  return {
    load: node ? core.broker.pool.loadOf(row.id) : row.current_load,
    uptime: node ? uptimeOf(node.snapshot.context, clock.now()) : row.uptime_percentage,
    heardAt: new Date(Math.max(heardAt ?? 0, row.last_heartbeat.getTime())).toISOString(),
  };
}
