import { TrainingError } from "../errors.ts";

/**
 * The rows one member of a gang trains on: every `size`-th, beginning with the `rank`-th. Each row is in exactly one shard,
 * and shards differ by one row at most (the lower ranks have the odd ones). Dealt out like cards and not cut in blocks, so
 * that data in order (no shuffling) gives every member a bit of everything.
 */
export function shardOf(rows: Uint32Array, rank: number, size: number): Uint32Array {
  if (rows.length < size) {
    throw new TrainingError(
      "invalid_job",
      `hyperparameters.cyxwiz.gang.size: ${size} is more than the ${rows.length} training rows; use at most ${Math.max(1, rows.length)}`,
    );
  }
  return Uint32Array.from({ length: Math.ceil((rows.length - rank) / size) }, (_, index) => {
    return rows[rank + index * size] as number;
  });
}
