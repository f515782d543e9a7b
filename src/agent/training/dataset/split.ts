import { TrainingError } from "../errors.ts";
import { RandomStream } from "../random.ts";

export interface Split {
  readonly training: Uint32Array;
  readonly validation: Uint32Array;
}

/**
 * Sets aside `fraction` of the rows for validation: drawn by the seed, or, without shuffling, the last rows as they
 * stand (what a time series needs). Neither part is ever empty unless `fraction` is 0.
 */
export function splitRows(rows: number, fraction: number, seed: number, shuffle: boolean): Split {
  const order = Uint32Array.from({ length: rows }, (_, index) => index);
  if (shuffle) new RandomStream(seed, "split").shuffle(order);
  if (fraction === 0) return { training: order, validation: order.subarray(0, 0) };
  if (rows < 2) {
    throw new TrainingError(
      "invalid_dataset",
      "the dataset has 1 row, which cannot be split; add rows or set validation_split to 0",
    );
  }
  const held = Math.min(rows - 1, Math.max(1, Math.round(rows * fraction)));
  return { training: order.subarray(0, rows - held), validation: order.subarray(rows - held) };
}
