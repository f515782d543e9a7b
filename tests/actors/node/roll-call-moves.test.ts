/** What the roll call does for attempts whose nodes come back late, are taken away, or are several. */
import { describe, expect, test } from "bun:test";
import type { JobInput } from "../../../src/actors/job/state.ts";
import { settle } from "../../support/fake-clock.ts";
import { jobPolicy, jobSpec, nodePolicy, nodeProfile, result, uuid } from "../fixtures.ts";
import { type CoreWorld, coreWorld, HEARTBEAT, TIMEOUT } from "../world.ts";

const NODE = uuid(100);
const OTHER = uuid(101);
const JOB = uuid(1);

const beat = async (world: CoreWorld, nodeId: string, ...activeJobs: readonly string[]) => {
  const { jobsToCancel } = await world.core.rollCall.heartbeat({ nodeId, activeJobs });
  await settle();
  return jobsToCancel;
};

/** Heartbeats at their interval, for so long. */
async function beats(world: CoreWorld, time: number, nodes: Readonly<Record<string, string>>): Promise<void> {
  for (let passed = 0; passed < time; passed += HEARTBEAT) {
    for (const [nodeId, job] of Object.entries(nodes)) await beat(world, nodeId, ...(job === "" ? [] : [job]));
    await world.clock.advance(Math.min(HEARTBEAT, time - passed));
  }
}

/** One job that runs on the only node. */
async function running(overrides: Partial<JobInput> = {}): Promise<CoreWorld> {
  const world = await coreWorld();
  await world.register(NODE);
  await world.submit(JOB, overrides);
  await world.core.reports.started({ nodeId: NODE, jobId: JOB, attempt: 1 });
  return world;
}

const LOST = TIMEOUT + jobPolicy.gracePeriod + HEARTBEAT;
const keepOriginal = { policy: { ...jobPolicy, reconcile: "keep_original" as const } };
const contextOf = (world: CoreWorld, id = JOB) => world.job(id)?.snapshot.context;
const reports = (attempt: number | null, nodeId = NODE) => ({ nodeId, jobId: JOB, attempt });

test("my healthy job is not killed by a blink of the network", async () => {
  const world = await running();
  await world.register(OTHER);
  for (let blink = 0; blink < 3; blink++) {
    await beats(world, TIMEOUT + jobPolicy.gracePeriod - 2 * HEARTBEAT, { [OTHER]: "" });
    expect(world.job(JOB)?.state).toBe("running.orphaned");
    expect(await beat(world, NODE, JOB)).toEqual([]);
    expect(world.job(JOB)?.state).toBe("running.active");
  }
  expect(contextOf(world)).toMatchObject({ attempt: 1, history: [], losses: 0, unsettled: [] });
  expect(world.link.offers.length).toBe(1);
  await world.core.stop();
});

describe("my job is not run twice when its node comes back late", () => {
  test("with a heartbeat: it goes on there, before anything else is offered into its room", async () => {
    const world = await running();
    await world.clock.advance(LOST);
    expect(world.job(JOB)?.state).toBe("pending.queued");
    await world.submit(uuid(2), { spec: jobSpec({ priority: "critical" }) });
    expect(await beat(world, NODE, JOB)).toEqual([]);
    expect(world.job(JOB)?.state).toBe("running.active");
    expect(contextOf(world)).toMatchObject({ attempt: 1, losses: 0, history: [], live: { number: 1, nodeId: NODE } });
    expect([world.node(NODE)?.state, world.job(uuid(2))?.state]).toEqual(["online.busy", "pending.queued"]);
    expect(world.link.offers.length).toBe(1);
    await world.core.stop();
  });

  test("with a report: what it has done meanwhile is taken", async () => {
    for (const attempt of [null, 1]) {
      const world = await running();
      await world.clock.advance(LOST);
      const report = { progress: 0.75, epoch: 3, metrics: {}, log: "" };
      expect((await world.core.reports.progress({ ...reports(attempt), ...report })).kind).toBe("taken");
      expect(contextOf(world)).toMatchObject({ attempt: 1, progress: 0.75, live: { nodeId: NODE } });
      await world.core.stop();
    }
  });

  test("with its result: the job is done", async () => {
    const world = await running();
    await world.clock.advance(LOST);
    expect(await world.core.reports.completed(reports(1), result)).toMatchObject({
      kind: "taken",
      job: { state: "completed" },
    });
    expect((await world.core.reports.completed(reports(1), result)).kind).toBe("repeated");
    await settle();
    expect(world.node(NODE)?.snapshot.context.jobsCompleted).toBe(1);
    await world.core.stop();
  });

  test("a report of its failure is no reason to take it back", async () => {
    const world = await running();
    await world.clock.advance(LOST);
    expect((await world.core.reports.failed(reports(1), "oom", false)).kind).toBe("superseded");
    expect(contextOf(world)).toMatchObject({ retries: 0, losses: 1, live: null });
    await world.core.stop();
  });

  test("unless its room was given to another meanwhile: then it is told to stop (I3)", async () => {
    const world = await running();
    await world.clock.advance(LOST);
    await world.submit(uuid(2), { spec: jobSpec({ priority: "critical" }) });
    world.core.rollCall.heard(NODE);
    await settle();
    expect(world.job(uuid(2))?.state).toBe("assigned.accepted");
    expect(await beat(world, NODE, JOB, uuid(2))).toEqual([JOB]);
    expect(contextOf(world)?.live).toBeNull();
    await world.core.stop();
  });
});

test("a node that comes back with the replaced attempt is told to stop", async () => {
  const world = await running();
  await world.register(OTHER);
  await beats(world, LOST, { [OTHER]: "" });
  expect(contextOf(world)?.live).toMatchObject({ number: 2, nodeId: OTHER });
  expect(await beat(world, NODE, JOB)).toEqual([JOB]);
  for (const kind of [
    (await world.core.reports.progress({ ...reports(1), progress: 1, epoch: 1, metrics: {}, log: "" })).kind,
    (await world.core.reports.completed(reports(1), result)).kind,
  ])
    expect(kind).toBe("superseded");
  expect(await beat(world, OTHER, JOB)).toEqual([]);
  await world.core.stop();
});

test("keep_original: the first run goes on and the second is stopped", async () => {
  const world = await running(keepOriginal);
  await world.register(OTHER);
  await beats(world, LOST, { [OTHER]: "" });
  await world.core.reports.started(reports(2, OTHER));
  expect(await beat(world, NODE, JOB)).toEqual([]);
  expect(contextOf(world)).toMatchObject({
    attempt: 2,
    live: { number: 1, nodeId: NODE },
    history: [{ number: 2, nodeId: OTHER, outcome: "superseded" }],
  });
  expect(await beat(world, OTHER, JOB)).toEqual([JOB]);
  expect((await world.core.reports.completed(reports(2, OTHER), result)).kind).toBe("superseded");
  expect((await world.core.reports.completed(reports(1), result)).kind).toBe("taken");
  await world.core.stop();
});

describe("draining a node moves my job without costing me a retry", () => {
  const ban = { type: "BAN", reason: "fraud", by: "operator", until: null, evict: true } as const;

  test("it runs elsewhere, and the old node is told to stop", async () => {
    const world = await running();
    await world.register(OTHER);
    await world.core.nodes.ask(NODE, ban);
    await settle();
    expect(contextOf(world)).toMatchObject({
      retries: 0,
      losses: 0,
      live: { number: 2, nodeId: OTHER },
      history: [{ number: 1, nodeId: NODE, outcome: "evicted" }],
    });
    expect(await beat(world, NODE, JOB)).toEqual([JOB]);
    expect((await world.core.reports.completed(reports(1), result)).kind).toBe("superseded");
    await world.core.stop();
  });

  test("a drain leaves it the time it was given, and moves it then", async () => {
    const world = await running();
    await world.register(OTHER);
    const until = world.clock.now() + 4 * HEARTBEAT;
    await world.core.nodes.ask(NODE, { type: "DRAIN", reason: "new driver", by: "operator", until });
    await beats(world, 3 * HEARTBEAT, { [NODE]: JOB, [OTHER]: "" });
    expect(contextOf(world)?.live).toMatchObject({ number: 1, nodeId: NODE });
    await beats(world, 2 * HEARTBEAT, { [NODE]: JOB, [OTHER]: "" });
    expect(contextOf(world)?.live).toMatchObject({ number: 2, nodeId: OTHER });
    expect(contextOf(world)?.history).toMatchObject([{ outcome: "evicted", nodeId: NODE }]);
    await world.core.stop();
  });

  test("also when the word of it was lost: with the next sweep", async () => {
    const world = await running();
    await world.register(OTHER);
    world.journal.fault = (batch, write) => {
      if (batch.some(({ event }) => (event as { type: string }).type === "EVICT")) throw new Error("lost");
      write();
    };
    await world.core.nodes.ask(NODE, ban);
    await settle();
    expect(contextOf(world)?.live).toMatchObject({ number: 1, nodeId: NODE });
    world.journal.fault = null;
    await world.clock.advance(HEARTBEAT);
    expect(contextOf(world)?.live).toMatchObject({ number: 2, nodeId: OTHER });
    await world.core.stop();
  });
});

describe("a gang", () => {
  const gang = { spec: jobSpec({ gang: { size: 2, topology: "any" } }) };

  async function gangRunning(): Promise<CoreWorld> {
    const world = await coreWorld();
    await world.register(NODE);
    await world.register(OTHER);
    await world.submit(JOB, gang);
    for (const nodeId of [NODE, OTHER]) await world.core.reports.started(reports(1, nodeId));
    return world;
  }

  test("is told to every member: its rank, and where rank 0 is", async () => {
    const world = await gangRunning();
    expect(world.job(JOB)?.state).toBe("running.active");
    const { nodeId: first } = contextOf(world)?.live ?? {};
    const told = world.link.offers.map(({ target, attempt, gang: role }) => [
      target.nodeId,
      attempt,
      role?.rank,
      role?.size,
      role?.rendezvous.nodeId,
    ]);
    const second = first === NODE ? OTHER : NODE;
    expect(told).toEqual([
      [first, 1, 0, 2, first],
      [second, 1, 1, 2, first],
    ]);
    await world.core.stop();
  });

  test("lives as long as all its members list it", async () => {
    const world = await gangRunning();
    await beats(world, 4 * TIMEOUT, { [NODE]: JOB, [OTHER]: JOB });
    expect(world.job(JOB)?.state).toBe("running.active");
    await world.core.stop();
  });

  test("one dead member ends the whole gang and frees its nodes", async () => {
    const world = await gangRunning();
    const { members } = contextOf(world)?.live ?? {};
    const [first = "", second = ""] = members?.map(({ nodeId }) => nodeId) ?? [];
    await beats(world, LOST, { [first]: JOB });
    expect(world.job(JOB)?.state).toBe("pending.queued");
    expect(contextOf(world)).toMatchObject({ losses: 1, live: null, exclusions: [{ nodeId: second }] });
    expect(await beat(world, first, JOB)).toEqual([JOB]);
    expect(world.node(first)?.state).toBe("online.idle");
    // It is not given back to the one that returns: the others have been told to stop.
    expect(await beat(world, second, JOB)).toEqual([JOB]);
    await world.core.stop();
  });

  test("is lost when one member does not list it, or has restarted", async () => {
    const forgetful = await gangRunning();
    await beats(forgetful, 2 * HEARTBEAT, { [NODE]: JOB, [OTHER]: "" });
    expect(contextOf(forgetful)?.history).toMatchObject([{ outcome: "lost" }]);
    await forgetful.core.stop();
    const restarted = await gangRunning();
    await restarted.register(OTHER, { bootId: "boot-2" });
    expect(contextOf(restarted)?.history).toMatchObject([{ outcome: "lost" }]);
    await restarted.core.stop();
  });

  test("does without a member that is done", async () => {
    const world = await gangRunning();
    const [first = "", second = ""] = contextOf(world)?.live?.members?.map(({ nodeId }) => nodeId) ?? [];
    expect((await world.core.reports.completed(reports(1, second), result)).kind).toBe("taken");
    expect((await world.core.reports.completed(reports(1, second), result)).kind).toBe("repeated");
    await beats(world, TIMEOUT + nodePolicy.gracePeriod, { [first]: JOB });
    expect(world.job(JOB)?.state).toBe("running.active");
    expect((await world.core.reports.completed(reports(1, first), result)).kind).toBe("taken");
    await settle();
    for (const nodeId of [first, second]) expect(world.node(nodeId)?.snapshot.context.jobsCompleted).toBe(1);
    expect(world.job(JOB)).toBeUndefined();
    await world.core.stop();
  });

  test("ends for all when one node cannot be reached, and the others are told to stop", async () => {
    const world = await coreWorld();
    world.link.answer = async (offer) =>
      offer.gang?.rank === 1 ? { accepted: false, outcome: "unreachable", message: "no route" } : { accepted: true };
    await world.register(NODE, { profile: nodeProfile({ name: "a" }) });
    await world.register(OTHER, { profile: nodeProfile({ name: "b" }) });
    await world.submit(JOB, gang);
    const [past] = contextOf(world)?.history ?? [];
    expect([past?.outcome, contextOf(world)?.live]).toEqual(["unreachable", null]);
    const [first = "", second = ""] = past?.nodeIds ?? [];
    expect(contextOf(world)?.exclusions).toMatchObject([{ nodeId: second }]);
    expect(await beat(world, first, JOB)).toEqual([JOB]);
    await world.core.stop();
  });

  test("shows and stores rank 0's progress only", async () => {
    const world = await gangRunning();
    const [first = "", second = ""] = contextOf(world)?.live?.members?.map(({ nodeId }) => nodeId) ?? [];
    const report = { epoch: 1, metrics: {}, log: "" };
    expect((await world.core.reports.progress({ ...reports(1, first), ...report, progress: 0.25 })).kind).toBe("taken");
    const version = world.job(JOB)?.version;
    await world.clock.advance(HEARTBEAT + 1000);
    expect((await world.core.reports.progress({ ...reports(1, second), ...report, progress: 0.75 })).kind).toBe(
      "taken",
    );
    expect([world.core.feed.latest(JOB)?.progress, world.job(JOB)?.version]).toEqual([0.25, version]);
    await world.core.stop();
  });
});
