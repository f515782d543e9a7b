/** What a job asks for. Plain data: it is stored in the journal as it is. */
import type { SeparateTexts } from "./job-texts.ts";

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
  /** What its owner asks of a node beyond device and memory. Absent: nothing. */
  readonly requirements?: Requirements;
  /** Absent: one node. */
  readonly gang?: Gang;
  /** Its texts that are too big to be kept here, whose fields are then empty. Absent: none. */
  readonly texts?: SeparateTexts;
}

/** What a node must be or offer. Filters, not wishes: a node that fails one is never used for the job. */
export interface Requirements {
  /** One of these; empty: anywhere. */
  readonly regions?: readonly string[];
  /** A model format the node must say it supports, lower case. */
  readonly format?: string;
  /** A runtime the node must say it has, lower case. */
  readonly runtime?: string;
  /** 0..100. */
  readonly minReputation?: number;
  /** Base units, as decimal text. */
  readonly minStake?: string;
  /** The most a node may charge for an hour, in base units as decimal text. */
  readonly maxPricePerHour?: string;
  /** Bytes of RAM besides the GPU memory of a GPU job. */
  readonly ramBytes?: number;
}

/** A job that runs on several nodes at once: on all of them or on none. */
export interface Gang {
  /** 2..64, rank 0 included. */
  readonly size: number;
  /** "region": all members in one region. */
  readonly topology: "any" | "region";
}

export const GANG_LIMIT = 64;

export const gangSizeOf = (spec: JobSpec): number => spec.gang?.size ?? 1;

export const needsGpu = (spec: JobSpec): boolean => spec.device !== null && spec.device !== "cpu";

const GIB = 2 ** 30;

/** What the job takes from a node while it runs (each member of a gang the same), and what the node must be. */
export interface Demand {
  /** null: any. */
  readonly device: DeviceKind | null;
  readonly ramBytes: number;
  readonly vramBytes: number;
  /** Absent: no filters. */
  readonly requirements?: Requirements;
}

export function demandOf(spec: JobSpec): Demand {
  const gpu = needsGpu(spec);
  const { memoryBytes, requirements, device } = spec;
  const ramBytes = gpu ? (requirements?.ramBytes ?? 0) : memoryBytes;
  const demand = { device, ramBytes, vramBytes: gpu ? memoryBytes : 0 };
  return requirements === undefined ? demand : { ...demand, requirements };
}

/** The whole gigabytes of RAM that the price formula and the `required_ram_gb` column speak of: at least one. */
export const ramGbOf = (spec: JobSpec): number => Math.max(1, Math.ceil(demandOf(spec).ramBytes / GIB));

export const vramGbOf = (spec: JobSpec): number | null => (needsGpu(spec) ? Math.ceil(spec.memoryBytes / GIB) : null);
