import { describe, expect, test } from "bun:test";
import sample from "../../src/agent/training/samples/digits.json" with { type: "json" };
import { findJsonFault } from "../../src/cli/job-file/json-position.ts";
import { readJob } from "../../src/cli/job-file/read.ts";
import { DeviceType, JobPriority, JobType } from "../../src/transport/grpc/protocol.ts";

const read = (job: unknown) => readJob(JSON.stringify(job), "job.json");

function refusal(text: string): string {
  try {
    readJob(text, "job.json");
  } catch (error) {
    expect(error).toMatchObject({ name: "UsageError", exitCode: 2 });
    return (error as Error).message;
  }
  throw new Error("it was taken");
}

describe("a job file", () => {
  test("the bundled sample", () => {
    const config = read(sample);
    expect(config).toMatchObject({
      jobType: JobType.JOB_TYPE_TRAINING,
      priority: JobPriority.PRIORITY_NORMAL,
      requiredDevice: DeviceType.DEVICE_CPU,
      datasetUri: "builtin:digits",
      estimatedMemory: 67_108_864n,
      hyperparameters: { validation_split: "0.2", seed: "7" },
    });
    expect(JSON.parse(config.modelDefinition!)).toEqual(sample.model_definition);
  });

  test.each(["training", "TRAINING", "JOB_TYPE_TRAINING", "job-type-training", 1])("job type %j", (name) => {
    expect(read({ job_type: name })).toEqual({ jobType: JobType.JOB_TYPE_TRAINING });
  });

  test("camelCase, numbers as text, and values that are no text in hyperparameters", () => {
    const job = {
      jobType: "training",
      requiredDevice: "any",
      batchSize: "64",
      estimatedMemory: "9007199254740993",
      hyperparameters: { lr: 0.1, shuffle: true, name: "x" },
      modelDefinition: "{}",
      paymentAmount: 1.5,
      escrowTxHash: null,
    };
    expect(read(job)).toEqual({
      jobType: 1,
      requiredDevice: 0,
      batchSize: 64,
      estimatedMemory: 9_007_199_254_740_993n,
      hyperparameters: { lr: "0.1", shuffle: "true", name: "x" },
      modelDefinition: "{}",
      paymentAmount: 1.5,
    });
  });

  test("a byte order mark is no fault", () => {
    expect(readJob('\ufeff{"epochs": 3}', "x")).toEqual({ epochs: 3 });
  });

  test.each([
    [
      { job_type: "trainig" },
      'job_type: "trainig" is not one of training, inference, evaluation, preprocessing; did you mean "training"?',
    ],
    [{ job_type: 9 }, "job_type: 9 is not one of"],
    [{ required_device: "gpu" }, 'required_device: "gpu" is not one of any, cpu, cuda'],
    [{ epochs: -1 }, "epochs: -1 is not a whole number from 0 to 2147483647"],
    [{ epochs: 1.5 }, "epochs: 1.5 is not"],
    [{ estimated_memory: 1e300 }, "estimated_memory: 1e+300 is not"],
    [{ dataset_uri: 5 }, "dataset_uri: 5 is not text in double quotes"],
    [{ model_definition: [] }, "model_definition: a list is not an object or text"],
    [{ hyperparameters: { a: {} } }, 'hyperparameters: "a": an object is not text, a number, true or false'],
    [{ payment_amount: "1" }, 'payment_amount: "1" is not a number'],
    [{ epoch: 3 }, '"epoch" is no field of a job; did you mean epochs?'],
    [{ batchsize: 3 }, "did you mean batch_size?"],
    [{ nonsense: 3 }, '"nonsense" is no field of a job'],
    [{ epochs: 3, jobId: "a", job_id: "b" }, "job_id is there twice, as job_id and jobId"],
    [[], "a job is a JSON object"],
    ["x", "a job is a JSON object"],
  ])("%j is refused", (job, message) => {
    expect(refusal(JSON.stringify(job))).toContain(message);
  });

  test("names everything that is wrong at once", () => {
    const message = refusal('{"epochs": -1, "job_type": "x", "zzz": 1}');
    expect(message).toStartWith("job.json has 3 problems:\n  - epochs");
    expect(message).toContain('\n  - "zzz" is no field of a job');
  });

  test("prototype names are fields that do not exist, and nothing else", () => {
    expect(refusal('{"__proto__": {"epochs": 1}, "constructor": 1}')).toContain("2 problems");
    expect(refusal('{"job_type": "constructor"}')).toContain("is not one of");
  });
});

describe("text that is no JSON", () => {
  test.each([
    ["", "job.json is empty"],
    ['{\n  "epochs": 3,\n}', 'job.json:2:14: there is a "," before the "}"'],
    ['{\n  "epochs": 3\n  "batch_size": 2\n}', 'job.json:3:3: a "," or "}" is missing before this'],
    ["{\n  epochs: 3\n}", "job.json:2:3: a name in double quotes is missing here"],
    ["{ 'epochs': 3 }", "job.json:1:3: a name in double quotes is missing here"],
    ['{ "a": tru }', "job.json:1:8: tru is no value; text stands in double quotes"],
    ['{ "a": training }', "job.json:1:8: training is no value; text stands in double quotes"],
    ['{ "a": "x\n" }', "job.json:1:8: this text has no closing quote on its line"],
    ['{ "a" 1 }', 'job.json:1:7: a ":" is missing between name and value'],
    ['{ "a": 1', 'job.json:1:9: a "}" is missing'],
    ['{ "a": ', "job.json:1:8: a value is missing at the end"],
    ['{ "a": 01 }', 'job.json:1:9: a "," or "}" is missing before this'],
    ["// hello\n{}", "job.json:1:1: JSON has no comments"],
    ["{} {}", "job.json:1:4: there is something behind the end of the value"],
    ['{"a": "\\x"}', "job.json:1:8: this is no escape that JSON knows"],
    ['{"a": "\u0001"}', "job.json:1:8: a control character stands inside text"],
    ["[".repeat(100_000), "it is nested too deeply"],
  ])("%j", (text, message) => {
    expect(refusal(text)).toContain(message);
  });

  test("the scanner and JSON.parse agree on what JSON is", () => {
    const seeds = [
      '{"a":[1,-2.5e+3,true,null,"x\\n\\u00e9"],"b":{}}',
      JSON.stringify(sample),
      "[]",
      ' "\u2028\u007f" ',
      "-0",
    ];
    const alphabet = '{}[],:"\\0-.eE+ntx \n\u0000';
    let random = 42;
    const next = (below: number) => {
      random = (Math.imul(random, 1_103_515_245) + 12_345) >>> 0;
      return (random >>> 8) % below;
    };
    for (let round = 0; round < 20_000; round++) {
      let text = seeds[next(seeds.length)]!;
      for (let edit = next(3); edit >= 0; edit--) {
        const at = next(text.length + 1);
        text = text.slice(0, at) + (next(3) === 0 ? "" : alphabet[next(alphabet.length)]) + text.slice(at + next(2));
      }
      let isJson = true;
      try {
        JSON.parse(text);
      } catch {
        isJson = false;
      }
      expect([text, findJsonFault(text) === null]).toEqual([text, isJson]);
    }
  });
});
