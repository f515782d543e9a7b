/** The order in which jobs get nodes, against plain lists that are sorted afresh each time. */
import { describe, expect, test } from "bun:test";
import { type Fairness, FairShare } from "../../../src/actors/scheduler/fair-share.ts";
import { type GrownNode, JobQueue, type QueuedJob } from "../../../src/actors/scheduler/job-queue.ts";
import { POSITIONS_COUNTED, positionOf } from "../../../src/actors/scheduler/queue-position.ts";
import type { Requirements } from "../../../src/domain/job-spec.ts";
import { crowded, lacks, totalRoom } from "../../../src/domain/placement.ts";
import { seeded } from "../../support/seeded.ts";
import { GIB, queuedJob as job, profile } from "./stage.ts";

const equal: Fairness = { weightOf: () => 1, maxRunningPerOwner: Number.POSITIVE_INFINITY, patience: 60_000 };

/** A queue, and the shares it goes by. */
class Bench {
  readonly shares: FairShare;
  readonly queue: JobQueue;

  constructor(fairness: Partial<Fairness> = {}) {
    this.shares = new FairShare({ ...equal, ...fairness });
    this.queue = new JobQueue(this.shares);
  }

  add(...jobs: readonly QueuedJob[]): this {
    for (const one of jobs) this.queue.add(one);
    return this;
  }

  /** Takes the first of those that are ready; it runs. */
  take(): string | undefined {
    const next = this.queue.first?.job;
    if (!next) return undefined;
    this.queue.remove(next.id);
    this.shares.hold(next.id, next.owner, next.rate);
    return next.id;
  }

  takeAll(): string[] {
    const order: string[] = [];
    for (let id = this.take(); id !== undefined; id = this.take()) order.push(id);
    return order;
  }

  parkAll(at: number): void {
    for (let next = this.queue.first; next; next = this.queue.first) this.queue.park(next.job, at, []);
  }

  /** The first parked job that fits a node which has grown at that moment. */
  fitting(node: Partial<GrownNode> = {}): string | undefined {
    const grown = { id: "node", facts: { profile: profile(), reputation: 75 }, grownAt: 1000, ...node };
    const room = node.room ?? totalRoom(grown.facts.profile);
    return this.queue.firstFitting(
      { ...grown, room },
      ({ demand }) => lacks(grown.facts, demand) === null && crowded(room, demand) === null,
    )?.id;
  }
}

describe("the order", () => {
  test("is priority first, whatever the age and the share", () => {
    const bench = new Bench().add(
      job("old", { queuedAt: 1, priority: 0 }),
      job("new", { queuedAt: 9, priority: 3, owner: "busy" }),
    );
    bench.shares.hold("running", "busy", 500);
    expect(bench.takeAll()).toEqual(["new", "old"]);
  });

  test("is the owner with the lowest share within a priority", () => {
    const bench = new Bench();
    for (let index = 0; index < 4; index++) bench.add(job(`a${index}`, { queuedAt: index }));
    for (let index = 0; index < 2; index++) bench.add(job(`b${index}`, { queuedAt: 10 + index, owner: "bob" }));
    expect(bench.takeAll()).toEqual(["a0", "b0", "a1", "b1", "a2", "a3"]);
  });

  test("my ten small jobs count no more than my neighbour's one that takes as much", () => {
    const bench = new Bench();
    for (let index = 0; index < 20; index++) bench.add(job(`small${index}`, { queuedAt: index, rate: 1 }));
    for (let index = 0; index < 2; index++)
      bench.add(job(`big${index}`, { queuedAt: 100 + index, owner: "bob", rate: 10 }));
    const order = bench.takeAll();
    expect(order.slice(0, 2)).toEqual(["small0", "big0"]);
    // Nine more small ones until both hold ten; then the older one's turn, then the other's.
    expect(order.indexOf("big1") - order.indexOf("big0")).toBe(11);
  });

  test("weight 2 gets twice the share", () => {
    const bench = new Bench({ weightOf: (owner) => (owner === "alice" ? 2 : 1) });
    for (let index = 0; index < 40; index++) {
      bench.add(job(`a${index}`, { queuedAt: index }), job(`b${index}`, { queuedAt: index, owner: "bob" }));
    }
    const first = bench.takeAll().slice(0, 30);
    expect(first.filter((id) => id.startsWith("a")).length).toBe(20);
  });

  test("a weight that is no number starves nobody", () => {
    for (const weight of [0, -1, Number.NaN, Number.POSITIVE_INFINITY]) {
      const bench = new Bench({ weightOf: (owner) => (owner === "alice" ? weight : 1) });
      for (let index = 0; index < 3; index++) {
        bench.add(job(`a${index}`, { queuedAt: index }), job(`b${index}`, { queuedAt: 10 + index, owner: "bob" }));
      }
      expect(bench.takeAll()).toEqual(["a0", "b0", "a1", "b1", "a2", "b2"]);
    }
  });

  test("is age among equals, and the same whatever the order of arrival", () => {
    const jobs = Array.from({ length: 20 }, (_, index) => job(`j${index}`, { queuedAt: Math.floor(index / 3) }));
    expect(new Bench().add(...jobs).takeAll()).toEqual(new Bench().add(...jobs.toReversed()).takeAll());
  });

  test("of a job that comes back with its old age is its old place", () => {
    const bench = new Bench().add(job("first", { queuedAt: 1 }), job("second", { queuedAt: 2 }));
    expect(bench.take()).toBe("first");
    bench.shares.release("first");
    bench.add(job("first", { queuedAt: 1, exclusions: [{ nodeId: "node", until: 100 }] }));
    expect(bench.takeAll()).toEqual(["first", "second"]);
  });
});

describe("an owner at its limit", () => {
  test("is passed over, blocks nobody, and goes on when one of its jobs ends", () => {
    const bench = new Bench({ maxRunningPerOwner: 2 });
    for (let index = 0; index < 4; index++) bench.add(job(`a${index}`, { queuedAt: index, priority: 3 }));
    bench.add(job("b0", { owner: "bob", priority: 0 }));
    expect(bench.takeAll()).toEqual(["a0", "a1", "b0"]);
    bench.shares.release("a0");
    expect(bench.takeAll()).toEqual(["a2"]);
  });

  test("is passed over among the parked too", () => {
    const bench = new Bench({ maxRunningPerOwner: 1 }).add(job("a0"), job("a1"), job("b0", { owner: "bob" }));
    bench.parkAll(1);
    bench.shares.hold("running", "alice", 1);
    expect(bench.fitting()).toBe("b0");
    bench.queue.remove("b0");
    expect(bench.fitting()).toBeUndefined();
    bench.shares.release("running");
    expect(bench.fitting()).toBe("a0");
  });
});

describe("parked jobs", () => {
  const big = { device: null, ramBytes: 99 * GIB, vramBytes: 0 } as const;

  test("never block those behind them", () => {
    const bench = new Bench().add(job("big", { priority: 3, demand: big }), job("small"));
    bench.queue.park(bench.queue.first!.job, 1, []);
    expect(bench.queue.first?.id).toBe("small");
    expect([bench.queue.size, bench.queue.parked, bench.queue.isParked("big"), bench.queue.has("big")]).toEqual([
      2,
      1,
      true,
      true,
    ]);
  });

  test("are found by rank, not in the order in which they were parked", () => {
    const bench = new Bench().add(job("low", { priority: 0, queuedAt: 1 }));
    bench.parkAll(1);
    bench.add(job("urgent", { priority: 3, queuedAt: 2 }));
    bench.parkAll(2);
    expect(bench.fitting()).toBe("urgent");
  });

  test("are found in fair shares: one owner's many do not keep out another's few", () => {
    const bench = new Bench();
    for (let index = 0; index < 9; index++) bench.add(job(`a${index}`, { queuedAt: index }));
    bench.add(job("b", { queuedAt: 100, owner: "bob" }));
    bench.parkAll(1);
    bench.shares.hold("running", "alice", 4);
    expect(bench.fitting()).toBe("b");
  });

  test("are not found by a node that has not grown since", () => {
    const bench = new Bench().add(job("a"));
    bench.parkAll(7);
    expect(bench.fitting({ grownAt: 6 })).toBeUndefined();
    expect(bench.fitting({ grownAt: 8 })).toBe("a");
  });

  test("are not found by a node they must keep away from", () => {
    const bench = new Bench();
    bench.queue.park(job("choosy"), 1, ["node", "other"]);
    expect(bench.fitting()).toBeUndefined();
    expect(bench.fitting({ id: "third" })).toBe("choosy");
  });

  test("are gone when they are removed", () => {
    const bench = new Bench().add(job("parked"), job("removed"));
    bench.parkAll(1);
    bench.queue.remove("removed");
    bench.queue.remove("nobody");
    expect([bench.queue.has("removed"), bench.queue.size]).toEqual([false, 1]);
    bench.queue.remove("parked");
    expect([bench.queue.size, bench.queue.parked, bench.fitting()]).toEqual([0, 0, undefined]);
  });
});

const REQUIREMENTS: readonly (Requirements | undefined)[] = [
  undefined,
  undefined,
  { regions: ["eu", "us"] },
  { format: "onnx" },
  { minReputation: 60 },
  { minStake: "5000000000" },
  { maxPricePerHour: "1500000000" },
  { regions: ["eu"], minReputation: 80, maxPricePerHour: "100000000" },
];

for (const seed of [1, 2, 3, 4, 5, 6]) {
  test(`whatever happens, the queue answers as lists sorted afresh would (seed ${seed})`, () => {
    const random = seeded(seed);
    const below = (limit: number) => Math.floor(random() * limit);
    const pick = <T>(list: readonly T[]): T => list[below(list.length)]!;
    const limit = pick([Number.POSITIVE_INFINITY, 3]);
    const weights: Record<string, number> = { "owner-0": 2, "owner-1": 0.5 };
    const bench = new Bench({ weightOf: (owner) => weights[owner] ?? 1, maxRunningPerOwner: limit });
    const ready = new Map<string, QueuedJob>();
    const parked = new Map<string, { readonly job: QueuedJob; readonly at: number; readonly excluded: string[] }>();
    const held = new Map<string, QueuedJob>();
    const of = (owner: string) => [...held.values()].filter((one) => one.owner === owner);
    const share = ({ owner }: QueuedJob) => of(owner).reduce((sum, one) => sum + one.rate, 0) / (weights[owner] ?? 1);
    const inOrder = (jobs: readonly QueuedJob[]) =>
      jobs
        .filter(({ owner }) => of(owner).length < limit)
        .sort(
          (a, b) => b.priority - a.priority || share(a) - share(b) || a.queuedAt - b.queuedAt || (a.id < b.id ? -1 : 1),
        );
    const gpu = { ...profile().devices[0], kind: "cuda", vramBytes: 0 } as never;
    for (let step = 1; step < 2500; step++) {
      const turn = below(12);
      if (turn < 4) {
        const device = pick([null, "cpu", "cuda"] as const);
        const requirements = pick(REQUIREMENTS);
        const one = job(`job-${below(60)}`, {
          owner: `owner-${below(5)}`,
          priority: below(4),
          queuedAt: below(30),
          rate: 1 + below(3),
          demand: {
            device,
            ramBytes: below(4) * GIB,
            vramBytes: device === "cuda" ? below(4) * GIB : 0,
            ...(requirements && { requirements }),
          },
        });
        if (held.has(one.id)) continue;
        bench.add(one);
        ready.set(one.id, one);
        parked.delete(one.id);
      } else if (turn < 8) {
        const taken = bench.queue.first?.job;
        expect(taken).toBe(inOrder([...ready.values()])[0] as QueuedJob);
        if (!taken) continue;
        ready.delete(taken.id);
        if (random() < 0.7) {
          const excluded = random() < 0.2 ? [`node-${below(3)}`] : [];
          bench.queue.park(taken, step, excluded);
          parked.set(taken.id, { job: taken, at: step, excluded });
        } else {
          bench.take();
          held.set(taken.id, taken);
        }
      } else if (turn === 8) {
        const id = `job-${below(60)}`;
        bench.queue.remove(id);
        ready.delete(id);
        parked.delete(id);
      } else if (turn === 9) {
        const [id] = [...held.keys()];
        if (id !== undefined) bench.shares.release(id);
        held.delete(id ?? "");
      } else {
        const facts = {
          reputation: below(100),
          profile: profile({
            slots: 1 + below(2),
            ramBytes: below(5) * GIB,
            region: pick(["", "EU", "us", "asia"]),
            formats: pick([[], ["ONNX"]]),
            stakeUnits: pick(["0", "9000000000"]),
            pricing: pick([null, { pricePerHour: 1, billingModel: 0 }, { pricePerHour: 2, billingModel: 0 }]),
            devices: pick([[], [{ ...(gpu as object), kind: "cuda", vramBytes: below(4) * GIB } as never]]),
          }),
        };
        const id = `node-${below(3)}`;
        const grownAt = step - below(100);
        const candidates = [...parked.values()].filter(
          (one) =>
            one.at <= grownAt &&
            !one.excluded.includes(id) &&
            lacks(facts, one.job.demand) === null &&
            crowded(totalRoom(facts.profile), one.job.demand) === null,
        );
        expect(bench.fitting({ id, facts, grownAt })).toBe(inOrder(candidates.map((one) => one.job))[0]?.id as string);
      }
      expect([bench.queue.size, bench.queue.parked]).toEqual([ready.size + parked.size, parked.size]);
      const asked = `job-${below(60)}`;
      expect([bench.queue.has(asked), bench.queue.isParked(asked)]).toEqual([
        ready.has(asked) || parked.has(asked),
        parked.has(asked),
      ]);
      if (step % 25 === 0) {
        // The position of everybody: what playing the turns one by one gives.
        const waiting = new Map([...ready, ...[...parked].map(([id, { job: one }]) => [id, one] as const)]);
        const before = new Map(held);
        const turns: string[] = [];
        for (let next = inOrder([...waiting.values()])[0]; next; next = inOrder([...waiting.values()])[0]) {
          turns.push(next.id);
          waiting.delete(next.id);
          held.set(next.id, next);
        }
        held.clear();
        for (const [id, one] of before) held.set(id, one);
        for (const one of [...ready.values(), ...[...parked.values()].map((other) => other.job)]) {
          const position = turns.indexOf(one.id);
          expect(positionOf(one, bench.shares)).toBe(position < 0 ? null : position + 1);
        }
      }
    }
  });
}

test("a place further back than is counted is told as such, and asking changes nothing", () => {
  const bench = new Bench();
  for (let index = 0; index <= POSITIONS_COUNTED; index++) bench.add(job(`a${index}`, { queuedAt: index }));
  const last = bench.queue.get(`a${POSITIONS_COUNTED}`)!;
  expect(positionOf(last, bench.shares)).toBeNull();
  expect(positionOf(bench.queue.get(`a${POSITIONS_COUNTED - 1}`)!, bench.shares)).toBe(POSITIONS_COUNTED);
  expect(positionOf(job("new", { owner: "bob", queuedAt: 9999 }), bench.shares)).toBe(2);
  expect(bench.queue.size).toBe(POSITIONS_COUNTED + 1);
  expect(bench.queue.first?.id).toBe("a0");
});
