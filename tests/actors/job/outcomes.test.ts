/** What nodes are told of their attempts, seen in what it does to their reputation. */
import { expect, test } from "bun:test";
import type { JobInput, JobResult } from "../../../src/actors/job/state.ts";
import { settle } from "../../support/fake-clock.ts";
import { jobPolicy, result, uuid } from "../fixtures.ts";
import { type CoreWorld, coreWorld, TIMEOUT } from "../world.ts";

const NODE = uuid(100);
const JOB = uuid(1);
const from = { nodeId: NODE, jobId: JOB, attempt: 1 };
const silence = TIMEOUT + 1000;

async function running(overrides: Partial<JobInput> = {}): Promise<CoreWorld> {
  const world = await coreWorld();
  await world.register(NODE);
  await world.submit(JOB, overrides);
  await world.core.reports.started(from);
  return world;
}

const reputationOf = (world: CoreWorld): number => world.node(NODE)?.snapshot.context.reputation ?? Number.NaN;
const reasonsOf = (world: CoreWorld): readonly string[] =>
  world.node(NODE)?.snapshot.context.changes.map(({ reason }) => reason) ?? [];

const beat = async (world: CoreWorld): Promise<void> => {
  await world.core.rollCall.heartbeat({ nodeId: NODE, activeJobs: [JOB] });
  await settle();
};

test("my node's signed results and its work for nothing are counted", async () => {
  const cases: readonly [Partial<Omit<JobResult, "attempt" | "nodeId">>, string, readonly string[]][] = [
    [{}, "1000", ["completed"]],
    [{ signature: "ab" }, "1000", ["completed", "good_metrics"]],
    [{ signature: "ab", metrics: {} }, "1000", ["completed"]],
    [{ signature: "ab", metrics: { loss: Number.NaN } }, "1000", ["completed"]],
    [{ signature: "ab" }, "0", ["completed", "good_metrics", "free_work"]],
    [{}, "0", ["completed", "free_work"]],
  ];
  for (const [told, price, reasons] of cases) {
    const world = await running({ price });
    await world.core.reports.completed(from, { ...result, ...told });
    await settle();
    expect([told, price, reasonsOf(world)]).toEqual([told, price, reasons]);
    await world.core.stop();
  }
});

test("my node is told of its silence once for each attempt, and its run still counts when it comes back", async () => {
  const world = await running();
  for (let blink = 0; blink < 3; blink++) {
    await world.clock.advance(silence);
    expect(world.job(JOB)?.state).toBe("running.orphaned");
    await beat(world);
  }
  await world.core.reports.completed(from, result);
  await settle();
  expect(reasonsOf(world)).toEqual(["silent", "completed"]);
  await world.core.stop();
});

test("my node that was lost and came back with the work is told how the work ended", async () => {
  const world = await running();
  await world.clock.advance(TIMEOUT + jobPolicy.gracePeriod + 1000);
  expect(reasonsOf(world)).toEqual(["silent", "lost"]);
  const before = reputationOf(world);
  await beat(world);
  await world.core.reports.completed(from, result);
  await settle();
  expect(reasonsOf(world)).toEqual(["silent", "lost", "completed"]);
  expect(reputationOf(world)).toBe(before + 1);
  await world.core.stop();
});

test("my node loses nothing when the job's own time is over, or it is drained under it", async () => {
  const limited = await running({ policy: { ...jobPolicy, maxDuration: 10_000 } });
  await limited.clock.advance(10_001);
  const row = limited.journal.rows.get(`job/${JOB}`);
  expect([row?.state, JSON.parse(row?.snapshot ?? "{}").context.failure.code]).toEqual(["failed", "max_duration"]);
  expect(reasonsOf(limited)).toEqual([]);
  await limited.core.stop();
  const drained = await running();
  await drained.core.nodes.ask(NODE, { type: "DRAIN", reason: "", by: "operator", until: drained.clock.now() });
  await drained.clock.advance(1000);
  expect(drained.job(JOB)?.snapshot.context.history).toMatchObject([{ outcome: "evicted" }]);
  expect(reasonsOf(drained)).toEqual([]);
  await drained.core.stop();
});
