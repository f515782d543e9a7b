import type { OptimizerDefinition, SizedLayer, SizedModel } from "./definition.ts";

/** A model back in the JSON that `parseModelDefinition` reads, nothing left to defaults. */
export function writeModelDefinition(model: SizedModel): string {
  return JSON.stringify({
    name: model.name,
    inputs: model.inputs,
    layers: model.layers.map(writeLayer),
    loss: model.loss,
    optimizer: writeOptimizer(model.optimizer),
  });
}

function writeLayer(layer: SizedLayer): Record<string, unknown> {
  switch (layer.type) {
    case "dense":
      return { type: "dense", units: layer.units, bias: layer.bias };
    case "activation": {
      const slope = layer.activation === "leaky_relu" ? { negative_slope: layer.slope } : {};
      return { type: "activation", activation: layer.activation, ...slope };
    }
    case "dropout":
      return { type: "dropout", rate: layer.rate };
  }
}

function writeOptimizer(optimizer: OptimizerDefinition): Record<string, unknown> {
  return {
    type: optimizer.name,
    learning_rate: optimizer.learningRate,
    momentum: optimizer.momentum,
    nesterov: optimizer.nesterov,
    weight_decay: optimizer.weightDecay,
    beta1: optimizer.beta1,
    beta2: optimizer.beta2,
    rho: optimizer.rho,
    epsilon: optimizer.epsilon,
  };
}
