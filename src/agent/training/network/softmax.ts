import type { Layer, Precision, Vector } from "./layer.ts";
import { vector } from "./layer.ts";

/** Turns each row of `scores` into probabilities, in place allowed. The largest score is taken out first, so exp cannot overflow. */
export function softmaxRows(scores: Vector, width: number, rows: number, into: Vector): void {
  for (let row = 0; row < rows; row++) {
    const start = row * width;
    let largest = Number.NEGATIVE_INFINITY;
    for (let i = 0; i < width; i++) largest = Math.max(largest, scores[start + i] as number);
    let sum = 0;
    for (let i = 0; i < width; i++) {
      const value = Math.exp((scores[start + i] as number) - largest);
      into[start + i] = value;
      sum += value;
    }
    for (let i = 0; i < width; i++) into[start + i] = (into[start + i] as number) / sum;
  }
}

/** Softmax in the middle of a network, or under a loss that does not contain it. */
export class Softmax implements Layer {
  readonly parameters = [];
  readonly #width: number;
  readonly #output: Vector;
  readonly #inputGradient: Vector;

  constructor(width: number, batchSize: number, precision: Precision) {
    this.#width = width;
    this.#output = vector(precision, batchSize * width);
    this.#inputGradient = vector(precision, batchSize * width);
  }

  forward(input: Vector, rows: number): Vector {
    softmaxRows(input, this.#width, rows, this.#output);
    return this.#output;
  }

  /** dx_i = y_i·(dy_i − Σ_j dy_j·y_j), the Jacobian diag(y) − y·yᵀ applied without building it. */
  backward(outputGradient: Vector, rows: number): Vector {
    const width = this.#width;
    const output = this.#output;
    const gradient = this.#inputGradient;
    for (let row = 0; row < rows; row++) {
      const start = row * width;
      let mean = 0;
      for (let i = 0; i < width; i++) mean += (outputGradient[start + i] as number) * (output[start + i] as number);
      for (let i = start; i < start + width; i++) {
        gradient[i] = (output[i] as number) * ((outputGradient[i] as number) - mean);
      }
    }
    return gradient;
  }
}
