import { TrainingError } from "./errors.ts";

/** The four kinds of work a job can ask for, under their names in `JobType` without the prefix. */
export type JobKind = "training" | "inference" | "evaluation" | "preprocessing";

const kindsByWireNumber: readonly (JobKind | undefined)[] = [
  undefined,
  "training",
  "inference",
  "evaluation",
  "preprocessing",
];

/** `JobConfig.job_type` as a kind. Throws `unsupported` for JOB_TYPE_UNKNOWN and numbers of a later protocol. */
export function jobKindFromWire(jobType: number): JobKind {
  const kind = kindsByWireNumber[jobType];
  if (kind === undefined) {
    throw new TrainingError(
      "unsupported",
      `job_type: ${jobType} is not supported; use 1 (training), 2 (inference), 3 (evaluation) or 4 (preprocessing)`,
    );
  }
  return kind;
}

/** The part of `JobConfig` the engine reads. Plain data: it is posted to the worker as it is. */
export interface JobSpec {
  readonly jobId: string;
  readonly kind: JobKind;
  /** JSON text, see docs/model-format.md. Only training reads it; the other kinds take the model from `weights_uri`. */
  readonly modelDefinition: string;
  readonly hyperparameters: Readonly<Record<string, string>>;
  readonly datasetUri: string;
  readonly batchSize: number;
  readonly epochs: number;
}

/** What one job may take from the node that runs it. */
export interface JobLimits {
  /** Bytes of one dataset or weights file after decompression. */
  readonly maxInputBytes: number;
  /** Bytes of parameters, gradients, optimiser state, activations and data together, estimated before they are allocated. */
  readonly maxMemoryBytes: number;
  /** Milliseconds a download may take as a whole. */
  readonly downloadTimeout: number;
}

export const defaultLimits: JobLimits = {
  // The text and the parsed numbers live side by side while a CSV is read; 128 MB of text is about 25 million numbers.
  maxInputBytes: 128 * 1024 * 1024,
  // Room for the largest model the format allows (50 M parameters with Adam: 800 MB) and its data.
  maxMemoryBytes: 2 * 1024 * 1024 * 1024,
  downloadTimeout: 10 * 60_000,
};

/**
 * Which local files a job may read. A job comes from a stranger, and an error message or an inference result would
 * carry a file's content back to them, so the caller decides: the directories that are meant for it, or "any" for a
 * node that works for its own owner only.
 */
export type FileAccess = "any" | readonly string[];

/** What a file can be recognised by. */
export interface Digest {
  readonly sha256: string;
  readonly bytes: number;
}

/** A file the job produced. */
export interface Artifact extends Digest {
  readonly kind: "weights" | "predictions" | "dataset";
  readonly path: string;
}

/** One finished epoch, named as on the wire. Accuracies only for classification, `val_*` only with a validation split. */
export type EpochReport = {
  readonly epoch: number;
  readonly epochs: number;
  readonly loss: number;
  readonly accuracy?: number;
  readonly val_loss?: number;
  readonly val_accuracy?: number;
  readonly learning_rate: number;
  readonly samples_per_second: number;
};

/** `map<string, double>` of the wire. */
export type Metrics = Readonly<Record<string, number>>;

/** An epoch as `UpdateJobStatusRequest.metrics`; the epoch number travels in `current_epoch`. */
export function epochMetrics(report: EpochReport): Metrics {
  const { epoch: _, epochs: __, ...metrics } = report;
  return Object.fromEntries(Object.entries(metrics).filter(([, value]) => value !== undefined));
}

const maxEpochs = 100_000;
const maxBatchSize = 65_536;

/** Refuses fields no job can run with, before anything is fetched. */
export function checkJobFields(spec: JobSpec): void {
  requireWhole("epochs", spec.epochs, maxEpochs);
  requireWhole("batch_size", spec.batchSize, maxBatchSize);
  if (spec.datasetUri.trim() === "") {
    throw new TrainingError(
      "invalid_job",
      "dataset_uri is empty; use builtin:iris (or another built-in name), a file: path or an http(s): address",
    );
  }
}

function requireWhole(field: string, value: number, max: number): void {
  if (!Number.isInteger(value) || value < 1 || value > max) {
    throw new TrainingError("invalid_job", `${field}: ${value} is not allowed; use a whole number from 1 to ${max}`);
  }
}
