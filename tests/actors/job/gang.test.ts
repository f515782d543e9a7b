/** A job on several nodes at once, in the chart alone: on all or none, started together, ended together. */
import { describe, expect, test } from "bun:test";
import { jobKind } from "../../../src/actors/job/kind.ts";
import { jobPolicy, jobSpec, result, T0, uuid } from "../fixtures.ts";
import { begin, type Event, type Snapshot, stateOf, step, walk } from "./walking.ts";

const [A, B, C] = [uuid(100), uuid(101), uuid(102)] as const;
const NODES = [A, B, C];
const gangOf = (size: number) => ({ spec: jobSpec({ gang: { size, topology: "any" } }) });
const kind = jobKind({ link: undefined as never, texts: undefined as never, nodes: undefined as never });

const OFFER: Event = { type: "OFFER", nodeId: A, others: [B, C] };
const accepted = (nodeId: string): Event => ({ type: "OFFER_ACCEPTED", attempt: 1, nodeId });
const started = (nodeId: string): Event => ({ type: "STARTED", nodeId, attempt: 1 });
const lost = (nodeId: string): Event => ({ type: "NODE_LOST", nodeId });
const back = (nodeId: string): Event => ({ type: "NODE_BACK", nodeId });
const completed = (nodeId: string): Event => ({ type: "COMPLETED", nodeId, attempt: 1, result });

const go = (...events: readonly Event[]): Snapshot => walk(events, gangOf(3));
const waiting = (...events: readonly Event[]): Snapshot => go(OFFER, ...NODES.map(accepted), ...events);
const running = (...events: readonly Event[]): Snapshot => waiting(...NODES.map(started), ...events);
const offersOwed = (job: Snapshot) =>
  (kind.owes?.(job) ?? []).filter(({ name }) => name === "offerToNode").map(({ key }) => key);
const outcomes = (job: Snapshot) =>
  Object.fromEntries(
    job.context.unsettled.filter(({ outcome }) => outcome !== "silent").map((one) => [one.nodeId, one.outcome]),
  );
const excluded = (job: Snapshot) => job.context.exclusions.map(({ nodeId }) => nodeId);

describe("all members of my gang start or none does", () => {
  test("each is made its own offer, under its rank, until it has answered", () => {
    expect(offersOwed(go(OFFER))).toEqual(["offerToNode/1", "offerToNode/1/1", "offerToNode/1/2"]);
    const one = go(OFFER, accepted(B));
    expect([stateOf(one), ...offersOwed(one)]).toEqual(["assigned.offering", "offerToNode/1", "offerToNode/1/2"]);
    expect(step(one, accepted(B), T0 + 9)).toBe(one);
    expect(offersOwed(waiting())).toEqual([]);
  });

  test("it is accepted when the last has accepted, and its barrier's time begins then", () => {
    const job = go(OFFER, accepted(C), accepted(A), accepted(B));
    expect([stateOf(job), job.context.deadline]).toEqual(["assigned.accepted", T0 + 4 + jobPolicy.startTimeout]);
    expect(job.context.live).toMatchObject({ acceptedAt: T0 + 4, startedAt: null });
  });

  test("it runs when the last has started, and its run's time begins then", () => {
    const job = waiting(started(A), started(C));
    expect([stateOf(job), job.context.startedAt]).toEqual(["assigned.accepted", null]);
    expect(job.context.deadline).toBe(T0 + 4 + jobPolicy.startTimeout);
    expect(step(job, started(A), T0 + 50)).toBe(job);
    const next = step(job, started(B), T0 + 60);
    expect([stateOf(next), next.context.startedAt, next.context.deadline]).toEqual([
      "running.active",
      T0 + 60,
      T0 + 60 + jobPolicy.runTimeout,
    ]);
  });

  test("a member's word that it runs counts as its acceptance, also when that was never heard", () => {
    const job = go(OFFER, started(A), started(B));
    expect([stateOf(job), ...offersOwed(job)]).toEqual(["assigned.offering", "offerToNode/1/2"]);
    expect(stateOf(step(job, accepted(C), T0 + 9))).toBe("assigned.accepted");
    expect(stateOf(step(job, started(C), T0 + 9))).toBe("running.active");
  });

  test("one that refuses ends it for all, and only that one is passed over", () => {
    const refusal: Event = { type: "OFFER_REFUSED", attempt: 1, nodeId: B, outcome: "rejected", message: "busy" };
    const job = go(OFFER, accepted(A), refusal);
    expect([stateOf(job), job.context.retries]).toEqual(["pending.queued", 0]);
    expect(outcomes(job)).toEqual({ [A]: "gang_ended", [B]: "rejected", [C]: "gang_ended" });
    expect(excluded(job)).toEqual([B]);
    expect(job.context.history).toMatchObject([
      { number: 1, nodeId: A, nodeIds: NODES, outcome: "rejected", message: `node ${B}: busy` },
    ]);
    const held = go(OFFER, accepted(A), accepted(B));
    expect(step(held, refusal, T0 + 9)).toBe(held);
  });

  test("those that do not answer in time end it, and those that did are not blamed", () => {
    const job = go(OFFER, accepted(A), { type: "DEADLINE" });
    expect(outcomes(job)).toEqual({ [A]: "gang_ended", [B]: "no_answer", [C]: "no_answer" });
    expect(excluded(job)).toEqual([B, C]);
    expect(job.context.history[0]?.message).toContain("2 of 3 nodes");
  });

  test("those that do not start in time end it, and those that did are not blamed", () => {
    const job = waiting(started(A), started(B), { type: "DEADLINE" });
    expect([stateOf(job), job.context.deadline]).toEqual(["pending.queued", T0 + jobPolicy.queueTimeout]);
    expect(outcomes(job)).toEqual({ [A]: "gang_ended", [B]: "gang_ended", [C]: "start_timeout" });
    expect(excluded(job)).toEqual([C]);
  });

  test("an offer to fewer nodes than it needs, to more, or to one twice is refused", () => {
    for (const others of [[], [B], [B, C, uuid(103)], [B, B], [A, B]]) {
      const job = begin(gangOf(3));
      expect(step(job, { type: "OFFER", nodeId: A, others }, T0 + 1)).toBe(job);
    }
    const single = begin();
    expect(step(single, { type: "OFFER", nodeId: A, others: [B] }, T0 + 1)).toBe(single);
  });
});

describe("one dead member ends the whole gang and frees its nodes", () => {
  test("when it fails: one retry, and only its node is passed over", () => {
    for (const before of [waiting(), running()]) {
      const job = step(before, { type: "FAILED", nodeId: C, attempt: 1, message: "oom", invalid: false }, T0 + 20);
      expect([stateOf(job), job.context.live, job.context.retries]).toEqual(["pending.backoff", null, 1]);
      expect(outcomes(job)).toEqual({ [A]: "gang_ended", [B]: "gang_ended", [C]: "failed" });
      expect(excluded(job)).toEqual([C]);
    }
  });

  test("when it is silent for the grace period: one loss, and nobody may go on with it", () => {
    const away = running(lost(B));
    expect([stateOf(away), away.context.deadline]).toEqual(["running.orphaned", T0 + 8 + jobPolicy.gracePeriod]);
    const job = step(away, { type: "DEADLINE" }, away.context.deadline ?? 0);
    expect([stateOf(job), job.context.losses, outcomes(job)]).toEqual([
      "pending.queued",
      1,
      { [A]: "gang_ended", [B]: "lost", [C]: "gang_ended" },
    ]);
    for (const nodeId of NODES) {
      expect(step(job, { type: "ORIGINAL_BACK", nodeId, attempt: 1 }, T0 + jobPolicy.gracePeriod + 9)).toBe(job);
    }
  });

  test("when it comes back without the attempt, at any time after it had accepted", () => {
    const gone: Event = { type: "ATTEMPT_GONE", nodeId: B, attempt: 1 };
    for (const before of [go(OFFER, accepted(B)), waiting(), running(), running(lost(A))]) {
      const silent = before.context.live?.members?.[0]?.away === true;
      const job = step(before, gone, T0 + 20);
      expect([stateOf(job), job.context.losses]).toEqual(["pending.queued", 1]);
      // The one that is there may have stopped only because another died: silence alone is held against a member.
      expect(outcomes(job)).toEqual({ [A]: silent ? "lost" : "gang_ended", [B]: "gang_ended", [C]: "gang_ended" });
    }
    const offered = go(OFFER, accepted(A));
    expect(step(offered, gone, T0 + 20)).toBe(offered);
  });

  test("when the run is over its time all that were at it are held to account", () => {
    const job = running(completed(C), { type: "DEADLINE" });
    expect([stateOf(job), job.context.failure?.code]).toEqual(["failed", "no_report"]);
    expect(outcomes(job)).toEqual({ [A]: "run_timeout", [B]: "run_timeout", [C]: "gang_ended" });
  });

  test("when its node is drained: the others are told to stop, and none has done wrong", () => {
    for (const before of [go(OFFER), waiting(), running(), running(lost(A))]) {
      const job = step(before, { type: "EVICT", nodeId: B, reason: "drained: update" }, T0 + 20);
      expect([stateOf(job), job.context.retries, job.context.losses]).toEqual(["pending.queued", 0, 0]);
      expect(outcomes(job)).toEqual({ [A]: "gang_ended", [B]: "evicted", [C]: "gang_ended" });
    }
  });
});

describe("a gang whose members blink", () => {
  test("goes on when all are back, and each silence is told to its node once", () => {
    const job = running(lost(B), lost(C), back(B), lost(B), back(C), back(B));
    expect([stateOf(job), job.context.deadline]).toEqual(["running.active", T0 + 7 + jobPolicy.runTimeout]);
    expect(job.context.unsettled).toEqual([
      { attempt: 1, nodeId: B, outcome: "silent" },
      { attempt: 1, nodeId: C, outcome: "silent" },
    ]);
  });

  test("gives each silent member its own grace period", () => {
    const away = running(lost(B));
    const both = step(away, lost(C), T0 + 20_000);
    const one = step(both, back(B), T0 + 25_000);
    expect([stateOf(one), one.context.deadline]).toEqual(["running.orphaned", T0 + 20_000 + jobPolicy.gracePeriod]);
    expect(step(one, back(B), T0 + 25_001)).toBe(one);
  });

  test("does not live for ever by being silent in turns (I4)", () => {
    let job = running(lost(B));
    let [now, here] = [T0 + 8, B];
    const end = T0 + 7 + jobPolicy.runTimeout + jobPolicy.gracePeriod;
    while (stateOf(job) === "running.orphaned") {
      now += jobPolicy.gracePeriod / 2;
      const there = here === B ? C : B;
      const due = (job.context.deadline ?? 0) <= now;
      job = due ? step(job, { type: "DEADLINE" }, now) : step(step(job, lost(there), now), back(here), now);
      here = there;
      expect(now).toBeLessThanOrEqual(end + jobPolicy.gracePeriod);
    }
    expect(stateOf(job)).toBe("pending.queued");
  });

  test("starts also when the last to start finds another silent, and waits for that one", () => {
    const job = waiting(started(A), started(B), lost(A), started(C));
    expect([stateOf(job), job.context.startedAt]).toEqual(["running.orphaned", T0 + 8]);
    expect(job.context.deadline).toBe(T0 + 7 + jobPolicy.gracePeriod);
    const whole = step(job, back(A), T0 + 30);
    expect([stateOf(whole), whole.context.deadline]).toEqual(["running.active", T0 + 8 + jobPolicy.runTimeout]);
  });

  test("waits at the barrier again when the silent one is back", () => {
    const job = waiting(started(A), lost(B), started(C), back(B));
    expect([stateOf(job), job.context.deadline]).toEqual(["assigned.accepted", T0 + 4 + jobPolicy.startTimeout]);
  });
});

describe("a gang that ends well", () => {
  test("ends with rank 0's result; the others did their part, said so or not", () => {
    const job = running(completed(C), completed(A));
    expect([stateOf(job), job.context.result?.nodeId]).toEqual(["completed", A]);
    expect(outcomes(job)).toEqual({ [A]: "completed", [B]: "completed", [C]: "completed" });
    const row = kind.row?.(job, 1);
    expect(row).toMatchObject({ status: "completed", assigned_node_id: A });
  });

  test("does not end with another's, whose node may leave then", () => {
    const job = running(completed(C));
    expect(stateOf(job)).toBe("running.active");
    for (const event of [
      completed(C),
      lost(C),
      { type: "ATTEMPT_GONE", nodeId: C, attempt: 1 },
      { type: "EVICT", nodeId: C, reason: "" },
      { type: "FAILED", nodeId: C, attempt: 1, message: "", invalid: false },
    ] as const)
      expect(step(job, event, T0 + 20)).toBe(job);
    expect(stateOf(step(job, completed(A), T0 + 21))).toBe("completed");
  });

  test("does not wait for a silent member that then says it is done", () => {
    const job = running(lost(C), completed(C));
    expect([stateOf(job), job.context.deadline]).toEqual(["running.active", T0 + 7 + jobPolicy.runTimeout]);
  });

  test("shows rank 0's progress only", () => {
    const progress = (nodeId: string, value: number): Event => ({
      type: "PROGRESS",
      nodeId,
      attempt: 1,
      progress: value,
      epoch: 1,
      metrics: { loss: value },
    });
    const job = running(progress(A, 0.25));
    expect(job.context).toMatchObject({ progress: 0.25, metrics: { loss: 0.25 } });
    expect(step(job, progress(B, 0.75), T0 + 30)).toBe(job);
    const silent = step(job, lost(B), T0 + 31);
    const again = step(silent, progress(B, 0.75), T0 + 32);
    expect([stateOf(again), again.context.progress]).toEqual(["running.active", 0.25]);
  });

  test("owes each of its nodes its own outcome, and settles them one by one", () => {
    const job = running(completed(A));
    expect(kind.owes?.(job).map(({ key }) => key)).toEqual(NODES.map((nodeId) => `recordOutcome/1/${nodeId}`));
    const settled = step(job, { type: "OUTCOME_RECORDED", attempt: 1, nodeId: B }, T0 + 20);
    expect(Object.keys(outcomes(settled))).toEqual([A, C]);
    expect(kind.finished(settled)).toBe(false);
    const all = [A, C].reduce(
      (now, nodeId) => step(now, { type: "OUTCOME_RECORDED", attempt: 1, nodeId }, T0 + 21),
      settled,
    );
    expect(kind.finished(all)).toBe(true);
  });
});
