/**
 * Who belongs to an attempt, and what is known of each. A job on one node is treated as a gang of one that keeps no list of
 * members, so that the chart asks the same questions of both. Pure.
 */
import type { Millis } from "../runtime/index.ts";
import type { JobContext, LiveAttempt, Member, PastAttempt } from "./state.ts";

/** By rank. Whether the only node of a job is away, its state tells and not this list. */
export function membersOf(live: LiveAttempt): readonly Member[] {
  if (live.members) return live.members;
  const { nodeId, acceptedAt, startedAt } = live;
  return [{ nodeId, acceptedAt, startedAt, doneAt: null, away: false }];
}

export const nodesOf = (live: LiveAttempt): readonly string[] =>
  live.members ? live.members.map(({ nodeId }) => nodeId) : [live.nodeId];

/** The same of one that is over. */
export const nodesOfPast = ({ nodeId, nodeIds }: PastAttempt): readonly string[] => nodeIds ?? [nodeId];

export const memberOn = (live: LiveAttempt, nodeId: string): Member | undefined =>
  membersOf(live).find((one) => one.nodeId === nodeId);

/** The node has a part in the attempt and its part is not done. Once it is, the node may go: the attempt does without it. */
export const isNeeded = (live: LiveAttempt | null, nodeId: string): boolean => {
  const member = live === null ? undefined : memberOn(live, nodeId);
  return member !== undefined && member.doneAt === null;
};

/** Whether the job has a live attempt on the node; the nodes of a gang all have the same one. */
export const isLiveOn = (context: JobContext, nodeId: string): boolean =>
  context.live !== null && nodesOf(context.live).includes(nodeId);

/** Whether the node has, or had, an attempt of the job, as far as its history goes back. */
export const hasServed = (context: JobContext, nodeId: string): boolean =>
  isLiveOn(context, nodeId) || context.history.some((past) => nodesOfPast(past).includes(nodeId));

export const allAccepted = (live: LiveAttempt): boolean => membersOf(live).every((one) => one.acceptedAt !== null);

export const allStarted = (live: LiveAttempt): boolean => membersOf(live).every((one) => one.startedAt !== null);

/** Members that are silent and still needed. */
export const awayOf = (live: LiveAttempt): readonly Member[] =>
  membersOf(live).filter((one) => one.away && one.doneAt === null);

/** The attempt with one member changed. */
export function withMember(live: LiveAttempt, nodeId: string, change: (member: Member) => Member): LiveAttempt {
  if (!live.members) return live;
  return { ...live, members: live.members.map((one) => (one.nodeId === nodeId ? change(one) : one)) };
}

const present = ({ awaySince: _, ...member }: Member): Member => ({ ...member, away: false });

/** A word of the member about its run: it has taken it and begun it, and is not silent. `done`: its part is over. */
export const heardFrom = (live: LiveAttempt, nodeId: string, at: Millis, done: boolean): LiveAttempt =>
  withMember(live, nodeId, (member) => ({
    ...present(member),
    acceptedAt: member.acceptedAt ?? at,
    startedAt: member.startedAt ?? at,
    doneAt: member.doneAt ?? (done ? at : null),
  }));

export const backFrom = (live: LiveAttempt, nodeId: string): LiveAttempt => withMember(live, nodeId, present);

export const goneFrom = (live: LiveAttempt, nodeId: string, at: Millis): LiveAttempt =>
  withMember(live, nodeId, (member) => ({ ...member, away: true, awaySince: member.awaySince ?? at }));

/** When the attempt must have started or, once it has, ended. Counted from its beginning: silence in between adds nothing (I4). */
export function limitOf({ policy }: JobContext, live: LiveAttempt, at: Millis): Millis {
  if (live.startedAt !== null) return live.startedAt + policy.runTimeout;
  return (live.acceptedAt ?? at) + policy.startTimeout;
}

/**
 * When silence is taken for a loss. Each member has its own grace period; but members that are silent in turns must not
 * keep a gang for ever (I4), so it ends a grace period after the attempt's limit at the latest, as a single node's would.
 */
export function graceEnd(context: JobContext, live: LiveAttempt, at: Millis): Millis {
  const { gracePeriod } = context.policy;
  if (!live.members) return at + gracePeriod;
  const first = Math.min(...awayOf(live).map(({ awaySince }) => awaySince ?? at));
  return Math.min(first, limitOf(context, live, at)) + gracePeriod;
}

/**
 * The attempt that the node may go on with although it was taken for lost: its newest on that node, lost by silence alone,
 * and still within its time. Nothing else can be meant when the node says that it runs the job.
 */
export function returnable(context: JobContext, nodeId: string, at: Millis): PastAttempt | undefined {
  if (isLiveOn(context, nodeId)) return undefined;
  const past = context.history.findLast((one) => nodesOfPast(one).includes(nodeId));
  if (!past?.unknown) return undefined;
  if (context.live !== null && context.policy.reconcile !== "keep_original") return undefined;
  return at < limitOf(context, revived(past), at) ? past : undefined;
}

/** The attempt as it was when it was taken for lost; what it had reported is not known any more. */
export function revived(past: PastAttempt): LiveAttempt {
  const { number, nodeId, offeredAt, startedAt } = past;
  return {
    number,
    nodeId,
    offeredAt,
    acceptedAt: past.acceptedAt ?? startedAt ?? offeredAt,
    startedAt,
    reportedAt: past.unknown?.reportedAt ?? null,
    silent: [nodeId],
    returns: (past.unknown?.returns ?? 0) + 1,
  };
}
