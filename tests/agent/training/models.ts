import type { Hyperparameters } from "../../../src/agent/training/hyperparameters.ts";
import { parseHyperparameters } from "../../../src/agent/training/hyperparameters.ts";
import type { EpochReport, JobSpec } from "../../../src/agent/training/job.ts";
import { defaultLimits } from "../../../src/agent/training/job.ts";
import type { JobContext, JobOutcome } from "../../../src/agent/training/run-job.ts";
import { runJob } from "../../../src/agent/training/run-job.ts";

/** A small training job that takes a fraction of a second; tests change what they are about. */
export function job(changes: Partial<JobSpec> = {}): JobSpec {
  return {
    jobId: "job-1",
    kind: "training",
    modelDefinition: JSON.stringify({ layers: [16, { type: "dense" }], loss: "cross_entropy" }),
    hyperparameters: { learning_rate: "0.01" },
    datasetUri: "builtin:iris",
    batchSize: 16,
    epochs: 5,
    ...changes,
  };
}

export interface Ran extends JobOutcome {
  readonly epochs: readonly EpochReport[];
  readonly log: readonly string[];
}

/** Runs a job in the test's own thread. */
export async function run(spec: JobSpec, outputDirectory: string, changes: Partial<JobContext> = {}): Promise<Ran> {
  const epochs: EpochReport[] = [];
  const log: string[] = [];
  const outcome = await runJob(spec, {
    files: "any",
    gang: null,
    limits: defaultLimits,
    outputDirectory,
    signal: new AbortController().signal,
    shouldStop: () => false,
    now: () => performance.now(),
    onEpoch: (report) => epochs.push(report),
    onBatch: () => {},
    onLog: (message) => log.push(message),
    ...changes,
  });
  return { ...outcome, epochs, log };
}

export function hyper(map: Record<string, string> = {}): Hyperparameters {
  return parseHyperparameters(map);
}
