/**
 * The training engine of the reference compute node. A node host needs three things of it: `checkJob` to refuse a job on
 * arrival, `startTraining` to run one, and `epochMetrics` to report it.
 *
 * ```ts
 * const job = startTraining(
 *   { jobId, kind: jobKindFromWire(config.jobType), modelDefinition, hyperparameters, datasetUri, batchSize, epochs },
 *   { outputDirectory, files: [], signal, onEpoch: (report) => send(report.epoch, epochMetrics(report)) },
 * );
 * const result = await job.result; // never rejects
 * ```
 */
export { checkJob } from "./check.ts";
export { TrainingError, type TrainingErrorCode, type TrainingFailure } from "./errors.ts";
export type { GangSeat, Share } from "./gang/seat.ts";
export {
  type Artifact,
  type Digest,
  defaultLimits,
  type EpochReport,
  epochMetrics,
  type FileAccess,
  type JobKind,
  type JobLimits,
  type JobSpec,
  jobKindFromWire,
  type Metrics,
} from "./job.ts";
export type { JobProgress } from "./messages.ts";
export { modelLimits } from "./model/definition.ts";
export { type Prediction, predict } from "./prediction.ts";
export { startTraining, type TrainingHandle, type TrainingOptions, type TrainingResult } from "./start.ts";
export { decodeModel, type TrainedModel } from "./weights/trained-model.ts";
