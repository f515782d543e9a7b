/** What a job asks for. Plain data: it is stored in the journal as it is. */

export const JOB_TYPES = ["training", "inference", "evaluation", "preprocessing"] as const;
export type JobType = (typeof JOB_TYPES)[number];

/** From least to most urgent; the position is the number on the wire. */
export const PRIORITIES = ["low", "normal", "high", "critical"] as const;
export type Priority = (typeof PRIORITIES)[number];

/** The devices of the wire's DeviceType, without UNKNOWN. */
export const DEVICE_KINDS = ["cpu", "cuda", "opencl", "metal", "vulkan"] as const;
export type DeviceKind = (typeof DEVICE_KINDS)[number];

export interface JobSpec {
  readonly type: JobType;
  readonly priority: Priority;
  readonly modelDefinition: string;
  readonly hyperparameters: Readonly<Record<string, string>>;
  readonly datasetUri: string;
  readonly batchSize: number;
  readonly epochs: number;
  /** null: any device will do, a CPU included. (The original took "unknown" for a GPU and turned CPU jobs away.) */
  readonly device: DeviceKind | null;
  /** Bytes; of the GPU's memory for a GPU job, of RAM otherwise. 0: not said. */
  readonly memoryBytes: number;
  /** What the owner expects the run to take. */
  readonly estimatedSeconds: number;
  /** What the owner offers, in base units as decimal text. */
  readonly offered: string;
  readonly escrowTxHash: string;
  readonly reservationMinutes: number;
}

export const needsGpu = (spec: JobSpec): boolean => spec.device !== null && spec.device !== "cpu";

const GIB = 2 ** 30;

/** What the job takes from a node while it runs. */
export interface Demand {
  /** null: any. */
  readonly device: DeviceKind | null;
  readonly ramBytes: number;
  readonly vramBytes: number;
}

export function demandOf(spec: JobSpec): Demand {
  const gpu = needsGpu(spec);
  return { device: spec.device, ramBytes: gpu ? 0 : spec.memoryBytes, vramBytes: gpu ? spec.memoryBytes : 0 };
}

/** The whole gigabytes of RAM that the price formula and the `required_ram_gb` column speak of: at least one. */
export const ramGbOf = (spec: JobSpec): number => Math.max(1, Math.ceil(demandOf(spec).ramBytes / GIB));

export const vramGbOf = (spec: JobSpec): number | null => (needsGpu(spec) ? Math.ceil(spec.memoryBytes / GIB) : null);
