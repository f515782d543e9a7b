/** Shows a job's progress: on a terminal one line that is drawn anew, elsewhere a line per tenth. */
import type { Clock, Millis } from "../../actors/runtime/index.ts";
import { type JobStatus, type JobUpdateStream, StatusCode } from "../../transport/grpc/protocol.ts";
import { hasSucceeded, isFinal } from "../client/follow.ts";
import { fit, safe } from "../text/safe.ts";
import type { Style } from "../text/style.ts";
import { duration } from "../text/units.ts";
import type { Output } from "../world.ts";
import { type Progress, progressLine } from "./bar.ts";

export interface ProgressView {
  update(update: JobUpdateStream, status: JobStatus): void;
  /** Says something beside the progress, for example that the server is away. */
  note(text: string): void;
  /** Why the job does not run yet, in the server's words; null to take it back. */
  waitingBecause(reason: string | null): void;
  /** Takes the line away; what follows starts on a fresh one. */
  end(): void;
}

interface Options {
  readonly output: Output;
  readonly style: Style;
  readonly clock: Clock;
  /** null when not known. */
  readonly epochs: number | null;
  readonly indent?: string;
}

/** A terminal that is redrawn more often flickers, and nobody reads faster. */
const redrawEvery: Millis = 1000;

/** Fewer observations than this say nothing about the speed. */
const enoughTime: Millis = 700;
const enoughProgress = 0.02;

export function progressView(options: Options): ProgressView {
  return options.output.isTTY ? liveView(options) : lineView(options);
}

/** Turns updates into what a line shows, and guesses the time left from the speed since the first progress seen. */
class Estimate {
  #first: { readonly at: Millis; readonly fraction: number } | null = null;

  constructor(
    private readonly clock: Clock,
    private readonly epochs: number | null,
  ) {}

  read(update: JobUpdateStream, status: JobStatus): Progress {
    const metrics = Object.keys(update.liveMetrics).length > 0 ? update.liveMetrics : status.metrics;
    const metric = (...names: readonly string[]): number | null => {
      for (const name of names) if (Object.hasOwn(metrics, name)) return metrics[name] ?? null;
      return null;
    };
    return {
      fraction: status.progress,
      epoch: status.currentEpoch,
      epochs: this.epochs,
      loss: metric("val_loss", "loss"),
      accuracy: metric("val_accuracy", "accuracy"),
      remaining: this.#remaining(status.progress),
    };
  }

  #remaining(fraction: number): Millis | null {
    const now = this.clock.now();
    // A job that starts over on another node is a new beginning.
    if (this.#first === null || fraction < this.#first.fraction) this.#first = { at: now, fraction };
    const passed = now - this.#first.at;
    const done = fraction - this.#first.fraction;
    return passed < enoughTime || done < enoughProgress || fraction >= 1 ? null : (passed / done) * (1 - fraction);
  }
}

/** What a job without progress is doing. */
function phase(status: JobStatus): string | null {
  if (status.status === StatusCode.STATUS_PENDING) return "waiting for a node";
  if (status.status === StatusCode.STATUS_IN_PROGRESS && status.progress === 0) return "starting on a node";
  return null;
}

function liveView({ output, style, clock, epochs, indent = "" }: Options): ProgressView {
  const estimate = new Estimate(clock, epochs);
  const startedAt = clock.now();
  let draw: (width: number) => string = () => "";
  let reason: string | null = null;
  let stopTimer = (): void => {};
  const paint = (): void => {
    // The last column stays free: a terminal that wraps there would scroll with every redraw.
    const width = Math.max(1, output.columns - 1 - indent.length);
    output.write(`\r${indent}${draw(width)}\x1b[K`);
    stopTimer();
    stopTimer = clock.after(redrawEvery, paint);
  };
  return {
    update(update, status) {
      const waits = phase(status);
      const progress = estimate.read(update, status);
      draw = (width) => {
        if (waits === null) return progressLine(progress, width, style);
        const why = reason === null ? "" : `: ${reason}`;
        return style.dim(
          fit(`${waits}${style.ellipsis} ${duration(clock.now() - startedAt)}${why}`, width, style.ellipsis),
        );
      };
      paint();
    },
    note(text) {
      output.write(`\r\x1b[K${indent}${style.dim(safe(text))}\n`);
      paint();
    },
    waitingBecause(why) {
      reason = why === null ? null : safe(why);
    },
    end() {
      stopTimer();
      output.write("\r\x1b[K");
    },
  };
}

function lineView({ output, style, clock, epochs, indent = "" }: Options): ProgressView {
  const estimate = new Estimate(clock, epochs);
  let lastPhase: string | null = null;
  let lastTenth = 0;
  const say = (text: string): void => output.write(`${indent}${text}\n`);
  return {
    update(update, status) {
      const waits = phase(status);
      const progress = estimate.read(update, status);
      if (waits !== lastPhase && waits !== null) say(waits);
      lastPhase = waits;
      const tenth = Math.floor(progress.fraction * 10);
      // Below the last one: the job started over on another node.
      const hasFailed = isFinal(status) && !hasSucceeded(status);
      if (tenth === lastTenth || waits !== null || hasFailed) return;
      lastTenth = tenth;
      say(progressLine(progress, 100, style));
    },
    note: (text) => say(safe(text)),
    waitingBecause(why) {
      if (why !== null) say(`waiting: ${safe(why)}`);
    },
    end: () => {},
  };
}
