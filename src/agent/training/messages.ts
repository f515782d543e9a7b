import type { TrainingFailure } from "./errors.ts";
import type { SeatAnswer, SeatRequest } from "./gang/across-worker.ts";
import type { EpochReport, FileAccess, JobLimits, JobSpec } from "./job.ts";
import type { JobOutcome } from "./run-job.ts";

/** What the host says to the worker. */
export type ToWorker =
  | {
      readonly type: "start";
      readonly spec: JobSpec;
      readonly files: FileAccess;
      readonly limits: JobLimits;
      readonly outputDirectory: string;
      /** Its place in a gang; null for a job on one node. */
      readonly gang: { readonly rank: number; readonly size: number } | null;
      /** One Int32; not zero means stop. Shared, because a worker in the middle of an epoch reads no messages. */
      readonly stop: SharedArrayBuffer;
    }
  | SeatAnswer
  /** Wakes a worker that waits for a download, or for its gang. */
  | { readonly type: "stop" };

/** What the worker says to the host. `done` is the last word. */
export type FromWorker =
  | { readonly type: "epoch"; readonly report: EpochReport }
  | { readonly type: "progress"; readonly progress: JobProgress }
  | { readonly type: "log"; readonly message: string }
  | SeatRequest
  | { readonly type: "done"; readonly outcome: JobOutcome }
  | { readonly type: "failed"; readonly error: TrainingFailure };

/** How far a training has come, between epochs too. `fraction` is 0 to 1. */
export interface JobProgress {
  readonly epoch: number;
  readonly epochs: number;
  readonly batch: number;
  readonly batches: number;
  readonly fraction: number;
}
