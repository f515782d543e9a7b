/** The jobs there can be: alone or as a gang, with and without a limit to their life, keeping originals or replacements. */
import type { SnapshotFrom } from "xstate";
import { nodesOf, returnable } from "../../../../src/actors/job/attempt.ts";
import { JOB_RULES, lastMoment } from "../../../../src/actors/job/endings.ts";
import { deadlineOf } from "../../../../src/actors/job/kind.ts";
import { type JobMachine, jobMachine } from "../../../../src/actors/job/machine.ts";
import type { JobContext, JobEvent, JobPolicy } from "../../../../src/actors/job/state.ts";
import { dottedState } from "../../../../src/actors/runtime/index.ts";
import { jobInput, jobPolicy, jobSpec, result, type Unstamped, uuid } from "../../fixtures.ts";
import type { StampedEvent, World } from "./graph.ts";

export type JobSnapshot = SnapshotFrom<JobMachine>;

const NODES = [uuid(100), uuid(101)] as const;

/** A queue so short that an accepted job which does not start comes back too late for it. */
const policy: JobPolicy = { ...jobPolicy, queueTimeout: 15_000, maxRetries: 1, maxLosses: 1 };

/** A moment after everything that has happened to the job so far. */
export function momentAfter({ context }: JobSnapshot): number {
  const { createdAt, queuedAt, live, history, endedAt } = context;
  const times = [createdAt, queuedAt, endedAt, live?.offeredAt, live?.acceptedAt, live?.startedAt, live?.reportedAt];
  const ofMembers = live?.members?.flatMap((one) => [one.acceptedAt, one.startedAt, one.doneAt, one.awaySince]) ?? [];
  const past = history.map((one) => one.endedAt);
  return Math.max(...[...times, ...ofMembers, ...past].filter((time) => typeof time === "number")) + 1;
}

/** Stamped as the runtime does it. A deadline comes when it is due. */
export function stamped(job: JobSnapshot, event: Unstamped<JobEvent>): StampedEvent {
  const now = momentAfter(job);
  const at = event.type === "DEADLINE" ? Math.max(now, deadlineOf(job.context) ?? now) : now;
  return { ...event, at, rules: JOB_RULES };
}

function moves(job: JobSnapshot): readonly StampedEvent[] {
  const { live, history, unsettled } = job.context;
  const [first, second] = NODES;
  const events: Unstamped<JobEvent>[] = [
    { type: "FUNDS_LOCKED" },
    { type: "PAYMENT_SETTLED" },
    { type: "DEADLINE" },
    { type: "CANCEL", reason: "changed my mind" },
    ...(job.context.spec.gang
      ? [{ type: "OFFER", nodeId: first, others: [second] } as const]
      : NODES.map((nodeId) => ({ type: "OFFER", nodeId }) as const)),
    ...history.map(({ nodeId, number }) => ({ type: "ORIGINAL_BACK", nodeId, attempt: number }) as const),
    ...unsettled.map(({ attempt, nodeId, outcome }) => {
      const silent = outcome === "silent" ? ({ silent: true } as const) : {};
      return { type: "OUTCOME_RECORDED", attempt, nodeId, ...silent } as const;
    }),
    ...(live === null ? [] : nodesOf(live).flatMap((nodeId) => wordsOf(nodeId, live.number))),
  ];
  return events.map((event) => stamped(job, event));
}

function wordsOf(nodeId: string, attempt: number): readonly Unstamped<JobEvent>[] {
  const from = { nodeId, attempt };
  return [
    { type: "OFFER_ACCEPTED", ...from },
    { type: "OFFER_REFUSED", ...from, outcome: "rejected", message: "busy" },
    { type: "OFFER_REFUSED", ...from, outcome: "invalid", message: "malformed" },
    { type: "TEXT_MISSING", attempt, message: "a text is gone" },
    { type: "STARTED", ...from },
    { type: "PROGRESS", ...from, progress: 0.5, epoch: 5, metrics: { loss: 1 } },
    { type: "COMPLETED", ...from, result },
    { type: "FAILED", ...from, message: "out of memory", invalid: false },
    { type: "FAILED", ...from, message: "malformed", invalid: true },
    { type: "NODE_LOST", nodeId },
    { type: "NODE_BACK", nodeId },
    { type: "ATTEMPT_GONE", ...from },
    { type: "EVICT", nodeId, reason: "drained" },
  ];
}

/** Which lost attempts may still go on, and from where. */
function returnableOf(context: JobContext, now: number): readonly unknown[] {
  return NODES.map((nodeId) => {
    const past = returnable({ ...context, live: null }, nodeId, now);
    return past && [past.startedAt !== null, context.history.at(-1)?.number === past.number];
  });
}

/** All that a guard of the chart asks, and what the row and the effects show; times as "there or not". */
function key(job: JobSnapshot): string {
  const { context } = job;
  const { live, retries, losses, malformed, history, unsettled, failure, result: brought, cancelReason } = context;
  const now = momentAfter(job);
  return JSON.stringify([
    [dottedState(job.value), retries, losses, malformed, history.at(-1)?.outcome === "invalid"],
    [now >= context.queueDeadline, now >= lastMoment(context), Math.min(1, unsettled.length)],
    [failure?.code, brought?.nodeId, cancelReason, context.paymentSettled],
    live && [
      [live.nodeId, live.acceptedAt !== null, live.startedAt !== null, live.reportedAt !== null],
      [live.silent?.length ?? 0, Math.min(1, live.returns ?? 0), live.number === context.attempt],
    ],
    live?.members?.map((one) => [one.acceptedAt !== null, one.startedAt !== null, one.doneAt !== null, one.away]),
    returnableOf(context, now),
  ]);
}

const world = (
  name: string,
  overrides: Parameters<typeof jobInput>[0],
): World<JobMachine> & { readonly name: string } => ({
  name,
  machine: jobMachine,
  input: jobInput({ policy, ...overrides }),
  moves,
  key,
});

const bigText = { sha256: "0".repeat(64), bytes: 1_000_000 };
const gang = jobSpec({ gang: { size: NODES.length, topology: "any" } });

export const jobWorlds = [
  world("a job whose price must be locked first", { awaitsFunds: true, payment: { feeBps: 1000 } }),
  world("a job with big texts that keeps its originals and must be over in time", {
    spec: jobSpec({ modelDefinition: "", texts: { model: bigText, hyperparameters: bigText } }),
    policy: { ...policy, reconcile: "keep_original", maxDuration: 400_000, maxRetries: 0 },
  }),
  world("a gang of two", { spec: gang }),
] as const;
