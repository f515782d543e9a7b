/**
 * The worker that runs one job and is then thrown away. Started by start.ts; in a compiled binary this file must be an
 * entry point of its own (see `workerUrl` there).
 */
import { toFailure } from "./errors.ts";
import type { FromWorker, ToWorker } from "./messages.ts";
import { runJob } from "./run-job.ts";

declare const self: {
  onmessage: ((event: MessageEvent<ToWorker>) => void) | null;
  postMessage(message: FromWorker): void;
};

/** Four times a second is as fast as a progress bar needs to move. */
const progressInterval = 250;

const waiting = new AbortController();

self.onmessage = ({ data }) => {
  if (data.type === "stop") waiting.abort();
  // Never rejects: every error becomes the last message.
  else void run(data);
};

async function run(start: Extract<ToWorker, { type: "start" }>): Promise<void> {
  const { spec } = start;
  const stop = new Int32Array(start.stop);
  let lastProgress = performance.now();
  try {
    const outcome = await runJob(spec, {
      files: start.files,
      limits: start.limits,
      outputDirectory: start.outputDirectory,
      signal: waiting.signal,
      shouldStop: () => Atomics.load(stop, 0) !== 0,
      now: () => performance.now(),
      onEpoch: (report) => self.postMessage({ type: "epoch", report }),
      onBatch: ({ epoch, batch, batches }) => {
        const now = performance.now();
        if (now - lastProgress < progressInterval) return;
        lastProgress = now;
        const fraction = (epoch - 1 + batch / batches) / spec.epochs;
        self.postMessage({ type: "progress", progress: { epoch, epochs: spec.epochs, batch, batches, fraction } });
      },
      onLog: (message) => self.postMessage({ type: "log", message }),
    });
    self.postMessage({ type: "done", outcome });
  } catch (error) {
    self.postMessage({ type: "failed", error: toFailure(error) });
  }
}
