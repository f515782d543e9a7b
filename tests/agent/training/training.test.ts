import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { defaultLimits, epochMetrics } from "../../../src/agent/training/job.ts";
import { RandomStream } from "../../../src/agent/training/random.ts";
import { job, run } from "./models.ts";

let directory = "";
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), "cyxwiz-training-"));
});
afterAll(() => rmSync(directory, { recursive: true, force: true }));

describe("a model learns", () => {
  test("iris to at least 0.93 on held-out flowers", async () => {
    const { finalMetrics } = await run(job({ epochs: 30 }), directory);
    expect(finalMetrics.val_accuracy).toBeGreaterThanOrEqual(0.93);
    expect(finalMetrics).toMatchObject({ epochs: 30, training_samples: 120, validation_samples: 30, parameters: 131 });
  });
  test("digits to at least 0.93 on held-out images in four epochs", async () => {
    const modelDefinition = JSON.stringify([64, 32, 10]);
    const { finalMetrics } = await run(job({ datasetUri: "digits", modelDefinition, epochs: 4 }), directory);
    expect(finalMetrics.val_accuracy).toBeGreaterThanOrEqual(0.93);
  });
  for (const optimizer of ["sgd", "adam", "adamw", "rmsprop"]) {
    test(`breast-cancer with one sigmoid output and ${optimizer}`, async () => {
      const modelDefinition = JSON.stringify({ layers: [16, { type: "dense", activation: "sigmoid" }], loss: "bce" });
      const hyperparameters = { optimizer, learning_rate: "0.01", ...(optimizer === "sgd" ? { momentum: "0.9" } : {}) };
      const { finalMetrics } = await run(
        job({ datasetUri: "breast-cancer", modelDefinition, hyperparameters, epochs: 10 }),
        directory,
      );
      expect(finalMetrics.val_accuracy).toBeGreaterThanOrEqual(0.93);
    });
  }
  test("a curve, as a regression reported in the label's own units", async () => {
    const random = new RandomStream(1, "curve");
    const rows = Array.from({ length: 400 }, () => {
      const [x, y] = [4 * random.next() - 2, 4 * random.next() - 2];
      return `${x},${y},${1000 + 100 * Math.sin(x) * y}`;
    });
    const datasetUri = join(directory, "curve.csv");
    writeFileSync(datasetUri, `x,y,z\n${rows.join("\n")}\n`);
    const modelDefinition = JSON.stringify({
      layers: [{ type: "dense", units: 32, activation: "tanh" }, 1],
      loss: "mse",
    });
    const { finalMetrics, epochs } = await run(job({ datasetUri, modelDefinition, epochs: 60 }), directory);
    expect(finalMetrics.val_r2).toBeGreaterThan(0.95);
    expect(finalMetrics.val_mae).toBeGreaterThan(0.1);
    expect(finalMetrics.val_mae).toBeLessThan(20);
    expect(epochs[0]).not.toHaveProperty("accuracy");
  });
});

test("the same seed gives the same weights to the bit, another seed others", async () => {
  const modelDefinition = JSON.stringify({ layers: [8, { type: "dropout", rate: 0.2 }, { type: "dense" }] });
  const digest = async (seed: string) =>
    (await run(job({ modelDefinition, hyperparameters: { seed } }), directory)).artifact?.sha256;
  const first = await digest("1");
  expect(await digest("1")).toBe(first);
  expect(await digest("2")).not.toBe(first);
});

test("every epoch is reported in the names of the wire", async () => {
  const { epochs } = await run(
    job({ epochs: 3, hyperparameters: { lr_schedule: "exponential", lr_decay: "0.5", learning_rate: "0.02" } }),
    directory,
  );
  expect(epochs.map((report) => [report.epoch, report.epochs])).toEqual([
    [1, 3],
    [2, 3],
    [3, 3],
  ]);
  expect(epochs.map((report) => report.learning_rate)).toEqual([0.02, 0.01, 0.005]);
  expect(Object.keys(epochMetrics(epochs[0]!)).sort()).toEqual([
    "accuracy",
    "learning_rate",
    "loss",
    "samples_per_second",
    "val_accuracy",
    "val_loss",
  ]);
});

test("without a validation split nothing is said about validation", async () => {
  const { epochs, finalMetrics } = await run(job({ hyperparameters: { validation_split: "0" } }), directory);
  expect(epochs[0]).not.toHaveProperty("val_loss");
  expect(finalMetrics).toMatchObject({ training_samples: 150, validation_samples: 0 });
});

test("a loss that leaves the finite numbers ends the job with advice", async () => {
  const modelDefinition = JSON.stringify({ layers: [16, 16, 1], loss: "mse" });
  const datasetUri = join(directory, "steep.csv");
  writeFileSync(datasetUri, Array.from({ length: 20 }, (_, i) => `${i * 1e6},${i * 1e9}`).join("\n"));
  const hyperparameters = { optimizer: "sgd", learning_rate: "10", normalize: "false" };
  const failed = run(job({ modelDefinition, datasetUri, hyperparameters, epochs: 50 }), directory);
  await expect(failed).rejects.toMatchObject({
    code: "diverged",
    message: expect.stringContaining("lower the learning rate (now 10)"),
  });
});

test("a job told to stop ends before the next mini-batch and leaves no file", async () => {
  const empty = mkdtempSync(join(directory, "stopped-"));
  let batches = 0;
  const stopped = run(job(), empty, { shouldStop: () => batches >= 3, onBatch: () => batches++ });
  await expect(stopped).rejects.toMatchObject({ code: "cancelled" });
  expect(batches).toBe(3);
  expect(readdirSync(empty)).toEqual([]);
});

test("a job that needs more memory than the node gives is refused with both figures", async () => {
  const tooLarge = run(job({ modelDefinition: "[4096, 4096, 3]" }), directory, {
    limits: { ...defaultLimits, maxMemoryBytes: 1e8 },
  });
  await expect(tooLarge).rejects.toMatchObject({
    code: "too_large",
    message: expect.stringContaining("this node allows 100000000"),
  });
});

test("plain fields out of bounds are refused by name", async () => {
  await expect(run(job({ epochs: 0 }), directory)).rejects.toThrow(
    "epochs: 0 is not allowed; use a whole number from 1 to 100000",
  );
  await expect(run(job({ batchSize: 1.5 }), directory)).rejects.toThrow("batch_size: 1.5 is not allowed");
  await expect(run(job({ datasetUri: "" }), directory)).rejects.toThrow("dataset_uri is empty");
});
