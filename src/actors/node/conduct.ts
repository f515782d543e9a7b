/**
 * What becomes of a node by what it does: its score, the bans it earns, and the circuit breaker that sets it aside. Pure.
 *
 * The breaker: so many attempts in a row that the node failed or refused, each of another job, set it aside. A job that
 * fails everywhere therefore counts once per node, and cannot take the fleet out of service one node after the other. When
 * the time is over the node has one more chance: the next such failure sets it aside again, for twice as long, up to an
 * hour. One completed job closes the matter.
 */
import {
  afterBan,
  type ConductFact,
  judge,
  pardoned,
  type Reputation,
  type ReputationStep,
} from "../../domain/reputation.ts";
import type { Millis } from "../runtime/index.ts";
import type { Ban, NodeContext, NodeEvent, ReputationChange, SetAside } from "./state.ts";

export type Outcome = Extract<NodeEvent, { readonly type: "OUTCOME" }>;
export type Complaint = Extract<NodeEvent, { readonly type: "COMPLAINT" }>;
type Patch = Partial<NodeContext>;

/** As many as one event can make (a good, unpaid success). All are in the table; here each costs every commit of the node. */
const CHANGES_KEPT = 3;
const LONGEST_SET_ASIDE: Millis = 3_600_000;

const recordOf = ({ reputation, strikes, lastStrikeAt, totalBans }: NodeContext): Reputation => ({
  score: reputation,
  strikes,
  lastStrikeAt,
  totalBans,
});

/** What of an attempt the changes are tied to. */
type Cause = Pick<ReputationChange, "jobId" | "attempt" | "detail" | "at">;

function withRecord(
  context: NodeContext,
  reputation: Reputation,
  steps: readonly ReputationStep[],
  cause: Cause,
): Patch {
  const changes = steps.map((step, index) => ({ ...step, ...cause, number: context.changeCount + index + 1 }));
  return {
    reputation: reputation.score,
    strikes: reputation.strikes,
    lastStrikeAt: reputation.lastStrikeAt,
    totalBans: reputation.totalBans,
    changes: [...context.changes, ...changes].slice(-CHANGES_KEPT),
    changeCount: context.changeCount + changes.length,
  };
}

function judged(context: NodeContext, facts: readonly ConductFact[], cause: Cause): Patch {
  const { reputation, steps, ban } = judge(recordOf(context), facts, cause.at, context.ban !== null);
  return {
    ...withRecord(context, reputation, steps, cause),
    // It finishes what it runs: whoever waits for that has done nothing wrong. A ban takes the place of the breaker.
    ...(ban && {
      ban: { until: cause.at + ban.duration, reason: ban.reason, by: null, evict: false },
      setAside: null,
    }),
  };
}

/** What an outcome says of the node's conduct. Nothing, where it was somebody else's doing or cannot be told. */
export function factsOf(
  { outcome, goodMetrics, free }: Pick<Outcome, "outcome" | "goodMetrics" | "free">,
  reportsAttempts: boolean,
): readonly ConductFact[] {
  switch (outcome) {
    case "completed":
      return [
        "completed",
        ...(goodMetrics ? (["good_metrics"] as const) : []),
        ...(free ? (["free_work"] as const) : []),
      ];
    case "failed":
    case "start_timeout":
    case "lost":
    case "silent":
      return [outcome];
    case "run_timeout":
      // The C++ build never reports: that no report came says nothing about the run.
      return reportsAttempts ? [outcome] : [];
    default:
      return [];
  }
}

/**
 * Outcomes that count against the node in the breaker. Not "run_timeout": a wrong estimate is the likelier reason; not
 * "invalid", which is the job's fault, nor "silent", whose attempt may yet succeed; and not what others did to the attempt.
 */
const TRIPS: ReadonlySet<Outcome["outcome"]> = new Set([
  "failed",
  "rejected",
  "unreachable",
  "no_answer",
  "start_timeout",
  "lost",
]);

function breaker(context: NodeContext, { outcome, jobId, jobCreatedAt, at }: Outcome): Patch {
  if (outcome === "completed") return { failedJobs: [], trips: 0, setAside: null };
  const { failureLimit, setAside } = context.policy;
  if (failureLimit === undefined || setAside === undefined || !TRIPS.has(outcome)) return {};
  const job = `${jobId}@${jobCreatedAt}`;
  if (context.failedJobs.includes(job)) return {};
  const failedJobs = [...context.failedJobs, job].slice(-failureLimit);
  if (failedJobs.length < failureLimit || context.setAside || context.ban) return { failedJobs };
  const trips = context.trips + 1;
  const duration = Math.min(LONGEST_SET_ASIDE, setAside * 2 ** (trips - 1));
  return { failedJobs, trips, setAside: { until: at + duration, reason: tripReason(failureLimit, trips, outcome) } };
}

function tripReason(limit: number, trips: number, outcome: string): string {
  if (trips > 1) return `it failed again after it had been set aside (last: ${outcome})`;
  return limit === 1
    ? `it failed or refused a job (${outcome})`
    : `it failed or refused ${limit} different jobs in a row (last: ${outcome})`;
}

/** What a new outcome does to the score and the breaker. */
export function afterOutcome(context: NodeContext, event: Outcome): Patch {
  const { jobId, attempt, at } = event;
  const facts = factsOf(event, context.profile.reportsAttempts);
  const conduct = judged(context, facts, { jobId, attempt, at, detail: null });
  // The breaker sees the ban that this very outcome earned.
  return { ...conduct, ...breaker({ ...context, ...conduct }, event) };
}

export const afterComplaint = (context: NodeContext, { jobId, attempt, reason, at }: Complaint): Patch =>
  judged(context, ["complaint"], { jobId, attempt, detail: reason, at });

/** The ban is over: it begins again with 25 points, no strikes and a closed breaker, or as it was if an operator's ban ends. */
export function endBan(context: NodeContext, at: Millis): Patch {
  const { reputation, steps } = afterBan(recordOf(context), context.ban?.by === null);
  return {
    ...withRecord(context, reputation, steps, { jobId: null, attempt: null, detail: null, at }),
    ban: null,
    failedJobs: [],
    trips: 0,
  };
}

/** An operator's pardon ends whatever its conduct has brought upon it. */
export function pardon(context: NodeContext, reason: string, at: Millis): Patch {
  const { reputation, steps } = pardoned(recordOf(context));
  return {
    ...withRecord(context, reputation, steps, { jobId: null, attempt: null, detail: reason, at }),
    ban: null,
    setAside: null,
    failedJobs: [],
    trips: 0,
  };
}

export const sameBan = (one: Ban | null, other: Ban): boolean =>
  one !== null &&
  one.until === other.until &&
  one.reason === other.reason &&
  one.by === other.by &&
  one.evict === other.evict;

/** Whether its time is the one that an effect has waited for. */
export const endsAt = (one: Ban | SetAside | null, until: Millis): boolean => one !== null && one.until === until;
