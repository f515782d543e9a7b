import type { Normalisation } from "./dataset/normalisation.ts";
import { TrainingError } from "./errors.ts";
import type { Metrics } from "./job.ts";
import type { Network } from "./network/network.ts";

/** Rows ready for a network: normalised features and encoded targets. */
export interface Examples {
  /** Features per row. */
  readonly width: number;
  readonly features: Float32Array;
  /** One per row: class index or (normalised) value. */
  readonly targets: Float32Array;
}

/** Copies chosen rows side by side, the form a network takes them in. */
export class Batch {
  readonly features: Float32Array;
  readonly targets: Float32Array;
  constructor(
    readonly examples: Examples,
    size: number,
  ) {
    this.features = new Float32Array(size * examples.width);
    this.targets = new Float32Array(size);
  }

  /** Takes `rows[from]` up to `rows[to - 1]`. */
  take(rows: Uint32Array, from: number, to: number): void {
    const { width, features, targets } = this.examples;
    for (let at = from; at < to; at++) {
      const row = rows[at] as number;
      const start = row * width;
      this.features.set(features.subarray(start, start + width), (at - from) * width);
      this.targets[at - from] = targets[row] as number;
    }
  }
}

/**
 * Runs the network over `rows` without learning. Returns `loss` (mean per row, in the units the network was trained
 * in), with `accuracy` for a classifier, or `mae`, `rmse` and `r2` in the label's own units for a regression.
 */
export function evaluate(
  network: Network,
  batch: Batch,
  rows: Uint32Array,
  targetScale: Normalisation | null,
  shouldStop: () => boolean,
): Metrics {
  let loss = 0;
  let hits = 0;
  let classifies = true;
  let absolute = 0;
  let squares = 0;
  let sum = 0;
  let sumOfSquares = 0;
  for (let from = 0; from < rows.length; from += network.batchSize) {
    if (shouldStop()) throw new TrainingError("cancelled", "the job was cancelled");
    const to = Math.min(rows.length, from + network.batchSize);
    batch.take(rows, from, to);
    const outputs = network.forward(batch.features, to - from, false);
    loss += network.loss.sum(outputs, batch.targets, to - from);
    const right = network.loss.hits(outputs, batch.targets, to - from);
    if (right !== null) {
      hits += right;
      continue;
    }
    classifies = false;
    for (let row = 0; row < to - from; row++) {
      const target = batch.targets[row] as number;
      const error = (outputs[row] as number) - target;
      absolute += Math.abs(error);
      squares += error * error;
      sum += target;
      sumOfSquares += target * target;
    }
  }
  const count = rows.length;
  if (classifies) return { loss: loss / count, accuracy: hits / count };
  const scale = targetScale?.deviation[0] ?? 1;
  const spread = sumOfSquares - (sum * sum) / count;
  return {
    loss: loss / count,
    mae: (scale * absolute) / count,
    rmse: scale * Math.sqrt(squares / count),
    // Of labels that are all equal nothing can be explained.
    ...(spread > 0 ? { r2: 1 - squares / spread } : {}),
  };
}
