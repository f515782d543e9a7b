import type { Table } from "./dataset/table.ts";
import { TrainingError } from "./errors.ts";
import { largestOf } from "./network/loss.ts";
import type { TrainedModel } from "./weights/trained-model.ts";
import { networkOf } from "./weights/trained-model.ts";

export interface Prediction {
  /** The class, or the number in the label's own units. */
  readonly value: string | number;
  /** One per class in the model's order; empty for a regression. */
  readonly probabilities: readonly number[];
}

/**
 * What the model says of each row, in order. `features` is rows × columns, normalised as the network wants them
 * (`normalise(table.features, width, trained.normalisation)`). Lazy: one batch is in memory at a time.
 */
export function* predict(
  trained: TrainedModel,
  features: Float32Array,
  batchSize: number,
  shouldStop: () => boolean = () => false,
): Generator<Prediction> {
  const width = trained.columns.length;
  const rows = features.length / width;
  const network = networkOf(trained, Math.min(batchSize, rows));
  for (let from = 0; from < rows; from += network.batchSize) {
    if (shouldStop()) throw new TrainingError("cancelled", "the job was cancelled");
    const count = Math.min(network.batchSize, rows - from);
    // A copy, because the loss finishes outputs in place and a network without layers after dropout returns its input.
    const outputs = network.forward(features.subarray(from * width, (from + count) * width), count, false).slice();
    network.loss.finish(outputs, count);
    for (let row = 0; row < count; row++)
      yield readOutput(trained, outputs.subarray(row * trained.model.outputs), trained.model.outputs);
  }
}

function readOutput(trained: TrainedModel, outputs: Float32Array | Float64Array, width: number): Prediction {
  const { target, targetNormalisation } = trained;
  const first = outputs[0] ?? 0;
  if (target.kind === "number") {
    const mean = targetNormalisation?.mean[0] ?? 0;
    return { value: first * (targetNormalisation?.deviation[0] ?? 1) + mean, probabilities: [] };
  }
  const probabilities = width === 1 ? [1 - first, first] : Array.from(outputs.subarray(0, width));
  // Ties go to the first class, as in the accuracy: a lone sigmoid must be above one half.
  const best = largestOf(Float64Array.from(probabilities), 0, probabilities.length);
  return { value: target.classes[best] ?? "", probabilities };
}

/** A column per class is only of use while a person can look at it. */
const maxProbabilityColumns = 100;

/** Predictions as CSV: the row's number from 1, the prediction, and the probability of each class. */
export function* predictionsCsv(
  trained: TrainedModel,
  features: Float32Array,
  batchSize: number,
  shouldStop: () => boolean,
): Generator<Uint8Array> {
  const { target } = trained;
  const classes = target.kind === "classes" && target.classes.length <= maxProbabilityColumns ? target.classes : [];
  function* records(): Generator<readonly (string | number)[]> {
    yield ["row", trained.label === "" ? "prediction" : trained.label, ...classes.map((name) => `p_${name}`)];
    let row = 0;
    for (const { value, probabilities } of predict(trained, features, batchSize, shouldStop)) {
      row++;
      yield [row, value, ...(classes.length === 0 ? [] : probabilities.map((each) => Number(each.toPrecision(6))))];
    }
  }
  yield* csvChunks(records());
}

/** The table with its features as the network would see them, label last. */
export function* normalisedCsv(table: Table, features: Float32Array, shouldStop: () => boolean): Generator<Uint8Array> {
  const width = table.columns.length;
  function* records(): Generator<readonly (string | number)[]> {
    yield [...table.columns, ...(table.label === null ? [] : [table.label.name])];
    for (let row = 0; row < table.rows; row++) {
      if (shouldStop()) throw new TrainingError("cancelled", "the job was cancelled");
      const label = table.label?.values[table.label.codes[row] ?? 0];
      yield [...features.subarray(row * width, (row + 1) * width), ...(label === undefined ? [] : [label])];
    }
  }
  yield* csvChunks(records());
}

/** Enough records per write that the disk is not asked line by line. */
const recordsPerChunk = 1000;

function* csvChunks(records: Iterable<readonly (string | number)[]>): Generator<Uint8Array> {
  const encoder = new TextEncoder();
  let lines: string[] = [];
  for (const record of records) {
    lines.push(record.map(csvField).join(","));
    if (lines.length < recordsPerChunk) continue;
    yield encoder.encode(`${lines.join("\n")}\n`);
    lines = [];
  }
  if (lines.length > 0) yield encoder.encode(`${lines.join("\n")}\n`);
}

function csvField(value: string | number): string {
  if (typeof value === "number") return String(value);
  return /[",\r\n]/.test(value) ? `"${value.replaceAll('"', '""')}"` : value;
}
