/** Which events the chart of a job takes, and which way they lead: questions about context and event. Pure. */
import { gangSizeOf } from "../../domain/job-spec.ts";
import { allAccepted, allStarted, awayOf, backFrom, isNeeded, memberOn, returnable } from "./attempt.ts";
import { lastMoment } from "./endings.ts";
import { owesSettlement } from "./price.ts";
import { afterAcceptance, afterWord, isWordOfRun } from "./progress.ts";
import type { JobContext, JobEvent, LiveAttempt, PastAttempt, UnsettledOutcome } from "./state.ts";

interface Asked {
  readonly context: JobContext;
  readonly event: JobEvent;
}

/** The live attempt that the event speaks of, if it does: its number, where it names one, and a node that is needed in it. */
function spokenOf({ context: { live }, event }: Asked): LiveAttempt | null {
  if (live === null || !("nodeId" in event) || !("attempt" in event) || event.nodeId === undefined) return null;
  const named = event.attempt === null || event.attempt === live.number;
  return named && isNeeded(live, event.nodeId) ? live : null;
}

/** The attempt once this word of one of its nodes about the run is taken in. */
function heard(asked: Asked): LiveAttempt | null {
  const { event } = asked;
  const live = isWordOfRun(event) ? spokenOf(asked) : null;
  return live && isWordOfRun(event) ? afterWord(live, event) : null;
}

/** The attempt once a silent member is back: because it is found to be there, or by its own word. */
function returned(asked: Asked): LiveAttempt | null {
  const { context, event } = asked;
  if (event.type !== "NODE_BACK") return heard(asked);
  return context.live && isNeeded(context.live, event.nodeId) ? backFrom(context.live, event.nodeId) : null;
}

/** The word changes what is known of its node: it had not started, or was away, or is now done. */
function isNews({ context: { live }, event }: Asked): boolean {
  const member = live && "nodeId" in event ? memberOn(live, event.nodeId ?? "") : undefined;
  return member !== undefined && (member.startedAt === null || member.away || event.type === "COMPLETED");
}

/** An answer to the live offer, the first one of that node. */
function isAnswer({ context: { live }, event }: Asked): boolean {
  if (event.type !== "OFFER_ACCEPTED" && event.type !== "OFFER_REFUSED") return false;
  if (live?.number !== event.attempt) return false;
  return memberOn(live, event.nodeId ?? live.nodeId)?.acceptedAt === null;
}

const saysInvalid = (asked: Asked): boolean =>
  asked.event.type === "OFFER_REFUSED" && asked.event.outcome === "invalid" && isAnswer(asked);

const isGone = (asked: Asked): boolean => asked.event.type === "ATTEMPT_GONE" && spokenOf(asked) !== null;

/** The lost attempt that the returning node may go on with. */
function original({ context, event }: Asked): PastAttempt | undefined {
  if (event.type !== "ORIGINAL_BACK" || event.at >= lastMoment(context)) return undefined;
  const past = returnable(context, event.nodeId, event.at);
  return past?.number === event.attempt ? past : undefined;
}

const mayLoseNoMore = ({ context }: Asked): boolean => context.losses >= context.policy.maxLosses;

/** Whether the event says that this outcome has been recorded. An attempt's end and a silence during it are told apart. */
export const settles = (event: JobEvent, one: UnsettledOutcome): boolean =>
  event.type === "OUTCOME_RECORDED" &&
  one.attempt === event.attempt &&
  (event.nodeId === undefined || one.nodeId === event.nodeId) &&
  (one.outcome === "silent") === (event.silent === true);

export const guards = {
  owesSettlement: ({ context }: Asked) => owesSettlement(context),
  awaitsFunds: ({ context }: Asked) => context.awaitsFunds,
  outlived: ({ context, event }: Asked) => event.at >= lastMoment(context),
  /** The event that creates a job carries no time, and its time in the queue has not even begun. */
  waitedTooLong: ({ context, event }: Asked) => event.at >= context.queueDeadline,
  /** Different nodes, as many as the job asks for: it runs on all of them or on none. */
  isWhole: ({ context, event }: Asked) => {
    if (event.type !== "OFFER") return false;
    const nodes = [event.nodeId, ...(event.others ?? [])];
    return nodes.length === gangSizeOf(context.spec) && new Set(nodes).size === nodes.length;
  },
  isAnswer,
  isLastAcceptance: (asked: Asked) => {
    const { context, event } = asked;
    const { live } = context;
    if (event.type !== "OFFER_ACCEPTED" || live === null || !isAnswer(asked)) return false;
    return !live.members || allAccepted(afterAcceptance(live, event.nodeId ?? live.nodeId, event.at));
  },
  /** What kept the live offer from being made. */
  isOfLiveOffer: ({ context: { live }, event }: Asked) =>
    event.type === "TEXT_MISSING" && live?.number === event.attempt,
  saysInvalid,
  /** Two nodes say that the job is malformed, or one says it twice: it is. */
  invalidForGood: (asked: Asked) => saysInvalid(asked) && asked.context.malformed,

  fromLiveAttempt: (asked: Asked) => spokenOf(asked) !== null,
  /** Of a gang, rank 0 speaks for the whole. */
  fromFirst: (asked: Asked) =>
    "nodeId" in asked.event && spokenOf(asked) !== null && asked.event.nodeId === asked.context.live?.nodeId,
  onLiveNode: ({ context, event }: Asked) => "nodeId" in event && isNeeded(context.live, event.nodeId ?? ""),
  startsRun: (asked: Asked) => {
    const live = heard(asked);
    return live !== null && (!live.members || (allStarted(live) && awayOf(live).length === 0));
  },
  startsRunWithoutSome: (asked: Asked) => {
    const live = heard(asked);
    return live !== null && allStarted(live);
  },
  waitsAtBarrier: (asked: Asked) => {
    const live = heard(asked);
    return live !== null && allAccepted(live) && awayOf(live).length === 0 && isNews(asked);
  },
  isNewWord: (asked: Asked) => heard(asked) !== null && isNews(asked),

  bringsAllBack: (asked: Asked) => {
    const live = returned(asked);
    return live !== null && awayOf(live).length === 0;
  },
  bringsOneBack: (asked: Asked) => {
    const { context, event } = asked;
    if (returned(asked) === null || context.live === null || !("nodeId" in event)) return false;
    return awayOf(context.live).some(({ nodeId }) => nodeId === event.nodeId);
  },
  losesOneMore: ({ context: { live }, event }: Asked) => {
    if (event.type !== "NODE_LOST" || live?.members === undefined || !isNeeded(live, event.nodeId)) return false;
    return memberOn(live, event.nodeId)?.away === false;
  },
  /** Before all have accepted, one that has can be gone again; of a single node the offer's own deadline decides. */
  hadAccepted: (asked: Asked) => {
    const { context, event } = asked;
    if (!isGone(asked) || !("nodeId" in event)) return false;
    return context.live?.members?.find(({ nodeId }) => nodeId === event.nodeId)?.acceptedAt != null;
  },
  goneTooOften: (asked: Asked) => isGone(asked) && mayLoseNoMore(asked),
  lostTooOften: mayLoseNoMore,
  failsForGood: (asked: Asked) =>
    asked.event.type === "FAILED" &&
    spokenOf(asked) !== null &&
    asked.context.retries >= asked.context.policy.maxRetries,

  resumesRun: (asked: Asked) => original(asked)?.startedAt != null,
  resumesWait: (asked: Asked) => original(asked)?.startedAt === null,
  isUnsettled: ({ context, event }: Asked) => context.unsettled.some((one) => settles(event, one)),
};
