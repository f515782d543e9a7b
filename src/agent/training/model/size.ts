import { TrainingError } from "../errors.ts";
import type { ModelDefinition, SizedLayer, SizedModel } from "./definition.ts";
import { modelLimits } from "./definition.ts";

/**
 * Fits a model to its data: `features` columns in, `outputs` values out. Counts before anything is allocated, so that
 * no definition, however large its numbers, costs memory.
 */
export function sizeModel(definition: ModelDefinition, features: number, outputs: number): SizedModel {
  if (definition.inputs !== null && definition.inputs !== features) {
    throw new TrainingError(
      "invalid_model",
      `model_definition.inputs: ${definition.inputs} does not match the dataset, which has ${features} features; use ${features} or leave it out`,
    );
  }
  const lastDense = definition.layers.findLastIndex((layer) => layer.type === "dense");
  let width = features;
  const layers = definition.layers.map((layer, index): SizedLayer => {
    if (layer.type !== "dense") return { ...layer, width };
    const inputs = width;
    width = layer.units ?? outputs;
    if (index === lastDense && width !== outputs) throw wrongOutputs(definition, width, outputs);
    return { type: "dense", inputs, units: width, bias: layer.bias };
  });
  const model: SizedModel = { ...definition, inputs: features, outputs, layers };
  const parameters = parameterCount(model);
  if (parameters > modelLimits.parameters) {
    throw new TrainingError(
      "too_large",
      `model_definition: ${parameters} parameters are too many; use at most ${modelLimits.parameters}`,
    );
  }
  return model;
}

/** Name and shape of every array a network of this model has, in order. */
export function parameterShapes(
  model: SizedModel,
): readonly { readonly name: string; readonly shape: readonly number[] }[] {
  return model.layers.flatMap((layer, index) => {
    if (layer.type !== "dense") return [];
    const weight = { name: `layers.${index}.weight`, shape: [layer.units, layer.inputs] };
    return layer.bias ? [weight, { name: `layers.${index}.bias`, shape: [layer.units] }] : [weight];
  });
}

export function parameterCount(model: SizedModel): number {
  return parameterShapes(model).reduce((sum, { shape }) => sum + shape.reduce((product, size) => product * size, 1), 0);
}

const bytesPerNumber = 4;

/**
 * Bytes training will allocate: parameters, their gradients and the optimiser's moments, and for each layer one batch of
 * outputs and of gradients. The data come on top.
 */
export function trainingMemory(model: SizedModel, batchSize: number): number {
  const widths = model.layers.reduce((sum, layer) => sum + (layer.type === "dense" ? layer.units : layer.width), 0);
  const perBatch = batchSize * (2 * (widths + model.inputs) + 2 * model.outputs);
  return bytesPerNumber * (4 * parameterCount(model) + perBatch);
}

function wrongOutputs(definition: ModelDefinition, units: number, outputs: number): TrainingError {
  const why =
    definition.loss === "cross_entropy"
      ? `cross_entropy needs one output for each of the ${outputs} classes of the label`
      : `${definition.loss} needs 1 output`;
  return new TrainingError(
    "invalid_model",
    `model_definition.layers: the last dense layer's units: ${units} is not allowed; ${why}; use ${outputs} or leave units out`,
  );
}
