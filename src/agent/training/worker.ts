/**
 * The worker that runs one job and is then thrown away. Started by start.ts; in a compiled binary this file must be an
 * entry point of its own (see `workerUrl` there).
 */
import { toFailure } from "./errors.ts";
import { WorkerSeat } from "./gang/across-worker.ts";
import type { FromWorker, ToWorker } from "./messages.ts";
import { runJob } from "./run-job.ts";

declare const self: {
  onmessage: ((event: MessageEvent<ToWorker>) => void) | null;
  postMessage(message: FromWorker): void;
};

/** Four times a second is as fast as a progress bar needs to move. */
const progressInterval = 250;

const waiting = new AbortController();
let seat: WorkerSeat | null = null;

self.onmessage = ({ data }) => {
  if (data.type === "stop") waiting.abort();
  else if (data.type === "answer") seat?.deliver(data);
  // Never rejects: every error becomes the last message.
  else void run(data);
};

async function run(start: Extract<ToWorker, { type: "start" }>): Promise<void> {
  const { spec } = start;
  const stop = new Int32Array(start.stop);
  const post = (message: FromWorker): void => self.postMessage(message);
  seat = start.gang && new WorkerSeat(start.gang.rank, start.gang.size, post, waiting.signal);
  let lastProgress = performance.now();
  try {
    const outcome = await runJob(spec, {
      files: start.files,
      limits: start.limits,
      outputDirectory: start.outputDirectory,
      gang: seat,
      signal: waiting.signal,
      shouldStop: () => Atomics.load(stop, 0) !== 0,
      now: () => performance.now(),
      onEpoch: (report) => post({ type: "epoch", report }),
      onBatch: ({ epoch, batch, batches }) => {
        const now = performance.now();
        if (now - lastProgress < progressInterval) return;
        lastProgress = now;
        const fraction = (epoch - 1 + batch / batches) / spec.epochs;
        post({ type: "progress", progress: { epoch, epochs: spec.epochs, batch, batches, fraction } });
      },
      onLog: (message) => post({ type: "log", message }),
    });
    post({ type: "done", outcome });
  } catch (error) {
    post({ type: "failed", error: toFailure(error) });
  }
}
