/** What a node says of itself when it registers. Plain data: it is stored in the journal as it is. */
import type { DeviceKind } from "./job-spec.ts";

export interface Device {
  readonly kind: DeviceKind;
  readonly name: string;
  readonly memoryBytes: number;
  readonly memoryAvailableBytes: number;
  /** 0 for a CPU. */
  readonly vramBytes: number;
  readonly vramAvailableBytes: number;
  readonly computeUnits: number;
  readonly fp64: boolean;
  readonly fp16: boolean;
  readonly gpuModel: string;
  readonly driverVersion: string;
  readonly cudaVersion: string;
  readonly pcieGeneration: number;
  readonly pcieLanes: number;
  readonly computeCapability: number;
}

export interface NodeProfile {
  readonly name: string;
  readonly wallet: string;
  readonly userId: string | null;
  readonly softwareVersion: string;
  readonly devices: readonly Device[];
  readonly cpuCores: number;
  readonly ramBytes: number;
  readonly region: string;
  readonly ipAddress: string;
  /** The port for peer-to-peer training; AssignJob goes to an offset of it unless `assignEndpoint` says otherwise. */
  readonly port: number;
  /** "host:port" where AssignJob is served, when the node or the operator said so; null: by the port rule. */
  readonly assignEndpoint: string | null;
  readonly stakeUnits: string;
  readonly formats: readonly string[];
  readonly runtimes: readonly string[];
  readonly maxModelBytes: number;
  readonly terminalAccess: boolean;
  /** As the node sent it; null when it sent none. */
  readonly pricing: Readonly<Record<string, number | boolean>> | null;
  /** Hex of the ed25519 key that signs its results; null for nodes that have none. */
  readonly publicKey: string | null;
  /** How many jobs it runs at a time. */
  readonly slots: number;
  /**
   * True for nodes that list their active jobs in every heartbeat, name the attempt in every report and obey
   * `jobs_to_cancel`. The existing C++ build does none of these.
   */
  readonly reportsAttempts: boolean;
}

/** Nodes start in the middle of the "normal" tier of the reference's 6.6. Scale 0..100. */
export const STARTING_REPUTATION = 75;

const GPU_KINDS: ReadonlySet<DeviceKind> = new Set(["cuda", "opencl", "metal", "vulkan"]);

export const isGpu = (device: Device): boolean => GPU_KINDS.has(device.kind);

/** The GPU with the most memory, which stands for the node in lists. */
export function bestGpu(devices: readonly Device[]): Device | null {
  return devices
    .filter(isGpu)
    .reduce<Device | null>((best, one) => (best && best.vramBytes >= one.vramBytes ? best : one), null);
}
