/** What keeps a job from starving that others overtake. Named after the complaints they answer. */
import { describe, expect, test } from "bun:test";
import { EQUAL, type Fairness } from "../../../src/actors/scheduler/fair-share.ts";
import { KeptNodes } from "../../../src/actors/scheduler/kept-nodes.ts";
import { Matchmaker } from "../../../src/actors/scheduler/matchmaker.ts";
import { NodePool, type PooledNode } from "../../../src/actors/scheduler/node-pool.ts";
import type { QueuedJob } from "../../../src/actors/scheduler/ranking.ts";
import type { NodeProfile } from "../../../src/domain/node-profile.ts";
import { FakeClock } from "../../support/fake-clock.ts";
import { GIB, profile, queuedJob } from "./stage.ts";

const PATIENCE = 60_000;
const MINUTE = 60_000;

/** A matchmaker, and somebody who keeps it busy: a new small job for each that ends, all of them after everybody else's. */
class Floor {
  readonly clock = new FakeClock();
  readonly matchmaker: Matchmaker;
  readonly running = new Map<string, readonly string[]>();
  #jobs = 0;

  constructor(nodes: Readonly<Record<string, Partial<NodeProfile>>>, fairness: Partial<Fairness> = {}) {
    this.matchmaker = new Matchmaker({
      clock: this.clock,
      fairness: { ...EQUAL, patience: PATIENCE, ...fairness },
      onWork: () => {},
    });
    for (const [id, overrides] of Object.entries(nodes)) this.node(id, {}, overrides);
  }

  node(id: string, changes: Partial<PooledNode> = {}, overrides: Partial<NodeProfile> = {}): void {
    const known = this.matchmaker.pool.get(id);
    const node = known ?? {
      id,
      profile: profile({ slots: 1, ...overrides }),
      unavailable: null,
      reputation: 75,
      uptime: 100,
    };
    this.matchmaker.observeNode({ ...node, ...changes });
  }

  wants(id: string, overrides: Partial<QueuedJob> = {}): void {
    this.matchmaker.enqueue(queuedJob(id, { owner: id, queuedAt: this.clock.now(), ...overrides }));
    this.round();
  }

  /** Of the owner of the small ones. */
  small(seconds = 600, overrides: Partial<QueuedJob> = {}): string {
    const id = `small-${++this.#jobs}`;
    this.wants(id, { owner: "crowd", seconds, ...overrides });
    return id;
  }

  ends(id: string): void {
    expect(this.running.delete(id)).toBe(true);
    this.matchmaker.giveBack(id);
    this.round();
  }

  round(): void {
    this.matchmaker.beginRound();
    for (let match = this.matchmaker.next(); match; match = this.matchmaker.next())
      this.running.set(match.job.id, match.nodes);
  }

  /** One of the small ones ends every now and then, and another comes: no two nodes are ever free at a time. */
  async busy(minutes: number, seconds = 600): Promise<void> {
    for (let step = 0; step < minutes * 4; step++) {
      await this.clock.advance(MINUTE / 4);
      const oldest = [...this.running.keys()].find((id) => id.startsWith("small"));
      if (oldest === undefined) return;
      this.small(seconds);
      this.ends(oldest);
    }
  }

  kept(id: string): readonly string[] {
    return [...this.matchmaker.keptFor(id)].sort();
  }
}

const onlyIn = (region: string) => ({
  demand: { device: null, ramBytes: GIB, vramBytes: 0, requirements: { regions: [region] } },
});

const four = { a: {}, b: {}, c: {}, d: {} };
const crowd = (floor: Floor, many: number, seconds?: number) =>
  Array.from({ length: many }, () => floor.small(seconds));

describe("my job never starts, because small jobs take every node that falls free", () => {
  test("a gang gets its nodes", async () => {
    const floor = new Floor(four);
    crowd(floor, 4);
    floor.wants("gang", { gang: { size: 3, topology: "any" } });
    await floor.busy(10);
    expect(floor.running.get("gang")?.length).toBe(3);
    floor.matchmaker.stop();
  });

  test("a gang gets its nodes before later jobs of its own owner", async () => {
    const floor = new Floor(four);
    crowd(floor, 4);
    floor.wants("gang", { owner: "crowd", gang: { size: 3, topology: "any" } });
    await floor.busy(10);
    expect(floor.running.get("gang")?.length).toBe(3);
    floor.matchmaker.stop();
  });

  test("and never would without patience", async () => {
    const floor = new Floor(four, { patience: Number.POSITIVE_INFINITY });
    crowd(floor, 4);
    floor.wants("gang", { gang: { size: 3, topology: "any" } });
    await floor.busy(60);
    expect(floor.running.has("gang")).toBe(false);
    expect(floor.clock.pending).toBe(0);
  });

  test("a job that needs most of a machine gets its memory", async () => {
    const floor = new Floor({ a: { slots: 4, ramBytes: 8 * GIB }, b: { slots: 4, ramBytes: 8 * GIB } });
    crowd(floor, 8);
    floor.wants("large", { demand: { device: null, ramBytes: 7 * GIB, vramBytes: 0 } });
    await floor.busy(10);
    expect(floor.running.has("large")).toBe(true);
    floor.matchmaker.stop();
  });

  test("a gang in one region gets its nodes there, and the other regions are left alone", async () => {
    const floor = new Floor({
      a: { region: "eu-west" },
      b: { region: "us-east" },
      c: { region: "eu-west" },
      d: {},
      e: { region: "us-east" },
    });
    crowd(floor, 4);
    floor.small(10);
    floor.wants("gang", { gang: { size: 2, topology: "region" } });
    await floor.busy(1);
    const kept = floor.kept("gang");
    expect([
      ["a", "c"],
      ["b", "e"],
    ]).toContainEqual([...kept]);
    await floor.busy(10);
    expect([...(floor.running.get("gang") ?? [])].sort()).toEqual([...kept]);
    floor.matchmaker.stop();
  });
});

describe("nodes stand idle while something could run there", () => {
  /** Both are kept, b is free, a is busy for ten minutes more. */
  async function waiting(fairness: Partial<Fairness> = {}): Promise<Floor> {
    const floor = new Floor({ a: { region: "near" }, b: { region: "near" } }, fairness);
    const [first = ""] = crowd(floor, 2, 600);
    floor.wants("gang", { ...onlyIn("near"), gang: { size: 2, topology: "any" } });
    await floor.clock.advance(PATIENCE);
    // Overtaken once: that is what is noticed.
    floor.small(600);
    floor.ends(first);
    await floor.clock.advance(PATIENCE / 4);
    expect(floor.kept("gang")).toEqual(["a", "b"]);
    floor.ends("small-2");
    return floor;
  }

  test("a job that is over before the gang can start goes there", async () => {
    const floor = await waiting();
    expect(floor.running.size).toBe(1);
    floor.small(3600);
    floor.small(0);
    expect(floor.running.size).toBe(1);
    floor.small(60);
    expect([...floor.running.keys()]).toEqual(["small-3", "small-6"]);
    floor.ends("small-6");
    floor.ends("small-3");
    expect(floor.running.get("gang")?.length).toBe(2);
    // Whoever had to wait goes on.
    floor.ends("gang");
    expect([...floor.running.keys()].sort()).toEqual(["small-4", "small-5"]);
    floor.matchmaker.stop();
  });

  test("a job goes there beside which the other still fits", async () => {
    const floor = new Floor({ a: { slots: 4, ramBytes: 8 * GIB }, b: { slots: 1 } });
    crowd(floor, 5);
    const large = { demand: { device: null, ramBytes: 4 * GIB, vramBytes: 0 } } as const;
    floor.wants("gang", { ...large, gang: { size: 2, topology: "any" } });
    await floor.busy(1);
    expect(floor.kept("gang")).toEqual(["a", "b"]);
    const onA = () => [...floor.running].filter(([, nodes]) => nodes.includes("a")).map(([id]) => id);
    const before = onA();
    crowd(floor, 8, 3600);
    for (const id of before) floor.ends(id);
    // Room for four gigabytes is kept; another four are to be had by the slots that are left.
    expect(onA().length).toBe(3);
    floor.matchmaker.stop();
  });

  test("when the job is withdrawn its nodes go to those who were kept away", async () => {
    const floor = await waiting();
    floor.small(3600);
    expect(floor.running.size).toBe(1);
    floor.matchmaker.dequeue("gang");
    floor.round();
    expect([...floor.running.keys()]).toEqual(["small-3", "small-4"]);
    floor.matchmaker.stop();
  });

  test("no node is kept for a job that can never run, and it hides no other that can", async () => {
    const floor = new Floor({ a: {}, b: {} });
    crowd(floor, 2);
    floor.wants("dream", { gang: { size: 9, topology: "any" } });
    await floor.clock.advance(1);
    floor.wants("gang", { gang: { size: 2, topology: "any" } });
    await floor.busy(6);
    expect(floor.running.get("gang")?.length).toBe(2);
    expect(floor.kept("dream")).toEqual([]);
    floor.matchmaker.stop();
  });

  test("who goes first by priority need not leave them alone", async () => {
    const floor = await waiting();
    floor.wants("urgent", { priority: 3, seconds: 3600 });
    expect(floor.running.has("urgent")).toBe(true);
    floor.matchmaker.stop();
  });

  test("who comes to go first, as the other's owner has got more, need not leave them alone any longer", async () => {
    const floor = await waiting();
    const other = floor.small(3600);
    expect(floor.running.has(other)).toBe(false);
    floor.node("c", {}, { region: "far" });
    // The gang's owner holds more now than the crowd does.
    floor.wants("costly", { ...onlyIn("far"), owner: "gang", rate: 1000, queuedAt: 0 });
    expect(floor.running.get("costly")).toEqual(["c"]);
    expect(floor.running.get(other)).toEqual(["b"]);
    floor.matchmaker.stop();
  });

  test("while the other's owner runs as many jobs as it may, they are not kept", async () => {
    const floor = await waiting({ maxRunningPerOwner: 2 });
    const other = floor.small(3600, { ...onlyIn("near"), owner: "somebody" });
    expect(floor.running.has(other)).toBe(false);
    for (const id of ["c", "d"]) floor.node(id, {}, { region: "far" });
    for (const id of ["one", "two"]) floor.wants(id, { ...onlyIn("far"), owner: "gang", rate: 0, queuedAt: 0 });
    floor.round();
    expect(floor.running.get(other)).toEqual(["b"]);
    floor.matchmaker.stop();
  });

  test("who comes to go first, as a job of its own has ended, need not either", async () => {
    const floor = await waiting();
    for (const id of ["c", "d"]) floor.node(id, {}, { region: "far" });
    floor.wants("gang's", { ...onlyIn("far"), owner: "gang", rate: 15, queuedAt: 0 });
    const last = floor.small(3600, { ...onlyIn("far"), rate: 10 });
    expect(floor.running.has(last)).toBe(true);
    const others = [floor.small(3600, { rate: 1 }), floor.small(3600, { rate: 1 })];
    expect(others.filter((id) => floor.running.has(id))).toEqual([]);
    // The crowd holds 20, and the gang's owner 15; then the crowd holds 10.
    floor.ends(last);
    expect(others.filter((id) => floor.running.has(id))).toEqual(others);
    floor.matchmaker.stop();
  });

  test("a job that nobody overtakes has none kept", async () => {
    const floor = new Floor({ a: {}, b: {} });
    crowd(floor, 2);
    floor.wants("gang", { gang: { size: 2, topology: "any" } });
    await floor.clock.advance(60 * MINUTE);
    expect(floor.kept("gang")).toEqual([]);
    expect(floor.clock.pending).toBe(0);
    floor.ends("small-1");
    floor.ends("small-2");
    expect(floor.running.get("gang")?.length).toBe(2);
  });
});

test("in a large fleet some hundred nodes are looked at, those among them that are free now, and the same gang always has the same", () => {
  const pool = new NodePool();
  const demand = { device: null, ramBytes: GIB, vramBytes: 0 };
  for (let index = 0; index < 5000; index++) {
    const id = `node-${index}`;
    pool.upsert({ id, profile: profile({ slots: 1 }), unavailable: null, reputation: 75, uptime: 100 });
    // Three are free, far apart.
    if (index % 2000 !== 999) pool.hold(null, `job-${index}`, [id], demand);
  }
  let looks = 0;
  const runningOn = () => {
    looks += 1;
    return [{ demand, end: 1e15 }];
  };
  const keep = (id: string, topology: "any" | "region") => {
    const kept = new KeptNodes({ clock: new FakeClock(), pool, runningOn });
    expect(kept.keep(queuedJob(id, { gang: { size: 5, topology } }), () => false)).toBe(topology === "any");
    return [...kept.nodes];
  };
  const nodes = keep("gang", "any");
  expect(nodes.length).toBe(5);
  expect(nodes.slice(0, 3)).toEqual(["node-2999", "node-4999", "node-999"]);
  expect(keep("gang", "any")).toEqual(nodes);
  expect(keep("another gang", "any")).not.toEqual(nodes);
  expect(looks).toBeLessThan(3 * 600);
  // None of them says in which region it is.
  expect(keep("gang", "region")).toEqual([]);
});

test("when a kept node fails another is kept, and what it was kept from takes the rest", async () => {
  const floor = new Floor({ a: {}, b: {}, c: {} });
  crowd(floor, 3);
  floor.wants("gang", { gang: { size: 2, topology: "any" } });
  await floor.busy(1);
  const [one = "", other = ""] = floor.kept("gang");
  const third = ["a", "b", "c"].find((id) => id !== one && id !== other) ?? "";
  floor.node(one, { unavailable: "offline" });
  expect(floor.kept("gang")).toEqual([other, third].sort());
  // With too few left nothing is kept.
  floor.node(other, { unavailable: "offline" });
  expect(floor.kept("gang")).toEqual([]);
  floor.matchmaker.stop();
});
