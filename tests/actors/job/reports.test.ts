import { describe, expect, test } from "bun:test";
import type { FeedItem } from "../../../src/actors/job/feed.ts";
import { settle } from "../../support/fake-clock.ts";
import { jobPolicy, result, uuid } from "../fixtures.ts";
import { type CoreWorld, coreWorld } from "../world.ts";

const NODE = uuid(100);
const OTHER = uuid(101);
const JOB = uuid(1);
const from = (nodeId: string, attempt: number | null = null, jobId = JOB) => ({ nodeId, jobId, attempt });

async function running(): Promise<CoreWorld> {
  const world = await coreWorld();
  await world.register(NODE);
  await world.submit(JOB);
  await world.core.reports.started(from(NODE));
  return world;
}

const progress = (world: CoreWorld, value: number, source = from(NODE)) =>
  world.core.reports.progress({ ...source, progress: value, epoch: 1, metrics: { loss: 1 - value }, log: "" });

describe("a report", () => {
  test("of the live attempt is taken, with its number and without", async () => {
    for (const attempt of [null, 1]) {
      const world = await coreWorld();
      await world.register(NODE);
      await world.submit(JOB);
      expect((await world.core.reports.started(from(NODE, attempt))).kind).toBe("taken");
      expect((await progress(world, 0.5, from(NODE, attempt))).kind).toBe("taken");
      expect(await world.core.reports.completed(from(NODE, attempt), result)).toMatchObject({
        kind: "taken",
        job: { state: "completed", snapshot: { context: { result: { attempt: 1, nodeId: NODE } } } },
      });
      await world.core.stop();
    }
  });

  test("of another node, another attempt or a job that does not exist changes nothing", async () => {
    const world = await running();
    const version = world.job(JOB)?.version;
    const { reports } = world.core;
    for (const source of [from(OTHER), from(OTHER, 1), from(NODE, 0), from(NODE, 2)]) {
      expect((await reports.started(source)).kind).toBe("superseded");
      expect((await progress(world, 0.9, source)).kind).toBe("superseded");
      expect((await reports.completed(source, result)).kind).toBe("superseded");
      expect((await reports.failed(source, "x", true)).kind).toBe("superseded");
    }
    expect(world.job(JOB)?.version).toBe(version);
    expect(world.core.feed.latest(JOB)).toBeUndefined();
    const nowhere = from(NODE, null, uuid(9));
    for (const verdict of [
      await reports.started(nowhere),
      await progress(world, 0.1, nowhere),
      await reports.completed(nowhere, result),
      await reports.failed(nowhere, "x", false),
    ])
      expect(verdict).toEqual({ kind: "unknown" });
    await world.core.stop();
  });

  test("that only shows a waiting job that its time is up is not taken", async () => {
    for (const say of ["started", "completed", "failed"] as const) {
      const world = await coreWorld();
      await world.submit(JOB);
      // The timer has not fired yet: this process had been stopped.
      world.clock.jump(jobPolicy.queueTimeout + 1);
      const { reports } = world.core;
      const verdict = await {
        started: () => reports.started(from(NODE, 1)),
        completed: () => reports.completed(from(NODE, 1), result),
        failed: () => reports.failed(from(NODE, 1), "x", false),
      }[say]();
      expect(verdict).toMatchObject({ kind: "superseded", job: { state: "failed" } });
      await world.core.stop();
    }
  });

  test("repeated is answered as the first time, also when the job has left memory", async () => {
    const world = await running();
    const { reports } = world.core;
    expect((await reports.started(from(NODE))).kind).toBe("repeated");
    await reports.completed(from(NODE), result);
    await settle();
    expect(world.job(JOB)).toBeUndefined();
    const version = world.journal.rows.get(`job/${JOB}`)?.version;
    expect(await reports.completed(from(NODE), result)).toMatchObject({
      kind: "repeated",
      job: { state: "completed" },
    });
    expect((await reports.completed(from(NODE, 1), result)).kind).toBe("repeated");
    expect((await reports.failed(from(NODE), "x", false)).kind).toBe("superseded");
    expect((await reports.completed(from(OTHER), result)).kind).toBe("superseded");
    expect((await progress(world, 1)).kind).toBe("superseded");
    expect(world.journal.rows.get(`job/${JOB}`)?.version).toBe(version);
    expect(world.node(NODE)?.snapshot.context).toMatchObject({ jobsCompleted: 1, jobsFailed: 0 });
    await world.core.stop();
  });

  test("of a failure, repeated, costs one retry", async () => {
    const world = await running();
    const { reports } = world.core;
    expect((await reports.failed(from(NODE, 1), "oom", false)).kind).toBe("taken");
    expect((await reports.failed(from(NODE, 1), "oom", false)).kind).toBe("repeated");
    expect((await reports.failed(from(NODE), "oom", false)).kind).toBe("repeated");
    expect(world.job(JOB)?.snapshot.context.retries).toBe(1);
    await settle();
    expect(world.node(NODE)?.snapshot.context.jobsFailed).toBe(1);
    await world.core.stop();
  });

  test("that the journal cannot take is refused, and taken when it is sent again", async () => {
    const world = await running();
    for (const written of [false, true]) {
      world.journal.fault = (_, write) => {
        world.journal.fault = null;
        if (written) write();
        throw new Error("connection lost");
      };
      const error = await world.core.reports.completed(from(NODE), result).catch((reason: unknown) => reason);
      expect(error).toMatchObject({ name: "ActorUnavailable" });
      await world.clock.advance(100);
      if (written) expect((await world.core.reports.completed(from(NODE), result)).kind).toBe("repeated");
    }
    expect(world.journal.rows.get(`job/${JOB}`)?.state).toBe("completed");
    await world.core.stop();
  });
});

describe("progress", () => {
  test("reaches watchers at once and the journal now and then", async () => {
    const world = await running();
    const seen: FeedItem[] = [];
    const stop = world.core.feed.watch(JOB, (item) => seen.push(item));
    const before = world.journal.log.get(`job/${JOB}`)?.length ?? 0;
    for (let step = 1; step <= 100; step++) {
      await progress(world, step / 200);
      await world.clock.advance(100);
    }
    const written = (world.journal.log.get(`job/${JOB}`)?.length ?? 0) - before;
    expect(written).toBe(2);
    expect(seen.filter(({ type }) => type === "telemetry").length).toBe(100);
    expect(world.core.feed.latest(JOB)).toMatchObject({ attempt: 1, progress: 0.5 });
    stop();
    await progress(world, 0.6);
    expect(seen.filter(({ type }) => type === "telemetry").length).toBe(100);
    expect(world.core.feed.watchers).toBe(0);
    await world.core.stop();
  });

  test("that was overtaken does not set the picture back, but its log line is shown", async () => {
    const world = await running();
    await progress(world, 0.5);
    await world.core.reports.progress({ ...from(NODE), progress: 0.2, epoch: 1, metrics: {}, log: "late" });
    expect(world.core.feed.latest(JOB)).toMatchObject({ progress: 0.5, log: "late" });
    await world.core.stop();
  });

  test("of an attempt that is over is forgotten", async () => {
    const world = await running();
    await progress(world, 0.5);
    await world.core.reports.failed(from(NODE), "oom", false);
    expect(world.core.feed.latest(JOB)).toBeUndefined();
    await world.core.stop();
  });

  test("is the word that the run goes on when its node was thought gone", async () => {
    const world = await running();
    await world.clock.advance(16_000);
    expect(world.job(JOB)?.state).toBe("running.orphaned");
    world.core.rollCall.heard(NODE);
    expect((await progress(world, 0.3)).kind).toBe("taken");
    await settle();
    expect(world.job(JOB)?.state).toBe("running.active");
    await world.core.stop();
  });
});

describe("the feed", () => {
  test("tells every watcher every change, in order, and no other job's", async () => {
    const world = await coreWorld();
    await world.register(NODE);
    const mine: string[] = [];
    const all: string[] = [];
    world.core.feed.watch(JOB, (item) => item.type === "change" && mine.push(item.job.state));
    world.core.feed.watchAll((item) => item.type === "change" && all.push(item.job.ref.id));
    await world.submit(JOB);
    await world.submit(uuid(2));
    await world.core.reports.started(from(NODE));
    await world.core.reports.completed(from(NODE), result);
    await settle();
    expect([...new Set(mine)]).toEqual([
      "pending.queued",
      "assigned.offering",
      "assigned.accepted",
      "running.active",
      "completed",
    ]);
    expect(new Set(all)).toEqual(new Set([JOB, uuid(2)]));
    await world.core.stop();
  });

  test("of a watcher that throws is told to the others, and harms no report", async () => {
    const world = await running();
    const seen: string[] = [];
    world.core.feed.watch(JOB, () => {
      throw new Error("a bad watcher");
    });
    world.core.feed.watch(JOB, (item) => seen.push(item.type));
    expect((await progress(world, 0.5)).kind).toBe("taken");
    await world.core.reports.completed(from(NODE), result);
    expect(seen).toEqual(["change", "telemetry", "change"]);
    await world.core.stop();
  });
});
