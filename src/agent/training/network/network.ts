import type { ActivationName, SizedLayer, SizedModel } from "../model/definition.ts";
import { RandomStream } from "../random.ts";
import { PointwiseActivation } from "./activation.ts";
import type { Initialisation } from "./dense.ts";
import { Dense } from "./dense.ts";
import { Dropout } from "./dropout.ts";
import type { Layer, Parameter, Precision, Vector } from "./layer.ts";
import { vector } from "./layer.ts";
import type { Loss } from "./loss.ts";
import { makeLoss } from "./loss.ts";
import { Softmax } from "./softmax.ts";

/** A model with weights, able to run batches of up to `batchSize` rows. */
export class Network {
  readonly loss: Loss;
  readonly parameters: readonly Parameter[];
  readonly #layers: readonly Layer[];
  readonly #outputGradient: Vector;

  /** Fresh weights drawn from `seed`. Allocates everything it will ever need. */
  constructor(
    readonly model: SizedModel,
    readonly batchSize: number,
    seed: number,
    readonly precision: Precision = "float32",
    /** Names the stream that dropout draws from. */
    dropoutStream = "dropout",
  ) {
    const initial = new RandomStream(seed, "weights");
    const dropout = new RandomStream(seed, dropoutStream);
    const make = (layer: SizedLayer, index: number): Layer => {
      if (layer.type === "dense") {
        const initialisation = initialisationFor(model.layers, index);
        const options = { ...layer, name: `layers.${index}`, initialisation, first: index === 0 };
        return new Dense(options, batchSize, precision, initial);
      }
      const { width } = layer;
      if (layer.type === "dropout") return new Dropout(layer.rate, width, batchSize, precision, dropout);
      if (layer.activation === "softmax") return new Softmax(width, batchSize, precision);
      return new PointwiseActivation(layer.activation, layer.slope, width, batchSize, precision);
    };
    this.#layers = model.layers.map(make);
    this.parameters = this.#layers.flatMap((layer) => layer.parameters);
    this.loss = makeLoss(model.loss, model.outputs);
    this.#outputGradient = vector(precision, batchSize * model.outputs);
  }

  /** Raw outputs of `rows` samples; valid until the next call. */
  forward(input: Vector, rows: number, training: boolean): Vector {
    let values = input;
    for (const layer of this.#layers) values = layer.forward(values, rows, training);
    return values;
  }

  /** After a training `forward`: sets every parameter's gradient. */
  backward(outputs: Vector, targets: Vector, rows: number): void {
    this.loss.gradient(outputs, targets, rows, this.#outputGradient);
    let gradient = this.#outputGradient;
    for (const layer of this.#layers.toReversed()) gradient = layer.backward(gradient, rows);
  }
}

const rectifiers: ReadonlySet<ActivationName> = new Set(["relu", "leaky_relu", "gelu"]);

/** By the activation that follows the dense layer, over any dropout. */
function initialisationFor(layers: readonly SizedLayer[], index: number): Initialisation {
  const next = layers.slice(index + 1).find((layer) => layer.type !== "dropout");
  return next?.type === "activation" && rectifiers.has(next.activation) ? "he" : "glorot";
}
