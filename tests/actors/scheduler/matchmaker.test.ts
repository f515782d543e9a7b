/** Decisions without actors, against the plainest scheduler there is: it tries every job, in order, on every node. */
import { describe, expect, test } from "bun:test";
import type { Fairness } from "../../../src/actors/scheduler/fair-share.ts";
import { type Match, Matchmaker } from "../../../src/actors/scheduler/matchmaker.ts";
import type { PooledNode } from "../../../src/actors/scheduler/node-pool.ts";
import type { QueuedJob } from "../../../src/actors/scheduler/ranking.ts";
import { FakeClock } from "../../support/fake-clock.ts";
import { seeded } from "../../support/seeded.ts";
import { GIB, queuedJob as job, profile } from "./stage.ts";

const node = (id: string, overrides: Partial<PooledNode> = {}): PooledNode => ({
  id,
  profile: profile({ slots: 1 }),
  unavailable: null,
  reputation: 75,
  uptime: 100,
  ...overrides,
});

function matchmaker(fairness?: Fairness) {
  const clock = new FakeClock();
  let calls = 0;
  const made = new Matchmaker({ clock, ...(fairness && { fairness }), onWork: () => calls++ });
  return { clock, made, worked: () => calls };
}

function round(made: Matchmaker): Match[] {
  const matches: Match[] = [];
  made.beginRound();
  for (let match = made.next(); match; match = made.next()) matches.push(match);
  return matches;
}

const placed = (made: Matchmaker) => round(made).map(({ job: { id }, nodes }) => [id, ...nodes]);

describe("what lets a parked job in", () => {
  test("is a node whose reputation rises to what it asks for", () => {
    const { made, worked } = matchmaker();
    const low = node("node", { reputation: 60 });
    made.observeNode(low);
    made.enqueue(job("choosy", { demand: { ...job("").demand, requirements: { minReputation: 70 } } }));
    expect(placed(made)).toEqual([]);
    const before = worked();
    made.observeNode({ ...low, reputation: 70 });
    expect(worked()).toBe(before + 1);
    expect(placed(made)).toEqual([["choosy", "node"]]);
  });

  test("is not a node that has only changed for the worse, or not at all", () => {
    const { made, worked } = matchmaker();
    const first = node("node");
    made.observeNode(first);
    made.enqueue(job("big", { demand: { device: null, ramBytes: 99 * GIB, vramBytes: 0 } }));
    expect(placed(made)).toEqual([]);
    const before = worked();
    made.observeNode({ ...first, reputation: 20, uptime: 3 });
    made.observeNode({ ...first, reputation: 20, unavailable: "suspect" });
    made.observeNode({ ...first, reputation: 20, unavailable: "offline" });
    expect(worked()).toBe(before);
  });

  test("is the end of its exclusion, and not a moment sooner", async () => {
    const { clock, made, worked } = matchmaker();
    made.observeNode(node("node"));
    const until = clock.now() + 5000;
    made.enqueue(job("refused", { exclusions: [{ nodeId: "node", until }] }));
    expect(placed(made)).toEqual([]);
    await clock.advance(4999);
    expect(placed(made)).toEqual([]);
    const before = worked();
    await clock.advance(1);
    expect(worked()).toBe(before + 1);
    expect(placed(made)).toEqual([["refused", "node"]]);
    made.stop();
  });

  test("is no timer of a job that has gone", async () => {
    const { clock, made, worked } = matchmaker();
    made.observeNode(node("node"));
    made.enqueue(job("refused", { exclusions: [{ nodeId: "node", until: clock.now() + 5000 }] }));
    placed(made);
    made.dequeue("refused");
    const before = worked();
    await clock.advance(10_000);
    expect([worked(), made.queue.size, clock.pending]).toEqual([before, 0, 0]);
  });
});

test("of a thousand nodes that come at once each job gets one, in the order of the jobs", () => {
  const { made } = matchmaker();
  const jobs = Array.from({ length: 1500 }, (_, index) =>
    job(`job-${String(index).padStart(4, "0")}`, {
      queuedAt: index,
      owner: `owner-${index % 7}`,
      demand: { device: null, ramBytes: (1 + (index % 3)) * GIB, vramBytes: 0 },
    }),
  );
  for (const one of jobs) made.enqueue(one);
  expect(placed(made)).toEqual([]);
  expect(made.queue.parked).toBe(1500);
  for (let index = 0; index < 1000; index++) made.observeNode(node(`node-${index}`));
  const order = placed(made).map(([id]) => id);
  // Seven owners of equal shares take turns by the age of their jobs, which is the order of the jobs.
  expect(order).toEqual(jobs.slice(0, 1000).map(({ id }) => id));
});

test("whose turn it is follows what has ended since a round was broken off", () => {
  const { made } = matchmaker();
  const small = profile({ slots: 1, ramBytes: GIB });
  for (const id of ["a1", "a2", "b1"]) {
    made.observeNode(node(`of-${id}`, { profile: small }));
    made.hold(job(id, { owner: id.startsWith("a") ? "alice" : "bob", rate: id === "b1" ? 15 : 10 }), [`of-${id}`]);
  }
  const needing = (ramBytes: number, format?: string) => ({
    demand: { device: null, ramBytes, vramBytes: 0, ...(format && { requirements: { format } }) },
  });
  made.enqueue(job("urgent", { owner: "carol", priority: 3, ...needing(GIB, "tflite") }));
  made.enqueue(job("alice's", { owner: "alice", ...needing(8 * GIB) }));
  made.enqueue(job("bob's", { owner: "bob", ...needing(2 * GIB, "onnx") }));
  expect(placed(made)).toEqual([]);
  made.observeNode(node("tiny", { profile: { ...small, formats: ["tflite"] } }));
  made.observeNode(node("big", { profile: profile({ slots: 1, ramBytes: 8 * GIB }) }));
  made.observeNode(node("onnx", { profile: profile({ slots: 1, ramBytes: 2 * GIB, formats: ["onnx"] }) }));
  made.beginRound();
  expect(made.next()?.job.id).toBe("urgent");
  for (const id of ["a1", "a2"]) made.giveBack(id);
  expect(placed(made)).toEqual([
    ["alice's", "big"],
    ["bob's", "onnx"],
  ]);
});

for (const seed of [1, 2, 3, 4, 5, 6, 7, 8]) {
  test(`places what the plainest scheduler places, in the same order (seed ${seed})`, async () => {
    const random = seeded(seed);
    const below = (limit: number) => Math.floor(random() * limit);
    const pick = <T>(list: readonly T[]): T => list[below(list.length)]!;
    const limit = pick([Number.POSITIVE_INFINITY, 2, 4]);
    const weights: Record<string, number> = { "owner-0": 3, "owner-1": 0.5 };
    const { clock, made } = matchmaker({
      weightOf: (owner) => weights[owner] ?? 1,
      maxRunningPerOwner: limit,
      patience: Number.POSITIVE_INFINITY,
    });
    const waiting = new Map<string, QueuedJob>();
    const held = new Map<string, Match>();

    const ofOwner = (owner: string) => [...held.values()].filter((one) => one.job.owner === owner);
    const share = ({ owner }: QueuedJob) =>
      ofOwner(owner).reduce((sum, one) => sum + one.job.rate, 0) / (weights[owner] ?? 1);
    const inOrder = () =>
      [...waiting.values()]
        .filter(({ owner }) => ofOwner(owner).length < limit)
        .sort(
          (a, b) => b.priority - a.priority || share(a) - share(b) || a.queuedAt - b.queuedAt || (a.id < b.id ? -1 : 1),
        );
    const place = ({ demand, gang, avoid, ...one }: QueuedJob): readonly string[] | null => {
      const excluded = made.exclusionOf({ demand, gang, avoid, ...one });
      const best = (isExcluded: (nodeId: string) => boolean) => {
        if (gang) return made.pool.bestGang(demand, gang, isExcluded)?.map(({ nodeId }) => nodeId) ?? null;
        const found = made.pool.best(demand, isExcluded);
        return found && [found.nodeId];
      };
      return best((nodeId) => excluded(nodeId) || avoid.includes(nodeId)) ?? best(excluded);
    };

    const someNode = (id: string): PooledNode =>
      node(id, {
        reputation: 50 + 10 * below(5),
        unavailable: random() < 0.25 ? pick(["cordoned", "suspect"] as const) : null,
        profile: profile({
          slots: 1 + below(3),
          ramBytes: (1 + below(8)) * GIB,
          region: pick(["eu", "us"]),
          formats: pick([[], ["onnx"]]),
        }),
      });
    for (let index = 0; index < 6; index++) made.observeNode(someNode(`node-${index}`));
    let placements = 0;
    for (let step = 0; step < 600; step++) {
      for (let change = below(4); change >= 0; change--) {
        const turn = below(8);
        if (turn < 4) {
          const id = `job-${below(80)}`;
          if (held.has(id)) continue;
          const requirements = pick([
            undefined,
            undefined,
            { regions: ["eu"] },
            { format: "onnx" },
            { minReputation: 70 },
          ]);
          const one = job(id, {
            owner: `owner-${below(4)}`,
            priority: below(3),
            queuedAt: below(1000),
            rate: 1 + below(5),
            gang: random() < 0.2 ? { size: 2 + below(2), topology: pick(["any", "region"] as const) } : null,
            demand: {
              device: null,
              ramBytes: below(8) * GIB,
              vramBytes: 0,
              ...(requirements && { requirements }),
            },
            exclusions: random() < 0.2 ? [{ nodeId: `node-${below(6)}`, until: clock.now() + below(3000) }] : [],
            avoid: random() < 0.2 ? [`node-${below(6)}`] : [],
          });
          made.enqueue(one);
          waiting.set(id, one);
        } else if (turn === 4 && held.size > 0) {
          const id = pick([...held.keys()]);
          made.giveBack(id);
          held.delete(id);
        } else if (turn === 5) {
          const id = `job-${below(80)}`;
          if (!waiting.has(id)) continue;
          made.dequeue(id);
          waiting.delete(id);
        } else if (turn === 6) made.observeNode(someNode(`node-${below(6)}`));
        else await clock.advance(below(800));
      }
      made.beginRound();
      // Now and then a round is broken off: too many offers are on their way already.
      for (let left = random() < 0.5 ? below(3) : 1000; left > 0; left--) {
        const expected = (() => {
          for (const one of inOrder()) {
            const nodes = place(one);
            if (nodes) return { id: one.id, nodes };
          }
          return null;
        })();
        const match = made.next();
        expect(match && { id: match.job.id, nodes: match.nodes }).toEqual(expected);
        if (!match) break;
        placements += 1;
        waiting.delete(match.job.id);
        held.set(match.job.id, match);
      }
      expect(made.queue.size).toBe(waiting.size);
    }
    expect(placements).toBeGreaterThan(50);
    made.stop();
  }, 20_000);
}

test("a job that moves says which nodes it has left and which it has come to, and their room follows", () => {
  const { made } = matchmaker();
  for (const id of ["a", "b", "c", "d"]) made.observeNode(node(id));
  const full = () => ["a", "b", "c", "d"].filter((id) => made.pool.isFull(id));
  const gang = job("gang");
  expect(made.hold(gang, ["a", "b", "c"])).toEqual(["a", "b", "c"]);
  expect(made.hold(gang, ["a", "b", "c"])).toEqual([]);
  expect(made.hold(gang, ["d", "b"])).toEqual(["a", "c", "d"]);
  expect(full()).toEqual(["b", "d"]);
  expect([made.holds("gang", "b"), made.holds("gang", "a")]).toEqual([true, false]);
  expect(made.hold(gang, [])).toEqual(["d", "b"]);
  expect(made.giveBack("gang")).toEqual([]);
  expect(full()).toEqual([]);
});
