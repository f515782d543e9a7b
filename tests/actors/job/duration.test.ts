import { describe, expect, test } from "bun:test";
import { deadlineOf, jobKind } from "../../../src/actors/job/kind.ts";
import { jobPolicy, T0, uuid } from "../fixtures.ts";
import { begin, type Event, type Snapshot, stateOf, step, walk } from "./walking.ts";

const A = uuid(100);
const MAX = 50_000;
const END = T0 + MAX;
const input = { policy: { ...jobPolicy, maxDuration: MAX } };
const kind = jobKind({ link: undefined as never, texts: undefined as never, nodes: undefined as never });

const RUNS: readonly Event[] = [
  { type: "OFFER", nodeId: A },
  { type: "OFFER_ACCEPTED", attempt: 1 },
  { type: "STARTED", nodeId: A, attempt: 1 },
];
const lost: Event = { type: "NODE_LOST", nodeId: A };
const fails: Event = { type: "FAILED", nodeId: A, attempt: 1, message: "oom", invalid: false };

describe("my job ends when max_duration has passed, whatever state it is in", () => {
  const states: Readonly<Record<string, Snapshot>> = {
    "pending.awaitingFunds": begin({ ...input, awaitsFunds: true }),
    "pending.queued": begin(input),
    "pending.backoff": walk([...RUNS, fails], input),
    "assigned.offering": walk(RUNS.slice(0, 1), input),
    "assigned.accepted": walk(RUNS.slice(0, 2), input),
    "assigned.orphaned": walk([...RUNS.slice(0, 2), lost], input),
    "running.active": walk(RUNS, input),
    "running.orphaned": walk([...RUNS, lost], input),
  };

  for (const [state, job] of Object.entries(states)) {
    test(`${state}: its deadline is no later, and then it fails with that reason`, () => {
      expect(stateOf(job)).toBe(state);
      expect(kind.deadline(job)).toBe(Math.min(job.context.deadline ?? Number.NaN, END));
      const over = step(job, { type: "DEADLINE" }, END);
      expect([stateOf(over), over.context.failure]).toEqual([
        "failed",
        { code: "max_duration", message: "not finished within its max_duration of 50 s, counted from its acceptance" },
      ]);
      expect([over.context.live, deadlineOf(over.context)]).toEqual([null, null]);
      // It was not the node's fault.
      if (job.context.live) expect(over.context.unsettled.at(-1)).toMatchObject({ nodeId: A, outcome: "cancelled" });
    });
  }

  test("a moment before, only its own deadline counts", () => {
    const job = states["assigned.offering"] as Snapshot;
    expect(stateOf(step(job, { type: "DEADLINE" }, END - 1))).toBe("pending.queued");
  });

  test("also when something would queue it again after that", () => {
    for (const event of [
      fails,
      { type: "EVICT", nodeId: A, reason: "" },
      { type: "ATTEMPT_GONE", nodeId: A, attempt: 1 },
    ] as const) {
      const over = step(states["running.active"] as Snapshot, event, END + 5);
      expect([stateOf(over), over.context.failure?.code, over.context.live]).toEqual(["failed", "max_duration", null]);
    }
  });

  test("work that is done by then counts, however late the word of it", () => {
    const done: Event = {
      type: "COMPLETED",
      nodeId: A,
      attempt: 1,
      result: { weightsUri: "", weightsHash: "", weightsSize: 0, metrics: {}, computeSeconds: 0, signature: "" },
    };
    expect(stateOf(step(states["running.active"] as Snapshot, done, END + 5))).toBe("completed");
  });

  test("a job without one has no such end", () => {
    const job = walk(RUNS);
    expect(kind.deadline(job)).toBe(job.context.deadline);
    expect(step(job, { type: "DEADLINE" }, T0 + 10 ** 12).context.failure?.code).toBe("no_report");
  });
});
