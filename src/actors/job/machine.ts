/**
 * The statechart of a job.
 *
 *   pending    awaitingFunds   the price is not locked yet; FUNDS_LOCKED lets it queue, the funds deadline fails it
 *              queued          wants a node; the scheduler's OFFER assigns one, the queue deadline fails it
 *              backoff         failed and will be tried again; the deadline queues it
 *   assigned   offering        owes offerToNode; acceptance, refusal, or silence until the offer deadline
 *              accepted        the node took it; the first sign of a run starts it, silence until the start deadline re-queues it
 *              orphaned        the node went silent before the run; back within the grace period, or re-queued
 *   running    active          runs; reports keep coming, or (C++ nodes) none do; ends by report or run deadline
 *              orphaned        the node went silent; back within the grace period, or re-queued
 *   completed | failed | cancelled
 *
 * Every state but the last three has a deadline (I4). Every event from a node passes `fromLiveAttempt`: a report of any
 * other attempt is refused in every state (I2). Whatever ends an attempt goes through `end`, which moves it to the
 * history and notes the outcome as owed to the node's actor.
 */
import { assign, setup } from "xstate";
import type { Millis } from "../runtime/index.ts";
import type { AttemptOutcome, FailureCode, JobContext, JobEvent, JobInput } from "./state.ts";

/** Kept per job; a job that needs more attempts than this keeps the newest. */
const HISTORY_LIMIT = 50;

type Patch = Partial<JobContext>;

/** The live attempt ends. */
function end(context: JobContext, at: Millis, outcome: AttemptOutcome, message: string): Patch {
  const live = context.live;
  if (!live) return {};
  const { number, nodeId, offeredAt, startedAt } = live;
  const past = { number, nodeId, offeredAt, startedAt, endedAt: at, outcome, message };
  return {
    live: null,
    history: [...context.history, past].slice(-HISTORY_LIMIT),
    unsettled: [...context.unsettled, { attempt: number, nodeId, outcome }],
  };
}

/** The node of the live attempt is passed over for a while. */
function exclude(context: JobContext, at: Millis, time: Millis = context.policy.exclusion): Patch {
  if (!context.live) return {};
  const nodeId = context.live.nodeId;
  const others = context.exclusions.filter((one) => one.nodeId !== nodeId && one.until > at);
  return { exclusions: [...others, { nodeId, until: at + time }] };
}

/** The job wants a node for a new run. The run before it is worth nothing: it begins anew. */
function queue(context: JobContext, at: Millis): Patch {
  const queueDeadline = at + context.policy.queueTimeout;
  return { queuedAt: at, queueDeadline, deadline: queueDeadline, progress: 0, epoch: 0, metrics: {} };
}

/** The job goes back to its old place: an offer that led to no run neither costs it its age nor gives it more time (I4). */
const requeue = (context: JobContext): Patch => ({ deadline: context.queueDeadline });

/** Doubles with every retry. The jitter comes from the job's id, so that the log can be replayed. */
function backoffDelay(context: JobContext): Millis {
  const { backoff, maxBackoff } = context.policy;
  const full = Math.min(maxBackoff, backoff * 2 ** context.retries);
  const jitter = (Number.parseInt(context.id.slice(0, 4), 16) + context.attempt * 7919) % 1000;
  return Math.round(full / 2 + (full / 2) * (jitter / 1000));
}

function fail(at: Millis, code: FailureCode, message: string): Patch {
  return { deadline: null, endedAt: at, failure: { code, message } };
}

const isFrom = (context: JobContext, from: { nodeId: string; attempt: number | null }): boolean =>
  context.live !== null &&
  context.live.nodeId === from.nodeId &&
  (from.attempt === null || from.attempt === context.live.number);

const machine = setup({
  types: { context: {} as JobContext, events: {} as JobEvent, input: {} as JobInput },
  guards: {
    awaitsFunds: ({ context }) => context.awaitsFunds,
    /** The event that creates a job carries no time, and its time in the queue has not even begun. */
    waitedTooLong: ({ context, event }) => event.at >= context.queueDeadline,
    fromLiveAttempt: ({ context, event }) =>
      "nodeId" in event &&
      "attempt" in event &&
      event.nodeId !== undefined &&
      isFrom(context, { nodeId: event.nodeId, attempt: event.attempt }),
    ofLiveOffer: ({ context, event }) => "attempt" in event && context.live?.number === event.attempt,
    onLiveNode: ({ context, event }) => "nodeId" in event && context.live?.nodeId === event.nodeId,
    offerOfInvalidJob: ({ context, event }) =>
      event.type === "OFFER_REFUSED" && event.outcome === "invalid" && context.live?.number === event.attempt,
    /** Two nodes say that the job is malformed, or one says it twice: it is. */
    invalidForGood: ({ context, event }) =>
      event.type === "OFFER_REFUSED" &&
      event.outcome === "invalid" &&
      context.live?.number === event.attempt &&
      context.malformed,
    failsForGood: ({ context, event }) =>
      event.type === "FAILED" && isFrom(context, event) && context.retries >= context.policy.maxRetries,
    lostTooOften: ({ context }) => context.losses >= context.policy.maxLosses,
    goneTooOften: ({ context, event }) =>
      event.type === "ATTEMPT_GONE" && isFrom(context, event) && context.losses >= context.policy.maxLosses,
    isUnsettled: ({ context, event }) =>
      event.type === "OUTCOME_RECORDED" && context.unsettled.some((one) => one.attempt === event.attempt),
  },
  actions: {
    enqueue: assign(({ context, event }) => queue(context, event.at)),
    tryAgain: assign(({ context, event }) =>
      context.history.at(-1)?.outcome === "invalid" ? requeue(context) : queue(context, event.at),
    ),
    failForFunds: assign(({ event }) => fail(event.at, "funds_timeout", "the price was not locked in time")),
    failForQueue: assign(({ context, event }) =>
      fail(event.at, "queue_timeout", `no node took the job within ${seconds(context.policy.queueTimeout)}`),
    ),
    offer: assign(({ context, event }) => {
      if (event.type !== "OFFER") return {};
      const number = context.attempt + 1;
      const offered = {
        number,
        nodeId: event.nodeId,
        offeredAt: event.at,
        acceptedAt: null,
        startedAt: null,
        reportedAt: null,
      };
      return { attempt: number, live: offered, deadline: event.at + context.policy.offerTimeout };
    }),
    accept: assign(({ context, event }) => ({
      live: context.live && { ...context.live, acceptedAt: event.at },
      deadline: event.at + context.policy.startTimeout,
    })),
    refuse: assign(({ context, event }) => {
      if (event.type !== "OFFER_REFUSED") return {};
      return {
        ...end(context, event.at, event.outcome, event.message),
        ...exclude(context, event.at),
        ...requeue(context),
      };
    }),
    refuseAsInvalid: assign(({ context, event }) => {
      if (event.type !== "OFFER_REFUSED") return {};
      const delay = backoffDelay(context);
      // Another node is asked if there is one; if not, this one again, soon: its owner waits for the verdict.
      const ended = { ...end(context, event.at, "invalid", event.message), ...exclude(context, event.at, 2 * delay) };
      return { ...ended, malformed: true, deadline: event.at + delay };
    }),
    failAsInvalid: assign(({ context, event }) => {
      if (event.type !== "OFFER_REFUSED") return {};
      return { ...end(context, event.at, "invalid", event.message), ...fail(event.at, "invalid_job", event.message) };
    }),
    giveUpOffer: assign(({ context, event }) => ({
      ...end(context, event.at, "no_answer", `no answer within ${seconds(context.policy.offerTimeout)}`),
      ...exclude(context, event.at),
      ...requeue(context),
    })),
    giveUpStart: assign(({ context, event }) => ({
      ...end(
        context,
        event.at,
        "start_timeout",
        `accepted, and not started within ${seconds(context.policy.startTimeout)}`,
      ),
      ...exclude(context, event.at),
      ...requeue(context),
    })),
    start: assign(({ context, event }) => ({
      live: context.live && {
        ...context.live,
        acceptedAt: context.live.acceptedAt ?? event.at,
        startedAt: event.at,
        reportedAt: event.type === "PROGRESS" ? event.at : context.live.reportedAt,
      },
      startedAt: event.at,
      deadline: event.at + context.policy.runTimeout,
    })),
    takeProgress: assign(({ context, event }) => {
      if (event.type !== "PROGRESS") return {};
      return {
        live: context.live && { ...context.live, reportedAt: event.at },
        progress: Math.max(context.progress, event.progress),
        epoch: Math.max(context.epoch, event.epoch),
        metrics: event.metrics,
      };
    }),
    waitForNode: assign(({ context, event }) => ({ deadline: event.at + context.policy.gracePeriod })),
    // As below, the time runs on while the node is away: coming and going gives it no more of it (I4).
    goOnWaitingForStart: assign(({ context, event }) => ({
      deadline: (context.live?.acceptedAt ?? event.at) + context.policy.startTimeout,
    })),
    goOnRunning: assign(({ context, event }) => ({
      deadline: (context.live?.startedAt ?? event.at) + context.policy.runTimeout,
    })),
    lose: assign(({ context, event }) => ({
      ...end(context, event.at, "lost", lossMessage(event)),
      ...exclude(context, event.at),
      ...queue(context, event.at),
      losses: context.losses + 1,
    })),
    failAsLost: assign(({ context, event }) => ({
      ...end(context, event.at, "lost", lossMessage(event)),
      ...fail(event.at, "lost_too_often", `its node was lost ${context.losses + 1} times`),
    })),
    complete: assign(({ context, event }) => {
      if (event.type !== "COMPLETED" || !context.live) return {};
      const { number, nodeId } = context.live;
      return {
        ...end(context, event.at, "completed", ""),
        result: { ...event.result, attempt: number, nodeId },
        metrics: { ...context.metrics, ...event.result.metrics },
        progress: 1,
        epoch: Math.max(context.epoch, context.spec.epochs),
        startedAt: context.live.startedAt ?? event.at,
        endedAt: event.at,
        deadline: null,
      };
    }),
    retry: assign(({ context, event }) => {
      if (event.type !== "FAILED") return {};
      const ended = { ...end(context, event.at, "failed", event.message), ...exclude(context, event.at) };
      return { ...ended, retries: context.retries + 1, deadline: event.at + backoffDelay(context) };
    }),
    failForGood: assign(({ context, event }) => {
      if (event.type !== "FAILED") return {};
      const tries = context.retries === 0 ? "" : ` (the last of ${context.retries + 1} tries)`;
      return {
        ...end(context, event.at, "failed", event.message),
        ...fail(event.at, event.invalid ? "invalid_job" : "retries_exhausted", `${event.message}${tries}`),
      };
    }),
    failForTime: assign(({ context, event }) => {
      const limit = seconds(context.policy.runTimeout);
      const reported = context.live?.reportedAt != null;
      const message = reported
        ? `still running ${limit} after its start`
        : `no report came from the node within ${limit} of its start; the run may have ended without our hearing of it`;
      return {
        ...end(context, event.at, "run_timeout", message),
        ...fail(event.at, reported ? "run_timeout" : "no_report", message),
      };
    }),
    cancel: assign(({ context, event }) => {
      if (event.type !== "CANCEL") return {};
      return {
        ...end(context, event.at, "cancelled", event.reason),
        deadline: null,
        endedAt: event.at,
        cancelReason: event.reason,
      };
    }),
    settle: assign(({ context, event }) => {
      if (event.type !== "OUTCOME_RECORDED") return {};
      return { unsettled: context.unsettled.filter((one) => one.attempt !== event.attempt) };
    }),
  },
});

const seconds = (time: Millis): string => `${Math.round(time / 1000)} s`;

const lossMessage = (event: JobEvent): string =>
  event.type === "ATTEMPT_GONE"
    ? "the node came back without it"
    : "the node went silent and did not come back in time";

/** A report that ends the attempt counts in every state that has one, also when the acceptance was never heard. */
const endsByReport = {
  COMPLETED: { guard: "fromLiveAttempt", target: "#job.completed", actions: "complete" },
  FAILED: [
    { guard: "failsForGood", target: "#job.failed", actions: "failForGood" },
    { guard: "fromLiveAttempt", target: "#job.pending.backoff", actions: "retry" },
  ],
} as const;

const startsByReport = {
  STARTED: { guard: "fromLiveAttempt", target: "#job.running.active", actions: "start" },
  PROGRESS: { guard: "fromLiveAttempt", target: "#job.running.active", actions: ["start", "takeProgress"] },
} as const;

const isGone = {
  ATTEMPT_GONE: [
    { guard: "goneTooOften", target: "#job.failed", actions: "failAsLost" },
    { guard: "fromLiveAttempt", target: "#job.pending.queued", actions: "lose" },
  ],
} as const;

const endsByGrace = {
  DEADLINE: [
    { guard: "lostTooOften", target: "#job.failed", actions: "failAsLost" },
    { target: "#job.pending.queued", actions: "lose" },
  ],
} as const;

export const jobMachine = machine.createMachine({
  id: "job",
  context: ({ input }) => ({
    id: input.id,
    spec: input.spec,
    owner: input.owner,
    userWallet: input.userWallet,
    fingerprint: input.fingerprint,
    price: input.price,
    policy: input.policy,
    createdAt: input.at,
    queuedAt: input.at,
    queueDeadline: input.at + input.policy.queueTimeout,
    deadline: input.at + (input.awaitsFunds ? input.policy.fundsTimeout : input.policy.queueTimeout),
    awaitsFunds: input.awaitsFunds,
    attempt: 0,
    live: null,
    history: [],
    unsettled: [],
    exclusions: [],
    malformed: false,
    retries: 0,
    losses: 0,
    progress: 0,
    epoch: 0,
    metrics: {},
    startedAt: null,
    endedAt: null,
    result: null,
    failure: null,
    cancelReason: null,
  }),
  initial: "pending",
  on: { OUTCOME_RECORDED: { guard: "isUnsettled", actions: "settle" } },
  states: {
    pending: {
      initial: "arriving",
      on: { CANCEL: { target: "#job.cancelled", actions: "cancel" } },
      states: {
        /** Left at once, before the first commit. */
        arriving: { always: [{ guard: "awaitsFunds", target: "awaitingFunds" }, { target: "queued" }] },
        awaitingFunds: {
          on: {
            FUNDS_LOCKED: { target: "queued", actions: "enqueue" },
            DEADLINE: { target: "#job.failed", actions: "failForFunds" },
          },
        },
        queued: {
          // The scheduler makes its next offer before any timer fires: a job that comes back too late is not to meet it (I4).
          always: { guard: "waitedTooLong", target: "#job.failed", actions: "failForQueue" },
          on: {
            OFFER: { target: "#job.assigned.offering", actions: "offer" },
            DEADLINE: { target: "#job.failed", actions: "failForQueue" },
          },
        },
        backoff: { on: { DEADLINE: { target: "queued", actions: "tryAgain" } } },
      },
    },
    assigned: {
      initial: "offering",
      on: { CANCEL: { target: "#job.cancelled", actions: "cancel" }, ...endsByReport, ...startsByReport },
      states: {
        offering: {
          meta: { owes: "offerToNode" },
          on: {
            OFFER_ACCEPTED: { guard: "ofLiveOffer", target: "accepted", actions: "accept" },
            OFFER_REFUSED: [
              { guard: "invalidForGood", target: "#job.failed", actions: "failAsInvalid" },
              { guard: "offerOfInvalidJob", target: "#job.pending.backoff", actions: "refuseAsInvalid" },
              { guard: "ofLiveOffer", target: "#job.pending.queued", actions: "refuse" },
            ],
            DEADLINE: { target: "#job.pending.queued", actions: "giveUpOffer" },
          },
        },
        accepted: {
          on: {
            NODE_LOST: { guard: "onLiveNode", target: "orphaned", actions: "waitForNode" },
            DEADLINE: { target: "#job.pending.queued", actions: "giveUpStart" },
            ...isGone,
          },
        },
        orphaned: {
          on: {
            NODE_BACK: { guard: "onLiveNode", target: "accepted", actions: "goOnWaitingForStart" },
            ...isGone,
            ...endsByGrace,
          },
        },
      },
    },
    running: {
      initial: "active",
      on: { CANCEL: { target: "#job.cancelled", actions: "cancel" }, ...endsByReport, ...isGone },
      states: {
        active: {
          on: {
            PROGRESS: { guard: "fromLiveAttempt", actions: "takeProgress" },
            NODE_LOST: { guard: "onLiveNode", target: "orphaned", actions: "waitForNode" },
            DEADLINE: { target: "#job.failed", actions: "failForTime" },
          },
        },
        orphaned: {
          on: {
            PROGRESS: { guard: "fromLiveAttempt", target: "active", actions: ["goOnRunning", "takeProgress"] },
            NODE_BACK: { guard: "onLiveNode", target: "active", actions: "goOnRunning" },
            ...endsByGrace,
          },
        },
      },
    },
    completed: {},
    failed: {},
    cancelled: {},
  },
});

export type JobMachine = typeof jobMachine;
