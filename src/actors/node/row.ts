/** A node's rows: in `nodes`, in `node_devices`, and the newest in `reputation_changes`. Pure. */
import type { SnapshotFrom } from "xstate";
import { bestGpu, type Device } from "../../domain/node-profile.ts";
import type { NodeMachine } from "./machine.ts";
import { nodeStateName, nodeStatusOf, standingReasonOf } from "./standing.ts";
import type { ReputationChange } from "./state.ts";

const GIB = 2 ** 30;
const MIB = 2 ** 20;

export function nodeRow(snapshot: SnapshotFrom<NodeMachine>, version: number): Readonly<Record<string, unknown>> {
  const { context } = snapshot;
  const { profile } = context;
  const state = nodeStateName(snapshot);
  const gpu = bestGpu(profile.devices);
  return {
    id: context.id,
    wallet_address: profile.wallet,
    name: profile.name,
    status: nodeStatusOf(state),
    state,
    reputation_score: context.reputation,
    stake_amount: profile.stakeUnits,
    cpu_cores: profile.cpuCores,
    ram_gb: Math.floor(profile.ramBytes / GIB),
    ram_bytes: profile.ramBytes,
    gpu_model: gpu ? gpu.gpuModel || gpu.name : null,
    gpu_memory_gb: gpu ? Math.floor(gpu.vramBytes / GIB) : null,
    has_cuda: profile.devices.some(({ kind }) => kind === "cuda"),
    has_opencl: profile.devices.some(({ kind }) => kind === "opencl"),
    total_jobs_completed: context.jobsCompleted,
    total_jobs_failed: context.jobsFailed,
    region: profile.region || null,
    ip_address: profile.ipAddress,
    port: profile.port,
    assign_endpoint: profile.assignEndpoint,
    reachability: context.reachability,
    user_id: profile.userId,
    public_key: profile.publicKey,
    software_version: profile.softwareVersion,
    supported_formats: profile.formats,
    available_runtimes: profile.runtimes,
    pricing: profile.pricing,
    strike_count: context.strikes,
    banned_until: context.ban?.until ?? null,
    total_bans: context.totalBans,
    last_strike_at: context.lastStrikeAt,
    standing_reason: standingReasonOf(snapshot),
    set_aside_until: context.setAside?.until ?? null,
    drain_until: context.drainUntil,
    version,
    registered_at: context.registeredAt,
    devices: deviceRows(profile.devices),
    reputation_changes: context.changes.map(changeRow),
  };
}

/** `node_devices` knows these three kinds; the others are kept with the actor only. */
const STORED_KINDS: ReadonlySet<string> = new Set(["cuda", "opencl", "cpu"]);

function deviceRows(devices: readonly Device[]): readonly Readonly<Record<string, unknown>>[] {
  return devices.flatMap((device, index) =>
    STORED_KINDS.has(device.kind)
      ? [
          {
            device_type: device.kind,
            device_index: index,
            device_name: device.name,
            vram_allocated_mb: Math.floor(device.vramAvailableBytes / MIB),
            cores_allocated: device.computeUnits,
            memory_total_bytes: device.vramBytes || device.memoryBytes,
            memory_available_bytes: device.vramBytes ? device.vramAvailableBytes : device.memoryAvailableBytes,
            compute_units: device.computeUnits,
            supports_fp64: device.fp64,
            supports_fp16: device.fp16,
            gpu_model: device.gpuModel || null,
            driver_version: device.driverVersion || null,
            cuda_version: device.cudaVersion || null,
            compute_capability: device.computeCapability ? String(device.computeCapability) : null,
          },
        ]
      : [],
  );
}

const changeRow = ({ number, reason, before, after, jobId, attempt, detail, at }: ReputationChange) => ({
  number,
  reason,
  score_before: before,
  score_after: after,
  job_id: jobId,
  attempt,
  detail,
  changed_at: at,
});
