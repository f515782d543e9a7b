import type { RandomStream } from "../random.ts";
import type { Layer, Precision, Vector } from "./layer.ts";
import { vector } from "./layer.ts";

/**
 * Silences each number with probability `rate` while training and scales the others by 1/(1 − rate), so that
 * prediction needs no correction (inverted dropout, Srivastava et al. 2014).
 */
export class Dropout implements Layer {
  readonly parameters = [];
  readonly #rate: number;
  readonly #width: number;
  readonly #random: RandomStream;
  /** 0 or 1/(1 − rate) for each number of the last training batch. */
  readonly #mask: Vector;
  readonly #output: Vector;
  readonly #inputGradient: Vector;

  constructor(rate: number, width: number, batchSize: number, precision: Precision, random: RandomStream) {
    this.#rate = rate;
    this.#width = width;
    this.#random = random;
    this.#mask = vector(precision, batchSize * width);
    this.#output = vector(precision, batchSize * width);
    this.#inputGradient = vector(precision, batchSize * width);
  }

  forward(input: Vector, rows: number, training: boolean): Vector {
    if (!training) return input;
    const kept = 1 / (1 - this.#rate);
    const mask = this.#mask;
    const output = this.#output;
    const length = rows * this.#width;
    for (let i = 0; i < length; i++) {
      const factor = this.#random.next() < this.#rate ? 0 : kept;
      mask[i] = factor;
      output[i] = factor * (input[i] as number);
    }
    return output;
  }

  backward(outputGradient: Vector, rows: number): Vector {
    const gradient = this.#inputGradient;
    const length = rows * this.#width;
    for (let i = 0; i < length; i++) gradient[i] = (outputGradient[i] as number) * (this.#mask[i] as number);
    return gradient;
  }
}
