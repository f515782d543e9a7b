import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { createHash } from "node:crypto";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { artifactPath } from "../../../src/agent/training/artifact.ts";
import { normalise } from "../../../src/agent/training/dataset/normalisation.ts";
import { builtinDatasets } from "../../../src/agent/training/datasets/index.ts";
import type { Artifact } from "../../../src/agent/training/job.ts";
import { predict } from "../../../src/agent/training/prediction.ts";
import { decodeModel } from "../../../src/agent/training/weights/trained-model.ts";
import { job, type Ran, run } from "./models.ts";

let root = "";
let directory = "";
let trained: Ran;
let weights: Artifact;
/** Iris with the kinds in turn, so that it can be learnt from without shuffling and its last rows are known. */
function inTurn(): string[] {
  const [header = "", ...rows] = builtinDatasets.get("iris")!.trim().split("\n");
  return [header, ...rows.map((_, index) => rows[(index % 3) * 50 + Math.floor(index / 3)]!)];
}

beforeAll(async () => {
  root = mkdtempSync(join(tmpdir(), "cyxwiz-weights-"));
  directory = join(root, "out");
  const datasetUri = join(root, "in-turn.csv");
  writeFileSync(datasetUri, inTurn().join("\n"));
  const hyperparameters = { learning_rate: "0.01", validation_split: "0.3", shuffle: "false" };
  trained = await run(job({ epochs: 20, datasetUri, hyperparameters }), directory);
  weights = trained.artifact!;
});
afterAll(() => rmSync(root, { recursive: true, force: true }));

const evaluation = (datasetUri: string) =>
  job({ kind: "evaluation", datasetUri, hyperparameters: { weights_uri: weights.path } });

describe("the weights file", () => {
  test("is whole, alone in its directory, and as its digest says", () => {
    const bytes = readFileSync(weights.path);
    expect(weights).toMatchObject({
      kind: "weights",
      bytes: bytes.length,
      sha256: createHash("sha256").update(bytes).digest("hex"),
    });
    expect(readdirSync(directory)).toEqual([basename(weights.path)]);
  });
  test("describes itself", () => {
    const bytes = readFileSync(weights.path);
    const header = JSON.parse(bytes.subarray(8, 8 + Number(bytes.readBigUInt64LE(0))).toString());
    expect(header["layers.0.weight"]).toEqual({ dtype: "F32", shape: [16, 4], data_offsets: [0, 256] });
    expect(JSON.parse(header.__metadata__.classes)).toEqual(["setosa", "versicolor", "virginica"]);
    expect(JSON.parse(header.__metadata__.model_definition).layers).toHaveLength(3);
    expect(JSON.parse(header.__metadata__.normalization).mean).toHaveLength(4);
  });
  test("loaded again gives the figures it was saved with", async () => {
    const [header, ...rows] = inTurn();
    const heldUri = join(root, "held.csv");
    writeFileSync(heldUri, [header, ...rows.slice(-45)].join("\n"));
    const { finalMetrics, artifact } = await run(evaluation(heldUri), directory);
    expect(artifact).toBeNull();
    expect(finalMetrics.accuracy).toBe(trained.finalMetrics.val_accuracy!);
    expect(finalMetrics.loss).toBe(trained.finalMetrics.val_loss!);
    expect(finalMetrics.samples).toBe(45);
  });
  test("predicts single rows", () => {
    const model = decodeModel(readFileSync(weights.path));
    const [setosa] = predict(model, normalise(Float64Array.of(5.0, 3.4, 1.5, 0.2), 4, model.normalisation), 1);
    expect(setosa!.value).toBe("setosa");
    expect(setosa!.probabilities.reduce((sum, each) => sum + each, 0)).toBeCloseTo(1, 6);
  });
});

describe("a damaged or foreign weights file is refused", () => {
  const damage: [string, (bytes: Buffer) => Buffer, string][] = [
    ["cut short", (bytes) => bytes.subarray(0, bytes.length - 8), "does not lie where its header says"],
    [
      "with an endless header",
      (bytes) => Buffer.concat([Buffer.from(BigUint64Array.of(2n ** 60n).buffer), bytes.subarray(8)]),
      "its header claims",
    ],
    ["without a header", () => Buffer.from("1,2,3\n"), "shorter than a header"],
    [
      "of another maker",
      (bytes) => Buffer.from(bytes.toString("latin1").replace("cyxwiz.model", "someone.else"), "latin1"),
      "was not written by this engine",
    ],
    [
      "with another shape",
      (bytes) => Buffer.from(bytes.toString("latin1").replace("[16,4]", "[4,16]"), "latin1"),
      "layers.0.weight of shape [16, 4] is missing",
    ],
    [
      "with NaN inside",
      (bytes) => Buffer.concat([bytes.subarray(0, -4), Buffer.from(Float32Array.of(Number.NaN).buffer)]),
      "not finite",
    ],
  ];
  for (const [name, spoil, message] of damage) {
    test(name, () => {
      expect(() => decodeModel(spoil(Buffer.from(readFileSync(weights.path))))).toThrow(message);
    });
  }
});

test("inference writes a prediction with probabilities for every row, with or without a label", async () => {
  const unlabelled = join(root, "unlabelled.csv");
  writeFileSync(unlabelled, "5.0,3.4,1.5,0.2\n6.0,2.9,4.3,1.3\n");
  const { artifact, finalMetrics } = await run(job({ ...evaluation(unlabelled), kind: "inference" }), directory);
  const lines = readFileSync(artifact!.path, "utf8").trim().split("\n");
  expect(lines[0]).toBe("row,species,p_setosa,p_versicolor,p_virginica");
  expect(lines.slice(1).map((line) => line.split(",").slice(0, 2))).toEqual([
    ["1", "setosa"],
    ["2", "versicolor"],
  ]);
  expect(finalMetrics).toEqual({ samples: 2 });
});

test("preprocessing writes the dataset at mean 0 and deviation 1", async () => {
  const { artifact } = await run(job({ kind: "preprocessing", modelDefinition: "" }), directory);
  const lines = readFileSync(artifact!.path, "utf8").trim().split("\n");
  expect(lines[0]).toBe("sepal_length,sepal_width,petal_length,petal_width,species");
  const column = lines.slice(1).map((line) => Number(line.split(",")[0]));
  expect(column.reduce((sum, each) => sum + each, 0) / 150).toBeCloseTo(0, 6);
  expect(column.reduce((sum, each) => sum + each * each, 0) / 150).toBeCloseTo(1, 6);
});

test("an evaluation without weights, or with weights for other data, is refused", async () => {
  await expect(run(job({ kind: "evaluation" }), directory)).rejects.toThrow("hyperparameters.weights_uri is missing");
  await expect(run(evaluation("builtin:wine"), directory)).rejects.toThrow("the model was trained on 4");
});

test("no job id leads out of the output directory", () => {
  for (const jobId of ["../../etc/cron", "a/b", "", ".", "x".repeat(300), "a\0b"]) {
    const path = artifactPath("/out", { jobId, kind: "training" });
    expect(dirname(path)).toBe("/out");
    expect(basename(path)).toMatch(/^job-[0-9a-f]{16}\.safetensors$/);
  }
  expect(artifactPath("/out", { jobId: "a-1", kind: "training" })).toBe("/out/a-1.safetensors");
});
