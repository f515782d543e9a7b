import type { OptimizerDefinition, OptimizerName } from "./definition.ts";
import type { Range } from "./fields.ts";
import { Fields, oneOf } from "./fields.ts";

export const optimizerNames: Readonly<Record<string, OptimizerName>> = {
  sgd: "sgd",
  adam: "adam",
  adamw: "adamw",
  rmsprop: "rmsprop",
};

/** Bounds shared by the model definition and the hyperparameters that override it. */
export const optimizerRanges = {
  learningRate: { min: 0, minOpen: true, max: 10 },
  momentum: { min: 0, max: 1, maxOpen: true },
  weightDecay: { min: 0, max: 1 },
  beta: { min: 0, max: 1, maxOpen: true },
  epsilon: { min: 0, minOpen: true, max: 1 },
} as const satisfies Record<string, Range>;

/** The rates people start from: Kingma & Ba 2015 for the Adam family, Hinton's lecture for rmsprop. */
const defaultLearningRate: Readonly<Record<OptimizerName, number>> = {
  sgd: 0.01,
  adam: 0.001,
  adamw: 0.001,
  rmsprop: 0.001,
};
/** Only adamw decays without being asked to (Loshchilov & Hutter 2019, and PyTorch's default). */
const defaultWeightDecay: Readonly<Record<OptimizerName, number>> = { sgd: 0, adam: 0, adamw: 0.01, rmsprop: 0 };

/** An optimiser under its defaults, each replaced by what `given` states. */
export function optimizerWith(
  name: OptimizerName,
  given: { readonly [K in keyof OptimizerDefinition]?: OptimizerDefinition[K] | undefined },
): OptimizerDefinition {
  return {
    name,
    learningRate: given.learningRate ?? defaultLearningRate[name],
    momentum: given.momentum ?? 0,
    nesterov: given.nesterov ?? false,
    weightDecay: given.weightDecay ?? defaultWeightDecay[name],
    beta1: given.beta1 ?? 0.9,
    beta2: given.beta2 ?? 0.999,
    rho: given.rho ?? 0.9,
    epsilon: given.epsilon ?? 1e-8,
  };
}

/** Reads `optimizer` (a name, or an object) and a `learning_rate` written beside it. Adam when there is none. */
export function parseOptimizer(
  path: string,
  model: Fields,
): { readonly optimizer: OptimizerDefinition; readonly warnings: readonly string[] } {
  const beside = model.real(["learning_rate", "lr"], optimizerRanges.learningRate);
  const written = model.raw("optimizer")?.value;
  if (written === undefined || typeof written === "string") {
    const name = written === undefined ? "adam" : oneOf(path, written, optimizerNames);
    return { optimizer: optimizerWith(name, { learningRate: beside }), warnings: [] };
  }
  const fields = new Fields(path, written, 'a name, or an object such as {"type":"adam","learning_rate":0.001}');
  const named = fields.raw("type", "name");
  const name = named === undefined ? "adam" : oneOf(`${path}.${named.name}`, named.value, optimizerNames);
  const optimizer = optimizerWith(name, {
    learningRate: fields.real(["learning_rate", "lr"], optimizerRanges.learningRate) ?? beside,
    momentum: fields.real(["momentum"], optimizerRanges.momentum),
    nesterov: fields.flag(["nesterov"]),
    weightDecay: fields.real(["weight_decay"], optimizerRanges.weightDecay),
    beta1: fields.real(["beta1", "beta_1"], optimizerRanges.beta),
    beta2: fields.real(["beta2", "beta_2"], optimizerRanges.beta),
    rho: fields.real(["rho", "alpha"], optimizerRanges.beta),
    epsilon: fields.real(["epsilon", "eps"], optimizerRanges.epsilon),
  });
  return { optimizer, warnings: fields.leftovers() };
}
