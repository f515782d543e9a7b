import { describe, expect, test } from "bun:test";
import { overriddenOptimizer } from "../../../src/agent/training/hyperparameters.ts";
import type { ModelDefinition } from "../../../src/agent/training/model/definition.ts";
import { parseModelDefinition } from "../../../src/agent/training/model/parse.ts";
import { sizeModel } from "../../../src/agent/training/model/size.ts";
import { writeModelDefinition } from "../../../src/agent/training/model/write.ts";
import { hyper } from "./models.ts";

const parse = (json: unknown): ModelDefinition => parseModelDefinition(JSON.stringify(json)).definition;
const dense = (units: number | null) => ({ type: "dense", units, bias: true });
const relu = { type: "activation", activation: "relu", slope: 0.01 };

describe("a refusal names the field, the value and what is allowed", () => {
  const cases: [unknown, string][] = [
    [
      { layers: ["relu", 4, { type: "dense", units: -3 }] },
      "model_definition.layers[2].units: -3 is not allowed; use a whole number from 1 to 65536",
    ],
    [{ layers: [{ type: "dense", units: 1e9 }] }, "model_definition.layers[0].units: 1000000000 is not allowed"],
    [{ layers: [{ type: "dense", units: "64" }] }, 'model_definition.layers[0].units: "64" is not allowed'],
    [
      { layers: [{ type: "conv2d" }, 2] },
      'model_definition.layers[0].type: "conv2d" is not allowed; use dense, activation, dropout, relu',
    ],
    [
      { layers: [{ type: "dense", units: 2, activation: "swish" }] },
      'model_definition.layers[0].activation: "swish" is not allowed; use relu, leaky_relu',
    ],
    [
      { layers: [{ type: "dropout", rate: 1 }, 2] },
      "model_definition.layers[0].rate: 1 is not allowed; use a number from 0 and below 1",
    ],
    [{ layers: [] }, 'model_definition.layers: "a list of 0" is not allowed; use a list of 1 to 256 layers'],
    [{ layers: ["relu"] }, "at least one dense layer"],
    [{}, "model_definition.layers: undefined is not allowed"],
    [
      { layers: [2], loss: "hinge" },
      'model_definition.loss: "hinge" is not allowed; use cross_entropy, mse or binary_cross_entropy',
    ],
    [
      { layers: [2], optimizer: "lion" },
      'model_definition.optimizer: "lion" is not allowed; use sgd, adam, adamw or rmsprop',
    ],
    [
      { layers: [2], optimizer: { type: "adam", learning_rate: 0 } },
      "model_definition.optimizer.learning_rate: 0 is not allowed; use a number above 0 and up to 10",
    ],
    [{ layers: [2], optimizer: { type: "sgd", momentum: 1 } }, "model_definition.optimizer.momentum: 1 is not allowed"],
    [{ layers: [{ type: "dense" }, 2] }, "only the last dense layer takes its size from the data"],
    [7, "model_definition: 7 is not allowed"],
  ];
  for (const [json, message] of cases) {
    test(message.slice(0, 80), () => expect(() => parse(json)).toThrow(message));
  }
  test("text that is not JSON, or nothing at all", () => {
    expect(() => parseModelDefinition("{layers")).toThrow("model_definition is not JSON");
    expect(() => parseModelDefinition(" ")).toThrow("model_definition is empty");
  });
});

describe("shorthands", () => {
  test("a list of numbers is hidden layers with relu and an output", () => {
    expect(parse([128, 64, 10]).layers as unknown).toEqual([dense(128), relu, dense(64), relu, dense(10)]);
  });
  test("names of Keras and PyTorch are understood", () => {
    const keras = {
      type: "Sequential",
      layers: [
        { type: "Input", units: 4 },
        { type: "Flatten" },
        { type: "Dense", units: 8, activation: "ReLU" },
        { type: "Dense", units: 3, activation: "Softmax" },
      ],
      loss: "sparse_categorical_crossentropy",
      optimizer: "Adam",
    };
    const torch = {
      layers: [
        { type: "Linear", in_features: 4, out_features: 8 },
        { type: "ReLU" },
        { type: "Linear", out_features: 3 },
      ],
      loss: "CrossEntropyLoss",
    };
    expect(parse(keras)).toEqual({ ...parse(torch), name: "model" });
    expect(parse(torch).inputs).toBe(4);
  });
  test("a softmax in front of cross_entropy and a sigmoid in front of its binary sister belong to the loss", () => {
    expect(parse({ layers: [{ type: "dense", units: 3, activation: "softmax" }] })).toMatchObject({
      layers: [dense(3)],
      loss: "cross_entropy",
    });
    expect(parse({ layers: [{ type: "dense", units: 1, activation: "sigmoid" }] })).toMatchObject({
      layers: [dense(1)],
      loss: "binary_cross_entropy",
    });
    expect(parse({ layers: [{ type: "dense", units: 1, activation: "sigmoid" }], loss: "mse" }).layers).toHaveLength(2);
  });
  test("without a loss one output is a regression and several are classes", () => {
    expect(parse([8, 1]).loss).toBe("mse");
    expect(parse([8, 3]).loss).toBe("cross_entropy");
  });
});

test("fields of no meaning are reported and do not fail the job", () => {
  const { warnings } = parseModelDefinition(
    JSON.stringify({ layers: [{ type: "dense", units: 2, unitss: 3 }], author: "me" }),
  );
  expect(warnings).toEqual([
    "model_definition.layers[0].unitss is not a field of the format and has no effect",
    "model_definition.author is not a field of the format and has no effect",
  ]);
});

describe("sizes", () => {
  test("the last dense layer takes its units from the data", () => {
    expect(sizeModel(parse({ layers: [8, { type: "dense" }] }), 4, 3).layers.at(-1)).toMatchObject({
      inputs: 8,
      units: 3,
    });
  });
  test("a wrong number of outputs or inputs is refused with the right one", () => {
    expect(() => sizeModel(parse([8, 5]), 4, 3)).toThrow(
      "cross_entropy needs one output for each of the 3 classes of the label; use 3 or leave units out",
    );
    expect(() => sizeModel(parse({ inputs: 5, layers: [3] }), 4, 3)).toThrow(
      "model_definition.inputs: 5 does not match the dataset, which has 4 features",
    );
  });
  test("too many parameters are refused before anything is allocated", () => {
    expect(() => sizeModel(parse([65_536, 65_536, 65_536, 3]), 64, 3)).toThrow(
      "parameters are too many; use at most 50000000",
    );
  });
});

test("a written model reads back as the same model", () => {
  const json = {
    name: "m",
    layers: [
      { type: "dense", units: 8, bias: false, activation: "leaky_relu" },
      { type: "dropout", rate: 0.1 },
      { type: "dense", units: 3, activation: "softmax" },
    ],
    optimizer: { type: "sgd", learning_rate: 0.5, momentum: 0.9 },
  };
  const sized = sizeModel(parse(json), 4, 3);
  expect(sizeModel(parseModelDefinition(writeModelDefinition(sized)).definition, 4, 3)).toEqual(sized);
});

describe("hyperparameters", () => {
  test("override the model's optimiser, field by field", () => {
    const model = parse({ layers: [2], optimizer: { type: "sgd", learning_rate: 0.5, momentum: 0.9 } });
    expect(overriddenOptimizer(model, hyper({ learning_rate: "0.1" }))).toMatchObject({
      name: "sgd",
      learningRate: 0.1,
      momentum: 0.9,
    });
  });
  test("naming another optimiser brings that one's defaults", () => {
    const model = parse({ layers: [2], optimizer: { type: "sgd", learning_rate: 0.5, momentum: 0.9 } });
    expect(overriddenOptimizer(model, hyper({ optimizer: "AdamW" }))).toMatchObject({
      name: "adamw",
      learningRate: 0.001,
      weightDecay: 0.01,
    });
  });
  test("out of bounds are refused by name", () => {
    expect(() => hyper({ learning_rate: "fast" })).toThrow(
      'hyperparameters.learning_rate: "fast" is not allowed; use a number above 0 and up to 10',
    );
    expect(() => hyper({ validation_split: "1" })).toThrow("hyperparameters.validation_split");
    expect(() => hyper({ seed: "-1" })).toThrow("hyperparameters.seed");
    expect(() => hyper({ shuffle: "maybe" })).toThrow(
      'hyperparameters.shuffle: "maybe" is not allowed; use true or false',
    );
  });
  test("the platform's own are left alone, unknown ones are reported", () => {
    expect(hyper({ "cyxwiz.region": "eu" }).warnings).toEqual([]);
    expect(hyper({ learnin_rate: "1" }).warnings[0]).toStartWith(
      "hyperparameters.learnin_rate is not known and has no effect",
    );
  });
});
