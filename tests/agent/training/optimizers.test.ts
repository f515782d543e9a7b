import { describe, expect, test } from "bun:test";
import { optimizerWith } from "../../../src/agent/training/model/parse-optimizer.ts";
import type { Parameter } from "../../../src/agent/training/network/layer.ts";
import { clipGradients, makeOptimizer } from "../../../src/agent/training/network/optimizer.ts";

function parameter(value: number, gradient: number, decays = true): Parameter {
  return { name: "p", shape: [1], value: Float64Array.of(value), gradient: Float64Array.of(gradient), decays };
}

/** Two steps with the same gradient, so that the second shows the momentum. */
function afterTwoSteps(definition: ReturnType<typeof optimizerWith>, p: Parameter): number {
  const optimizer = makeOptimizer(definition, [p]);
  optimizer.step(0.1);
  optimizer.step(0.1);
  return p.value[0]!;
}

describe("each optimiser follows its formula over two steps of gradient 2", () => {
  test("sgd", () => {
    expect(afterTwoSteps(optimizerWith("sgd", {}), parameter(1, 2))).toBeCloseTo(1 - 0.2 - 0.2, 12);
  });
  test("sgd with momentum", () => {
    expect(afterTwoSteps(optimizerWith("sgd", { momentum: 0.9 }), parameter(1, 2))).toBeCloseTo(1 - 0.2 - 0.38, 12);
  });
  test("sgd with Nesterov momentum", () => {
    const definition = optimizerWith("sgd", { momentum: 0.9, nesterov: true });
    expect(afterTwoSteps(definition, parameter(1, 2))).toBeCloseTo(1 - 0.1 * (2 + 0.9 * 2) - 0.1 * (2 + 0.9 * 3.8), 12);
  });
  test("adam moves by the learning rate while the gradient is steady", () => {
    expect(afterTwoSteps(optimizerWith("adam", {}), parameter(1, 2))).toBeCloseTo(0.8, 7);
  });
  test("adamw shrinks weights apart from the gradient", () => {
    const definition = optimizerWith("adamw", { weightDecay: 0.5 });
    const once = 1 - 0.1 * 0.5 - 0.1;
    expect(afterTwoSteps(definition, parameter(1, 2))).toBeCloseTo(once - once * 0.05 - 0.1, 7);
  });
  test("rmsprop", () => {
    const first = 2 / Math.sqrt(0.1 * 4);
    const second = 2 / Math.sqrt(0.9 * 0.4 + 0.1 * 4);
    expect(afterTwoSteps(optimizerWith("rmsprop", {}), parameter(1, 2))).toBeCloseTo(1 - 0.1 * (first + second), 6);
  });
});

test("biases are not decayed", () => {
  const definition = optimizerWith("sgd", { weightDecay: 0.5 });
  expect(afterTwoSteps(definition, parameter(1, 0, false))).toBe(1);
  expect(afterTwoSteps(definition, parameter(1, 0, true))).toBeCloseTo(0.95 ** 2, 12);
});

test("clipping scales all gradients together and leaves small ones alone", () => {
  const parameters = [parameter(0, 3), parameter(0, 4)];
  clipGradients(parameters, 1);
  expect(parameters.map((each) => each.gradient[0]!)).toEqual([expect.closeTo(0.6, 12), expect.closeTo(0.8, 12)]);
  clipGradients(parameters, 10);
  expect(parameters[0]!.gradient[0]).toBeCloseTo(0.6, 12);
});
