/** The kind "node": its rows in `nodes` and `node_devices`, and the effects it can owe. */
import type { SnapshotFrom } from "xstate";
import { bestGpu, type Device } from "../../domain/node-profile.ts";
import type { Unavailable } from "../../domain/placement.ts";
import type { NodeLink } from "../node-link.ts";
import type { ActorKind, Actors, Clock, Committed, Millis, Owed } from "../runtime/index.ts";
import { type NodeMachine, nodeMachine } from "./machine.ts";
import type { NodeContext } from "./state.ts";

export type NodeSnapshot = SnapshotFrom<NodeMachine>;
export type CommittedNode = Committed<NodeMachine>;
export type Nodes = Actors<NodeMachine>;

/** The status the `node_status` enum knows. */
export type NodeStatus = "online" | "offline" | "busy" | "maintenance";

/** "online.idle", "suspect", ... or, when it is out of service, "maintenance" or "banned". */
export function nodeStateName(snapshot: NodeSnapshot): string {
  if (snapshot.matches({ standing: "maintenance" })) return "maintenance";
  if (snapshot.matches({ standing: "banned" })) return "banned";
  return presenceOf(snapshot);
}

/** Whether it is heard from, whatever its standing: "online.idle", "online.busy", "suspect" or "offline". */
export function presenceOf(snapshot: NodeSnapshot): "online.idle" | "online.busy" | "suspect" | "offline" {
  if (snapshot.matches({ presence: { online: "idle" } })) return "online.idle";
  if (snapshot.matches({ presence: { online: "busy" } })) return "online.busy";
  return snapshot.matches({ presence: "suspect" }) ? "suspect" : "offline";
}

/** Asked on every heartbeat, so it looks at the value itself: "online" is the only presence with states inside. */
export const isPresent = (snapshot: NodeSnapshot): boolean => typeof snapshot.value.presence === "object";

export function nodeStatusOf(state: string): NodeStatus {
  if (state === "maintenance") return "maintenance";
  if (state === "online.idle") return "online";
  return state === "online.busy" ? "busy" : "offline";
}

/** Why it is offered nothing at present; null: it may be offered jobs. */
export function unavailabilityOf(snapshot: NodeSnapshot): Unavailable | null {
  switch (nodeStateName(snapshot)) {
    case "maintenance":
      return "cordoned";
    case "banned":
      return "banned";
    case "suspect":
      return "suspect";
    case "offline":
      return "offline";
    default:
      return snapshot.context.reachability === "uncallable" ? "uncallable" : null;
  }
}

/** 0..100: the part of its registered life that the node was heard from, as we measured it. */
export function uptimeOf(context: NodeContext, now: Millis): number {
  const life = now - context.registeredAt;
  if (life <= 0) return 100;
  const online = context.onlineFor + (context.onlineSince === null ? 0 : now - context.onlineSince);
  return Math.min(100, Math.max(0, (online / life) * 100));
}

export interface NodeEffectsDependencies {
  readonly link: NodeLink;
  readonly clock: Clock;
  /** A node found uncallable is probed again after `first`, then twice that, and so on up to `slowest`. */
  readonly probeDelay: { readonly first: Millis; readonly slowest: Millis };
}

export function nodeKind({ link, clock, probeDelay }: NodeEffectsDependencies): ActorKind<NodeMachine> {
  return {
    name: "node",
    machine: nodeMachine,
    deadline: ({ context }) => context.deadline,
    finished: () => false,
    awaitsOutside: () => true,
    stateName: nodeStateName,
    owes: owedByNode,
    row: (snapshot, version) => rowOf(snapshot, version),
    effects: {
      probeEndpoint: async ({ snapshot: { context }, signal }) => {
        const { unreachableCount } = context;
        if (unreachableCount > 0) {
          await pause(clock, Math.min(probeDelay.slowest, probeDelay.first * 2 ** (unreachableCount - 1)), signal);
        }
        const callable = await link.probe({ nodeId: context.id, profile: context.profile }, signal);
        return callable ? { type: "CALLABLE", proven: false } : { type: "UNCALLABLE" };
      },
    },
  };
}

function pause(clock: Clock, delay: Millis, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const cancel = clock.after(delay, resolve);
    signal.addEventListener("abort", () => {
      cancel();
      reject(signal.reason);
    });
  });
}

function owedByNode(snapshot: NodeSnapshot): readonly Owed[] {
  const { reachability, unreachableCount, bootId } = snapshot.context;
  if (reachability === "callable" || !isPresent(snapshot)) return [];
  return [{ name: "probeEndpoint", key: `probeEndpoint/${bootId}/${unreachableCount}` }];
}

const GIB = 2 ** 30;
const MIB = 2 ** 20;

function rowOf(snapshot: NodeSnapshot, version: number): Readonly<Record<string, unknown>> {
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
    version,
    registered_at: context.registeredAt,
    devices: deviceRows(profile.devices),
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
