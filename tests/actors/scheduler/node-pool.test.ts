/** The pool against a plain model of it: every node looked at, every sum made afresh. */
import { describe, expect, test } from "bun:test";
import { NodePool, type PooledNode } from "../../../src/actors/scheduler/node-pool.ts";
import { DEVICE_KINDS, type Demand, type DeviceKind } from "../../../src/domain/job-spec.ts";
import type { Device } from "../../../src/domain/node-profile.ts";
import {
  capabilityMatch,
  crowded,
  lacks,
  matchScore,
  type Unavailable,
  vramLeft,
} from "../../../src/domain/placement.ts";
import { Holds } from "../../support/holds.ts";
import { seeded } from "../../support/seeded.ts";
import { profile } from "./stage.ts";

const GIB = 2 ** 30;

const device = (kind: DeviceKind, vramBytes: number): Device => ({
  kind,
  name: kind,
  memoryBytes: vramBytes,
  memoryAvailableBytes: vramBytes,
  vramBytes,
  vramAvailableBytes: vramBytes,
  computeUnits: 8,
  fp64: false,
  fp16: false,
  gpuModel: "",
  driverVersion: "",
  cudaVersion: "",
  pcieGeneration: 0,
  pcieLanes: 0,
  computeCapability: 0,
});

const UNAVAILABLE: readonly Unavailable[] = ["offline", "suspect", "cordoned", "banned", "uncallable"];
const nobody = () => false;

/** Draws from a seeded source. */
function draws(seed: number) {
  const random = seeded(seed);
  const below = (limit: number) => Math.floor(random() * limit);
  const chance = (probability: number) => random() < probability;
  const pick = <T>(from: readonly T[]): T => from[below(from.length)] as T;
  const node = (id: string): PooledNode => ({
    id,
    profile: profile({
      // A node that never says how many slots it has is none of the pool's trouble, but one with none is.
      slots: below(6),
      ramBytes: below(17) * GIB,
      devices: Array.from({ length: below(3) }, () => {
        const kind = pick(DEVICE_KINDS);
        return device(kind, kind === "cpu" ? 0 : below(13) * GIB);
      }),
    }),
    unavailable: chance(0.25) ? pick(UNAVAILABLE) : null,
    // Few distinct values, so that nodes tie.
    reputation: below(5) * 25,
    uptime: below(3) * 50,
  });
  const demand = (): Demand => {
    const kind = chance(0.3) ? null : pick(DEVICE_KINDS);
    const bytes = chance(0.2) ? 0 : (below(8) + 1) * GIB;
    const gpu = kind !== null && kind !== "cpu";
    return { device: kind, ramBytes: gpu ? 0 : bytes, vramBytes: gpu ? bytes : 0 };
  };
  return { below, chance, pick, node, demand };
}

/** What the pool should know, kept as plainly as can be. */
/** The memory of the best card of this kind. */
const bestOf = (profile: PooledNode["profile"], kind: string): number =>
  Math.max(0, ...profile.devices.filter((one) => one.kind === kind).map((one) => one.vramBytes));

class Model {
  readonly nodes = new Map<string, PooledNode>();
  readonly attempts = new Map<string, { nodeId: string; demand: Demand }>();

  on(nodeId: string): Demand[] {
    return [...this.attempts.values()].filter((one) => one.nodeId === nodeId).map((one) => one.demand);
  }

  room({ id, profile }: PooledNode) {
    const taken = this.on(id);
    return {
      slots: profile.slots - taken.length,
      ramBytes: profile.ramBytes - taken.reduce((sum, one) => sum + one.ramBytes, 0),
      cards: Object.fromEntries(
        [...new Set(profile.devices.map(({ kind }) => kind))].map((kind) => [kind, bestOf(profile, kind)]),
      ),
      vramTaken: taken.reduce((sum, one) => sum + one.vramBytes, 0),
    };
  }

  score(node: PooledNode, demand: Demand): number {
    const load = Math.min(1, this.on(node.id).length / Math.max(1, node.profile.slots));
    return matchScore({ ...node, load }, capabilityMatch(node.profile, demand));
  }

  fits(node: PooledNode, demand: Demand): boolean {
    return node.unavailable === null && lacks(node, demand) === null && crowded(this.room(node), demand) === null;
  }

  best(demand: Demand, isExcluded: (nodeId: string) => boolean): number | null {
    const scores = [...this.nodes.values()]
      .filter((node) => !isExcluded(node.id) && this.fits(node, demand))
      .map((node) => this.score(node, demand));
    return scores.length === 0 ? null : Math.max(...scores);
  }
}

describe("the best node", () => {
  for (const seed of [1, 2, 3, 4, 5, 6, 7, 8]) {
    test(`scores what looking at every node finds (seed ${seed})`, () => {
      const { below, chance, pick, node, demand } = draws(seed);
      const pool = new NodePool();
      const holds = new Holds(pool);
      const model = new Model();
      const ids = Array.from({ length: 40 }, (_, index) => `node-${index}`);
      for (let step = 0; step < 1500; step++) {
        const turn = below(10);
        if (turn < 2) {
          const one = node(pick(ids));
          pool.upsert(one);
          model.nodes.set(one.id, one);
        } else if (turn < 4) {
          // Wherever the truth says, also where it does not fit and where no such node is known yet.
          const jobId = `job-${below(80)}`;
          const nodeId = chance(0.4) ? null : pick(ids);
          const held = model.attempts.get(jobId);
          const wants = held?.demand ?? demand();
          holds.set(jobId, nodeId === null ? [] : [nodeId], wants);
          if (nodeId === null) model.attempts.delete(jobId);
          else model.attempts.set(jobId, { nodeId, demand: wants });
        } else {
          const wants = demand();
          const excluded = new Set(chance(0.3) ? [pick(ids), pick(ids), pick(ids)] : []);
          const isExcluded = (id: string) => excluded.has(id);
          const found = pool.best(wants, isExcluded);
          const expected = model.best(wants, isExcluded);
          expect(found?.score ?? null).toBe(expected);
          if (!found) continue;
          expect(isExcluded(found.nodeId)).toBe(false);
          const chosen = model.nodes.get(found.nodeId)!;
          expect(model.fits(chosen, wants)).toBe(true);
          expect(model.score(chosen, wants)).toBe(found.score);
        }
      }
    });
  }

  test("is the tighter fit among equals, so that a small job leaves the big machine alone", () => {
    const pool = new NodePool();
    const standing = { unavailable: null, reputation: 75, uptime: 100 };
    pool.upsert({ id: "a-big", profile: profile({ ramBytes: 64 * GIB }), ...standing });
    pool.upsert({ id: "b-small", profile: profile({ ramBytes: 4 * GIB }), ...standing });
    expect(pool.best({ device: null, ramBytes: 2 * GIB, vramBytes: 0 }, nobody)?.nodeId).toBe("b-small");
  });

  test("changes as attempts fill it: placements of one round see each other", () => {
    const pool = new NodePool();
    const holds = new Holds(pool);
    const standing = { unavailable: null, reputation: 75, uptime: 100 };
    for (const id of ["a", "b"]) pool.upsert({ id, profile: profile({ slots: 2 }), ...standing });
    const demand: Demand = { device: null, ramBytes: GIB, vramBytes: 0 };
    const placed: string[] = [];
    for (let job = 0; job < 4; job++) {
      const { nodeId } = pool.best(demand, nobody)!;
      holds.set(`job-${job}`, [nodeId], demand);
      placed.push(nodeId);
    }
    expect(placed).toEqual(["a", "b", "a", "b"]);
    expect(pool.best(demand, nobody)).toBeNull();
    expect(pool.isFull("a")).toBe(true);
    expect(pool.loadOf("a")).toBe(1);
  });
});

describe("room", () => {
  for (const seed of [11, 12, 13, 14]) {
    test(`is never exceeded by placing where best and placesOn allow it (seed ${seed})`, () => {
      const { below, chance, node, demand } = draws(seed);
      const pool = new NodePool();
      const holds = new Holds(pool);
      const model = new Model();
      for (let index = 0; index < 12; index++) {
        const one = { ...node(`node-${index}`), unavailable: null };
        pool.upsert(one);
        model.nodes.set(one.id, one);
      }
      for (let step = 0; step < 1500; step++) {
        const jobId = `job-${below(120)}`;
        const held = model.attempts.get(jobId);
        if (held) {
          if (chance(0.4)) {
            holds.set(jobId, [], held.demand);
            expect(pool.attemptsOn(held.nodeId)).not.toContain(jobId);
            model.attempts.delete(jobId);
          }
        } else {
          const wants = demand();
          const found = pool.best(wants, nobody);
          if (found) {
            holds.set(jobId, [found.nodeId], wants);
            model.attempts.set(jobId, { nodeId: found.nodeId, demand: wants });
          }
        }
        const wants = demand();
        for (const one of model.nodes.values()) {
          const room = model.room(one);
          expect(Math.min(room.slots, room.ramBytes)).toBeGreaterThanOrEqual(0);
          // All jobs of a kind fit its best card, whichever the node puts them on.
          for (const { kind } of one.profile.devices) {
            const promised = model.on(one.id).filter((taken) => taken.device === kind);
            expect(promised.reduce((sum, taken) => sum + taken.vramBytes, 0)).toBeLessThanOrEqual(
              bestOf(one.profile, kind),
            );
          }
          expect(pool.isFull(one.id)).toBe(room.slots < 1);
          // placesOn: that many more of this shape fit one after the other, and not one more.
          const places = pool.placesOn(one.id, wants);
          const fits = (already: number) =>
            model.fits(one, wants) &&
            already < room.slots &&
            already * wants.ramBytes + wants.ramBytes <= room.ramBytes &&
            (wants.vramBytes === 0 ||
              (already + 1) * wants.vramBytes <= vramLeft(room, { ...wants, device: wants.device ?? "cpu" }));
          let fitting = 0;
          while (fits(fitting)) fitting += 1;
          expect(places).toBe(fitting);
        }
      }
    });
  }

  test("counts attempts on a node that appears only later", () => {
    const pool = new NodePool();
    const holds = new Holds(pool);
    const demand: Demand = { device: null, ramBytes: GIB, vramBytes: 0 };
    holds.set("job", ["late"], demand);
    pool.upsert({ id: "late", profile: profile({ slots: 1 }), unavailable: null, reputation: 75, uptime: 100 });
    expect(pool.isFull("late")).toBe(true);
    expect([...pool.attemptsOn("late")]).toEqual(["job"]);
    expect(pool.best(demand, nobody)).toBeNull();
  });

  test("follows a profile that shrinks under its attempts, and one that grows", () => {
    const pool = new NodePool();
    const holds = new Holds(pool);
    const standing = { id: "node", unavailable: null, reputation: 75, uptime: 100 };
    const demand: Demand = { device: null, ramBytes: GIB, vramBytes: 0 };
    pool.upsert({ ...standing, profile: profile({ slots: 2 }) });
    holds.set("one", ["node"], demand);
    holds.set("two", ["node"], demand);
    pool.upsert({ ...standing, profile: profile({ slots: 1 }) });
    holds.set("one", [], demand);
    expect(pool.best(demand, nobody)).toBeNull();
    pool.upsert({ ...standing, profile: profile({ slots: 2 }) });
    expect(pool.best(demand, nobody)?.nodeId).toBe("node");
  });

  test("moves with an attempt that moves", () => {
    const pool = new NodePool();
    const holds = new Holds(pool);
    const demand: Demand = { device: null, ramBytes: 0, vramBytes: 0 };
    for (const id of ["a", "b"])
      pool.upsert({ id, profile: profile({ slots: 1 }), unavailable: null, reputation: 75, uptime: 100 });
    const full = () => [pool.isFull("a"), pool.isFull("b")];
    for (const [nodes, then] of [
      [["a"], [true, false]],
      [["a"], [true, false]],
      [["b"], [false, true]],
      [[], [false, false]],
    ] as const) {
      holds.set("job", nodes, demand);
      expect(full()).toEqual([...then]);
      expect([...pool.attemptsOn("a"), ...pool.attemptsOn("b")].length).toBe(nodes.length);
    }
  });
});

describe("a gang's attempt", () => {
  const demand: Demand = { device: null, ramBytes: GIB, vramBytes: 0 };
  const poolOf = (...ids: readonly string[]) => {
    const pool = new NodePool();
    for (const id of ids)
      pool.upsert({ id, profile: profile({ slots: 1 }), unavailable: null, reputation: 75, uptime: 100 });
    return pool;
  };

  test("leaves the nodes it no longer names, keeps the others, and comes to the new ones once", () => {
    const pool = poolOf("a", "b", "c", "d");
    const holds = new Holds(pool);
    const full = () => ["a", "b", "c", "d"].filter((id) => pool.isFull(id));
    holds.set("gang", ["a", "b", "c"], demand);
    expect(full()).toEqual(["a", "b", "c"]);
    holds.set("gang", ["d", "b", "d"], demand);
    expect(full()).toEqual(["b", "d"]);
    expect([...pool.attemptsOn("d")]).toEqual(["gang"]);
    holds.set("gang", ["b"], demand);
    expect(full()).toEqual(["b"]);
    holds.set("gang", [], demand);
    expect(full()).toEqual([]);
    holds.set("gang", [], demand);
    expect(full()).toEqual([]);
  });

  test("is released from a node that appeared after it, and from one that never did", () => {
    const pool = poolOf("a");
    const holds = new Holds(pool);
    holds.set("gang", ["a", "late", "never"], demand);
    holds.set("other", ["late"], demand);
    pool.upsert({ id: "late", profile: profile({ slots: 2 }), unavailable: null, reputation: 75, uptime: 100 });
    expect(pool.isFull("late")).toBe(true);
    holds.set("gang", [], demand);
    expect(["a", "late", "never"].map((id) => [...pool.attemptsOn(id)])).toEqual([[], ["other"], []]);
    expect(pool.isFull("late")).toBe(false);
  });
});

test("what another job holds cannot be given back", () => {
  const pool = new NodePool();
  pool.upsert({ id: "a", profile: profile({ slots: 1 }), unavailable: null, reputation: 75, uptime: 100 });
  const demand: Demand = { device: null, ramBytes: 0, vramBytes: 0 };
  const held = pool.hold(null, "one", ["a"], demand);
  expect(() => pool.hold(held, "other", [], demand)).toThrow("other gives back what it does not hold");
  expect(pool.isFull("a")).toBe(true);
  expect(pool.hold(held, "one", [], demand)).toBeNull();
  expect(pool.isFull("a")).toBe(false);
  // Nor a second time.
  expect(() => pool.hold(held, "one", [], demand)).toThrow("one gives back what it does not hold");
});

describe("why a job waits (I10)", () => {
  for (const seed of [21, 22, 23, 24]) {
    test(`every node counts once, and fits exactly when it would be chosen (seed ${seed})`, () => {
      const { below, chance, pick, node, demand } = draws(seed);
      const pool = new NodePool();
      const holds = new Holds(pool);
      const model = new Model();
      const ids = Array.from({ length: 30 }, (_, index) => `node-${index}`);
      for (let step = 0; step < 600; step++) {
        if (chance(0.3)) {
          const one = node(pick(ids));
          pool.upsert(one);
          model.nodes.set(one.id, one);
        }
        const wants = demand();
        const excluded = new Set(chance(0.3) ? [pick(ids), pick(ids)] : []);
        const isExcluded = (id: string) => excluded.has(id);
        const { fitting, reasons } = pool.why(wants, isExcluded);
        const counted = [...reasons.values()].reduce((sum, one) => sum + one, fitting);
        expect(counted).toBe(model.nodes.size);
        const fresh = [...model.nodes.values()].filter((one) => !isExcluded(one.id) && model.fits(one, wants));
        expect(fitting).toBe(fresh.length);
        expect(pool.best(wants, isExcluded) === null).toBe(fitting === 0);
        const expected = new Map<string, number>();
        for (const one of model.nodes.values()) {
          const reason =
            lacks(one, wants) ?? one.unavailable ?? (isExcluded(one.id) ? "excluded" : crowded(model.room(one), wants));
          if (reason !== null) expected.set(reason, (expected.get(reason) ?? 0) + 1);
        }
        expect(new Map<string, number>(reasons)).toEqual(expected);
        const jobId = `job-${below(60)}`;
        const found = pool.best(wants, nobody);
        const held = model.attempts.get(jobId);
        if (held) {
          holds.set(jobId, [], held.demand);
          model.attempts.delete(jobId);
        } else if (found) {
          holds.set(jobId, [found.nodeId], wants);
          model.attempts.set(jobId, { nodeId: found.nodeId, demand: wants });
        }
      }
    });
  }
});
