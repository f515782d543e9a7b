/**
 * What a node's conduct is worth: a score of 0..100, strikes, and how long it is banned for them. Pure. The rules and all
 * numbers are those of reference/original-behaviour.md 6.6; where they are silent, the comment says what was decided.
 */
import { STARTING_REPUTATION } from "./node-profile.ts";

const LOWEST = 0;
const HIGHEST = 100;
/** Below it a node is on probation; falling below it is a strike. */
const NORMAL_FROM = 50;
const PREMIUM_FROM = 80;
/** Below it a node is offered nothing; a ban ends with this score. */
const PROBATION_FROM = 25;
const STRIKES_FOR_A_BAN = 3;
const HOUR = 3_600_000;
/** By how often it was banned before. */
const BAN_DURATIONS = [24 * HOUR, 48 * HOUR] as const;
const LONGEST_BAN = 168 * HOUR;

export type Tier = "premium" | "normal" | "probation" | "banned";

/** What a score is changed by. Every one but the last two is a fact about one attempt. */
export type ReputationReason =
  | "completed"
  /** On top of "completed": the result is signed by the node and has numbers to show. */
  | "good_metrics"
  /** On top of "completed": the job paid nothing. */
  | "free_work"
  | "failed"
  | "start_timeout"
  | "run_timeout"
  | "lost"
  /** It went silent during an attempt, which may still go on. If it does not, "lost" comes on top. */
  | "silent"
  | "complaint"
  /** Its ban is over and it begins again. */
  | "ban_over"
  /** An operator has pardoned it. */
  | "pardoned";

export type ConductFact = Exclude<ReputationReason, "ban_over" | "pardoned">;

/**
 * The reference has −5.0 for "disconnect/failure" and −2.0 for "heartbeat timeout": a node that is silent and comes back
 * loses 2, one that does not come back 7. Its −0.5 and −0.1 of other places belong to code that is never called, or to
 * facts the attempt's own outcome tells already, and are not used.
 */
export const REPUTATION_DELTA: Readonly<Record<ConductFact, number>> = {
  completed: 1,
  good_metrics: 0.5,
  free_work: 2,
  failed: -5,
  start_timeout: -5,
  run_timeout: -5,
  lost: -5,
  silent: -2,
  complaint: -10,
};

/** A node's record at one point in time. */
export interface Reputation {
  /** 0..100. */
  readonly score: number;
  /** Since its last ban or pardon. */
  readonly strikes: number;
  /** Epoch milliseconds. */
  readonly lastStrikeAt: number | null;
  /** How often its own conduct has banned it. Operators' bans do not count: they would lengthen the next one. */
  readonly totalBans: number;
}

export interface ReputationStep {
  readonly reason: ReputationReason;
  readonly before: number;
  readonly after: number;
}

export interface Judgement {
  readonly reputation: Reputation;
  /** Only what really changed the score: the hundredth success of a node at 100 leaves no trace. */
  readonly steps: readonly ReputationStep[];
  /** Present when these facts have earned a ban of this many milliseconds. */
  readonly ban: { readonly duration: number; readonly reason: string } | null;
}

export function tierOf(score: number): Tier {
  if (score >= PREMIUM_FROM) return "premium";
  if (score >= NORMAL_FROM) return "normal";
  return score >= PROBATION_FROM ? "probation" : "banned";
}

/** Into 0..100; what is no number is a new node's. */
export const clampScore = (score: number): number =>
  Number.isNaN(score) ? STARTING_REPUTATION : Math.min(HIGHEST, Math.max(LOWEST, score));

/** Whether the record alone keeps the node out, ban or not. */
export const isBarred = (score: number): boolean => tierOf(score) === "banned";

/** How long the next ban lasts: 24 h, 48 h, then 168 h each. */
export const banDuration = (totalBans: number): number => BAN_DURATIONS[totalBans] ?? LONGEST_BAN;

/**
 * The record after some facts about one attempt, in their order. `banned`: the node is banned already; its strikes are
 * counted, and it is not banned a second time for what it does while it is.
 *
 * A ban is earned by the third strike (the reference), and by falling into the tier "banned". The latter is ours: only
 * completed jobs raise a score and a barred node gets none, so without an end it would be barred for good. After a ban
 * (score 25) a single silence of a few seconds would do.
 */
export function judge(before: Reputation, facts: readonly ConductFact[], at: number, banned: boolean): Judgement {
  let reputation = before;
  let ban: Judgement["ban"] = null;
  const steps: ReputationStep[] = [];
  for (const fact of facts) {
    const { score } = reputation;
    const after = clampScore(score + REPUTATION_DELTA[fact]);
    if (after === score) continue;
    steps.push({ reason: fact, before: score, after });
    const struck = score >= NORMAL_FROM && after < NORMAL_FROM;
    const strikes = reputation.strikes + (struck ? 1 : 0);
    reputation = { ...reputation, score: after, ...(struck && { strikes, lastStrikeAt: at }) };
    if (banned || ban) continue;
    const reason = banReason(struck && strikes >= STRIKES_FOR_A_BAN, isBarred(after) && !isBarred(score), strikes);
    if (reason === null) continue;
    ban = { duration: banDuration(reputation.totalBans), reason };
    reputation = { ...reputation, totalBans: reputation.totalBans + 1 };
  }
  return { reputation, steps, ban };
}

function banReason(byStrike: boolean, byTier: boolean, strikes: number): string | null {
  if (byStrike) return `its reputation fell below ${NORMAL_FROM} again (strike ${strikes})`;
  return byTier ? `its reputation fell below ${PROBATION_FROM}` : null;
}

/**
 * The end of a ban that its conduct earned: no strikes, and a score of 25, whatever it was. An operator's ban that ends says
 * nothing about attempts and leaves the record alone, unless a ban was earned meanwhile and would now be due.
 */
export function afterBan(before: Reputation, earned: boolean): Pick<Judgement, "reputation" | "steps"> {
  const due = before.strikes >= STRIKES_FOR_A_BAN || isBarred(before.score);
  return earned || due ? begunAgain(before, PROBATION_FROM, "ban_over") : { reputation: before, steps: [] };
}

/** An operator's word: no strikes, and a score that lets it be offered jobs. */
export const pardoned = (before: Reputation): Pick<Judgement, "reputation" | "steps"> =>
  begunAgain(before, Math.max(before.score, PROBATION_FROM), "pardoned");

function begunAgain(
  before: Reputation,
  after: number,
  reason: ReputationReason,
): Pick<Judgement, "reputation" | "steps"> {
  return {
    reputation: { ...before, score: after, strikes: 0 },
    steps: after === before.score ? [] : [{ reason, before: before.score, after }],
  };
}
