/**
 * What ends attempts and jobs, as changes of the job's context. Whatever ends an attempt goes through `end`, which moves it
 * to the history and notes for every node of it how it ended, as owed to that node's actor. Pure.
 */
import type { Millis } from "../runtime/index.ts";
import { awayOf, membersOf } from "./attempt.ts";
import type {
  AttemptOutcome,
  FailureCode,
  JobContext,
  JobEvent,
  LiveAttempt,
  Member,
  PastAttempt,
  Stamp,
  UnsettledOutcome,
} from "./state.ts";

/** Kept per job; a job that needs more attempts than this keeps the newest. */
const HISTORY_LIMIT = 50;

export type Patch = Partial<JobContext>;
type Event<T extends JobEvent["type"]> = Extract<JobEvent, { readonly type: T }>;

/** Which members the outcome is about; for the rest of the gang the attempt ended through no fault of theirs. */
type Concerned = (member: Member) => boolean;

const everyone: Concerned = () => true;
const unfinished: Concerned = ({ doneAt }) => doneAt === null;
const only =
  (nodeId: string): Concerned =>
  (member) =>
    member.nodeId === nodeId;

export const seconds = (time: Millis): string => `${Math.round(time / 1000)} s`;

/**
 * The rules by which events are applied today. Rules 0, of events without a stamp, kept no time of acceptance, told no silence,
 * and took every loss for good; a log from then is replayed by them (I9).
 */
export const JOB_RULES = 1;

export const byTodaysRules = ({ rules = 0 }: Stamp): boolean => rules >= 1;

/** The live attempt ends. */
function end(
  context: JobContext,
  now: Stamp,
  outcome: AttemptOutcome,
  message: string,
  concerned: Concerned = everyone,
): Patch {
  const live = context.live;
  if (!live) return {};
  const { number, nodeId, members, offeredAt, acceptedAt, startedAt } = live;
  const past: PastAttempt = {
    number,
    nodeId,
    ...(members && { nodeIds: members.map((member) => member.nodeId) }),
    offeredAt,
    ...(byTodaysRules(now) && { acceptedAt }),
    startedAt,
    endedAt: now.at,
    outcome,
    message,
  };
  const unsettled = membersOf(live).map(
    (member): UnsettledOutcome => ({
      attempt: number,
      nodeId: member.nodeId,
      outcome: !members || concerned(member) ? outcome : "gang_ended",
      ...(members && { ofGang: true }),
      ...(live.returns !== undefined && { returns: live.returns }),
    }),
  );
  return {
    live: null,
    history: [...context.history, past].slice(-HISTORY_LIMIT),
    unsettled: [...context.unsettled, ...unsettled],
  };
}

/** The nodes at fault are passed over for a while. */
function exclude(
  context: JobContext,
  at: Millis,
  concerned: Concerned = everyone,
  time: Millis = context.policy.exclusion,
): Patch {
  if (!context.live) return {};
  const nodes = membersOf(context.live)
    .filter((member) => !context.live?.members || concerned(member))
    .map(({ nodeId }) => nodeId);
  const others = context.exclusions.filter((one) => !nodes.includes(one.nodeId) && one.until > at);
  return { exclusions: [...others, ...nodes.map((nodeId) => ({ nodeId, until: at + time }))] };
}

/** "node 12ab…: " before what is said of one member; the message alone where there is but one node. */
const saying = (live: LiveAttempt | null, nodeId: string, message: string): string =>
  live?.members ? `node ${nodeId}: ${message}` : message;

/** Names the members concerned, where there are several. */
function naming(live: LiveAttempt | null, concerned: Concerned, message: string): string {
  if (!live?.members) return message;
  const nodes = live.members.filter(concerned).map(({ nodeId }) => nodeId);
  return `${nodes.length} of ${live.members.length} nodes (${nodes.slice(0, 3).join(", ")}${nodes.length > 3 ? ", …" : ""}): ${message}`;
}

/** The job wants a node for a new run. The run before it is worth nothing: it begins anew. */
export function queue(context: JobContext, at: Millis): Patch {
  const queueDeadline = at + context.policy.queueTimeout;
  return { queuedAt: at, queueDeadline, deadline: queueDeadline, progress: 0, epoch: 0, metrics: {} };
}

/** The job goes back to its old place: an offer that led to no run neither costs it its age nor gives it more time (I4). */
const requeue = (context: JobContext): Patch => ({ deadline: context.queueDeadline });

export const tryAgain = (context: JobContext, at: Millis): Patch =>
  context.history.at(-1)?.outcome === "invalid" ? requeue(context) : queue(context, at);

/** Doubles with every retry. The jitter comes from the job's id, so that the log can be replayed. */
function backoffDelay(context: JobContext): Millis {
  const { backoff, maxBackoff } = context.policy;
  const full = Math.min(maxBackoff, backoff * 2 ** context.retries);
  const jitter = (Number.parseInt(context.id.slice(0, 4), 16) + context.attempt * 7919) % 1000;
  return Math.round(full / 2 + (full / 2) * (jitter / 1000));
}

export function fail(at: Millis, code: FailureCode, message: string): Patch {
  return { deadline: null, endedAt: at, failure: { code, message } };
}

export const failForQueue = (context: JobContext, at: Millis): Patch =>
  fail(at, "queue_timeout", `no node took the job within ${seconds(context.policy.queueTimeout)}`);

// Offers that come to nothing.

const refuser = (context: JobContext, event: Event<"OFFER_REFUSED">): Concerned =>
  only(event.nodeId ?? context.live?.nodeId ?? "");

const endRefused = (context: JobContext, event: Event<"OFFER_REFUSED">): Patch => {
  const message = saying(context.live, event.nodeId ?? context.live?.nodeId ?? "", event.message);
  return end(context, event, event.outcome, message, refuser(context, event));
};

export const refuse = (context: JobContext, event: Event<"OFFER_REFUSED">): Patch => ({
  ...endRefused(context, event),
  ...exclude(context, event.at, refuser(context, event)),
  ...requeue(context),
});

export function refuseAsInvalid(context: JobContext, event: Event<"OFFER_REFUSED">): Patch {
  const delay = backoffDelay(context);
  return {
    ...endRefused(context, event),
    // Another node is asked if there is one; if not, this one again, soon: its owner waits for the verdict.
    ...exclude(context, event.at, refuser(context, event), 2 * delay),
    malformed: true,
    deadline: event.at + delay,
  };
}

export const failAsInvalid = (context: JobContext, event: Event<"OFFER_REFUSED">): Patch => ({
  ...endRefused(context, event),
  ...fail(event.at, "invalid_job", event.message),
});

/** Nobody else would have it either. The nodes, which were not even asked, or said yes, are not to blame. */
export const failWithoutText = (context: JobContext, event: Event<"TEXT_MISSING">): Patch => ({
  ...end(context, event, "cancelled", event.message),
  ...fail(event.at, "text_missing", event.message),
});

export function giveUpOffer(context: JobContext, now: Stamp): Patch {
  const silent: Concerned = ({ acceptedAt }) => acceptedAt === null;
  const message = naming(context.live, silent, `no answer within ${seconds(context.policy.offerTimeout)}`);
  return {
    ...end(context, now, "no_answer", message, silent),
    ...exclude(context, now.at, silent),
    ...requeue(context),
  };
}

/**
 * The barrier of a gang is this too: who has not started in time ends it for all. Rank 0 starts last, when all the others
 * have come to it, so it is to blame only if nobody else is late.
 */
export function giveUpStart(context: JobContext, now: Stamp): Patch {
  const first = context.live?.nodeId;
  const others =
    context.live?.members?.some(({ nodeId, startedAt }) => nodeId !== first && startedAt === null) ?? false;
  const late: Concerned = ({ nodeId, startedAt }) => startedAt === null && !(others && nodeId === first);
  const limit = seconds(context.policy.startTimeout);
  const message = naming(context.live, late, `accepted, and not started within ${limit}`);
  return {
    ...end(context, now, "start_timeout", message, late),
    ...exclude(context, now.at, late),
    ...requeue(context),
  };
}

// Runs that end.

export function complete(context: JobContext, event: Event<"COMPLETED">): Patch {
  if (!context.live) return {};
  const { number, nodeId } = context.live;
  return {
    // Those whose own word is still on its way did their part too: without it rank 0 would have no result.
    ...end(context, event, "completed", ""),
    result: { ...event.result, attempt: number, nodeId },
    metrics: { ...context.metrics, ...event.result.metrics },
    progress: 1,
    epoch: Math.max(context.epoch, context.spec.epochs),
    startedAt: context.live.startedAt ?? event.at,
    endedAt: event.at,
    deadline: null,
  };
}

export const retry = (context: JobContext, event: Event<"FAILED">): Patch => ({
  ...end(context, event, "failed", saying(context.live, event.nodeId, event.message), only(event.nodeId)),
  ...exclude(context, event.at, only(event.nodeId)),
  retries: context.retries + 1,
  deadline: event.at + backoffDelay(context),
});

export function failForGood(context: JobContext, event: Event<"FAILED">): Patch {
  const tries = context.retries === 0 ? "" : ` (the last of ${context.retries + 1} tries)`;
  const message = saying(context.live, event.nodeId, event.message);
  return {
    ...end(context, event, "failed", message, only(event.nodeId)),
    ...fail(event.at, event.invalid ? "invalid_job" : "retries_exhausted", `${message}${tries}`),
  };
}

/** Nobody can tell which member of a gang held it up: it counts against all that were still at it. */
export function failForTime(context: JobContext, now: Stamp): Patch {
  const limit = seconds(context.policy.runTimeout);
  const reported = context.live?.reportedAt != null;
  const message = reported
    ? `still running ${limit} after its start`
    : `no report came from the node within ${limit} of its start; the run may have ended without our hearing of it`;
  return {
    ...end(context, now, "run_timeout", message, unfinished),
    ...fail(now.at, reported ? "run_timeout" : "no_report", message),
  };
}

/** When `max_duration` is over; Infinity where the job has none. */
export const lastMoment = ({ createdAt, policy }: JobContext): Millis =>
  createdAt + (policy.maxDuration ?? Number.POSITIVE_INFINITY);

/** The limit is the owner's (or the server's) and no fault of the nodes': for them it is as if the owner had cancelled. */
export function failForDuration(context: JobContext, now: Stamp): Patch {
  const limit = seconds(context.policy.maxDuration ?? 0);
  const message = `not finished within its max_duration of ${limit}, counted from its acceptance`;
  return { ...end(context, now, "cancelled", message), ...fail(now.at, "max_duration", message) };
}

export const cancel = (context: JobContext, event: Event<"CANCEL">): Patch => ({
  ...end(context, event, "cancelled", event.reason),
  deadline: null,
  endedAt: event.at,
  cancelReason: event.reason,
});

// Nodes that are lost, and nodes that are taken away.

/**
 * The attempt ends because a node is not there, or is there without it. Only silence leaves open what became of it: such an
 * attempt may go on later (`returnable`). A gang's may not, for its other members are told to stop.
 */
function endLost(context: JobContext, event: JobEvent): Patch {
  const live = context.live;
  if (!live) return {};
  const gone = event.type === "ATTEMPT_GONE" ? event.nodeId : null;
  const absent = awayOf(live);
  // When one member of a gang dies the others stop by themselves, and are often found without the attempt before the dead
  // one counts as silent. So a member that is there is not blamed for it, nor passed over; only silence is.
  const concerned: Concerned = gone === null || live.members ? (member) => absent.includes(member) : only(gone);
  const message =
    gone === null
      ? naming(live, concerned, "the node went silent and did not come back in time")
      : saying(live, gone, "the node came back without it");
  const ended = end(context, event, "lost", message, concerned);
  const excluded = exclude(context, event.at, concerned);
  if (gone !== null || live.members || !byTodaysRules(event)) return { ...ended, ...excluded };
  const unknown = { reportedAt: live.reportedAt, returns: live.returns ?? 0 };
  return {
    ...ended,
    ...excluded,
    ...(ended.history && {
      history: ended.history.map((past) => (past.number === live.number ? { ...past, unknown } : past)),
    }),
  };
}

export const lose = (context: JobContext, event: JobEvent): Patch => ({
  ...endLost(context, event),
  ...queue(context, event.at),
  losses: context.losses + 1,
});

export const failAsLost = (context: JobContext, event: JobEvent): Patch => ({
  ...endLost(context, event),
  ...fail(event.at, "lost_too_often", `its node was lost ${context.losses + 1} times`),
});

/**
 * The operator's doing costs the job nothing: no retry, no loss, not its age in the queue, and it has the whole queue time
 * anew. What bounds it is `max_duration` (I4).
 */
export const evict = (context: JobContext, event: Event<"EVICT">): Patch => ({
  ...end(context, event, "evicted", saying(context.live, event.nodeId, event.reason), only(event.nodeId)),
  ...exclude(context, event.at, only(event.nodeId)),
  ...queue(context, event.at),
  queuedAt: context.queuedAt,
});

/** The live attempt makes way for its original. */
export const supersede = (context: JobContext, now: Stamp): Patch =>
  end(context, now, "superseded", "the node of an earlier attempt came back with it, and the job keeps its original");
