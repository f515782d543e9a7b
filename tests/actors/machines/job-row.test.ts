/** The row of a job in `jobs`, what it owes and when it is finished, for one job of every kind a chart state can hold. */
import { describe, expect, test } from "bun:test";
import { initialTransition, type SnapshotFrom, transition } from "xstate";
import { JOB_RULES } from "../../../src/actors/job/endings.ts";
import { type JobStatus, jobKind } from "../../../src/actors/job/kind.ts";
import { type JobMachine, jobMachine } from "../../../src/actors/job/machine.ts";
import type { JobEvent } from "../../../src/actors/job/state.ts";
import { dottedState } from "../../../src/actors/runtime/index.ts";
import { jobProjector } from "../../../src/store/projections/jobs.ts";
import { allJobEvents, jobInput, jobPolicy, T0, uuid } from "../fixtures.ts";

type Snapshot = SnapshotFrom<JobMachine>;

const kind = jobKind({ link: undefined as never, texts: undefined as never, nodes: undefined as never });
const stateOf = ({ value }: Snapshot): string => dottedState(value);
const rowOf = (job: Snapshot) => kind.row!(job, 7);

/** Breadth first, one for each combination of state, live attempt, outcome before, failure and debt. */
const jobs: readonly Snapshot[] = (() => {
  const found = new Map<string, Snapshot>();
  const keep = (job: Snapshot): void => {
    const { live, history, unsettled, retries, losses, failure, cancelReason } = job.context;
    const debt = Math.min(2, unsettled.length);
    const last = history.at(-1)?.outcome;
    const key = [stateOf(job), live?.nodeId, live?.startedAt != null, live?.returns, last, debt, retries, losses];
    const name = JSON.stringify([...key, failure?.code, cancelReason]);
    if (!found.has(name)) found.set(name, job);
  };
  const policy = { ...jobPolicy, maxRetries: 1, maxLosses: 1, reconcile: "keep_original" as const };
  for (const awaitsFunds of [false, true])
    keep(initialTransition(jobMachine, jobInput({ policy, awaitsFunds }))[0] as Snapshot);
  // A Map hands out what is added while it is being read.
  for (const job of found.values()) {
    const { live, attempt, deadline } = job.context;
    if (attempt > 3) continue;
    for (const event of allJobEvents(live, attempt)) {
      const at = event.type === "DEADLINE" ? (deadline ?? T0) : T0 + 1;
      keep(transition(jobMachine, job, { ...event, at, rules: JOB_RULES } as JobEvent)[0] as Snapshot);
    }
  }
  return [...found.values()];
})();

const COLUMNS = [
  "id user_wallet user_id status state state_reason job_type priority required_gpu required_gpu_memory_gb required_ram_gb",
  "estimated_duration_seconds estimated_cost actual_cost assigned_node_id attempt retry_count progress current_epoch",
  "total_epochs metrics result_hash result_uri result_size error_message metadata version created_at started_at completed_at",
].flatMap((line) => line.split(" "));

const entryOf = (job: Snapshot) => ({
  ref: { kind: "job", id: job.context.id },
  expectedVersion: 6,
  event: {},
  from: null,
  to: stateOf(job),
  snapshot: {},
  deadline: null,
  finished: false,
  at: T0,
  row: rowOf(job),
});

describe("the row of a job", () => {
  test("is tried on every state there is", () => {
    expect(new Set(jobs.map(stateOf)).size).toBe(11);
    expect(jobs.length).toBeGreaterThan(300);
  });

  test("fills every column of jobs with what the column takes, but the one that the projector fills", () => {
    for (const job of jobs) {
      expect(Object.keys(rowOf(job)).sort()).toEqual([...COLUMNS].sort());
      const [statement] = jobProjector.statements([entryOf(job)], true);
      const written = /^insert into jobs \(([^)]*)\)/.exec(statement?.text ?? "")?.[1]?.split(",");
      expect(written?.sort()).toEqual([...COLUMNS, "updated_at"].sort());
    }
  });

  test("is written without what lasts when only the rest has changed, and whole when that has changed too", () => {
    for (const job of jobs) {
      const entry = { ...entryOf(job), rowBefore: rowOf(job) };
      const [statement, ...others] = jobProjector.statements([entry], false);
      expect(others).toEqual([]);
      const written = statement?.text.match(/\b\w+(?= = item\.)/g) ?? [];
      const lasting = "user_wallet user_id job_type priority required_gpu required_gpu_memory_gb required_ram_gb";
      const more = "estimated_duration_seconds estimated_cost total_epochs metadata created_at";
      const left = new Set(["id", ...lasting.split(" "), ...more.split(" ")]);
      expect(new Set([...written, ...left])).toEqual(new Set([...COLUMNS, "updated_at"]));
      for (const name of written) expect(left.has(name) && name !== "id").toBe(false);

      for (const changed of [
        { user_id: "another" },
        { metadata: { ...(rowOf(job).metadata as object), epochs: -1 } },
      ]) {
        const before = { ...rowOf(job), ...changed };
        const [whole] = jobProjector.statements([{ ...entry, rowBefore: before }], false);
        expect(whole?.text).toStartWith("insert into jobs ");
      }
    }
  });

  test("has the status that the state begins with, the state, and the version it was given", () => {
    const statuses: Readonly<Record<string, JobStatus>> = {
      "pending.awaitingFunds": "pending",
      "pending.queued": "pending",
      "pending.backoff": "pending",
      "assigned.offering": "assigned",
      "assigned.accepted": "assigned",
      "assigned.orphaned": "assigned",
      "running.active": "running",
      "running.orphaned": "running",
      completed: "completed",
      failed: "failed",
      cancelled: "cancelled",
    };
    for (const job of jobs) {
      const state = stateOf(job);
      expect(rowOf(job)).toMatchObject({ state, status: statuses[state], version: 7 });
    }
  });

  test("costs its price when it completed, nothing when it did not, and is open until then", () => {
    for (const job of jobs) {
      const { status, actual_cost } = rowOf(job);
      const expected =
        status === "completed" ? job.context.price : status === "failed" || status === "cancelled" ? "0" : null;
      expect([status, actual_cost]).toEqual([status, expected]);
    }
  });

  test("names the node it is on, or that did it, or that it ended with; a waiting job names none", () => {
    for (const job of jobs) {
      const { status, assigned_node_id } = rowOf(job);
      const { live, result, history } = job.context;
      const expected: Readonly<Record<string, string | null | undefined>> = {
        pending: null,
        assigned: live?.nodeId,
        running: live?.nodeId,
        completed: result?.nodeId,
        failed: history.at(-1)?.nodeId ?? null,
        cancelled: history.at(-1)?.nodeId ?? null,
      };
      expect([status, assigned_node_id]).toEqual([status, expected[String(status)]]);
    }
  });

  test("says why the job is where it is, in the documented codes, and nothing where there is nothing to say", () => {
    const reasons: Readonly<Record<string, string | null>> = {
      "pending.awaitingFunds": "awaiting_funds",
      "pending.queued": null,
      "pending.backoff": "retry_backoff",
      "assigned.offering": null,
      "assigned.accepted": null,
      "assigned.orphaned": "node_silent",
      "running.active": null,
      "running.orphaned": "node_silent",
      completed: null,
      cancelled: "cancelled",
    };
    for (const job of jobs) {
      const state = stateOf(job);
      const { state_reason, error_message } = rowOf(job);
      const { failure } = job.context;
      expect([state, state_reason]).toEqual([state, failure ? failure.code : (reasons[state] ?? null)]);
      expect(error_message !== null).toBe(state === "failed" || state === "cancelled");
    }
  });

  test("has the times and the result of its end, and only then", () => {
    for (const job of jobs) {
      const { status, completed_at, result_hash, result_uri, result_size, progress } = rowOf(job);
      const over = status === "completed" || status === "failed" || status === "cancelled";
      expect([status, completed_at !== null]).toEqual([status, over]);
      const done = status === "completed";
      expect([result_hash, result_uri, result_size].map((one) => one !== null)).toEqual([done, done, done]);
      if (done) expect(progress).toBe(1);
    }
  });
});

describe("what a job owes", () => {
  test("is the offer while it is offering, under the attempt's own key, and every outcome that is not settled", () => {
    for (const job of jobs) {
      const { attempt, unsettled } = job.context;
      const outcomes = unsettled.map(({ attempt: number, nodeId, outcome }) => ({
        name: "recordOutcome",
        key: outcome === "silent" ? `recordOutcome/${number}/silent/${nodeId}` : `recordOutcome/${number}`,
      }));
      const offer = { name: "offerToNode", key: `offerToNode/${attempt}` };
      expect(kind.owes?.(job)).toEqual(stateOf(job) === "assigned.offering" ? [...outcomes, offer] : outcomes);
    }
  });

  test("is never the same twice, or the second would be taken for done", () => {
    for (const job of jobs) {
      const keys = kind.owes?.(job).map(({ key }) => key) ?? [];
      expect(new Set(keys).size).toBe(keys.length);
    }
  });

  test("keeps it from being finished: it is when it has ended and owes nothing", () => {
    for (const job of jobs) {
      const over = ["completed", "failed", "cancelled"].includes(stateOf(job));
      expect([stateOf(job), kind.finished(job)]).toEqual([stateOf(job), over && kind.owes?.(job).length === 0]);
    }
  });

  test("its deadline waits for somebody outside unless it queues or backs off", () => {
    for (const job of jobs) {
      const state = stateOf(job);
      const own = state === "pending.queued" || state === "pending.backoff" || !state.includes(".");
      expect([state, kind.awaitsOutside?.(job)]).toEqual([state, !own]);
      expect(kind.deadline(job)).toBe(job.context.deadline);
    }
  });
});

describe("what a job remembers", () => {
  const after = (job: Snapshot, ...events: readonly JobEvent[]): Snapshot =>
    events.reduce((before, event) => transition(jobMachine, before, event)[0] as Snapshot, job);
  const begin = (overrides: Parameters<typeof jobInput>[0] = {}): Snapshot =>
    initialTransition(jobMachine, jobInput(overrides))[0] as Snapshot;

  test("of its attempts is the newest fifty, and how many there were", () => {
    let job = begin();
    for (let attempt = 1; attempt <= 60; attempt++) {
      const offer: JobEvent = { type: "OFFER", nodeId: uuid(100 + attempt), at: T0 + attempt };
      job = after(job, offer, { type: "OFFER_REFUSED", attempt, outcome: "rejected", message: "", at: T0 + attempt });
    }
    expect(job.context.attempt).toBe(60);
    expect(job.context.history.map(({ number }) => number)).toEqual(
      Array.from({ length: 50 }, (_, index) => index + 11),
    );
  });

  test("of the nodes to pass over is none whose time is up, and each once", () => {
    const refusal = (attempt: number, node: number, at: number): readonly JobEvent[] => [
      { type: "OFFER", nodeId: uuid(node), at },
      { type: "OFFER_REFUSED", attempt, outcome: "rejected", message: "", at },
    ];
    const late = T0 + jobPolicy.exclusion;
    const job = after(begin(), ...refusal(1, 100, T0), ...refusal(2, 101, T0 + 1), ...refusal(3, 101, late));
    expect(job.context.exclusions).toEqual([{ nodeId: uuid(101), until: late + jobPolicy.exclusion }]);
  });

  test("of its retries makes its pauses double up to the limit, between half and all of it, the same on every replay", () => {
    const policy = { ...jobPolicy, maxRetries: 8 };
    const pauses = (id: string): readonly number[] => {
      let job = begin({ id, policy });
      let at = T0;
      return Array.from({ length: 8 }, (_, index) => {
        const from = { nodeId: uuid(100), attempt: index + 1, at };
        job = after(
          job,
          { type: "OFFER", nodeId: uuid(100), at },
          { type: "STARTED", ...from },
          { type: "FAILED", ...from, message: "", invalid: false },
        );
        const pause = (job.context.deadline ?? Number.NaN) - at;
        at += pause;
        job = after(job, { type: "DEADLINE", at });
        return pause;
      });
    };
    for (const first of ["00000000", "0003ffff", "a1b2c3d4", "ffffffff"]) {
      const id = `${first}-0000-4000-8000-000000000000`;
      const seen = pauses(id);
      expect(pauses(id)).toEqual(seen);
      for (const [retry, pause] of seen.entries()) {
        const full = Math.min(policy.maxBackoff, policy.backoff * 2 ** retry);
        expect(pause).toBeGreaterThanOrEqual(full / 2);
        expect(pause).toBeLessThanOrEqual(full);
      }
    }
  });
});
