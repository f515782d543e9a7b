/** Who gets what when there is not enough for all. */
import { describe, expect, test } from "bun:test";
import type { Fairness } from "../../../src/actors/scheduler/broker.ts";
import { settle } from "../../support/fake-clock.ts";
import { device } from "../../support/fleet.ts";
import { closeStagesAfterEach, GIB, Stage } from "./stage.ts";

closeStagesAfterEach();

const weighing = (
  weights: Readonly<Record<string, number>>,
  maxRunningPerOwner = Number.POSITIVE_INFINITY,
): Fairness => ({
  weightOf: (owner) => weights[owner] ?? 1,
  maxRunningPerOwner,
  patience: 60_000,
});

/** How many of the owner's jobs are on nodes. */
const running = (stage: Stage, ...owners: string[]) => owners.map((owner) => stage.core.broker.runningOf(owner));

/** What runs, the longest running first. */
const runningJobs = (stage: Stage) =>
  [...stage.core.jobs.live()].filter(({ state }) => state === "assigned.accepted").map(({ ref }) => ref.id);

describe("fair share", () => {
  test("my neighbour's ten thousand jobs do not starve me", async () => {
    const stage = await Stage.open();
    await stage.core.scheduler.ask("main", { type: "PAUSE", reason: "so that all of them are there" });
    await stage.node("node", { slots: 10, ramBytes: 100 * GIB });
    await stage.submitMany(10_000, { owner: "greedy" });
    await stage.clock.advance(1000);
    await stage.submitMany(20, { owner: "modest" });
    await stage.core.scheduler.ask("main", { type: "RESUME" });
    await settle();
    expect(running(stage, "greedy", "modest")).toEqual([5, 5]);
  }, 30_000);

  test("long jobs do not buy a bigger share than short ones", async () => {
    const stage = await Stage.open();
    await stage.node("node", { slots: 8, ramBytes: 100 * GIB });
    await stage.submitMany(8, { owner: "long" });
    await stage.clock.advance(10);
    await stage.submitMany(60, { owner: "short" });
    await stage.submitMany(8, { owner: "long" });
    await settle();
    expect(running(stage, "long", "short")).toEqual([8, 0]);
    // The long ones came first and end one by one; what they leave goes to the other until both hold the same.
    for (let ended = 0; ended < 4; ended++) {
      const longest = runningJobs(stage).find((id) => stage.job(id)?.owner === "long")!;
      await stage.complete(longest);
      await settle();
    }
    expect(running(stage, "long", "short")).toEqual([4, 4]);
    // From now on short ones end all the time, and long ones never: neither gains by it.
    for (let ended = 0; ended < 40; ended++) {
      await stage.complete(runningJobs(stage).find((id) => stage.job(id)?.owner === "short")!);
      await settle();
      expect(running(stage, "long", "short")).toEqual([4, 4]);
    }
  });

  test("a lie about the duration buys nothing", async () => {
    const stage = await Stage.open();
    await stage.core.scheduler.ask("main", { type: "PAUSE", reason: "" });
    await stage.node("node", { slots: 6, ramBytes: 100 * GIB });
    await stage.submitMany(10, { owner: "liar", spec: { estimatedSeconds: 1 } });
    await stage.submitMany(10, { owner: "honest", spec: { estimatedSeconds: 86_400 } });
    await stage.core.scheduler.ask("main", { type: "RESUME" });
    await settle();
    expect(running(stage, "liar", "honest")).toEqual([3, 3]);
  });

  test("weight 2 gets twice the share", async () => {
    const stage = await Stage.open({ fairness: weighing({ paying: 2 }) });
    await stage.core.scheduler.ask("main", { type: "PAUSE", reason: "" });
    await stage.node("node", { slots: 9, ramBytes: 100 * GIB });
    await stage.submitMany(20, { owner: "free" });
    await stage.submitMany(20, { owner: "paying" });
    await stage.core.scheduler.ask("main", { type: "RESUME" });
    await settle();
    expect(running(stage, "free", "paying")).toEqual([3, 6]);
  });

  test("one GPU job weighs as much as the CPU jobs it costs as much as", async () => {
    const stage = await Stage.open();
    await stage.core.scheduler.ask("main", { type: "PAUSE", reason: "" });
    await stage.node("node", {
      slots: 12,
      ramBytes: 100 * GIB,
      devices: [device("cuda", 24)],
    });
    await stage.submitMany(12, { owner: "gpu", spec: { device: "cuda", memoryBytes: GIB } });
    await stage.clock.advance(10);
    await stage.submitMany(12, { owner: "cpu" });
    await stage.core.scheduler.ask("main", { type: "RESUME" });
    await settle();
    // One costs ten times the other, and the twelfth slot goes to the one who holds less, or came first.
    expect(running(stage, "gpu", "cpu")).toEqual([2, 10]);
  });
});

describe("the limit of running jobs", () => {
  test("keeps an owner from having more, whatever is free, and blocks nobody behind", async () => {
    const stage = await Stage.open({ fairness: weighing({}, 2) });
    await stage.node("node", { slots: 10, ramBytes: 100 * GIB });
    const many = await stage.submitMany(5, { owner: "many", spec: { priority: "critical" } });
    await stage.submitMany(2, { owner: "few", spec: { priority: "low" } });
    await settle();
    expect(running(stage, "many", "few")).toEqual([2, 2]);
    expect(stage.explain(many[4]!)).toMatchObject({
      reason: "owner_limit",
      summary: "its owner runs 2 jobs already, which is the limit",
      queue: { position: null, length: 3 },
    });
    expect(stage.explain(many[4]!).wouldHelp[0]).toBe(
      "wait for one of the 2 running jobs of its owner to end, or raise scheduler.max_running_per_owner above 2",
    );
    await stage.complete(many[0]!);
    await settle();
    expect(running(stage, "many", "few")).toEqual([2, 2]);
  });

  test("my parked job is not forgotten when a node came free while I was at my limit", async () => {
    const stage = await Stage.open({ fairness: weighing({}, 1) });
    await stage.node("small", { slots: 1, ramBytes: 2 * GIB });
    await stage.node("big", { slots: 1, ramBytes: 64 * GIB });
    const blocker = await stage.submit({ owner: "other", spec: { memoryBytes: 32 * GIB } });
    await settle();
    const parked = await stage.submit({ spec: { memoryBytes: 32 * GIB } });
    await settle();
    expect(stage.core.broker.parked).toBe(1);
    const holding = await stage.submit();
    await settle();
    expect([stage.nodeOf(blocker), stage.nodeOf(holding)]).toEqual(["big", "small"]);
    // The big node comes free and nobody may have it: its owner runs one already.
    await stage.complete(blocker);
    await settle();
    expect(stage.nodeOf(parked)).toBeNull();
    await stage.complete(holding);
    await settle();
    expect(stage.nodeOf(parked)).toBe("big");
  });

  test("counts of an owner's pending and running jobs follow what happens to them", async () => {
    const stage = await Stage.open();
    await stage.node("node", { slots: 2 });
    const jobs = await stage.submitMany(5);
    await settle();
    const { broker } = stage.core;
    expect([broker.queuedOf("alice"), broker.runningOf("alice"), broker.queuedOf("nobody")]).toEqual([3, 2, 0]);
    await stage.cancel(jobs[4]!);
    await stage.complete(jobs[0]!);
    await settle();
    expect([broker.queuedOf("alice"), broker.runningOf("alice")]).toEqual([1, 2]);
    await stage.restart();
    expect([stage.core.broker.queuedOf("alice"), stage.core.broker.runningOf("alice")]).toEqual([1, 2]);
  });
});
