import type { ActivationName, LayerDefinition } from "./definition.ts";
import { modelLimits } from "./definition.ts";
import { Fields, foldName, listed, lookUp, oneOf, refusal } from "./fields.ts";

export const activationNames: Readonly<Record<string, ActivationName>> = {
  relu: "relu",
  leakyrelu: "leaky_relu",
  tanh: "tanh",
  sigmoid: "sigmoid",
  logistic: "sigmoid",
  gelu: "gelu",
  softmax: "softmax",
  linear: "linear",
  identity: "linear",
  none: "linear",
};

/** The usual slope left of zero for leaky_relu (Maas et al. 2013, and PyTorch's default). */
const defaultSlope = 0.01;

const denseTypes: ReadonlySet<string> = new Set(["dense", "fc", "fullyconnected"]);
const allowedLayers = `${listed(["dense", "activation", "dropout", ...Object.values(activationNames)])}`;

interface ParsedLayer {
  readonly layers: readonly LayerDefinition[];
  /** The input width, where the layer states it. */
  readonly inputs?: number;
  readonly warnings: readonly string[];
}

/**
 * One entry of `layers`, which may be several layers (a dense layer carries its activation). Accepts the shorthands: a
 * number is a dense layer of that size (with relu unless it is the last), a text is an activation.
 */
export function parseLayer(
  path: string,
  value: unknown,
  place: { readonly first: boolean; readonly last: boolean },
): ParsedLayer {
  if (typeof value === "number") {
    const units = new Fields(path, { units: value }, "").whole(["units"], 1, modelLimits.units) ?? null;
    return { layers: [dense(units, true), ...(place.last ? [] : activation("relu", defaultSlope))], warnings: [] };
  }
  if (typeof value === "string") {
    const name = lookUp(activationNames, value);
    if (name === undefined)
      throw refusal(
        path,
        value,
        `${listed(Object.values(activationNames))}, or an object such as {"type":"dropout","rate":0.2}`,
      );
    return { layers: activation(name, defaultSlope), warnings: [] };
  }
  const fields = new Fields(path, value, 'an object such as {"type":"dense","units":64,"activation":"relu"}');
  fields.raw("name"); // Keras writes one; it changes nothing.
  const parsed = parseTyped(path, fields, place);
  return { ...parsed, warnings: fields.leftovers() };
}

function parseTyped(path: string, fields: Fields, place: { readonly first: boolean }): Omit<ParsedLayer, "warnings"> {
  const type = fields.raw("type", "layer", "kind")?.value ?? (fields.raw("units") === undefined ? undefined : "dense");
  const folded = typeof type === "string" ? foldName(type) : "";
  const unitsNames = ["units", "out_features", "output_size", "neurons", "size"];

  // PyTorch calls a dense layer Linear; as an activation the word has no size.
  if (denseTypes.has(folded) || (folded === "linear" && fields.raw(...unitsNames) !== undefined)) {
    const written = fields.raw(...unitsNames)?.value;
    const units = written === "auto" ? null : (fields.whole(unitsNames, 1, modelLimits.units) ?? null);
    const inputs = fields.whole(["in_features", "input_size", "input_dim"], 1, modelLimits.units);
    const layer = dense(units, fields.flag(["bias", "use_bias"]) ?? true);
    const name = fields.raw("activation")?.value;
    const after =
      name === undefined ? [] : activation(oneOf(`${path}.activation`, name, activationNames), readSlope(fields));
    return { layers: [layer, ...after], ...(place.first && inputs !== undefined ? { inputs } : {}) };
  }
  if (folded === "dropout") {
    const rate = fields.real(["rate", "p", "probability"], { min: 0, max: 1, maxOpen: true }) ?? 0.5;
    return { layers: rate === 0 ? [] : [{ type: "dropout", rate }] };
  }
  if (folded === "activation") {
    const name = fields.raw("activation", "function")?.value;
    return { layers: activation(oneOf(`${path}.activation`, name, activationNames), readSlope(fields)) };
  }
  if (folded === "input") {
    if (!place.first) throw refusal(`${path}.type`, type, "an input layer only as the first layer");
    const inputs = fields.whole(["units", "size", "inputs", "features", "input_size"], 1, modelLimits.units);
    return { layers: [], ...(inputs === undefined ? {} : { inputs }) };
  }
  // Rows of a table are flat already.
  if (folded === "flatten") return { layers: [] };
  const name = typeof type === "string" ? lookUp(activationNames, type) : undefined;
  if (name === undefined) throw refusal(`${path}.type`, type, allowedLayers);
  return { layers: activation(name, readSlope(fields)) };
}

function dense(units: number | null, bias: boolean): LayerDefinition {
  return { type: "dense", units, bias };
}

/** Nothing for linear, which changes nothing. */
function activation(name: ActivationName, slope: number): readonly LayerDefinition[] {
  return name === "linear" ? [] : [{ type: "activation", activation: name, slope }];
}

function readSlope(fields: Fields): number {
  return fields.real(["negative_slope", "slope", "alpha"], { min: 0, max: 1 }) ?? defaultSlope;
}
