/** docs/gangs.md is what other people build members of gangs from: what it promises must be so. */
import { expect, test } from "bun:test";
import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { DEFAULT_TIMES } from "../../../src/agent/index.ts";
import { checkJob } from "../../../src/agent/training/index.ts";
import { loadConfig } from "../../../src/config/index.ts";
import { GANG_LIMIT } from "../../../src/domain/job-spec.ts";
import { GANG_RUNTIME, GANG_TOLD, readTerms, TERM_NAMES } from "../../../src/domain/job-terms.ts";

const file = join(import.meta.dir, "../../../docs/gangs.md");
const page = readFileSync(file, "utf8");

test("its example is a job that this server and this node take, and asks for what it says", () => {
  const [, text = ""] = /```json\n(.*?)```/s.exec(page) ?? [];
  const job = JSON.parse(text);
  const { model_definition, hyperparameters, dataset_uri: datasetUri, batch_size: batchSize, epochs } = job;
  expect(readTerms(hyperparameters)).toMatchObject({
    gang: { size: 4, topology: "region" },
    requirements: { runtime: GANG_RUNTIME },
  });
  const modelDefinition = JSON.stringify(model_definition);
  const spec = { jobId: "example", modelDefinition, hyperparameters, datasetUri, batchSize, epochs };
  expect(checkJob({ ...spec, kind: "training" })).toBeNull();
});

test("it names every hyperparameter of gangs", () => {
  for (const name of [...GANG_TOLD, ...TERM_NAMES.filter((term) => term.startsWith("cyxwiz.gang."))])
    expect(page).toContain(`\`${name}\``);
  expect(page).toContain(`1 to ${GANG_LIMIT}`);
});

test("its times are the defaults, and a member's reason comes before the server's timeout, rank 0's patience after it", () => {
  const { startTimeoutMs } = loadConfig({ args: [] }).config.scheduler;
  const { gangJoin, gangGather, gangSilence } = DEFAULT_TIMES;
  for (const time of [startTimeoutMs, gangJoin, gangGather, gangSilence, gangSilence / 3])
    expect(page).toContain(`${time / 1000} s`);
  expect(gangJoin).toBeLessThan(startTimeoutMs);
  expect(gangGather).toBeGreaterThan(startTimeoutMs);
});

test("the files it points to are there", () => {
  const targets = [...page.matchAll(/\]\(([^)#:]+)/g)].map(([, target]) => join(dirname(file), target ?? ""));
  expect(targets.length).toBeGreaterThan(3);
  expect(targets.filter((target) => !existsSync(target))).toEqual([]);
});
