/** How an attempt begins and goes on, as changes of the job's context; how it ends is in `endings.ts`. Pure. */
import type { Millis } from "../runtime/index.ts";
import {
  allAccepted,
  awayOf,
  backFrom,
  goneFrom,
  graceEnd,
  heardFrom,
  limitOf,
  returnable,
  revived,
  withMember,
} from "./attempt.ts";
import { byTodaysRules, type Patch, supersede } from "./endings.ts";
import type { JobContext, JobEvent, LiveAttempt, Member } from "./state.ts";

type Event<T extends JobEvent["type"]> = Extract<JobEvent, { readonly type: T }>;

export function offer(context: JobContext, event: Event<"OFFER">): Patch {
  const number = context.attempt + 1;
  const newcomer = (nodeId: string): Member => ({
    nodeId,
    acceptedAt: null,
    startedAt: null,
    doneAt: null,
    away: false,
  });
  const others = event.others ?? [];
  const live: LiveAttempt = {
    number,
    nodeId: event.nodeId,
    ...(others.length > 0 && { members: [event.nodeId, ...others].map(newcomer) }),
    offeredAt: event.at,
    acceptedAt: null,
    startedAt: null,
    reportedAt: null,
  };
  return { attempt: number, live, deadline: event.at + context.policy.offerTimeout };
}

/** The attempt once the node has accepted. */
export const afterAcceptance = (live: LiveAttempt, nodeId: string, at: Millis): LiveAttempt =>
  withMember(live, nodeId, (member) => ({ ...member, acceptedAt: at }));

export const accept = (context: JobContext, event: Event<"OFFER_ACCEPTED">): Patch => {
  const { live, policy } = context;
  if (!live) return {};
  const accepted = afterAcceptance(live, event.nodeId ?? live.nodeId, event.at);
  return { live: { ...accepted, acceptedAt: event.at }, deadline: event.at + policy.startTimeout };
};

/** Others have not answered yet; the offer's time goes on. */
export const acceptMember = ({ live }: JobContext, event: Event<"OFFER_ACCEPTED">): Patch =>
  live ? { live: afterAcceptance(live, event.nodeId ?? live.nodeId, event.at) } : {};

/** What a node says about its run. Each of them also means that it has taken the offer and begun. */
export const WORDS_OF_RUN = ["STARTED", "PROGRESS", "COMPLETED"] as const;
export type WordOfRun = Event<(typeof WORDS_OF_RUN)[number]>;

export const isWordOfRun = (event: JobEvent): event is WordOfRun =>
  (WORDS_OF_RUN as readonly string[]).includes(event.type);

/** The attempt once this word of one of its nodes is taken in. */
export const afterWord = (live: LiveAttempt, event: WordOfRun): LiveAttempt =>
  heardFrom(live, event.nodeId, event.at, event.type === "COMPLETED");

/** The last of them has started: the run begins. */
export function start(context: JobContext, event: WordOfRun): Patch {
  const { live, policy } = context;
  if (!live) return {};
  const heard = afterWord(live, event);
  const running = { ...heard, acceptedAt: live.acceptedAt ?? event.at, startedAt: event.at };
  const reported = event.type === "PROGRESS" && event.nodeId === live.nodeId;
  return {
    live: reported ? { ...running, reportedAt: event.at } : running,
    startedAt: event.at,
    // The last to start may find that another has gone silent meanwhile.
    deadline: awayOf(running).length > 0 ? graceEnd(context, running, event.at) : event.at + policy.runTimeout,
  };
}

/** One member of a gang has started, and others have not: it waits at the barrier, whose time is the start timeout. */
export function noteStart(context: JobContext, event: WordOfRun): Patch {
  const { live } = context;
  if (!live) return {};
  const heard = afterWord(live, event);
  // Until all have accepted it is the offer's deadline that counts.
  if (!allAccepted(heard)) return { live: heard };
  const accepted = { ...heard, acceptedAt: live.acceptedAt ?? event.at };
  return { live: accepted, deadline: timeFor(context, accepted, event.at) };
}

/** Progress of a gang is rank 0's; what the others report of theirs is only a sign of life. */
export function takeProgress({ live, progress, epoch }: JobContext, event: JobEvent): Patch {
  if (event.type !== "PROGRESS" || live?.nodeId !== event.nodeId) return {};
  return {
    live: { ...live, reportedAt: event.at },
    progress: Math.max(progress, event.progress),
    epoch: Math.max(epoch, event.epoch),
    metrics: event.metrics,
  };
}

/** What the attempt has time for: for the silent to come back if there are any, otherwise for its start or its end. */
const timeFor = (context: JobContext, live: LiveAttempt, at: Millis): Millis =>
  awayOf(live).length > 0 ? graceEnd(context, live, at) : limitOf(context, live, at);

/**
 * A node went silent. Its actor is told once per attempt, while the attempt goes on: being gone for a moment is no crime,
 * being gone again and again shows in its reputation.
 */
export function waitForNode(context: JobContext, event: Event<"NODE_LOST">): Patch {
  if (!context.live) return {};
  const { nodeId, at } = event;
  const live = goneFrom(context.live, nodeId, at);
  const deadline = graceEnd(context, live, at);
  const told = live.silent ?? [];
  if (told.includes(nodeId) || !byTodaysRules(event)) return { live, deadline };
  return {
    live: { ...live, silent: [...told, nodeId] },
    deadline,
    unsettled: [...context.unsettled, { attempt: live.number, nodeId, outcome: "silent" }],
  };
}

/** A silent node is heard again. The time runs on while a node is away: coming and going gives it no more of it (I4). */
export function goOn(context: JobContext, event: Event<"NODE_BACK"> | WordOfRun): Patch {
  if (!context.live) return {};
  const live = event.type === "NODE_BACK" ? backFrom(context.live, event.nodeId) : afterWord(context.live, event);
  return { live, deadline: timeFor(context, live, event.at) };
}

/** A member's own part is over; the run ends with rank 0's word. */
export const noteDone = ({ live }: JobContext, event: Event<"COMPLETED">): Patch =>
  live ? { live: afterWord(live, event) } : {};

/**
 * A lost attempt goes on, under its old number, so that its node need not be told anything; whatever was live in its place
 * is superseded. The number of attempts made stays, so no later offer can be taken for it (I2). Its loss is taken back,
 * as the attempt was never lost: from the count of losses, and from what its node's actor is still to be told.
 */
export function reinstate(context: JobContext, event: Event<"ORIGINAL_BACK">): Patch {
  const past = returnable(context, event.nodeId, event.at);
  if (!past) return {};
  const live = revived(past);
  const after = { ...context, ...supersede(context, event) };
  return {
    live,
    history: after.history.filter(({ number }) => number !== live.number),
    unsettled: after.unsettled.filter(({ attempt, outcome }) => attempt !== live.number || outcome !== "lost"),
    exclusions: context.exclusions.filter(({ nodeId }) => nodeId !== live.nodeId),
    losses: Math.max(0, context.losses - 1),
    startedAt: live.startedAt ?? context.startedAt,
    deadline: limitOf(context, live, event.at),
    progress: 0,
    epoch: 0,
    metrics: {},
  };
}
