import { rmSync } from "node:fs";
import { artifactPath, partialPath } from "./artifact.ts";
import type { TrainingFailure } from "./errors.ts";
import { serveSeat } from "./gang/across-worker.ts";
import type { GangSeat } from "./gang/seat.ts";
import type { Artifact, Digest, EpochReport, FileAccess, JobLimits, JobSpec, Metrics } from "./job.ts";
import { defaultLimits, epochMetrics } from "./job.ts";
import type { FromWorker, JobProgress, ToWorker } from "./messages.ts";
import type { JobOutcome } from "./run-job.ts";

export interface TrainingOptions {
  /** Where the artifact is written; made if missing. One directory per attempt keeps attempts apart. */
  readonly outputDirectory: string;
  /** Which local files the job may read; see FileAccess for why this has no default. */
  readonly files: FileAccess;
  readonly limits?: Partial<JobLimits>;
  /** Its seat, when it is one member of a gang. A gang that breaks cancels it. */
  readonly gang?: GangSeat;
  readonly signal?: AbortSignal;
  readonly onEpoch?: (report: EpochReport) => void;
  /** At most four times a second, so that a long epoch shows life too. */
  readonly onProgress?: (progress: JobProgress) => void;
  readonly onLog?: (message: string) => void;
  /** Milliseconds a cancelled worker may take to stop by itself before it is killed. */
  readonly cancelGrace?: number;
  /** Milliseconds from any fixed point, for `computeSeconds`. */
  readonly now?: () => number;
  /** Another worker than the engine's own, for tests. */
  readonly workerUrl?: string;
}

interface Ended {
  /** Seconds of wall clock between start and end. */
  readonly computeSeconds: number;
}
export type TrainingResult =
  | (Ended & {
      readonly status: "completed";
      /** The file to report as `model_weights_uri`; null for an evaluation, and for a member of a gang but rank 0. */
      readonly artifact: Artifact | null;
      /** Of the weights, where rank 0 keeps the file. */
      readonly digest?: Digest;
      readonly finalMetrics: Metrics;
      readonly error: null;
    })
  | (Ended & {
      readonly status: "failed" | "cancelled";
      readonly artifact: null;
      /** Of the last finished epoch; empty when there was none. */
      readonly finalMetrics: Metrics;
      readonly error: TrainingFailure;
    });

export interface TrainingHandle {
  /** Never rejects. */
  readonly result: Promise<TrainingResult>;
  /** Stops the job; `result` then is "cancelled" unless the job ended first. Calling it again does nothing. */
  cancel(): void;
}

/** A mini-batch of any sensible model is over sooner; a job parsing or writing a large file is killed instead. */
const defaultCancelGrace = 200;

/**
 * Where the worker's code is. From source it lies beside this file. In a compiled binary all modules of the main program
 * are one file at the root, and `bun build --compile src/main.ts src/agent/training/worker.ts` puts the worker under the
 * root by its path below src/ (the entry points' common directory).
 */
export function workerUrl(): string {
  const compiled = /\$bunfs|~BUN/.test(import.meta.url);
  return new URL(compiled ? "./agent/training/worker.js" : "./worker.ts", import.meta.url).href;
}

/**
 * Runs one job of any kind in a worker of its own, so that the caller's event loop stays free.
 *
 * The handle's result always comes: the worker's last word settles it; so do an error the worker did not catch and a worker
 * that ends without a word; and a cancelled worker has `cancelGrace` before it is killed. The first of these wins.
 */
export function startTraining(spec: JobSpec, options: TrainingOptions): TrainingHandle {
  const now = options.now ?? (() => performance.now());
  const started = now();
  const stop = new Int32Array(new SharedArrayBuffer(4));
  const { promise, resolve } = Promise.withResolvers<TrainingResult>();
  let worker: Worker | undefined;
  let graceTimer: ReturnType<typeof setTimeout> | undefined;
  let lastEpoch: EpochReport | undefined;
  let settled = false;

  function settle(result: JobOutcome | { error: TrainingFailure }): void {
    if (settled) return;
    settled = true;
    clearTimeout(graceTimer);
    options.signal?.removeEventListener("abort", cancel);
    worker?.terminate();
    const computeSeconds = (now() - started) / 1000;
    if (!("error" in result)) {
      resolve({ status: "completed", computeSeconds, ...result, error: null });
      return;
    }
    // A killed worker may have left half a file behind.
    rmSync(partialPath(artifactPath(options.outputDirectory, spec)), { force: true });
    const status = result.error.code === "cancelled" ? "cancelled" : "failed";
    const finalMetrics = lastEpoch === undefined ? {} : epochMetrics(lastEpoch);
    resolve({ status, computeSeconds, artifact: null, finalMetrics, error: result.error });
  }

  function cancel(): void {
    if (settled || Atomics.load(stop, 0) !== 0) return;
    Atomics.store(stop, 0, 1);
    send({ type: "stop" });
    const killed = { code: "cancelled", message: "the job was cancelled" } as const;
    graceTimer = setTimeout(() => settle({ error: killed }), options.cancelGrace ?? defaultCancelGrace);
  }

  function send(message: ToWorker): void {
    worker?.postMessage(message);
  }

  function receive(message: FromWorker): void {
    if (settled) return;
    switch (message.type) {
      case "epoch":
        lastEpoch = message.report;
        options.onEpoch?.(message.report);
        return;
      case "progress":
        options.onProgress?.(message.progress);
        return;
      case "log":
        options.onLog?.(message.message);
        return;
      case "gather":
      case "scatter":
      case "contribute":
        if (options.gang === undefined) crashed("Error: it asked for a gang and is in none");
        else serveSeat(options.gang, message, send).catch(leftAlone);
        return;
      case "done":
        settle(message.outcome);
        return;
      case "failed":
        settle({ error: message.error });
        return;
    }
  }

  /** A gang that breaks cancels the job by its signal, and by now has; anything else is a fault that must not pass for that. */
  function leftAlone(error: unknown): void {
    if (options.signal?.aborted) cancel();
    else crashed(`Error: its gang failed: ${error instanceof Error ? error.message : error}`);
  }

  /** The message of an uncaught error, without the source excerpt Bun prints around it. */
  function crashed(text: string): void {
    const line = /^\s*(?:error|\w*Error): .*$/m.exec(text)?.[0].trim() ?? text.slice(0, 500);
    settle({ error: { code: "crashed", message: `the training worker crashed: ${line}` } });
  }

  if (options.signal?.aborted) {
    settle({ error: { code: "cancelled", message: "the job was cancelled before it started" } });
    return { result: promise, cancel };
  }
  try {
    worker = new Worker(options.workerUrl ?? workerUrl());
    worker.onmessage = ({ data }: MessageEvent<FromWorker>) => {
      try {
        receive(data);
      } catch (error) {
        // A listener's fault ends this job and nothing else.
        crashed(`Error: a listener of the job threw: ${error instanceof Error ? error.message : error}`);
      }
    };
    worker.onmessageerror = () => crashed("Error: a message of the worker could not be read");
    worker.onerror = (event) => {
      event.preventDefault();
      crashed(event.message);
    };
    worker.addEventListener("close", () => crashed("Error: it ended without a result"));
    options.signal?.addEventListener("abort", cancel, { once: true });
    const limits = { ...defaultLimits, ...options.limits };
    const { outputDirectory, files, gang } = options;
    const place = gang ? { rank: gang.rank, size: gang.size } : null;
    send({ type: "start", spec, files, limits, outputDirectory, gang: place, stop: stop.buffer });
  } catch (error) {
    crashed(`Error: it could not be started: ${error instanceof Error ? error.message : error}`);
  }
  return { result: promise, cancel };
}
