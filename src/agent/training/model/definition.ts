/** The model as the engine works with it: what `parseModelDefinition` makes of the JSON, every default filled in. */

export type ActivationName = "relu" | "leaky_relu" | "tanh" | "sigmoid" | "gelu" | "softmax" | "linear";
export type LossName = "cross_entropy" | "binary_cross_entropy" | "mse";
export type OptimizerName = "sgd" | "adam" | "adamw" | "rmsprop";

export type LayerDefinition =
  /** `units` is null only on the last dense layer, and means "as many outputs as the data needs". */
  | { readonly type: "dense"; readonly units: number | null; readonly bias: boolean }
  | { readonly type: "activation"; readonly activation: ActivationName; readonly slope: number }
  | { readonly type: "dropout"; readonly rate: number };

export interface OptimizerDefinition {
  readonly name: OptimizerName;
  readonly learningRate: number;
  /** sgd and rmsprop. */
  readonly momentum: number;
  readonly nesterov: boolean;
  /** L2 penalty for sgd, adam and rmsprop; decoupled decay for adamw. Never applied to biases. */
  readonly weightDecay: number;
  /** adam and adamw. */
  readonly beta1: number;
  readonly beta2: number;
  /** rmsprop: how much of the running mean square is kept. */
  readonly rho: number;
  readonly epsilon: number;
}

export interface ModelDefinition {
  readonly name: string;
  /** Features per row; null takes what the dataset has. */
  readonly inputs: number | null;
  /**
   * Layers up to the loss. A softmax in front of cross_entropy and a sigmoid in front of binary_cross_entropy are not
   * listed: those losses contain them, which is exact where the two steps apart would overflow.
   */
  readonly layers: readonly LayerDefinition[];
  readonly loss: LossName;
  readonly optimizer: OptimizerDefinition;
}

/** A model whose sizes are all known. */
export interface SizedModel extends ModelDefinition {
  readonly inputs: number;
  readonly outputs: number;
  readonly layers: readonly SizedLayer[];
}
export type SizedLayer =
  | { readonly type: "dense"; readonly inputs: number; readonly units: number; readonly bias: boolean }
  | { readonly type: "activation"; readonly width: number; readonly activation: ActivationName; readonly slope: number }
  | { readonly type: "dropout"; readonly width: number; readonly rate: number };

export const modelLimits = {
  /** Characters of JSON text. */
  definitionLength: 4 * 1024 * 1024,
  layers: 256,
  units: 65_536,
  /** Weights and biases together: 200 MB of float32, 800 MB with gradients and Adam's two moments. */
  parameters: 50_000_000,
} as const;
