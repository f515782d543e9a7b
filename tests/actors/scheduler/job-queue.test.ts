/** The order in which jobs get nodes, against a plain list that is sorted afresh each time. */
import { describe, expect, test } from "bun:test";
import { JobQueue, type QueuedJob, shapeOf } from "../../../src/actors/scheduler/job-queue.ts";
import { seeded } from "../../support/seeded.ts";

const GIB = 2 ** 30;

const job = (id: string, overrides: Partial<QueuedJob> = {}): QueuedJob => ({
  id,
  owner: "alice",
  priority: 1,
  queuedAt: 0,
  demand: { device: null, ramBytes: GIB, vramBytes: 0 },
  exclusions: [],
  ...overrides,
});

const nobodyRuns = () => 0;

/** Takes everything that is ready; each taken job runs. */
function takeAll(queue: JobQueue, running = new Map<string, number>()): string[] {
  const order: string[] = [];
  for (;;) {
    const next = queue.take((owner) => running.get(owner) ?? 0);
    if (!next) return order;
    running.set(next.owner, (running.get(next.owner) ?? 0) + 1);
    order.push(next.id);
  }
}

/** Parks everything that is ready. */
function parkAll(queue: JobQueue): void {
  for (let next = queue.take(nobodyRuns); next; next = queue.take(nobodyRuns)) queue.park(next);
}

/** The order the documentation promises: priority, then the owner with the fewest running, then age, then id. */
function firstOf(jobs: readonly QueuedJob[], running: ReadonlyMap<string, number>): QueuedJob | undefined {
  const runs = (one: QueuedJob) => running.get(one.owner) ?? 0;
  return [...jobs].sort(
    (a, b) =>
      b.priority - a.priority ||
      runs(a) - runs(b) ||
      a.queuedAt - b.queuedAt ||
      (a.id < b.id ? -1 : a.id > b.id ? 1 : 0),
  )[0];
}

describe("the order", () => {
  test("is priority first, whatever the age", () => {
    const queue = new JobQueue();
    queue.add(job("old", { queuedAt: 1, priority: 0 }));
    queue.add(job("new", { queuedAt: 9, priority: 3, owner: "busy" }));
    expect(takeAll(queue, new Map([["busy", 50]]))).toEqual(["new", "old"]);
  });

  test("is the owner with the fewest running jobs within a priority", () => {
    const queue = new JobQueue();
    for (let index = 0; index < 4; index++) queue.add(job(`a${index}`, { queuedAt: index }));
    for (let index = 0; index < 2; index++) queue.add(job(`b${index}`, { queuedAt: 10 + index, owner: "bob" }));
    expect(takeAll(queue)).toEqual(["a0", "b0", "a1", "b1", "a2", "a3"]);
  });

  test("is age among equals, and the same whatever the order of arrival", () => {
    const jobs = Array.from({ length: 20 }, (_, index) => job(`j${index}`, { queuedAt: Math.floor(index / 3) }));
    const forwards = new JobQueue();
    for (const one of jobs) forwards.add(one);
    const backwards = new JobQueue();
    for (const one of [...jobs].reverse()) backwards.add(one);
    expect(takeAll(forwards)).toEqual(takeAll(backwards));
  });

  test("of a job that comes back with its old age is its old place", () => {
    const queue = new JobQueue();
    queue.add(job("first", { queuedAt: 1 }));
    queue.add(job("second", { queuedAt: 2 }));
    const first = queue.take(nobodyRuns)!;
    queue.add({ ...first, exclusions: [{ nodeId: "node", until: 100 }] });
    expect(takeAll(queue)).toEqual(["first", "second"]);
  });
});

describe("parked jobs", () => {
  test("never block those behind them", () => {
    const queue = new JobQueue();
    const big = { device: null, ramBytes: 99 * GIB, vramBytes: 0 };
    queue.add(job("big", { priority: 3, demand: big }));
    queue.add(job("small"));
    queue.park(queue.take(nobodyRuns)!);
    expect(queue.take(nobodyRuns)?.id).toBe("small");
    expect(queue.take(nobodyRuns)).toBeUndefined();
    expect([queue.size, queue.parked, queue.isParked("big"), queue.has("big")]).toEqual([1, 1, true, true]);
  });

  test("wake when there is room for their shape, as many as there is room for", () => {
    const queue = new JobQueue();
    const big = { device: null, ramBytes: 99 * GIB, vramBytes: 0 };
    for (let index = 0; index < 5; index++) queue.add(job(`small${index}`, { queuedAt: index }));
    for (let index = 0; index < 5; index++) queue.add(job(`big${index}`, { queuedAt: index, demand: big }));
    parkAll(queue);
    const asked: string[] = [];
    const woken = queue.wake((example) => {
      asked.push(shapeOf(example));
      return example.demand.ramBytes > GIB ? 0 : 2;
    }, nobodyRuns);
    expect(woken).toBe(2);
    expect(asked.length).toBe(2);
    expect(takeAll(queue)).toEqual(["small0", "small1"]);
    expect(queue.parked).toBe(8);
  });

  test("wake by rank, not in the order in which they were parked", () => {
    const queue = new JobQueue();
    queue.add(job("low", { priority: 0, queuedAt: 1 }));
    parkAll(queue);
    queue.add(job("urgent", { priority: 3, queuedAt: 2 }));
    parkAll(queue);
    expect(queue.wake(() => 1, nobodyRuns)).toBe(1);
    expect(takeAll(queue)).toEqual(["urgent"]);
  });

  test("keep their age when they are woken in vain and parked again", () => {
    const queue = new JobQueue();
    for (const [queuedAt, id] of ["a", "b", "c"].entries()) queue.add(job(id, { queuedAt }));
    parkAll(queue);
    queue.wake(() => 1, nobodyRuns);
    parkAll(queue);
    queue.wake(() => 1, nobodyRuns);
    expect(takeAll(queue)).toEqual(["a"]);
  });

  test("wake in fair shares: one owner's many parked before do not keep out another's few", () => {
    const queue = new JobQueue();
    for (let index = 0; index < 9; index++) queue.add(job(`a${index}`, { queuedAt: index }));
    parkAll(queue);
    queue.add(job("b", { queuedAt: 100, owner: "bob" }));
    parkAll(queue);
    const running = new Map([["alice", 4]]);
    queue.wake(
      () => 1,
      (owner) => running.get(owner) ?? 0,
    );
    expect(takeAll(queue, running)).toEqual(["b"]);
    // Several places at once are shared out as if they were taken one by one.
    queue.add(job("b2", { queuedAt: 101, owner: "bob" }));
    parkAll(queue);
    queue.wake(() => 2, nobodyRuns);
    expect(takeAll(queue)).toEqual(["a0", "b2"]);
  });

  test("with nodes to avoid have a shape of their own, and are woken with what they avoid now", () => {
    const queue = new JobQueue();
    const avoiding = job("choosy", { exclusions: [{ nodeId: "node", until: 5 }] });
    queue.add(avoiding);
    queue.add(job("easy"));
    parkAll(queue);
    expect(shapeOf(avoiding)).not.toBe(shapeOf(job("easy")));
    queue.wakeOne("choosy", { ...avoiding, exclusions: [] });
    queue.wakeOne("nobody");
    expect(queue.take(nobodyRuns)?.exclusions).toEqual([]);
    expect(queue.isParked("easy")).toBe(true);
  });

  test("are gone when they are removed", () => {
    const queue = new JobQueue();
    for (const id of ["parked", "removed"]) queue.add(job(id));
    parkAll(queue);
    queue.remove("removed");
    expect(queue.has("removed")).toBe(false);
    expect(queue.wake(() => 5, nobodyRuns)).toBe(1);
    expect(takeAll(queue)).toEqual(["parked"]);
    expect(queue.size).toBe(0);
  });
});

for (const seed of [1, 2, 3, 4, 5, 6]) {
  test(`whatever happens, the queue takes what a list sorted afresh would take (seed ${seed})`, () => {
    const random = seeded(seed);
    const below = (limit: number) => Math.floor(random() * limit);
    const queue = new JobQueue();
    const ready = new Map<string, QueuedJob>();
    const parked = new Map<string, QueuedJob>();
    const running = new Map<string, number>();
    const runningOf = (owner: string) => running.get(owner) ?? 0;
    const randomJob = () =>
      job(`job-${below(60)}`, {
        owner: `owner-${below(5)}`,
        priority: below(4),
        queuedAt: below(30),
        demand: { device: null, ramBytes: below(3) * GIB, vramBytes: 0 },
        exclusions: random() < 0.2 ? [{ nodeId: "node", until: 1 }] : [],
      });
    for (let step = 0; step < 3000; step++) {
      const turn = below(10);
      if (turn < 4) {
        const one = randomJob();
        queue.add(one);
        ready.set(one.id, one);
        parked.delete(one.id);
      } else if (turn < 8) {
        const taken = queue.take(runningOf);
        expect(taken).toBe(firstOf([...ready.values()], running) as QueuedJob);
        if (!taken) continue;
        ready.delete(taken.id);
        if (random() < 0.5) {
          queue.park(taken);
          parked.set(taken.id, taken);
        } else running.set(taken.owner, runningOf(taken.owner) + 1);
      } else if (turn === 8) {
        const id = `job-${below(60)}`;
        queue.remove(id);
        ready.delete(id);
        parked.delete(id);
        const owner = `owner-${below(5)}`;
        if (runningOf(owner) > 0) running.set(owner, runningOf(owner) - 1);
      } else {
        const places = below(4);
        const most = below(3) * GIB;
        const fits = (one: QueuedJob) => (one.demand.ramBytes <= most ? places : 0);
        let woken = 0;
        for (const [, group] of Map.groupBy([...parked.values()], shapeOf)) {
          const would = new Map(running);
          for (let place = 0; place < fits(group[0]!); place++) {
            const next = firstOf(
              group.filter((one) => parked.has(one.id)),
              would,
            );
            if (!next) break;
            would.set(next.owner, (would.get(next.owner) ?? 0) + 1);
            parked.delete(next.id);
            ready.set(next.id, next);
            woken += 1;
          }
        }
        expect(queue.wake(fits, runningOf)).toBe(woken);
      }
      expect(queue.size).toBe(ready.size + parked.size);
      expect(queue.parked).toBe(parked.size);
      for (let index = 0; index < 60; index++) {
        const id = `job-${index}`;
        expect(queue.has(id)).toBe(ready.has(id) || parked.has(id));
        expect(queue.isParked(id)).toBe(parked.has(id));
      }
    }
  });
}
