import type { LossName } from "../model/definition.ts";
import { sigmoid } from "./activation.ts";
import type { Vector } from "./layer.ts";
import { softmaxRows } from "./softmax.ts";

/**
 * The loss of one batch. `targets` holds one number per row: the class for cross_entropy, 0 or 1 for
 * binary_cross_entropy, the value for mse.
 */
export interface Loss {
  /** The sum (not the mean) over rows, so that batches of different size add up; NaN once the network left the finite numbers. */
  sum(outputs: Vector, targets: Vector, rows: number): number;
  /** The gradient of the batch's MEAN loss by the outputs, written to `into`. */
  gradient(outputs: Vector, targets: Vector, rows: number, into: Vector): void;
  /** How many rows are classified rightly; null where the loss does not classify. */
  hits(outputs: Vector, targets: Vector, rows: number): number | null;
  /** Makes the network's raw outputs the user's: probabilities, or the value itself. In place. */
  finish(outputs: Vector, rows: number): void;
}

export function makeLoss(name: LossName, width: number): Loss {
  if (name === "cross_entropy") return crossEntropy(width);
  return name === "binary_cross_entropy" ? binaryCrossEntropy : meanSquaredError;
}

/** Softmax and negative log likelihood as one step: log-sum-exp is exact where log(softmax(x)) would give −∞. */
function crossEntropy(width: number): Loss {
  return {
    sum(outputs, targets, rows) {
      let sum = 0;
      for (let row = 0; row < rows; row++) {
        const start = row * width;
        let largest = Number.NEGATIVE_INFINITY;
        for (let i = 0; i < width; i++) largest = Math.max(largest, outputs[start + i] as number);
        let exponentials = 0;
        for (let i = 0; i < width; i++) exponentials += Math.exp((outputs[start + i] as number) - largest);
        sum += Math.log(exponentials) + largest - (outputs[start + (targets[row] as number)] as number);
      }
      return sum;
    },
    gradient(outputs, targets, rows, into) {
      softmaxRows(outputs, width, rows, into);
      for (let row = 0; row < rows; row++) {
        const right = row * width + (targets[row] as number);
        into[right] = (into[right] as number) - 1;
      }
      for (let i = 0; i < rows * width; i++) into[i] = (into[i] as number) / rows;
    },
    hits(outputs, targets, rows) {
      let hits = 0;
      for (let row = 0; row < rows; row++) if (largestOf(outputs, row * width, width) === targets[row]) hits++;
      return hits;
    },
    finish(outputs, rows) {
      softmaxRows(outputs, width, rows, outputs);
    },
  };
}

/** Sigmoid and log loss as one step: max(x,0) − x·t + log(1 + e^−|x|) never takes the logarithm of 0. */
const binaryCrossEntropy: Loss = {
  sum(outputs, targets, rows) {
    let sum = 0;
    for (let row = 0; row < rows; row++) {
      const x = outputs[row] as number;
      sum += Math.max(x, 0) - x * (targets[row] as number) + Math.log1p(Math.exp(-Math.abs(x)));
    }
    return sum;
  },
  gradient(outputs, targets, rows, into) {
    for (let row = 0; row < rows; row++)
      into[row] = (sigmoid(outputs[row] as number) - (targets[row] as number)) / rows;
  },
  hits(outputs, targets, rows) {
    let hits = 0;
    for (let row = 0; row < rows; row++) if (((outputs[row] as number) > 0 ? 1 : 0) === targets[row]) hits++;
    return hits;
  },
  finish(outputs, rows) {
    for (let row = 0; row < rows; row++) outputs[row] = sigmoid(outputs[row] as number);
  },
};

const meanSquaredError: Loss = {
  sum(outputs, targets, rows) {
    let sum = 0;
    for (let row = 0; row < rows; row++) sum += ((outputs[row] as number) - (targets[row] as number)) ** 2;
    return sum;
  },
  gradient(outputs, targets, rows, into) {
    for (let row = 0; row < rows; row++) into[row] = (2 * ((outputs[row] as number) - (targets[row] as number))) / rows;
  },
  hits: () => null,
  finish: () => {},
};

/** The index, within its row, of the row's largest number; the first of equals. */
export function largestOf(values: Vector, start: number, width: number): number {
  let best = 0;
  for (let i = 1; i < width; i++) if ((values[start + i] as number) > (values[start + best] as number)) best = i;
  return best;
}
