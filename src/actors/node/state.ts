/** What a node actor remembers, what it is told, and how it is made. All plain data: it is stored as JSON. */
import type { NodeProfile } from "../../domain/node-profile.ts";
import type { ReputationReason } from "../../domain/reputation.ts";
import type { AttemptOutcome } from "../job/state.ts";
import type { Millis } from "../runtime/index.ts";

/** Times that are fixed when the node registers, and renewed each time it does. */
export interface NodePolicy {
  /** Silence after which a node is suspect. */
  readonly heartbeatTimeout: Millis;
  /** How long it is suspect before it counts as offline. */
  readonly gracePeriod: Millis;
  /** So many failed or refused attempts in a row set the node aside. Absent: never. */
  readonly failureLimit?: number;
  /** How long it is set aside the first time; twice as long each time it fails again at once, up to an hour. */
  readonly setAside?: Millis;
}

/** Whether AssignJob can reach the node. A node behind NAT sends heartbeats and cannot be called: not dead, but of no use for offers. */
export type Reachability = "unknown" | "callable" | "uncallable";

export interface Ban {
  /** Null: until an operator lifts it. */
  readonly until: Millis | null;
  readonly reason: string;
  /** The operator; null for a ban that its conduct earned. */
  readonly by: string | null;
  /** What it runs is moved at once. */
  readonly evict: boolean;
}

/** The circuit breaker has opened: it is left alone for a while. */
export interface SetAside {
  readonly until: Millis;
  readonly reason: string;
}

/** One change of the score, for `reputation_changes`. */
export interface ReputationChange {
  /** Counts the node's changes from 1; with the node's id it is the row's key. */
  readonly number: number;
  readonly reason: ReputationReason;
  readonly before: number;
  readonly after: number;
  /** The attempt it follows from; null for the end of a ban and a pardon. */
  readonly jobId: string | null;
  readonly attempt: number | null;
  /** A complaint's or a pardon's own words. */
  readonly detail: string | null;
  readonly at: Millis;
}

export interface NodeContext {
  readonly id: string;
  readonly profile: NodeProfile;
  readonly policy: NodePolicy;
  /** Names this life of the node's process; a new one means that whatever ran before is gone. "" where the node does not say. */
  readonly bootId: string;
  readonly registeredAt: Millis;
  readonly deadline: Millis | null;
  readonly reachability: Reachability;
  /**
   * Grows each time the node is found uncallable, so that each finding owes its own probe, later than the one before. Only
   * an offer that was taken sets it back: a port that answers and takes no offers must not be tried ever faster.
   */
  readonly unreachableCount: number;
  /** 0..100. With the three below it is the node's record (domain/reputation.ts). */
  readonly reputation: number;
  readonly strikes: number;
  readonly lastStrikeAt: Millis | null;
  /** Bans that its conduct earned. */
  readonly totalBans: number;
  /** The newest changes of the score, oldest first; `changeCount` tells how many there were, the table has them all. */
  readonly changes: readonly ReputationChange[];
  readonly changeCount: number;
  readonly ban: Ban | null;
  /** Different jobs it failed or refused since its last success, oldest first; as many as the limit at most. */
  readonly failedJobs: readonly string[];
  /** How often it was set aside since its last success. */
  readonly trips: number;
  readonly setAside: SetAside | null;
  readonly jobsCompleted: number;
  readonly jobsFailed: number;
  /** "job@created/attempt" of the newest outcomes, so that one told twice counts once. */
  readonly recorded: readonly string[];
  /** The same of the newest complaints. */
  readonly complaints: readonly string[];
  /** Uptime is ours to measure: the time spent online so far, and since when it is online now. */
  readonly onlineFor: Millis;
  readonly onlineSince: Millis | null;
  /** Why it is cordoned or drained, in the operator's words. */
  readonly standingReason: string | null;
  /** When what it still runs is moved; null: never, or it is not drained. */
  readonly drainUntil: Millis | null;
}

export interface NodeInput {
  readonly id: string;
  readonly profile: NodeProfile;
  readonly policy: NodePolicy;
  readonly bootId: string;
  readonly reputation: number;
  readonly at: Millis;
}

/**
 * `rules` is the version of the rules by which the event was first applied (see kind.ts); the runtime stamps it, as it does
 * `at`. Absent in logs from before there were any: then outcomes moved no score and opened no breaker.
 */
export type NodeEvent = { readonly at: Millis; readonly rules?: number } & (
  | { readonly type: "REGISTERED"; readonly profile: NodeProfile; readonly policy: NodePolicy; readonly bootId: string }
  /** A sign of life after silence. Ordinary heartbeats renew the lease and are no events. */
  | { readonly type: "HEARD" }
  /** Whether all its slots are taken, as the scheduler derives it from live attempts. */
  | { readonly type: "LOAD"; readonly busy: boolean }
  /** Something answers where the node takes offers; `proven` when it has just taken one. */
  | { readonly type: "CALLABLE"; readonly proven: boolean }
  | { readonly type: "UNCALLABLE" }
  | {
      readonly type: "OUTCOME";
      readonly jobId: string;
      /** Tells a job from an earlier, deleted one under the same id. */
      readonly jobCreatedAt: Millis;
      readonly attempt: number;
      /** "silent": the node went silent during the attempt, which may still go on. */
      readonly outcome: AttemptOutcome | "silent";
      /** How often the attempt had been taken for lost and become live again: each of its ends is one of its own. */
      readonly returns?: number;
      /** Of a completed one: the result is signed with the node's registered key and has at least one finite metric. */
      readonly goodMetrics?: boolean;
      /** The job's price is zero. */
      readonly free?: boolean;
    }
  /** Offered nothing new; what it runs goes on. `by` names the operator in the log. */
  | { readonly type: "CORDON"; readonly reason: string; readonly by: string }
  /** The same, and at `until` what still runs there is moved; null: it may take its time. */
  | { readonly type: "DRAIN"; readonly reason: string; readonly by: string; readonly until: Millis | null }
  /** Ends a cordon or a drain. */
  | { readonly type: "UNCORDON"; readonly reason: string; readonly by: string }
  /** `until` null: until an operator lifts it. `evict`: what it runs is moved at once. */
  | {
      readonly type: "BAN";
      readonly reason: string;
      readonly by: string;
      readonly until: Millis | null;
      readonly evict: boolean;
    }
  | { readonly type: "UNBAN"; readonly reason: string; readonly by: string }
  /** A user's complaint about an attempt; counts once per attempt. */
  | {
      readonly type: "COMPLAINT";
      readonly jobId: string;
      readonly jobCreatedAt: Millis;
      readonly attempt: number;
      readonly reason: string;
      readonly by: string;
    }
  /** From the effects that wait for these moments. `until` tells which one: that of a ban since replaced ends nothing. */
  | { readonly type: "DRAIN_OVER"; readonly until: Millis }
  | { readonly type: "BAN_OVER"; readonly until: Millis }
  | { readonly type: "SET_ASIDE_OVER"; readonly until: Millis }
  /** In old logs only: ended a drain and a ban. Nothing sends it any more. */
  | { readonly type: "RESTORE" }
  | { readonly type: "DEADLINE" }
);
