import { expect, test } from "bun:test";
import { JournalRejected } from "../../../src/actors/runtime/index.ts";
import { SCHEDULER_ID } from "../../../src/actors/scheduler/machine.ts";
import type { Priority } from "../../../src/domain/job-spec.ts";
import { settle } from "../../support/fake-clock.ts";
import { GIB, jobPolicy, jobSpec, nodeProfile, uuid } from "../fixtures.ts";
import { coreWorld, HEARTBEAT } from "../world.ts";

test("a job that takes no offers any more is left alone, and holds no room", async () => {
  const world = await coreWorld();
  await world.register(uuid(100));
  let refused = 0;
  world.journal.fault = (batch, write) => {
    if (batch.some(({ ref, event }) => ref.id === uuid(1) && (event as { type: string }).type === "OFFER")) {
      refused += 1;
      throw new JournalRejected("a row that cannot be stored", false);
    }
    write();
  };
  await world.submit(uuid(1));
  await world.clock.advance(5000);
  expect(world.core.system.quarantined()).toMatchObject([{ ref: { kind: "job", id: uuid(1) } }]);
  expect(refused).toBe(5);
  expect([...world.core.broker.pool.attemptsOn(uuid(100))]).toEqual([]);
  // The others go on.
  await world.submit(uuid(2));
  await settle();
  expect([...world.core.broker.pool.attemptsOn(uuid(100))]).toEqual([uuid(2)]);
  // And it, too, when an operator lets it.
  await world.core.jobs.ask(uuid(2), { type: "CANCEL", reason: "" });
  world.journal.fault = null;
  world.core.system.releaseQuarantined({ kind: "job", id: uuid(1) });
  await world.clock.advance(1000);
  expect(world.job(uuid(1))?.state).toBe("assigned.accepted");
  await world.core.stop();
});

test("placements in doubt keep their room, and the node is busy when they turn out to be real (I3)", async () => {
  for (const written of [true, false]) {
    const world = await coreWorld();
    await world.register(uuid(100));
    let failing = true;
    world.journal.fault = (batch, write) => {
      const offered = batch.some(({ event }) => (event as { type: string }).type === "OFFER");
      if (!offered || written || !failing) write();
      if (offered && failing) {
        failing = false;
        throw new Error("connection lost");
      }
    };
    await world.submit(uuid(1));
    await world.submit(uuid(2));
    expect([...world.core.broker.pool.attemptsOn(uuid(100))]).toEqual([uuid(1)]);
    await world.clock.advance(1000);
    expect(world.job(uuid(1))?.state).toBe("assigned.accepted");
    expect(world.job(uuid(2))?.state).toBe("pending.queued");
    expect(world.node(uuid(100))?.state).toBe("online.busy");
    expect(world.link.offers.length).toBe(1);
    expect(world.job(uuid(1))?.snapshot.context.attempt).toBe(1);
    await world.core.stop();
  }
});

test("priority goes first, then the owner with fewest running, then age, also among the parked", async () => {
  const world = await coreWorld();
  await world.register(uuid(100));
  await world.submit(uuid(1));
  const jobs: [number, string, Priority][] = [
    [2, "a", "low"],
    [3, "a", "normal"],
    [4, "a", "normal"],
    [5, "b", "normal"],
    [6, "b", "critical"],
  ];
  for (const [number, owner, priority] of jobs) {
    await world.submit(uuid(number), { owner, spec: jobSpec({ priority }) });
    await world.clock.advance(10);
  }
  expect(world.core.broker.parked).toBe(5);
  const order: string[] = [];
  for (let running = uuid(1); order.length < 5; running = order.at(-1) ?? "") {
    await world.core.jobs.ask(running, { type: "CANCEL", reason: "" });
    await settle();
    order.push(world.link.offers.at(-1)?.jobId ?? "");
  }
  expect(order).toEqual([6, 3, 4, 5, 2].map(uuid));
  await world.core.stop();
});

test("a job that fits nowhere blocks nobody, and goes as soon as a node can take it", async () => {
  const world = await coreWorld();
  await world.register(uuid(100), { profile: nodeProfile({ slots: 4 }) });
  await world.submit(uuid(1), { spec: jobSpec({ priority: "critical", memoryBytes: 64 * GIB }) });
  await world.submit(uuid(2));
  expect(world.job(uuid(1))?.state).toBe("pending.queued");
  expect(world.job(uuid(2))?.state).toBe("assigned.accepted");
  const waiting = world.core.broker.waiting(world.job(uuid(1)) as never);
  expect([waiting?.stage, waiting?.fitting, Object.fromEntries(waiting?.reasons ?? [])]).toEqual([
    "parked",
    0,
    { ram: 1 },
  ]);
  await world.register(uuid(101), { profile: nodeProfile({ ramBytes: 128 * GIB }) });
  expect(world.job(uuid(1))?.snapshot.context.live?.nodeId).toBe(uuid(101));
  await world.core.stop();
});

test("a node that refused is passed over for a while, then asked again", async () => {
  const world = await coreWorld();
  await world.register(uuid(100));
  world.link.answer = async () => ({ accepted: false, outcome: "rejected", message: "busy" });
  await world.submit(uuid(1));
  expect(world.link.offers.length).toBe(1);
  expect(Object.fromEntries(world.core.broker.waiting(world.job(uuid(1)) as never)?.reasons ?? [])).toEqual({
    excluded: 1,
  });
  const beat = async (time: number): Promise<void> => {
    for (let passed = 0; passed < time; passed += HEARTBEAT) {
      await world.core.rollCall.heartbeat({ nodeId: uuid(100), activeJobs: [] });
      await world.clock.advance(Math.min(HEARTBEAT, time - passed));
    }
  };
  await beat(jobPolicy.exclusion - 1);
  expect(world.link.offers.length).toBe(1);
  world.link.answer = async () => ({ accepted: true });
  await beat(1);
  expect(world.link.offers.length).toBe(2);
  expect(world.job(uuid(1))?.state).toBe("assigned.accepted");
  await world.core.stop();
});

test("while paused nothing is placed; a pause outlives a restart; resuming places what waits", async () => {
  const world = await coreWorld();
  await world.register(uuid(100));
  await world.core.scheduler.ask(SCHEDULER_ID, { type: "PAUSE", reason: "maintenance" });
  await world.submit(uuid(1));
  await world.clock.advance(1000);
  expect(world.link.offers).toEqual([]);
  await world.core.stop();
  const next = await coreWorld({ clock: world.clock, journal: world.journal, link: world.link });
  await next.clock.advance(1000);
  expect(next.core.scheduler.peek(SCHEDULER_ID)?.state).toBe("paused");
  expect(world.link.offers).toEqual([]);
  await next.core.scheduler.ask(SCHEDULER_ID, { type: "RESUME" });
  await settle();
  expect(next.job(uuid(1))?.state).toBe("assigned.accepted");
  await next.core.stop();
});

test("recovery derives the same rooms and the same queue", async () => {
  const world = await coreWorld();
  await world.register(uuid(100), { profile: nodeProfile({ slots: 2 }) });
  await world.register(uuid(101), { profile: nodeProfile({ slots: 1 }) });
  for (let number = 1; number <= 5; number++) await world.submit(uuid(number));
  const rooms = (core: typeof world.core) =>
    [100, 101].map((node) => [...core.broker.pool.attemptsOn(uuid(node))].sort());
  const before = [rooms(world.core), world.core.broker.queued, world.core.broker.parked];
  await world.core.stop();
  const next = await coreWorld({ clock: world.clock, journal: world.journal, link: world.link });
  expect([rooms(next.core), next.core.broker.queued, next.core.broker.parked]).toEqual(before);
  expect(before.slice(1)).toEqual([2, 2]);
  await next.core.stop();
});
