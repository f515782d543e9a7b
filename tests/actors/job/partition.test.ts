/** What becomes of an attempt whose node is silent, in the chart alone. Unknown is never failed. */
import { describe, expect, test } from "bun:test";
import type { JobEvent } from "../../../src/actors/job/state.ts";
import { jobPolicy, result, T0, uuid } from "../fixtures.ts";
import { begin, type Event, type Snapshot, startFrom, stateOf, step, walk } from "./walking.ts";

const [A, B] = [uuid(100), uuid(101)] as const;
const keep = { policy: { ...jobPolicy, reconcile: "keep_original" as const } };

const RUNS: readonly Event[] = [
  { type: "OFFER", nodeId: A },
  { type: "OFFER_ACCEPTED", attempt: 1 },
  { type: "STARTED", nodeId: A, attempt: 1 },
];
const LOST: readonly Event[] = [{ type: "NODE_LOST", nodeId: A }, { type: "DEADLINE" }];
const REPLACED: readonly Event[] = [
  { type: "OFFER", nodeId: B },
  { type: "OFFER_ACCEPTED", attempt: 2 },
  { type: "STARTED", nodeId: B, attempt: 2 },
];
const RETURNS: Event = { type: "ORIGINAL_BACK", nodeId: A, attempt: 1 };

describe("my job is not run twice when its node comes back late", () => {
  test("its lost run goes on where the job still waits for another node", () => {
    const job = walk([...RUNS, ...LOST, RETURNS]);
    expect([stateOf(job), job.context.deadline]).toEqual(["running.active", T0 + 3 + jobPolicy.runTimeout]);
    expect(job.context).toMatchObject({
      attempt: 1,
      live: { number: 1, nodeId: A, offeredAt: T0 + 1, acceptedAt: T0 + 2, startedAt: T0 + 3, returns: 1 },
      history: [],
      exclusions: [],
      losses: 0,
      startedAt: T0 + 3,
    });
    const done = step(job, { type: "COMPLETED", nodeId: A, attempt: 1, result }, T0 + 9);
    expect([stateOf(done), done.context.result?.attempt]).toEqual(["completed", 1]);
  });

  test("its lost start goes on too, with the time that is left of it", () => {
    const job = walk([...RUNS.slice(0, 2), ...LOST, RETURNS]);
    expect([stateOf(job), job.context.deadline]).toEqual(["assigned.accepted", T0 + 2 + jobPolicy.startTimeout]);
  });

  test("also when the run that replaced it has failed meanwhile", () => {
    const fails: Event = { type: "FAILED", nodeId: B, attempt: 2, message: "oom", invalid: false };
    const job = walk([...RUNS, ...LOST, ...REPLACED, fails, RETURNS]);
    expect([stateOf(job), job.context.live?.number, job.context.retries]).toEqual(["running.active", 1, 1]);
    expect(job.context.history.map(({ number, outcome }) => [number, outcome])).toEqual([[2, "failed"]]);
    expect(walkOn(job, LOST, { type: "OFFER", nodeId: B }).context.attempt).toBe(3);
  });

  test("and its node is not told of a loss that was none, if it has not been yet", () => {
    const lost = walk([...RUNS, ...LOST]);
    expect(lost.context.unsettled.map(({ outcome }) => outcome)).toEqual(["silent", "lost"]);
    expect(step(lost, RETURNS, T0 + 9).context.unsettled.map(({ outcome }) => outcome)).toEqual(["silent"]);
    const told = step(lost, { type: "OUTCOME_RECORDED", attempt: 1, nodeId: A }, T0 + 8);
    const done = walkOn(told, [RETURNS], { type: "COMPLETED", nodeId: A, attempt: 1, result });
    // Another end than the one that was recorded: it counts, although the attempt's number is the same.
    expect(done.context.unsettled.at(-1)).toEqual({ attempt: 1, nodeId: A, outcome: "completed", returns: 1 });
  });
});

describe("a node that comes back with the replaced attempt is told to stop", () => {
  test("where the job keeps the replacement, which is the default", () => {
    for (let live = 1; live <= REPLACED.length; live++) {
      const job = walk([...RUNS, ...LOST, ...REPLACED.slice(0, live)]);
      expect(step(job, RETURNS, T0 + 20)).toBe(job);
    }
  });

  test("where the time of the attempt is over, or the job's", () => {
    const lost = walk([...RUNS, ...LOST]);
    expect(step(lost, RETURNS, T0 + 3 + jobPolicy.runTimeout)).toBe(lost);
    expect(step(lost, RETURNS, T0 + 2 + jobPolicy.runTimeout)).not.toBe(lost);
    const accepted = walk([...RUNS.slice(0, 2), ...LOST]);
    expect(step(accepted, RETURNS, T0 + 2 + jobPolicy.startTimeout)).toBe(accepted);
    const over = step(lost, { type: "CANCEL", reason: "" }, T0 + 20);
    expect(step(over, RETURNS, T0 + 21)).toBe(over);
  });

  test("where it had said that it has the attempt no more, or has had another since", () => {
    const gone = walk([...RUNS, { type: "ATTEMPT_GONE", nodeId: A, attempt: 1 }]);
    expect(step(gone, RETURNS, T0 + 20)).toBe(gone);
    const refused = walk([
      ...RUNS,
      ...LOST,
      { type: "OFFER", nodeId: A },
      { type: "OFFER_REFUSED", attempt: 2, outcome: "no_answer", message: "" },
    ]);
    for (const attempt of [1, 2]) {
      expect(step(refused, { type: "ORIGINAL_BACK", nodeId: A, attempt }, T0 + 20)).toBe(refused);
    }
  });

  test("where it speaks of another attempt, or is another node", () => {
    const lost = walk([...RUNS, ...LOST]);
    for (const attempt of [-1, 0, 2, 2 ** 31]) {
      expect(step(lost, { type: "ORIGINAL_BACK", nodeId: A, attempt }, T0 + 20)).toBe(lost);
    }
    expect(step(lost, { type: "ORIGINAL_BACK", nodeId: B, attempt: 1 }, T0 + 20)).toBe(lost);
    const back = step(lost, RETURNS, T0 + 20);
    expect(step(back, RETURNS, T0 + 21)).toBe(back);
  });
});

describe("keep_original: the first run goes on and the second is stopped", () => {
  test("in every state of the second", () => {
    for (const second of [1, 2, 3, 4]) {
      const replaced = [...REPLACED, { type: "NODE_LOST", nodeId: B } as const].slice(0, second);
      const job = walk([...RUNS, ...LOST, ...replaced, RETURNS], keep);
      expect([stateOf(job), job.context.live?.number, job.context.attempt]).toEqual(["running.active", 1, 2]);
      expect(job.context.history).toMatchObject([{ number: 2, nodeId: B, outcome: "superseded" }]);
      expect(job.context.unsettled.find(({ attempt, outcome }) => attempt === 2 && outcome !== "silent")).toMatchObject(
        {
          nodeId: B,
          outcome: "superseded",
        },
      );
      // The second's word counts no more (I2).
      const late: Event = { type: "COMPLETED", nodeId: B, attempt: 2, result };
      expect(step(job, late, T0 + 50)).toBe(job);
    }
  });

  test("the node of the second is not passed over: it did nothing wrong", () => {
    expect(walk([...RUNS, ...LOST, ...REPLACED, RETURNS], keep).context.exclusions).toEqual([]);
  });

  test("and a later offer has a number of its own", () => {
    const job = walk([...RUNS, ...LOST, ...REPLACED, RETURNS, ...LOST, { type: "OFFER", nodeId: B }], keep);
    expect(job.context.live?.number).toBe(3);
  });

  test("progress begins with what is reported of the first", () => {
    const progress: Event = { type: "PROGRESS", nodeId: B, attempt: 2, progress: 0.9, epoch: 9, metrics: { loss: 1 } };
    const job = walk([...RUNS, ...LOST, ...REPLACED, progress, RETURNS], keep);
    expect(job.context).toMatchObject({ progress: 0, epoch: 0, metrics: {} });
  });
});

test("my healthy job is not killed by a blink of the network: every state waits, and goes on with the time it had", () => {
  const lost: Event = { type: "NODE_LOST", nodeId: A };
  for (const before of [walk(RUNS.slice(0, 2)), walk(RUNS)]) {
    const silent = step(before, lost, T0 + 1000);
    expect(stateOf(silent)).toEndWith(".orphaned");
    const back = step(silent, { type: "NODE_BACK", nodeId: A }, T0 + 1000 + jobPolicy.gracePeriod - 1);
    expect([stateOf(back), back.context.deadline]).toEqual([stateOf(before), before.context.deadline]);
    expect(back.context.history).toEqual([]);
  }
});

test("a log from before any of this was known replays to what was stored then (I9)", () => {
  const unstamped = (job: Snapshot, event: Event, at: number): Snapshot => {
    const actor = startFrom(job).start();
    actor.send({ ...event, at } as JobEvent);
    return actor.getSnapshot();
  };
  const job = [...RUNS, ...LOST].reduce((before, event, index) => unstamped(before, event, T0 + index), begin());
  expect(job.context.history).toEqual([
    {
      number: 1,
      nodeId: A,
      offeredAt: T0,
      startedAt: T0 + 2,
      endedAt: T0 + 4,
      outcome: "lost",
      message: "the node went silent and did not come back in time",
    },
  ]);
  expect(job.context.unsettled).toEqual([{ attempt: 1, nodeId: A, outcome: "lost" }]);
});

test("a job stored before any of this was known goes on as it did", () => {
  const lost = walk([...RUNS, ...LOST]);
  const stored = JSON.parse(JSON.stringify(startFrom(lost).start().getPersistedSnapshot()));
  const [past] = stored.context.history;
  for (const name of ["acceptedAt", "unknown"]) delete past[name];
  stored.context.unsettled = [{ attempt: 1, nodeId: A, outcome: "lost" }];
  const job = startFrom(stored).start().getSnapshot() as Snapshot;
  expect(step(job, RETURNS, T0 + 20)).toBe(job);
  const settled = step(job, { type: "OUTCOME_RECORDED", attempt: 1 }, T0 + 21);
  expect(settled.context.unsettled).toEqual([]);
  const second = walkOn(settled, REPLACED.slice(0, 2), { type: "COMPLETED", nodeId: B, attempt: 2, result });
  expect(stateOf(second)).toBe("completed");
});

describe("draining a node moves my job without costing me a retry", () => {
  const evict: Event = { type: "EVICT", nodeId: A, reason: "drained: new driver" };

  test("nor a loss, nor its age in the queue; and it has the whole time to find another", () => {
    const first = begin();
    for (const before of [
      walk(RUNS.slice(0, 1)),
      walk(RUNS.slice(0, 2)),
      walk(RUNS),
      walk([...RUNS, LOST[0] as Event]),
    ]) {
      const job = step(before, evict, T0 + 5000);
      expect(stateOf(job)).toBe("pending.queued");
      expect(job.context).toMatchObject({
        retries: 0,
        losses: 0,
        queuedAt: first.context.queuedAt,
        deadline: T0 + 5000 + jobPolicy.queueTimeout,
        queueDeadline: T0 + 5000 + jobPolicy.queueTimeout,
        exclusions: [{ nodeId: A }],
        history: [{ number: 1, outcome: "evicted", message: "drained: new driver" }],
      });
      // What it was drained of it does not get back.
      expect(step(job, RETURNS, T0 + 5001)).toBe(job);
    }
  });

  test("and another node's draining does not touch it", () => {
    const job = walk(RUNS);
    expect(step(job, { ...evict, nodeId: B }, T0 + 20)).toBe(job);
    const waiting = begin();
    expect(step(waiting, evict, T0 + 20)).toBe(waiting);
  });
});

/** On from there, a millisecond each; every event must be accepted, the last included. */
function walkOn(from: Snapshot, events: readonly Event[], last: Event): Snapshot {
  let job = from;
  for (const [index, event] of [...events, last].entries()) {
    const next = step(job, event, T0 + 100 + index);
    if (next === job) throw new Error(`${event.type} was refused in ${stateOf(job)}`);
    job = next;
  }
  return job;
}
