/** What is shown of a run between its commits: it only ever goes forward, and nobody who has left is kept. */
import { expect, test } from "bun:test";
import type { FeedItem, Telemetry } from "../../../src/actors/job/feed.ts";
import { settle } from "../../support/fake-clock.ts";
import { seeded } from "../../support/seeded.ts";
import { jobPolicy, nodeProfile, result, uuid } from "../fixtures.ts";
import { type CoreWorld, coreWorld, HEARTBEAT } from "../world.ts";

const JOB = uuid(1);
const NODE = uuid(100);
const OTHER = uuid(101);

const told = (overrides: Partial<Telemetry> = {}): Telemetry => ({
  jobId: JOB,
  attempt: 1,
  progress: 0,
  epoch: 0,
  metrics: {},
  log: "",
  at: 0,
  ...overrides,
});

/** A job that runs on NODE. */
async function running(): Promise<CoreWorld> {
  const world = await coreWorld();
  await world.register(NODE);
  await world.submit(JOB);
  await world.core.reports.started({ nodeId: NODE, jobId: JOB, attempt: 1 });
  return world;
}

test("of a run that reports no progress, only epochs, the newest epoch stays", async () => {
  const { core } = await running();
  core.feed.publish(told({ epoch: 3, metrics: { loss: 0.3 } }));
  core.feed.publish(told({ epoch: 2, metrics: { loss: 0.4 }, log: "late" }));
  expect(core.feed.latest(JOB)).toMatchObject({ epoch: 3, metrics: { loss: 0.3 }, log: "late" });
  await core.stop();
});

for (const seed of [1, 2, 3]) {
  test(`reports in any order never set the picture back within an attempt (seed ${seed})`, async () => {
    const random = seeded(seed);
    const world = await running();
    const seen: Telemetry[] = [];
    world.core.feed.watch(JOB, (item) => item.type === "telemetry" && seen.push(item.telemetry));
    for (let step = 0; step < 200; step++) {
      const epoch = Math.floor(random() * 10);
      const progress = random() < 0.3 ? 0 : epoch / 10;
      await world.core.reports.progress({
        nodeId: NODE,
        jobId: JOB,
        attempt: 1,
        progress,
        epoch,
        metrics: {},
        log: String(step),
      });
      if (random() < 0.2) {
        await world.core.rollCall.heartbeat({ nodeId: NODE, activeJobs: [JOB] });
        await world.clock.advance(random() * HEARTBEAT);
      }
    }
    expect(seen.map(({ log }) => log)).toEqual(Array.from({ length: 200 }, (_, step) => String(step)));
    for (const [index, one] of seen.entries()) {
      const before = seen[index - 1];
      if (!before) continue;
      expect(one.progress).toBeGreaterThanOrEqual(before.progress);
      expect(one.epoch).toBeGreaterThanOrEqual(before.epoch);
    }
    await world.core.stop();
  });
}

test("a new attempt begins anew: what the one before it had reached is not shown", async () => {
  const world = await running();
  await world.register(OTHER);
  await world.core.reports.progress({
    nodeId: NODE,
    jobId: JOB,
    attempt: 1,
    progress: 0.9,
    epoch: 9,
    metrics: {},
    log: "",
  });
  await world.core.reports.failed({ nodeId: NODE, jobId: JOB, attempt: 1 }, "out of memory", false);
  await world.clock.advance(jobPolicy.maxBackoff);
  const live = world.job(JOB)?.snapshot.context.live;
  expect([live?.nodeId, live?.number]).toEqual([OTHER, 2]);
  expect(world.core.feed.latest(JOB)).toBeUndefined();
  const report = { nodeId: OTHER, jobId: JOB, attempt: 2, progress: 0.1, epoch: 1, metrics: {}, log: "" };
  await world.core.reports.progress(report);
  expect(world.core.feed.latest(JOB)).toMatchObject({ attempt: 2, progress: 0.1, epoch: 1 });
  // The old node still believes it runs: it is told to stop, and nobody sees what it says.
  const seen: FeedItem[] = [];
  world.core.feed.watch(JOB, (item) => seen.push(item));
  expect((await world.core.reports.progress({ ...report, nodeId: NODE, attempt: 1, progress: 1 })).kind).toBe(
    "superseded",
  );
  expect(seen).toEqual([]);
  await world.core.stop();
});

test("nothing is kept of watchers that have left, nor of jobs that have ended", async () => {
  const world = await running();
  const { feed } = world.core;
  let told = 0;
  const count = () => {
    told += 1;
  };
  const stops = [feed.watch(JOB, count), feed.watch(JOB, count), feed.watch(uuid(2), count), feed.watchAll(count)];
  expect(feed.watchers).toBeGreaterThan(0);
  for (const stop of stops) {
    stop();
    stop();
  }
  expect(feed.watchers).toBe(0);
  // One that comes after the last has left is not thrown out by a stop that is called again.
  const stay = feed.watch(JOB, count);
  for (const stop of stops) stop();
  expect(told).toBe(0);
  await world.core.reports.progress({
    nodeId: NODE,
    jobId: JOB,
    attempt: 1,
    progress: 0.5,
    epoch: 1,
    metrics: {},
    log: "",
  });
  await world.core.reports.completed({ nodeId: NODE, jobId: JOB, attempt: 1 }, result);
  await settle();
  expect(told).toBeGreaterThan(1);
  expect(feed.latest(JOB)).toBeUndefined();
  stay();
  expect(feed.watchers).toBe(0);
  await world.core.stop();
});

test("a watcher may leave while it is being told", async () => {
  const world = await coreWorld();
  await world.register(NODE, { profile: nodeProfile({ slots: 2 }) });
  const seen: string[] = [];
  const stop = world.core.feed.watch(JOB, () => {
    seen.push("first");
    stop();
  });
  world.core.feed.watch(JOB, () => seen.push("second"));
  await world.submit(JOB);
  expect(seen.filter((who) => who === "first").length).toBe(1);
  expect(seen.filter((who) => who === "second").length).toBeGreaterThan(1);
  await world.core.stop();
});
