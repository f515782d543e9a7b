/**
 * The statechart of a job, explored: from every state that any sequence of events can lead to (told apart by what decides
 * the future), every event is tried.
 */
import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { nodesOf } from "../../../src/actors/job/attempt.ts";
import type { JobContext } from "../../../src/actors/job/state.ts";
import { seeded } from "../../support/seeded.ts";
import { allJobEvents, jobPolicy, jobSpec, result, T0, uuid } from "../fixtures.ts";
import { begin, type Event, type Snapshot, startFrom, stateOf, step, TERMINAL, walk } from "./walking.ts";

const HAS_LIVE = /^(assigned|running)\./;

/** What decides the future, without times and texts. */
function shapeOf(snapshot: Snapshot): string {
  const { live, history, unsettled, retries, losses } = snapshot.context;
  const members = live?.members?.map((one) => [one.acceptedAt, one.startedAt, one.doneAt].map((at) => at !== null));
  return JSON.stringify([
    stateOf(snapshot),
    live && [live.nodeId, live.acceptedAt !== null, live.startedAt !== null, live.reportedAt !== null],
    [members, live?.members?.map(({ away }) => away), live?.returns],
    [uuid(100), uuid(101)].map((node) => history.findLast(({ nodeId }) => nodeId === node)?.unknown !== undefined),
    history.some(({ outcome }) => outcome === "invalid"),
    history.at(-1)?.outcome === "invalid",
    Math.min(1, unsettled.length),
    retries,
    losses,
  ]);
}

const small = { ...jobPolicy, maxRetries: 1, maxLosses: 1 };
const gang = jobSpec({ gang: { size: 2, topology: "any" } });
const inputs = [
  { policy: small, awaitsFunds: true },
  { policy: { ...small, reconcile: "keep_original" as const } },
  { policy: small, spec: gang },
];

/** Breadth first, one snapshot for each shape. */
const explored: readonly Snapshot[] = (() => {
  const found = new Map<string, Snapshot>();
  const queue = inputs.map((input) => begin(input));
  for (const snapshot of queue) found.set(shapeOf(snapshot), snapshot);
  for (let snapshot = queue.shift(); snapshot !== undefined; snapshot = queue.shift()) {
    const { live, attempt, deadline } = snapshot.context;
    for (const event of allJobEvents(live, attempt)) {
      const next = step(snapshot, event, event.type === "DEADLINE" ? (deadline ?? T0) : T0 + 1);
      const shape = shapeOf(next);
      if (found.has(shape)) continue;
      found.set(shape, next);
      queue.push(next);
    }
  }
  return [...found.values()];
})();

/** A hundred thousand steps and more: seconds on a quiet machine, many on a busy one. */
setDefaultTimeout(60_000);

describe("every state of a job", () => {
  test("can be reached", () => {
    expect([...new Set(explored.map(stateOf))].sort()).toEqual([
      "assigned.accepted",
      "assigned.offering",
      "assigned.orphaned",
      "cancelled",
      "completed",
      "failed",
      "pending.awaitingFunds",
      "pending.backoff",
      "pending.queued",
      "running.active",
      "running.orphaned",
    ]);
    expect(explored.length).toBeGreaterThan(500);
  });

  test("takes every event or refuses it, and throws at none; its promises hold afterwards (I2, I4)", () => {
    const outcomes = new Set<string>();
    for (const snapshot of explored) {
      const { live, attempt } = snapshot.context;
      for (const event of allJobEvents(live, attempt)) {
        const next = step(snapshot, event, T0 + 5);
        const state = stateOf(next);
        const after = next.context;
        const found = [
          after.live !== null,
          Number.isFinite(after.deadline),
          after.endedAt !== null,
          after.result !== null,
          after.failure !== null,
          after.cancelReason !== null,
          after.attempt - attempt,
        ];
        const ended = TERMINAL.has(state);
        const promised = [
          HAS_LIVE.test(state),
          !ended,
          ended,
          state === "completed",
          state === "failed",
          state === "cancelled",
          event.type === "OFFER" && next !== snapshot ? 1 : 0,
        ];
        // Hundreds of thousands of cases: only a broken one is worth the price of an assertion.
        if (!Bun.deepEquals(found, promised)) expect([state, event, found]).toEqual([state, event, promised]);
        for (const { outcome } of after.unsettled) outcomes.add(outcome);
      }
    }
    // Every way there is for an attempt to end is among them.
    expect([...outcomes].sort()).toEqual([
      "cancelled",
      "completed",
      "evicted",
      "failed",
      "gang_ended",
      "invalid",
      "lost",
      "no_answer",
      "rejected",
      "run_timeout",
      "silent",
      "start_timeout",
      "superseded",
      "unreachable",
    ]);
  });

  test("that is terminal takes nothing but the settling of outcomes", () => {
    for (const snapshot of explored.filter((one) => TERMINAL.has(stateOf(one)))) {
      for (const event of allJobEvents(null, snapshot.context.attempt)) {
        const next = step(snapshot, event, T0 + 5);
        const settles =
          event.type === "OUTCOME_RECORDED" &&
          snapshot.context.unsettled.some(
            ({ attempt, nodeId, outcome }) =>
              attempt === event.attempt &&
              nodeId === (event.nodeId ?? nodeId) &&
              (outcome === "silent") === (event.silent ?? false),
          );
        expect([event, next !== snapshot]).toEqual([event, settles]);
        if (settles) expect({ ...next.context, unsettled: [] }).toEqual({ ...snapshot.context, unsettled: [] });
      }
    }
  });

  test("takes reports of its live attempt only (I2)", () => {
    for (const snapshot of explored) {
      const { live, attempt } = snapshot.context;
      for (const event of allJobEvents(live, attempt)) {
        if (!("attempt" in event) || event.type === "OUTCOME_RECORDED" || event.type === "ORIGINAL_BACK") continue;
        const nodeId = "nodeId" in event ? event.nodeId : undefined;
        const ofNode = nodeId === undefined || (live && nodesOf(live).includes(nodeId));
        const ofAttempt = event.attempt === null || event.attempt === live?.number;
        if (live && ofNode && ofAttempt) continue;
        if (step(snapshot, event, T0 + 5) !== snapshot) expect([stateOf(snapshot), event]).toEqual(["refuses", event]);
      }
    }
  });

  test("can be cancelled until it is terminal", () => {
    for (const snapshot of explored) {
      const next = step(snapshot, { type: "CANCEL", reason: "r" }, T0 + 5);
      expect(next !== snapshot).toBe(!TERMINAL.has(stateOf(snapshot)));
      if (next !== snapshot) expect(stateOf(next)).toBe("cancelled");
    }
  });

  test("stored and read back is the same, and goes on in the same way", () => {
    for (const snapshot of explored) {
      const actor = startFrom(snapshot).start();
      const stored = JSON.parse(JSON.stringify(actor.getPersistedSnapshot()));
      const restored = startFrom(stored).start();
      const back = restored.getSnapshot();
      expect(back.value).toEqual(snapshot.value);
      expect(back.context).toEqual(snapshot.context);
      expect(back.getMeta()).toEqual(snapshot.getMeta());
      expect(JSON.parse(JSON.stringify(restored.getPersistedSnapshot()))).toEqual(stored);
      const { live, attempt } = snapshot.context;
      for (const event of allJobEvents(live, attempt)) {
        const here = step(snapshot, event, T0 + 5);
        const there = step(back, event, T0 + 5);
        const same = there === back ? here === snapshot : Bun.deepEquals(there.context, here.context);
        if (!same || !Bun.deepEquals(there.value, here.value)) {
          expect([event, there.value, there.context]).toEqual([event, here.value, here.context]);
        }
      }
    }
  });

  test("that is not terminal leaves by its deadline, and deadlines alone lead to the end (I4)", () => {
    for (const start of explored) {
      let snapshot = start;
      for (let turn = 0; !TERMINAL.has(stateOf(snapshot)); turn++) {
        expect(turn).toBeLessThan(20);
        const next = step(snapshot, { type: "DEADLINE" }, snapshot.context.deadline ?? Number.NaN);
        expect(stateOf(next)).not.toBe(stateOf(snapshot));
        snapshot = next;
      }
    }
  });
});

describe("a job always ends (I4)", () => {
  /** An upper bound on how long a job can last, from its policy: every run and every wait at its longest. */
  const longest = (policy: JobContext["policy"]): number => {
    const runs = policy.maxRetries + policy.maxLosses + 2;
    const oneRun = policy.runTimeout + policy.gracePeriod + policy.startTimeout + policy.offerTimeout;
    return policy.fundsTimeout + runs * (policy.queueTimeout + 2 * oneRun + 2 * policy.maxBackoff);
  };

  /** Plays an adversary who chooses every event and its time, as long as deadlines come when they are due. */
  function play(choose: (snapshot: Snapshot, now: number) => { event: Event; after: number } | null): number {
    let snapshot = begin();
    let now = T0;
    const end = T0 + longest(jobPolicy);
    while (!TERMINAL.has(stateOf(snapshot))) {
      if (now > end) throw new Error(`still ${stateOf(snapshot)} after ${now - T0} ms`);
      const deadline = snapshot.context.deadline ?? Number.POSITIVE_INFINITY;
      const choice = choose(snapshot, now);
      if (choice === null || now + choice.after >= deadline) {
        now = Math.max(now, deadline);
        snapshot = step(snapshot, { type: "DEADLINE" }, now);
      } else {
        now += choice.after;
        snapshot = step(snapshot, choice.event, now);
      }
    }
    return now - T0;
  }

  const offer = (number: number): Event => ({ type: "OFFER", nodeId: uuid(100 + number) });

  for (const outcome of ["rejected", "unreachable", "no_answer", "invalid"] as const) {
    test(`when every node says ${outcome}`, () => {
      play((snapshot) => {
        const { attempt } = snapshot.context;
        if (stateOf(snapshot) === "pending.queued") return { event: offer(attempt), after: 1000 };
        return { event: { type: "OFFER_REFUSED", attempt, outcome, message: "" }, after: 1000 };
      });
    });
  }

  test("when one node in sixty calls it malformed and the others refuse", () => {
    play((snapshot) => {
      const { attempt } = snapshot.context;
      if (stateOf(snapshot) === "pending.queued") return { event: offer(attempt), after: 1000 };
      const outcome = attempt % 60 === 0 ? "invalid" : "rejected";
      return { event: { type: "OFFER_REFUSED", attempt, outcome, message: "" }, after: 1000 };
    });
  });

  for (const start of ["accepted", "running"] as const) {
    test(`when its node comes and goes for ever (${start})`, () => {
      play((snapshot) => {
        const { attempt, live } = snapshot.context;
        const nodeId = live?.nodeId ?? "";
        switch (stateOf(snapshot)) {
          case "pending.queued":
            return { event: offer(attempt), after: 1000 };
          case "assigned.offering":
            return {
              event: start === "accepted" ? { type: "OFFER_ACCEPTED", attempt } : { type: "STARTED", nodeId, attempt },
              after: 1000,
            };
          case "assigned.accepted":
          case "running.active":
            return { event: { type: "NODE_LOST", nodeId }, after: 20_000 };
          default:
            return { event: { type: "NODE_BACK", nodeId }, after: 20_000 };
        }
      });
    });
  }

  test("whatever the events, their order and their times", () => {
    for (let seed = 1; seed <= 60; seed++) {
      const random = seeded(seed);
      try {
        play((snapshot) => {
          const { live, attempt } = snapshot.context;
          const events = allJobEvents(live, attempt).filter(
            ({ type }) =>
              // Of evictions only max_duration is a bound; tests/actors/machines/job-ends.test.ts has it.
              !["DEADLINE", "CANCEL", "EVICT"].includes(type) && (type !== "COMPLETED" || random() < 0.01),
          );
          const event = events[Math.floor(random() * events.length)] as Event;
          return { event, after: Math.floor(random() * 9000) };
        });
      } catch (error) {
        throw new Error(`seed ${seed}`, { cause: error });
      }
    }
  });
});

describe("the limits of a job", () => {
  const run: Event[] = [
    { type: "OFFER", nodeId: uuid(100) },
    { type: "STARTED", nodeId: uuid(100), attempt: null },
  ];
  const fails: Event = { type: "FAILED", nodeId: uuid(100), attempt: null, message: "oom", invalid: false };
  const gone: Event = { type: "ATTEMPT_GONE", nodeId: uuid(100), attempt: null };

  test("retries: a failed run is tried again that often, then it fails for good", () => {
    const retry: Event[] = [...run, fails, { type: "DEADLINE" }];
    expect(walk([...retry, ...retry]).context).toMatchObject({ retries: 2, attempt: 2 });
    const last = walk([...retry, ...retry, ...run, fails]);
    expect([stateOf(last), last.context.failure]).toEqual([
      "failed",
      { code: "retries_exhausted", message: "oom (the last of 3 tries)" },
    ]);
  });

  test("losses: a lost run costs no retry, and is found again that often", () => {
    const lost: Event[] = [...run, gone];
    expect(walk([...lost, ...lost, ...lost]).context).toMatchObject({ retries: 0, losses: 3 });
    expect(walk([...lost, ...lost, ...lost, ...run, gone]).context.failure?.code).toBe("lost_too_often");
  });

  test("a refusal costs neither a retry nor the place in the queue, and gives no more time", () => {
    const before = begin();
    const after = walk([
      { type: "OFFER", nodeId: uuid(100) },
      { type: "OFFER_REFUSED", attempt: 1, outcome: "rejected", message: "busy" },
    ]);
    expect(after.context).toMatchObject({
      queuedAt: before.context.queuedAt,
      deadline: before.context.deadline,
      retries: 0,
      losses: 0,
      exclusions: [{ nodeId: uuid(100), until: T0 + 2 + jobPolicy.exclusion }],
    });
  });

  test("two words that the job is malformed end it; one does not", () => {
    const once: Event[] = [
      { type: "OFFER", nodeId: uuid(100) },
      { type: "OFFER_REFUSED", attempt: 1, outcome: "invalid", message: "no layers" },
    ];
    const first = walk(once);
    expect(stateOf(first)).toBe("pending.backoff");
    const queued = walk([...once, { type: "DEADLINE" }]);
    expect([queued.context.queuedAt, queued.context.deadline]).toEqual([T0, T0 + jobPolicy.queueTimeout]);
    const second = walk([
      ...once,
      { type: "DEADLINE" },
      { type: "OFFER", nodeId: uuid(101) },
      { type: "OFFER_REFUSED", attempt: 2, outcome: "invalid", message: "no layers" },
    ]);
    expect(second.context.failure).toEqual({ code: "invalid_job", message: "no layers" });
  });

  test("the run timeout says whether anything was heard of the run", () => {
    const silent = walk([...run, { type: "DEADLINE" }]);
    expect(silent.context.failure?.code).toBe("no_report");
    const heard = walk([
      ...run,
      { type: "PROGRESS", nodeId: uuid(100), attempt: 1, progress: 0.1, epoch: 1, metrics: {} },
      { type: "DEADLINE" },
    ]);
    expect(heard.context.failure?.code).toBe("run_timeout");
  });

  test("a node that comes back does not renew the time to start or to run", () => {
    const accepted = walk([
      { type: "OFFER", nodeId: uuid(100) },
      { type: "OFFER_ACCEPTED", attempt: 1 },
      { type: "NODE_LOST", nodeId: uuid(100) },
      { type: "NODE_BACK", nodeId: uuid(100) },
    ]);
    expect([stateOf(accepted), accepted.context.deadline]).toEqual([
      "assigned.accepted",
      T0 + 2 + jobPolicy.startTimeout,
    ]);
    const running = walk([...run, { type: "NODE_LOST", nodeId: uuid(100) }, { type: "NODE_BACK", nodeId: uuid(100) }]);
    expect(running.context).toMatchObject({ attempt: 1, deadline: T0 + 2 + jobPolicy.runTimeout });
  });

  test("progress never goes back within an attempt, and begins anew with the next", () => {
    const at = (progress: number, epoch: number): Event => ({
      type: "PROGRESS",
      nodeId: uuid(100),
      attempt: null,
      progress,
      epoch,
      metrics: {},
    });
    expect(walk([...run, at(0.5, 5), at(0.2, 2)]).context).toMatchObject({ progress: 0.5, epoch: 5 });
    expect(walk([...run, at(0.5, 5), gone]).context).toMatchObject({ progress: 0, epoch: 0, metrics: {} });
  });

  test("a result that comes before the word that the run began counts", () => {
    const done = walk([
      { type: "OFFER", nodeId: uuid(100) },
      { type: "COMPLETED", nodeId: uuid(100), attempt: 1, result },
    ]);
    expect(done.context).toMatchObject({
      result: { attempt: 1, nodeId: uuid(100), weightsHash: "00" },
      progress: 1,
      startedAt: T0 + 2,
      unsettled: [{ attempt: 1, nodeId: uuid(100), outcome: "completed" }],
    });
  });

  test("every attempt that ends is owed to its node", () => {
    const snapshot = walk([...run, gone, ...run, fails]);
    expect(snapshot.context.unsettled).toEqual([
      { attempt: 1, nodeId: uuid(100), outcome: "lost" },
      { attempt: 2, nodeId: uuid(100), outcome: "failed" },
    ]);
    const settled = step(snapshot, { type: "OUTCOME_RECORDED", attempt: 1 }, T0 + 9);
    expect(settled.context.unsettled.map(({ attempt }) => attempt)).toEqual([2]);
    expect(step(settled, { type: "OUTCOME_RECORDED", attempt: 1 }, T0 + 10)).toBe(settled);
  });
});
