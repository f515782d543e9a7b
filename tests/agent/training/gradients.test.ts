import { describe, expect, test } from "bun:test";
import type { LossName, SizedModel } from "../../../src/agent/training/model/definition.ts";
import { parseModelDefinition } from "../../../src/agent/training/model/parse.ts";
import { sizeModel } from "../../../src/agent/training/model/size.ts";
import { Network } from "../../../src/agent/training/network/network.ts";
import { RandomStream } from "../../../src/agent/training/random.ts";

const rows = 7; // not a multiple of the four rows the kernels take together
const features = 5;
const seed = 3;

function model(layers: unknown[], loss: LossName, outputs: number): SizedModel {
  const { definition } = parseModelDefinition(JSON.stringify({ layers, loss }));
  return sizeModel(definition, features, outputs);
}

/** The largest difference between backward() and central differences, relative to the size of the two. */
function worstGradientError(sized: SizedModel): number {
  const random = new RandomStream(seed, "test data");
  const input = Float64Array.from({ length: rows * features }, () => random.normal());
  const targets = Float64Array.from({ length: rows }, () => {
    if (sized.loss === "mse") return random.normal();
    return Math.floor(random.next() * (sized.loss === "cross_entropy" ? sized.outputs : 2));
  });
  const network = new Network(sized, rows, seed, "float64");
  network.backward(network.forward(input, rows, true), targets, rows);

  // A fresh network of the same seed draws the same dropout mask in its first batch.
  const lossWith = (parameter: number, index: number, change: number): number => {
    const probe = new Network(sized, rows, seed, "float64");
    const value = probe.parameters[parameter]!.value;
    value[index] = value[index]! + change;
    return probe.loss.sum(probe.forward(input, rows, true), targets, rows) / rows;
  };
  let worst = 0;
  for (const [which, { gradient }] of network.parameters.entries()) {
    for (let index = 0; index < gradient.length; index++) {
      const step = 1e-5;
      const expected = (lossWith(which, index, step) - lossWith(which, index, -step)) / (2 * step);
      const actual = gradient[index]!;
      worst = Math.max(worst, Math.abs(actual - expected) / Math.max(Math.abs(actual) + Math.abs(expected), 1e-3));
    }
  }
  return worst;
}

describe("backward agrees with finite differences", () => {
  for (const activation of ["relu", "leaky_relu", "tanh", "sigmoid", "gelu", "softmax", "linear"]) {
    test(`through ${activation}`, () => {
      const hidden = { type: "dense", units: 6, activation };
      expect(worstGradientError(model([hidden, hidden, { type: "dense" }], "cross_entropy", 3))).toBeLessThan(1e-5);
    });
  }
  test("through dropout, with the mask of the same batch", () => {
    const layers = [{ type: "dense", units: 9, activation: "tanh" }, { type: "dropout", rate: 0.4 }, { type: "dense" }];
    expect(worstGradientError(model(layers, "cross_entropy", 3))).toBeLessThan(1e-5);
  });
  test("through a dense layer without bias", () => {
    const layers = [{ type: "dense", units: 9, bias: false, activation: "tanh" }, { type: "dense" }];
    expect(worstGradientError(model(layers, "cross_entropy", 3))).toBeLessThan(1e-5);
  });
  for (const [loss, outputs] of [
    ["cross_entropy", 4],
    ["binary_cross_entropy", 1],
    ["mse", 1],
  ] as const) {
    test(`of the loss ${loss}`, () => {
      expect(
        worstGradientError(model([{ type: "dense", units: 6, activation: "tanh" }, { type: "dense" }], loss, outputs)),
      ).toBeLessThan(1e-5);
    });
  }
  test("of mse over a sigmoid output", () => {
    const layers = [
      { type: "dense", units: 6, activation: "tanh" },
      { type: "dense", activation: "sigmoid" },
    ];
    expect(worstGradientError(model(layers, "mse", 1))).toBeLessThan(1e-5);
  });
});

test("losses stay finite where probabilities underflow", () => {
  const outputs = Float64Array.of(1000, -1000);
  const crossEntropy = new Network(model([{ type: "dense" }], "cross_entropy", 2), 1, seed, "float64").loss;
  expect(crossEntropy.sum(outputs, Float64Array.of(1), 1)).toBe(2000);
  const binary = new Network(model([{ type: "dense" }], "binary_cross_entropy", 1), 1, seed, "float64").loss;
  expect(binary.sum(outputs, Float64Array.of(0), 1)).toBe(1000);
});
