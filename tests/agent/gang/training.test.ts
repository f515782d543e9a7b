/** Gangs of the reference node train over real sockets, and what they train is one model. */
import { afterEach, expect, test } from "bun:test";
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { decodeModel } from "../../../src/agent/training/index.ts";
import { StatusCode } from "../../../src/transport/grpc/protocol.ts";
import { smallJob } from "../../support/engine.ts";
import { until } from "../../support/servers.ts";
import { ScriptedServer } from "../scripted-server.ts";
import { gang, member } from "./members.ts";

const undo: (() => unknown)[] = [];
afterEach(async () => {
  for (const step of undo.splice(0).reverse()) await step();
});

async function scripted(): Promise<ScriptedServer> {
  const server = await ScriptedServer.start();
  undo.push(() => server.stop());
  return server;
}

const digits = {
  ...smallJob,
  modelDefinition: JSON.stringify([64, 32, 10]),
  datasetUri: "builtin:digits",
  hyperparameters: { seed: "7" },
  epochs: 15,
  batchSize: 16,
};

/** All results that the server was sent, rank 0's first (it alone has a file). */
async function resultsOf(size: number, job: object) {
  const server = await scripted();
  const { members } = await gang(server, undo, size, job);
  await until("every member to report", () => server.completions.length >= size, 30_000);
  const results = server.completions.map(({ request }) => request.result!);
  const [first] = results.filter(({ modelWeightsUri }) => modelWeightsUri !== "");
  return { server, members, results, first: first! };
}

for (const size of [2, 3]) {
  test(`my gang of ${size} learns about as well as one node, and all its members end with the same weights`, async () => {
    const { server, members, results, first } = await resultsOf(size, digits);
    expect(results.map(({ status }) => status)).toEqual(results.map(() => StatusCode.STATUS_COMPLETED));
    expect(new Set(results.map(({ modelWeightsHash }) => modelWeightsHash)).size).toBe(1);
    expect(new Set(results.map(({ modelSize }) => modelSize)).size).toBe(1);
    // One file, on rank 0's disk, and it is what all vouch for.
    expect(results.filter(({ modelWeightsUri }) => modelWeightsUri !== "")).toHaveLength(1);
    const file = readFileSync(fileURLToPath(first.modelWeightsUri));
    expect(createHash("sha256").update(file).digest("hex")).toBe(first.modelWeightsHash);
    expect(decodeModel(file).columns).toHaveLength(64);

    const alone = await scripted();
    const one = await member(alone, undo);
    await one.offer({ ...digits, jobId: crypto.randomUUID() }, {});
    await until("the lone node to report", () => alone.completions.length === 1, 30_000);
    const single = alone.completions[0]!.request.result!.finalMetrics;
    expect(single.val_accuracy).toBeGreaterThan(0.93);
    expect(first.finalMetrics.val_accuracy).toBeGreaterThan(single.val_accuracy! - 0.04);
    // The figures speak of all members' rows.
    expect(first.finalMetrics.training_samples).toBe(single.training_samples!);
    // Rank 0 alone reports epochs; each of the others says once that it is there.
    const byNode = (at: number) =>
      server.progress
        .filter(({ request }) => request.nodeId === members[at]!.agent.nodeId)
        .map(({ request }) => request.status?.currentEpoch);
    expect(byNode(0).at(-1)).toBe(15);
    for (let rank = 1; rank < size; rank++) expect(byNode(rank)).toEqual([0]);
  }, 60_000);
}

test("my gang gives the same weights to the bit when it runs again", async () => {
  const job = {
    ...digits,
    epochs: 2,
    modelDefinition: '{"layers":[16,{"type":"dropout","rate":0.2},{"type":"dense"}]}',
  };
  const first = await resultsOf(3, job);
  const second = await resultsOf(3, job);
  expect(second.first.modelWeightsHash).toBe(first.first.modelWeightsHash);
  const other = await resultsOf(2, job);
  expect(other.first.modelWeightsHash).not.toBe(first.first.modelWeightsHash);
}, 60_000);

test("my model larger than one message is averaged too", async () => {
  // 64 × 5000 + 5000 + 5000 × 10 + 10 parameters: 1.5 MB in two pieces.
  const job = { ...digits, epochs: 1, batchSize: 256, modelDefinition: "[5000, 10]" };
  const { results } = await resultsOf(2, job);
  expect(new Set(results.map(({ modelWeightsHash }) => modelWeightsHash)).size).toBe(1);
  expect(results[0]!.status).toBe(StatusCode.STATUS_COMPLETED);
}, 60_000);
