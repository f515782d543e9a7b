import type { Target } from "../dataset/labels.ts";
import { outputsFor } from "../dataset/labels.ts";
import type { Normalisation } from "../dataset/normalisation.ts";
import { TrainingError } from "../errors.ts";
import type { ModelDefinition, SizedModel } from "../model/definition.ts";
import { parseModelDefinition } from "../model/parse.ts";
import { parameterShapes, sizeModel } from "../model/size.ts";
import { writeModelDefinition } from "../model/write.ts";
import { Network } from "../network/network.ts";
import type { Tensor } from "./safetensors.ts";
import { damaged, decodeTensors, encodeTensors } from "./safetensors.ts";

/** A model with everything needed to use it on new rows. */
export interface TrainedModel {
  readonly model: SizedModel;
  /** The feature columns, in the order the network takes them. */
  readonly columns: readonly string[];
  readonly label: string;
  readonly target: Target;
  /** How features were normalised; null: as they came. */
  readonly normalisation: Normalisation | null;
  /** How the label of a regression was normalised; predictions are scaled back by it. */
  readonly targetNormalisation: Normalisation | null;
  readonly weights: readonly Tensor[];
}

/** Metadata keys of the weights file; docs/model-format.md describes each. */
const formatName = "cyxwiz.model";
const formatVersion = "1";

/** The weights file in pieces to be written in order. */
export function encodeModel(trained: TrainedModel): readonly Uint8Array[] {
  return encodeTensors(trained.weights, {
    format: formatName,
    format_version: formatVersion,
    model_definition: writeModelDefinition(trained.model),
    columns: JSON.stringify(trained.columns),
    label: trained.label,
    classes: JSON.stringify(trained.target.kind === "classes" ? trained.target.classes : null),
    normalization: JSON.stringify(trained.normalisation),
    label_normalization: JSON.stringify(trained.targetNormalisation),
  });
}

/** Reads a weights file whole. Throws TrainingError "invalid_weights" for one that is damaged or of another maker. */
export function decodeModel(bytes: Uint8Array): TrainedModel {
  const { metadata, tensors } = decodeTensors(bytes);
  if (metadata.format !== formatName || metadata.format_version !== formatVersion) {
    throw damaged(
      `it was not written by this engine (its metadata lack format ${formatName}, version ${formatVersion})`,
    );
  }
  const columns = texts(metadata, "columns");
  if (columns === null) throw damaged("its metadata lack columns");
  const classes = texts(metadata, "classes");
  const target: Target = classes === null ? { kind: "number" } : { kind: "classes", classes };
  const model = readModel(metadata.model_definition ?? "", columns.length, target);
  const weights = parameterShapes(model).map(({ name, shape }): Tensor => {
    const tensor = tensors.get(name);
    if (tensor === undefined || tensor.shape.join() !== shape.join()) {
      throw damaged(`tensor ${name} of shape [${shape.join(", ")}] is missing or has another shape`);
    }
    return tensor;
  });
  return {
    model,
    columns,
    label: metadata.label ?? "",
    target,
    normalisation: normalisation(metadata, "normalization", columns.length),
    targetNormalisation: normalisation(metadata, "label_normalization", 1),
    weights,
  };
}

/** A network ready to predict with these weights, `batchSize` rows at a time. */
export function networkOf(trained: TrainedModel, batchSize: number): Network {
  const network = new Network(trained.model, batchSize, 0);
  for (const [index, parameter] of network.parameters.entries()) {
    const tensor = trained.weights[index];
    if (tensor !== undefined) parameter.value.set(tensor.data);
  }
  return network;
}

/** The network's weights as they are to be kept. */
export function weightsOf(network: Network): readonly Tensor[] {
  return network.parameters.map(({ name, shape, value }) => ({
    name,
    shape,
    data: value instanceof Float32Array ? value : Float32Array.from(value),
  }));
}

function readModel(text: string, features: number, target: Target): SizedModel {
  try {
    const definition: ModelDefinition = parseModelDefinition(text).definition;
    if ((definition.loss === "mse") !== (target.kind === "number")) throw damaged("its classes do not fit its loss");
    return sizeModel(definition, features, outputsFor(definition.loss, target));
  } catch (error) {
    if (error instanceof TrainingError && error.code !== "invalid_weights") throw damaged(error.message);
    throw error;
  }
}

function json(metadata: Readonly<Record<string, string>>, key: string): unknown {
  try {
    return JSON.parse(metadata[key] ?? "null");
  } catch {
    throw damaged(`its metadata field ${key} is not JSON`);
  }
}

function texts(metadata: Readonly<Record<string, string>>, key: string): readonly string[] | null {
  const value = json(metadata, key);
  if (value === null) return null;
  if (Array.isArray(value) && value.length > 0 && value.every((each) => typeof each === "string")) return value;
  throw damaged(`its metadata field ${key} is not a list of texts`);
}

function normalisation(metadata: Readonly<Record<string, string>>, key: string, width: number): Normalisation | null {
  const value = json(metadata, key);
  if (value === null) return null;
  if (typeof value === "object" && "mean" in value && "deviation" in value) {
    const { mean, deviation } = value;
    if (isNumbers(mean, width) && isNumbers(deviation, width) && deviation.every((each) => each > 0))
      return { mean, deviation };
  }
  throw damaged(`its metadata field ${key} is not a mean and a deviation for each of ${width} columns`);
}

function isNumbers(value: unknown, length: number): value is readonly number[] {
  return Array.isArray(value) && value.length === length && value.every((each) => Number.isFinite(each));
}
