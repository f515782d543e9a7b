import { describe, expect, test } from "bun:test";
import { settle } from "../../support/fake-clock.ts";
import { jobPolicy, nodePolicy, nodeProfile, uuid } from "../fixtures.ts";
import { type CoreWorld, coreWorld, HEARTBEAT, TIMEOUT } from "../world.ts";

const NODE = uuid(100);
const OTHER = uuid(101);
const JOB = uuid(1);

/** One job that has been accepted by its only node, and is perhaps already running there. */
async function atWork(running = true, overrides: Parameters<typeof nodeProfile>[0] = {}): Promise<CoreWorld> {
  const world = await coreWorld();
  await world.register(NODE, { profile: nodeProfile(overrides) });
  await world.submit(JOB);
  if (running) await world.core.reports.started({ nodeId: NODE, jobId: JOB, attempt: null });
  return world;
}

const beat = (world: CoreWorld, nodeId: string, activeJobs: readonly string[] = []) =>
  world.core.rollCall.heartbeat({ nodeId, activeJobs });

/** Heartbeats at their interval, for so long. */
async function beats(
  world: CoreWorld,
  time: number,
  nodes: Readonly<Record<string, readonly string[]>>,
): Promise<void> {
  for (let passed = 0; passed < time; passed += HEARTBEAT) {
    for (const [nodeId, activeJobs] of Object.entries(nodes)) await beat(world, nodeId, activeJobs);
    await world.clock.advance(Math.min(HEARTBEAT, time - passed));
  }
}

describe("a heartbeat", () => {
  test("of an unknown node says so", async () => {
    const world = await coreWorld();
    expect(await beat(world, NODE, [JOB])).toEqual({ known: false, jobsToCancel: [] });
    await world.core.stop();
  });

  test("of an online node is no transition, and keeps it online", async () => {
    const world = await atWork();
    const version = world.node(NODE)?.version;
    await beats(world, 10 * TIMEOUT, { [NODE]: [JOB] });
    expect(world.node(NODE)).toMatchObject({ state: "online.busy", version });
    await world.core.stop();
  });

  test("tells the node to cancel what is not, or no longer, its own", async () => {
    const world = await atWork();
    await world.register(OTHER);
    const foreign = uuid(9);
    expect(await beat(world, NODE, [JOB, foreign])).toEqual({ known: true, jobsToCancel: [foreign] });
    expect(await beat(world, OTHER, [JOB])).toEqual({ known: true, jobsToCancel: [JOB] });
    await world.core.jobs.ask(JOB, { type: "CANCEL", reason: "" });
    expect(await beat(world, NODE, [JOB])).toEqual({ known: true, jobsToCancel: [JOB] });
    await world.core.stop();
  });

  test("never ends a ban, nor a drain", async () => {
    const world = await coreWorld();
    await world.register(NODE);
    await world.core.nodes.ask(NODE, { type: "BAN", reason: "lied", by: "operator", until: null, evict: false });
    await world.clock.advance(10 * TIMEOUT);
    await beat(world, NODE);
    await world.register(NODE, { bootId: "boot-2" });
    expect(world.node(NODE)?.state).toBe("banned");
    await world.submit(JOB);
    expect(world.link.offers).toEqual([]);
    await world.core.stop();
  });
});

describe("a node that goes silent", () => {
  test("is suspect, and its run goes on when it comes back within the grace period, without a new offer", async () => {
    for (const running of [true, false]) {
      const world = await atWork(running);
      await beats(world, TIMEOUT, { [NODE]: [JOB] });
      await world.clock.advance(TIMEOUT);
      expect(world.node(NODE)?.state).toBe("suspect");
      expect(world.job(JOB)?.state).toBe(running ? "running.orphaned" : "assigned.orphaned");
      await world.clock.advance(jobPolicy.gracePeriod - 2 * HEARTBEAT);
      expect(await beat(world, NODE, [JOB])).toEqual({ known: true, jobsToCancel: [] });
      await settle();
      expect(world.job(JOB)?.state).toBe(running ? "running.active" : "assigned.accepted");
      expect(world.job(JOB)?.snapshot.context.attempt).toBe(1);
      expect(world.link.offers.length).toBe(1);
      await world.core.stop();
    }
  });

  test("loses its run after the grace period: another gets it, and it is told to stop when it comes back", async () => {
    const world = await atWork();
    await world.register(OTHER);
    await beats(world, TIMEOUT + jobPolicy.gracePeriod + HEARTBEAT, { [OTHER]: [] });
    expect(world.job(JOB)?.snapshot.context).toMatchObject({
      attempt: 2,
      losses: 1,
      retries: 0,
      live: { nodeId: OTHER },
      history: [{ outcome: "lost", nodeId: NODE }],
    });
    expect(await beat(world, NODE, [JOB])).toEqual({ known: true, jobsToCancel: [JOB] });
    await settle();
    const late = await world.core.reports.completed({ nodeId: NODE, jobId: JOB, attempt: 1 }, {} as never);
    expect(late.kind).toBe("superseded");
    expect(world.job(JOB)?.snapshot.context.live?.nodeId).toBe(OTHER);
    await world.core.stop();
  });

  test("is offline in the end, and welcome back then too", async () => {
    const world = await coreWorld();
    await world.register(NODE);
    await world.clock.advance(TIMEOUT + nodePolicy.gracePeriod + 1);
    expect(world.node(NODE)?.state).toBe("offline");
    await beat(world, NODE);
    expect(world.node(NODE)?.state).toBe("online.idle");
    await world.core.stop();
  });

  test("while the server was down is not judged before it had time to be heard", async () => {
    const world = await atWork();
    await world.core.stop();
    await world.clock.advance(5 * jobPolicy.gracePeriod);
    const next = await coreWorld({ clock: world.clock, journal: world.journal, link: world.link });
    await next.clock.advance(HEARTBEAT);
    expect(next.node(NODE)?.state).toBe("online.busy");
    expect(next.job(JOB)?.state).toBe("running.active");
    await beats(next, 2 * TIMEOUT, { [NODE]: [JOB] });
    expect(next.node(NODE)?.state).toBe("online.busy");
    await next.core.stop();
  });

  test("gives a word that was lost another chance with the next sweep", async () => {
    const world = await atWork();
    world.journal.fault = (batch, write) => {
      if (batch.some(({ event }) => (event as { type: string }).type === "NODE_LOST")) throw new Error("lost");
      write();
    };
    await world.clock.advance(TIMEOUT + 1000);
    expect(world.node(NODE)?.state).toBe("suspect");
    expect(world.job(JOB)?.state).toBe("running.active");
    world.journal.fault = null;
    await world.clock.advance(HEARTBEAT);
    expect(world.job(JOB)?.state).toBe("running.orphaned");
    await world.core.stop();
  });
});

describe("an attempt that its node does not list", () => {
  test("is gone after two heartbeats in a row, and not after one", async () => {
    const world = await atWork();
    await beat(world, NODE, []);
    await beat(world, NODE, [JOB]);
    await beat(world, NODE, []);
    await settle();
    expect(world.job(JOB)?.snapshot.context.attempt).toBe(1);
    await beat(world, NODE, []);
    await settle();
    expect(world.job(JOB)?.snapshot.context).toMatchObject({ losses: 1, live: null });
    await world.core.stop();
  });

  test("counts from the beginning with every attempt", async () => {
    const world = await coreWorld();
    await world.register(NODE);
    await world.submit(JOB, { policy: { ...jobPolicy, exclusion: 100, backoff: 100 } });
    await beat(world, NODE, []);
    await world.core.reports.failed({ nodeId: NODE, jobId: JOB, attempt: 1 }, "oom", false);
    await world.clock.advance(500);
    expect(world.job(JOB)).toMatchObject({ state: "assigned.accepted", snapshot: { context: { attempt: 2 } } });
    await beat(world, NODE, []);
    await settle();
    expect(world.job(JOB)?.state).toBe("assigned.accepted");
    await world.core.stop();
  });

  test("lives on where the node never lists any", async () => {
    const world = await atWork(true, { reportsAttempts: false });
    await beats(world, 4 * HEARTBEAT, { [NODE]: [] });
    expect(world.job(JOB)?.state).toBe("running.active");
    await world.core.stop();
  });

  test("is not missed while the offer is still open", async () => {
    const world = await coreWorld();
    world.link.answer = () => new Promise(() => {});
    await world.register(NODE);
    await world.submit(JOB);
    await beats(world, 2 * HEARTBEAT - 1, { [NODE]: [] });
    expect(world.job(JOB)?.state).toBe("assigned.offering");
    await world.core.stop();
  });
});

describe("a node that restarts", () => {
  test("has lost what it ran: it is found out at once, also when the word of it seemed lost", async () => {
    for (const doubtful of [false, true]) {
      const world = await atWork(true, { reportsAttempts: false });
      if (doubtful) {
        world.journal.fault = (_, write) => {
          world.journal.fault = null;
          write();
          throw new Error("connection lost");
        };
      }
      await world
        .register(NODE, { bootId: "boot-2", profile: nodeProfile({ reportsAttempts: false }) })
        .catch(() => {});
      await world.clock.advance(1000);
      expect(world.job(JOB)?.snapshot.context).toMatchObject({ losses: 1, live: null });
      await world.core.stop();
    }
  });

  test("and registers again under the same boot goes on with what it runs", async () => {
    const world = await atWork();
    await world.register(NODE);
    expect(world.job(JOB)?.state).toBe("running.active");
    await world.core.stop();
  });
});

test("a node that sends heartbeats and cannot be called gets no offers, until a probe reaches it", async () => {
  const world = await coreWorld();
  world.link.answer = async () => ({ accepted: false, outcome: "unreachable", message: "no route" });
  await world.register(NODE);
  world.link.callable = false;
  await world.submit(JOB);
  expect(world.node(NODE)?.snapshot.context.reachability).toBe("uncallable");
  await world.submit(uuid(2));
  expect(world.link.offers.length).toBe(1);
  world.link.callable = true;
  world.link.answer = async () => ({ accepted: true });
  await beats(world, HEARTBEAT, { [NODE]: [] });
  expect(world.node(NODE)?.snapshot.context.reachability).toBe("callable");
  expect(world.job(uuid(2))?.state).toBe("assigned.accepted");
  await world.core.stop();
});
