import type { ActivationName } from "../model/definition.ts";
import type { Layer, Precision, Vector } from "./layer.ts";
import { vector } from "./layer.ts";

/** Every activation that works on one number at a time; softmax works on whole rows and is its own layer. */
export type PointwiseName = Exclude<ActivationName, "softmax">;

interface Pointwise {
  readonly value: (x: number) => number;
  /** The derivative, from the input x and the already computed output y, whichever is cheaper. */
  readonly slope: (x: number, y: number) => number;
}

/** sqrt(2/π) and 0.044715: the tanh form of GELU (Hendrycks & Gimpel 2016, section 2). */
const geluScale = Math.sqrt(2 / Math.PI);
const geluCubic = 0.044715;

function pointwise(name: PointwiseName, negativeSlope: number): Pointwise {
  switch (name) {
    case "linear":
      return { value: (x) => x, slope: () => 1 };
    // A NaN stays one here and below, or a diverged model would look like a dead one.
    case "relu":
      return { value: (x) => Math.max(x, 0), slope: (x) => (x > 0 ? 1 : 0) };
    case "leaky_relu":
      return { value: (x) => (x < 0 ? negativeSlope * x : x), slope: (x) => (x > 0 ? 1 : negativeSlope) };
    case "tanh":
      return { value: Math.tanh, slope: (_, y) => 1 - y * y };
    case "sigmoid":
      return { value: sigmoid, slope: (_, y) => y * (1 - y) };
    case "gelu":
      return {
        value: (x) => 0.5 * x * (1 + Math.tanh(geluScale * (x + geluCubic * x * x * x))),
        slope: (x) => {
          const t = Math.tanh(geluScale * (x + geluCubic * x * x * x));
          return 0.5 * (1 + t) + 0.5 * x * (1 - t * t) * geluScale * (1 + 3 * geluCubic * x * x);
        },
      };
  }
}

export function sigmoid(x: number): number {
  return 1 / (1 + Math.exp(-x));
}

export class PointwiseActivation implements Layer {
  readonly parameters = [];
  readonly #width: number;
  readonly #function: Pointwise;
  readonly #output: Vector;
  readonly #inputGradient: Vector;
  #input: Vector;

  constructor(name: PointwiseName, negativeSlope: number, width: number, batchSize: number, precision: Precision) {
    this.#width = width;
    this.#function = pointwise(name, negativeSlope);
    this.#output = vector(precision, batchSize * width);
    this.#inputGradient = vector(precision, batchSize * width);
    this.#input = this.#output;
  }

  forward(input: Vector, rows: number): Vector {
    this.#input = input;
    const { value } = this.#function;
    const output = this.#output;
    const length = rows * this.#width;
    for (let i = 0; i < length; i++) output[i] = value(input[i] as number);
    return output;
  }

  backward(outputGradient: Vector, rows: number): Vector {
    const { slope } = this.#function;
    const input = this.#input;
    const output = this.#output;
    const gradient = this.#inputGradient;
    const length = rows * this.#width;
    for (let i = 0; i < length; i++) {
      gradient[i] = (outputGradient[i] as number) * slope(input[i] as number, output[i] as number);
    }
    return gradient;
  }
}
