import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { EpochReport, TrainingOptions } from "../../../src/agent/training/index.ts";
import { checkJob, decodeModel, jobKindFromWire, startTraining } from "../../../src/agent/training/index.ts";
import sample from "../../../src/agent/training/samples/digits.json";
import { job } from "./models.ts";

let root = "";
let options: TrainingOptions;
beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), "cyxwiz-start-"));
  options = { outputDirectory: join(root, "out"), files: [] };
});
afterAll(() => rmSync(root, { recursive: true, force: true }));

const workerFile = (name: string) => new URL(`./workers/${name}.ts`, import.meta.url).href;
/** Trains for hours if nobody stops it. */
const long = () => job({ jobId: "long", datasetUri: "digits", epochs: 100_000 });

test("a job runs in its worker and reports epochs, log and a result", async () => {
  const epochs: EpochReport[] = [];
  const log: string[] = [];
  const { result } = startTraining(job(), {
    ...options,
    onEpoch: (report) => epochs.push(report),
    onLog: (line) => log.push(line),
  });
  const { status, artifact, finalMetrics, error, computeSeconds } = await result;
  expect({ status, error }).toEqual({ status: "completed", error: null });
  expect(epochs.map(({ epoch }) => epoch)).toEqual([1, 2, 3, 4, 5]);
  expect(finalMetrics.val_accuracy).toBe(epochs.at(-1)!.val_accuracy!);
  expect(log[0]).toStartWith("training model on 120 rows");
  expect(computeSeconds).toBeGreaterThan(0);
  expect(decodeModel(readFileSync(artifact!.path)).label).toBe("species");
});

test("the caller's event loop runs on while a job computes", async () => {
  let ticks = 0;
  const timer = setInterval(() => ticks++, 1);
  let ticksAtFirstEpoch = 0;
  let ticksAtLastEpoch = 0;
  const onEpoch = ({ epoch }: EpochReport) => {
    if (epoch === 1) ticksAtFirstEpoch = ticks;
    else ticksAtLastEpoch = ticks;
  };
  await startTraining(job({ datasetUri: "digits", epochs: 4 }), { ...options, onEpoch }).result;
  clearInterval(timer);
  expect(ticksAtLastEpoch).toBeGreaterThan(ticksAtFirstEpoch);
});

test("a job that cannot be run fails with the reason", async () => {
  const { result } = startTraining(job({ modelDefinition: '{"layers":[]}' }), options);
  expect(await result).toMatchObject({ status: "failed", artifact: null, error: { code: "invalid_model" } });
});

describe("cancelling", () => {
  test("stops a training in the middle, keeps its last figures and leaves no file", async () => {
    const controller = new AbortController();
    const outputDirectory = join(root, "cancelled");
    const { result } = startTraining(long(), {
      ...options,
      outputDirectory,
      signal: controller.signal,
      cancelGrace: 60_000,
      onEpoch: () => controller.abort(),
    });
    const { status, error, finalMetrics } = await result;
    expect(status).toBe("cancelled");
    expect(error?.message).toStartWith("the job was cancelled in epoch"); // by itself: the grace is a minute
    expect(finalMetrics.loss).toBeGreaterThan(0);
    expect(() => readdirSync(outputDirectory)).toThrow();
  });
  test("kills a worker that does not listen", async () => {
    const job = startTraining(long(), {
      ...options,
      workerUrl: workerFile("deaf"),
      cancelGrace: 20,
      onLog: () => job.cancel(),
    });
    expect(await job.result).toMatchObject({ status: "cancelled", error: { code: "cancelled" } });
  });
  test("before the start starts nothing", async () => {
    const { result } = startTraining(long(), { ...options, signal: AbortSignal.abort() });
    expect(await result).toMatchObject({ status: "cancelled" });
  });
  test("wakes a job that waits for a download", async () => {
    const server = Bun.serve({
      port: 0,
      fetch: () => {
        job.cancel();
        return new Response(new ReadableStream({ start() {} }));
      },
    });
    const job = startTraining(
      { ...long(), datasetUri: `http://127.0.0.1:${server.port}/` },
      { ...options, cancelGrace: 60_000 },
    );
    expect(await job.result).toMatchObject({ status: "cancelled" });
    await server.stop(true);
  });
  test("after the end changes nothing", async () => {
    const job_ = startTraining(job(), options);
    const before = await job_.result;
    job_.cancel();
    expect(await job_.result).toBe(before);
  });
});

describe("a worker that dies fails its job", () => {
  const resultOf = (name: string) => startTraining(job(), { ...options, workerUrl: workerFile(name) }).result;
  test("by an uncaught error, with its words", async () => {
    expect(await resultOf("throwing")).toMatchObject({
      status: "failed",
      error: { code: "crashed", message: "the training worker crashed: error: boom" },
    });
  });
  test("by ending without a result", async () => {
    expect(await resultOf("exiting")).toMatchObject({ status: "failed", error: { code: "crashed" } });
  });
  test("by not being there", async () => {
    expect(await resultOf("missing")).toMatchObject({ status: "failed", error: { code: "crashed" } });
  });
});

test("a listener that throws fails its own job and nothing else", async () => {
  const onEpoch = () => {
    throw new Error("listener's fault");
  };
  const { result } = startTraining(job(), { ...options, onEpoch });
  expect(await result).toMatchObject({
    status: "failed",
    error: { message: expect.stringContaining("listener's fault") },
  });
});

test("jobs run side by side without mixing", async () => {
  const seeds = ["1", "1", "2"];
  const results = await Promise.all(
    seeds.map(
      (seed, index) => startTraining(job({ jobId: `side-${index}`, hyperparameters: { seed } }), options).result,
    ),
  );
  const [first, second, third] = results.map(({ artifact }) => artifact?.sha256);
  expect(first).toBe(second!);
  expect(third).not.toBe(first!);
});

test("a job is judged on arrival without its data", () => {
  expect(checkJob(job())).toBeNull();
  expect(checkJob(job({ modelDefinition: "" }))).toMatchObject({ code: "invalid_model" });
  expect(checkJob(job({ hyperparameters: { seed: "x" } }))).toMatchObject({ code: "invalid_job" });
  expect(checkJob(job({ kind: "evaluation" }))).toMatchObject({ code: "invalid_job" });
  expect(() => jobKindFromWire(0)).toThrow("job_type: 0 is not supported");
  expect(jobKindFromWire(3)).toBe("evaluation");
});

test("the sample job passes the check on arrival", () => {
  const { model_definition, hyperparameters, dataset_uri, batch_size, epochs } = sample;
  const modelDefinition = JSON.stringify(model_definition);
  expect(
    checkJob({
      jobId: "sample",
      kind: "training",
      modelDefinition,
      hyperparameters,
      datasetUri: dataset_uri,
      batchSize: batch_size,
      epochs,
    }),
  ).toBeNull();
});
