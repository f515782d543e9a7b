/**
 * The statechart of a job.
 *
 *   pending    awaitingFunds   the price is not locked yet; FUNDS_LOCKED lets it queue, the funds deadline fails it
 *              queued          wants a node; the scheduler's OFFER assigns one, the queue deadline fails it
 *              backoff         failed and will be tried again; the deadline queues it
 *   assigned   offering        owes offerToNode; acceptance, refusal, or silence until the offer deadline; TEXT_MISSING fails it
 *              accepted        the node took it; the first sign of a run starts it, silence until the start deadline re-queues it
 *              orphaned        the node went silent before the run; back within the grace period, or re-queued
 *   running    active          runs; reports keep coming, or (C++ nodes) none do; ends by report or run deadline
 *              orphaned        the node went silent; back within the grace period, or re-queued
 *   completed | failed | cancelled
 *
 * A gang goes through the same states as one: accepted when all its members have accepted, running when all have started
 * (`accepted` is its barrier), orphaned while one is silent, over for all when one fails, is lost, or does not start.
 *
 * An attempt that was lost by silence goes on where it was when its node comes back with it (ORIGINAL_BACK): always while
 * the job has no other, and in place of a live one if the job's policy keeps originals.
 *
 * Every state but the last three has a deadline (I4). Every event from a node passes `fromLiveAttempt`: a report of any
 * other attempt is refused in every state (I2). Whatever ends an attempt goes through `end` in endings.ts.
 */
import { and, assign, setup } from "xstate";
import {
  cancel,
  complete,
  evict,
  fail,
  failAsInvalid,
  failAsLost,
  failForDuration,
  failForGood,
  failForQueue,
  failForTime,
  failWithoutText,
  giveUpOffer,
  giveUpStart,
  lose,
  type Patch,
  queue,
  refuse,
  refuseAsInvalid,
  retry,
  tryAgain,
} from "./endings.ts";
import { guards, settles } from "./guards.ts";
import {
  accept,
  acceptMember,
  goOn,
  noteDone,
  noteStart,
  offer,
  reinstate,
  start,
  takeProgress,
  WORDS_OF_RUN,
  waitForNode,
} from "./progress.ts";
import type { JobContext, JobEvent, JobInput } from "./state.ts";

type Type = JobEvent["type"];
type Event<T extends Type> = Extract<JobEvent, { readonly type: T }>;

/** A change that only these events make; whichever else comes by changes nothing. */
const on =
  <T extends Type>(types: readonly T[], change: (context: JobContext, event: Event<T>) => Patch) =>
  ({ context, event }: { context: JobContext; event: JobEvent }): Patch =>
    (types as readonly Type[]).includes(event.type) ? change(context, event as Event<T>) : {};

const machine = setup({
  types: { context: {} as JobContext, events: {} as JobEvent, input: {} as JobInput },
  guards,
  actions: {
    enqueue: assign(({ context, event }) => queue(context, event.at)),
    tryAgain: assign(({ context, event }) => tryAgain(context, event.at)),
    failForFunds: assign(({ event }) => fail(event.at, "funds_timeout", "the price was not locked in time")),
    failForQueue: assign(({ context, event }) => failForQueue(context, event.at)),
    failForDuration: assign(({ context, event }) => failForDuration(context, event)),
    offer: assign(on(["OFFER"], offer)),
    accept: assign(on(["OFFER_ACCEPTED"], accept)),
    acceptMember: assign(on(["OFFER_ACCEPTED"], acceptMember)),
    refuse: assign(on(["OFFER_REFUSED"], refuse)),
    refuseAsInvalid: assign(on(["OFFER_REFUSED"], refuseAsInvalid)),
    failAsInvalid: assign(on(["OFFER_REFUSED"], failAsInvalid)),
    failWithoutText: assign(on(["TEXT_MISSING"], failWithoutText)),
    giveUpOffer: assign(({ context, event }) => giveUpOffer(context, event)),
    giveUpStart: assign(({ context, event }) => giveUpStart(context, event)),
    start: assign(on(WORDS_OF_RUN, start)),
    noteStart: assign(on(WORDS_OF_RUN, noteStart)),
    noteDone: assign(on(["COMPLETED"], noteDone)),
    takeProgress: assign(({ context, event }) => takeProgress(context, event)),
    waitForNode: assign(on(["NODE_LOST"], waitForNode)),
    goOn: assign(on(["NODE_BACK", ...WORDS_OF_RUN], goOn)),
    lose: assign(({ context, event }) => lose(context, event)),
    failAsLost: assign(({ context, event }) => failAsLost(context, event)),
    complete: assign(on(["COMPLETED"], complete)),
    retry: assign(on(["FAILED"], retry)),
    failForGood: assign(on(["FAILED"], failForGood)),
    failForTime: assign(({ context, event }) => failForTime(context, event)),
    cancel: assign(on(["CANCEL"], cancel)),
    evict: assign(on(["EVICT"], evict)),
    reinstate: assign(on(["ORIGINAL_BACK"], reinstate)),
    settlePayment: assign(() => ({ paymentSettled: true as const })),
    settle: assign(({ context, event }) => ({ unsettled: context.unsettled.filter((one) => !settles(event, one)) })),
  },
});

const endsByDuration = { guard: "outlived", target: "#job.failed", actions: "failForDuration" } as const;

/**
 * A report that ends the attempt counts in every state that has one, also when the acceptance was never heard. Of a gang,
 * rank 0's result is the job's; any member's failure is.
 */
const endsByReport = {
  COMPLETED: { guard: "fromFirst", target: "#job.completed", actions: "complete" },
  FAILED: [
    { guard: "failsForGood", target: "#job.failed", actions: "failForGood" },
    { guard: "fromLiveAttempt", target: "#job.pending.backoff", actions: "retry" },
  ],
} as const;

/** What a word about the run leads to before the run; the last two are a gang's. */
const beginsBy = [
  { guard: "startsRun", target: "#job.running.active", actions: ["start", "takeProgress"] },
  { guard: "startsRunWithoutSome", target: "#job.running.orphaned", actions: ["start", "takeProgress"] },
  { guard: "waitsAtBarrier", target: "#job.assigned.accepted", actions: "noteStart" },
  { guard: "isNewWord", actions: "noteStart" },
] as const;

const startsByReport = {
  STARTED: beginsBy,
  PROGRESS: beginsBy,
  // A member that is done has started, whether or not that was heard.
  COMPLETED: [endsByReport.COMPLETED, ...beginsBy],
} as const;

const isGone = {
  ATTEMPT_GONE: [
    { guard: "goneTooOften", target: "#job.failed", actions: "failAsLost" },
    { guard: "fromLiveAttempt", target: "#job.pending.queued", actions: "lose" },
  ],
} as const;

const endsByGrace = {
  DEADLINE: [
    endsByDuration,
    { guard: "lostTooOften", target: "#job.failed", actions: "failAsLost" },
    { target: "#job.pending.queued", actions: "lose" },
  ],
} as const;

const resumes = {
  ORIGINAL_BACK: [
    { guard: "resumesRun", target: "#job.running.active", actions: "reinstate" },
    { guard: "resumesWait", target: "#job.assigned.accepted", actions: "reinstate" },
  ],
} as const;

const isTakenAway = {
  CANCEL: { target: "#job.cancelled", actions: "cancel" },
  EVICT: { guard: "onLiveNode", target: "#job.pending.queued", actions: "evict" },
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
    ...(input.payment && { payment: input.payment }),
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
  on: {
    OUTCOME_RECORDED: { guard: "isUnsettled", actions: "settle" },
    PAYMENT_SETTLED: { guard: "owesSettlement", actions: "settlePayment" },
  },
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
            DEADLINE: [endsByDuration, { target: "#job.failed", actions: "failForFunds" }],
          },
        },
        queued: {
          // The scheduler makes its next offer before any timer fires: a job that comes back too late is not to meet it (I4).
          always: [endsByDuration, { guard: "waitedTooLong", target: "#job.failed", actions: "failForQueue" }],
          on: {
            OFFER: { guard: "isWhole", target: "#job.assigned.offering", actions: "offer" },
            DEADLINE: [endsByDuration, { target: "#job.failed", actions: "failForQueue" }],
            ...resumes,
          },
        },
        backoff: {
          always: endsByDuration,
          on: { DEADLINE: { target: "queued", actions: "tryAgain" }, ...resumes },
        },
      },
    },
    assigned: {
      initial: "offering",
      on: { ...isTakenAway, ...endsByReport, ...startsByReport, ...resumes },
      states: {
        offering: {
          meta: { owes: "offerToNode" },
          on: {
            OFFER_ACCEPTED: [
              { guard: "isLastAcceptance", target: "accepted", actions: "accept" },
              { guard: "isAnswer", actions: "acceptMember" },
            ],
            OFFER_REFUSED: [
              { guard: "invalidForGood", target: "#job.failed", actions: "failAsInvalid" },
              { guard: "saysInvalid", target: "#job.pending.backoff", actions: "refuseAsInvalid" },
              { guard: "isAnswer", target: "#job.pending.queued", actions: "refuse" },
            ],
            TEXT_MISSING: { guard: "isOfLiveOffer", target: "#job.failed", actions: "failWithoutText" },
            ATTEMPT_GONE: [
              { guard: and(["hadAccepted", "goneTooOften"]), target: "#job.failed", actions: "failAsLost" },
              { guard: "hadAccepted", target: "#job.pending.queued", actions: "lose" },
            ],
            DEADLINE: [endsByDuration, { target: "#job.pending.queued", actions: "giveUpOffer" }],
          },
        },
        accepted: {
          on: {
            NODE_LOST: { guard: "onLiveNode", target: "orphaned", actions: "waitForNode" },
            DEADLINE: [endsByDuration, { target: "#job.pending.queued", actions: "giveUpStart" }],
            ...isGone,
          },
        },
        orphaned: {
          on: {
            NODE_LOST: { guard: "losesOneMore", actions: "waitForNode" },
            NODE_BACK: [
              { guard: "bringsAllBack", target: "accepted", actions: "goOn" },
              { guard: "bringsOneBack", actions: "goOn" },
            ],
            ...isGone,
            ...endsByGrace,
          },
        },
      },
    },
    running: {
      initial: "active",
      on: { ...isTakenAway, ...endsByReport, ...isGone, ...resumes },
      states: {
        active: {
          on: {
            PROGRESS: { guard: "fromFirst", actions: "takeProgress" },
            COMPLETED: [endsByReport.COMPLETED, { guard: "fromLiveAttempt", actions: "noteDone" }],
            NODE_LOST: { guard: "onLiveNode", target: "orphaned", actions: "waitForNode" },
            DEADLINE: [endsByDuration, { target: "#job.failed", actions: "failForTime" }],
          },
        },
        orphaned: {
          on: {
            PROGRESS: [
              { guard: "bringsAllBack", target: "active", actions: ["goOn", "takeProgress"] },
              { guard: "bringsOneBack", actions: ["goOn", "takeProgress"] },
              { guard: "fromFirst", actions: "takeProgress" },
            ],
            // Who is done is not waited for any more.
            COMPLETED: [
              endsByReport.COMPLETED,
              { guard: "bringsAllBack", target: "active", actions: "goOn" },
              { guard: "fromLiveAttempt", actions: "goOn" },
            ],
            NODE_LOST: { guard: "losesOneMore", actions: "waitForNode" },
            NODE_BACK: [
              { guard: "bringsAllBack", target: "active", actions: "goOn" },
              { guard: "bringsOneBack", actions: "goOn" },
            ],
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
