import { TrainingError } from "../errors.ts";
import type { LayerDefinition, LossName, ModelDefinition } from "./definition.ts";
import { modelLimits } from "./definition.ts";
import { Fields, oneOf, refusal } from "./fields.ts";
import { parseLayer } from "./parse-layer.ts";
import { parseOptimizer } from "./parse-optimizer.ts";

export interface ParsedModel {
  readonly definition: ModelDefinition;
  /** Things that were ignored, for the job's log. */
  readonly warnings: readonly string[];
}

export const lossNames: Readonly<Record<string, LossName>> = {
  crossentropy: "cross_entropy",
  categoricalcrossentropy: "cross_entropy",
  sparsecategoricalcrossentropy: "cross_entropy",
  crossentropyloss: "cross_entropy",
  nll: "cross_entropy",
  mse: "mse",
  meansquarederror: "mse",
  mseloss: "mse",
  binarycrossentropy: "binary_cross_entropy",
  bce: "binary_cross_entropy",
  bceloss: "binary_cross_entropy",
};

const example = '{"layers":[{"type":"dense","units":64,"activation":"relu"},{"type":"dense"}],"loss":"cross_entropy"}';

/**
 * Reads `JobConfig.model_definition` (format: docs/model-format.md). `lossOverride` is the hyperparameter `loss`, which
 * decides whether a final softmax belongs to the loss. Throws TrainingError "invalid_model".
 */
export function parseModelDefinition(text: string, lossOverride?: LossName): ParsedModel {
  if (text.length > modelLimits.definitionLength) {
    throw new TrainingError(
      "invalid_model",
      `model_definition: ${text.length} characters are too many; use at most ${modelLimits.definitionLength}`,
    );
  }
  if (text.trim() === "")
    throw new TrainingError("invalid_model", `model_definition is empty; use JSON such as ${example}`);
  const warnings: string[] = [];
  const json = parseJson(text);
  const root = new Fields("model_definition", Array.isArray(json) ? { layers: json } : json, `JSON such as ${example}`);

  const kind = root.text(["type"], 100);
  if (kind !== undefined) oneOf("model_definition.type", kind, { sequential: "sequential", mlp: "sequential" });
  const name = root.text(["name"], 200) ?? "model";
  let inputs = root.whole(["inputs", "input", "input_size", "input_dim", "in_features"], 1, modelLimits.units) ?? null;

  const written = root.raw("layers")?.value;
  if (!Array.isArray(written) || written.length === 0 || written.length > modelLimits.layers) {
    const found = Array.isArray(written) ? `a list of ${written.length}` : written;
    throw refusal("model_definition.layers", found, `a list of 1 to ${modelLimits.layers} layers`);
  }
  const layers: LayerDefinition[] = [];
  for (const [index, value] of written.entries()) {
    const parsed = parseLayer(`model_definition.layers[${index}]`, value, {
      last: index === written.length - 1,
      first: index === 0,
    });
    layers.push(...parsed.layers);
    inputs = parsed.inputs ?? inputs;
    warnings.push(...parsed.warnings);
  }
  requireDenseLayers(layers);

  const writtenLoss = root.raw("loss")?.value;
  const loss =
    lossOverride ??
    (writtenLoss === undefined ? impliedLoss(layers) : oneOf("model_definition.loss", writtenLoss, lossNames));
  const { optimizer, warnings: optimizerWarnings } = parseOptimizer("model_definition.optimizer", root);
  warnings.push(...optimizerWarnings, ...root.leftovers());
  return { definition: { name, inputs, layers: withoutLossActivation(layers, loss), loss, optimizer }, warnings };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new TrainingError("invalid_model", `model_definition is not JSON (${reason}); use JSON such as ${example}`);
  }
}

/** Only the last dense layer may leave its size to the data. */
function requireDenseLayers(layers: readonly LayerDefinition[]): void {
  const lastDense = layers.findLastIndex((layer) => layer.type === "dense");
  if (lastDense < 0) throw refusal("model_definition.layers", "no dense layer", "at least one dense layer");
  let dense = 0;
  for (const [index, layer] of layers.entries()) {
    if (layer.type !== "dense") continue;
    dense++;
    if (layer.units === null && index !== lastDense) {
      throw refusal(
        `model_definition: dense layer number ${dense} without units`,
        layer.units,
        `a whole number from 1 to ${modelLimits.units}; only the last dense layer takes its size from the data`,
      );
    }
  }
}

/** What a model means that names no loss: by its last activation, else by its number of outputs. */
function impliedLoss(layers: readonly LayerDefinition[]): LossName {
  const last = layers.at(-1);
  const units = layers.findLast((layer) => layer.type === "dense")?.units ?? null;
  if (last?.type === "activation" && last.activation === "softmax") return "cross_entropy";
  if (last?.type === "activation" && last.activation === "sigmoid")
    return units === 1 || units === null ? "binary_cross_entropy" : "mse";
  return units === 1 ? "mse" : "cross_entropy";
}

function withoutLossActivation(layers: readonly LayerDefinition[], loss: LossName): readonly LayerDefinition[] {
  const last = layers.at(-1);
  const contained = loss === "cross_entropy" ? "softmax" : loss === "binary_cross_entropy" ? "sigmoid" : null;
  return last?.type === "activation" && last.activation === contained ? layers.slice(0, -1) : layers;
}
