/** What a job actor remembers, what it is told, and how it is made. All plain data: it is stored as JSON. */
import type { JobSpec } from "../../domain/job-spec.ts";
import type { Reconcile } from "../../domain/job-terms.ts";
import type { Millis } from "../runtime/index.ts";

/** How an attempt ended. */
export type AttemptOutcome =
  | "completed"
  | "failed"
  /** The node refused the offer. */
  | "rejected"
  /** The node refused because the job itself is malformed. */
  | "invalid"
  /** The node could not be called. */
  | "unreachable"
  /** The node was called and did not answer in time. */
  | "no_answer"
  /** It accepted and did not start in time. */
  | "start_timeout"
  | "run_timeout"
  /** The node went silent and did not come back within the grace period, or came back without the attempt. */
  | "lost"
  | "cancelled"
  /** Another member of its gang ended the attempt; this node did nothing wrong. */
  | "gang_ended"
  /** The node was drained or banned under it. */
  | "evicted"
  /** Its original came back and was kept. */
  | "superseded";

/** One node's part in a gang's attempt. */
export interface Member {
  readonly nodeId: string;
  readonly acceptedAt: Millis | null;
  readonly startedAt: Millis | null;
  /** Its own share of the work is done; the attempt ends with rank 0's. */
  readonly doneAt: Millis | null;
  /** Silent at present. */
  readonly away: boolean;
  /** Since when, if it is; every member's silence has its own grace period. */
  readonly awaySince?: Millis;
}

/** The attempt that alone may report, finish and earn (I2). */
export interface LiveAttempt {
  /** Grows with every offer; the epoch by which late reports are told from live ones. */
  readonly number: number;
  /** The node that runs it; of a gang, rank 0, whose reports speak for the whole. */
  readonly nodeId: string;
  /** A gang's members by rank, rank 0 included. Absent for a job on one node. */
  readonly members?: readonly Member[];
  readonly offeredAt: Millis;
  readonly acceptedAt: Millis | null;
  readonly startedAt: Millis | null;
  /** Null until the node has reported anything about the run. The existing C++ build never does. */
  readonly reportedAt: Millis | null;
  /** Nodes that have been silent during it; each is told to its node's actor once. Absent: none. */
  readonly silent?: readonly string[];
  /** How often it was taken for lost and became live again. Absent: never. */
  readonly returns?: number;
}

export interface PastAttempt {
  readonly number: number;
  readonly nodeId: string;
  /** A gang's nodes by rank; absent for a job on one node. */
  readonly nodeIds?: readonly string[];
  readonly offeredAt: Millis;
  /** Absent in histories written before it was kept. */
  readonly acceptedAt?: Millis | null;
  readonly startedAt: Millis | null;
  readonly endedAt: Millis;
  readonly outcome: AttemptOutcome;
  readonly message: string;
  /**
   * Of an attempt that is lost only because its node is silent: what it takes to go on should the node come back with it.
   * A gang's is never kept: its other members have been told to stop.
   */
  readonly unknown?: { readonly reportedAt: Millis | null; readonly returns: number };
}

/** An outcome the node's actor has not been told yet: the job owes it `recordOutcome`. */
export interface UnsettledOutcome {
  readonly attempt: number;
  readonly nodeId: string;
  /** "silent" is told while the attempt goes on, under a key of its own. */
  readonly outcome: AttemptOutcome | "silent";
  /** The attempt was a gang's and had several nodes, each with an outcome. */
  readonly ofGang?: true;
  /** As in the attempt: the end after a return is another than the one before it. */
  readonly returns?: number;
}

/** Times and limits, fixed when the job is accepted: a change of configuration does not change running jobs. */
export interface JobPolicy {
  readonly fundsTimeout: Millis;
  readonly queueTimeout: Millis;
  readonly offerTimeout: Millis;
  /** How long a node that refused, was silent or failed is passed over for this job. */
  readonly exclusion: Millis;
  readonly startTimeout: Millis;
  /** `lost_after`: how long a silent node's attempt is only unknown, before the job is offered elsewhere. */
  readonly gracePeriod: Millis;
  /** A node that cannot reach the server for this long stops the run itself; absent: it goes on until it is told otherwise. */
  readonly stopAfter?: Millis;
  /** Which attempt is kept when the original comes back beside a live replacement. Absent: the replacement. */
  readonly reconcile?: Reconcile;
  /** From acceptance to the end, whatever happens in between. Absent: unlimited. */
  readonly maxDuration?: Millis;
  readonly runTimeout: Millis;
  readonly maxRetries: number;
  /** How often the job may lose its node before it fails. Not counted as retries: it was not the job's fault. */
  readonly maxLosses: number;
  readonly backoff: Millis;
  readonly maxBackoff: Millis;
}

export interface JobResult {
  readonly attempt: number;
  readonly nodeId: string;
  readonly weightsUri: string;
  readonly weightsHash: string;
  readonly weightsSize: number;
  readonly metrics: Readonly<Record<string, number>>;
  readonly computeSeconds: number;
  /** Hex of the node's signature over the result; "" where the node has no key. */
  readonly signature: string;
}

/** Why a job ended badly. A closed list, documented in docs/job-lifecycle.md. */
export type FailureCode =
  | "funds_timeout"
  | "queue_timeout"
  | "retries_exhausted"
  | "invalid_job"
  | "run_timeout"
  /** The run timeout passed and the node never said a word about the run. */
  | "no_report"
  | "lost_too_often"
  /** Its `max_duration` passed, counted from its acceptance. */
  | "max_duration"
  /** One of its big texts, stored with it, is not there any more. */
  | "text_missing";

export interface Exclusion {
  readonly nodeId: string;
  readonly until: Millis;
}

export interface JobContext {
  readonly id: string;
  readonly spec: JobSpec;
  /** Who may see, cancel and delete it. */
  readonly owner: string;
  readonly userWallet: string;
  /** Of everything the client sent, so that a repeat can be told from another job under the same id. */
  readonly fingerprint: string;
  /** The price in base units, as decimal text. */
  readonly price: string;
  readonly policy: JobPolicy;
  readonly awaitsFunds: boolean;
  /** How its price is paid through escrow. Absent: nobody is paid, and costs are only recorded. */
  readonly payment?: JobPayment;
  /** The payment knows how the job ended. Absent: not yet. */
  readonly paymentSettled?: true;
  readonly createdAt: Millis;
  /** Since when it wants a node for its next run; its age in the queue. */
  readonly queuedAt: Millis;
  /** When waiting for a node is given up. */
  readonly queueDeadline: Millis;
  readonly deadline: Millis | null;
  /** Number of offers made so far. */
  readonly attempt: number;
  readonly live: LiveAttempt | null;
  /** The newest ones; `attempt` tells how many there were. */
  readonly history: readonly PastAttempt[];
  readonly unsettled: readonly UnsettledOutcome[];
  readonly exclusions: readonly Exclusion[];
  /** A node has said that the job itself is malformed; a second one ends it. */
  readonly malformed: boolean;
  readonly retries: number;
  readonly losses: number;
  readonly progress: number;
  readonly epoch: number;
  readonly metrics: Readonly<Record<string, number>>;
  readonly startedAt: Millis | null;
  readonly endedAt: Millis | null;
  readonly result: JobResult | null;
  readonly failure: { readonly code: FailureCode; readonly message: string } | null;
  readonly cancelReason: string | null;
}

/** Fixed when the job is accepted. */
export interface JobPayment {
  /** The platform's share, in hundredths of a percent. */
  readonly feeBps: number;
}

export interface JobInput {
  readonly id: string;
  readonly spec: JobSpec;
  readonly owner: string;
  readonly userWallet: string;
  readonly fingerprint: string;
  readonly price: string;
  readonly policy: JobPolicy;
  /** True when the job must not run before its price is locked in escrow. */
  readonly awaitsFunds: boolean;
  readonly payment?: JobPayment;
  readonly at: Millis;
}

/** Which attempt a node speaks of. The wire names only node and job; nodes that can, add the number. */
interface FromAttempt {
  readonly nodeId: string;
  readonly attempt: number | null;
}

/** What the runtime stamps on every event: the time, and the version of the rules by which it is first applied. */
export interface Stamp {
  readonly at: Millis;
  readonly rules?: number;
}

export type JobEvent = Stamp &
  (
    | { readonly type: "FUNDS_LOCKED" }
    | { readonly type: "PAYMENT_SETTLED" }
    /** `others`: the further members of a gang, by rank from 1. */
    | { readonly type: "OFFER"; readonly nodeId: string; readonly others?: readonly string[] }
    /** `nodeId` names the member of a gang; absent: rank 0, or the only node. */
    | { readonly type: "OFFER_ACCEPTED"; readonly attempt: number; readonly nodeId?: string }
    | {
        readonly type: "OFFER_REFUSED";
        readonly attempt: number;
        readonly nodeId?: string;
        readonly outcome: "rejected" | "invalid" | "unreachable" | "no_answer";
        readonly message: string;
      }
    /** It cannot be offered: a text of it that is kept apart is not there any more. */
    | { readonly type: "TEXT_MISSING"; readonly attempt: number; readonly message: string }
    /** The node says that the engine is connected and the run begins (NotifyJobAccepted). */
    | ({ readonly type: "STARTED" } & FromAttempt)
    | ({
        readonly type: "PROGRESS";
        readonly progress: number;
        readonly epoch: number;
        readonly metrics: Readonly<Record<string, number>>;
      } & FromAttempt)
    | ({ readonly type: "COMPLETED"; readonly result: Omit<JobResult, "attempt" | "nodeId"> } & FromAttempt)
    | ({ readonly type: "FAILED"; readonly message: string; readonly invalid: boolean } & FromAttempt)
    | { readonly type: "NODE_LOST"; readonly nodeId: string }
    | { readonly type: "NODE_BACK"; readonly nodeId: string }
    /** The node is there and no longer has the attempt. */
    | ({ readonly type: "ATTEMPT_GONE" } & FromAttempt)
    /** The node of a lost attempt is back and still runs it; the broker has found that it has the room. */
    | { readonly type: "ORIGINAL_BACK"; readonly nodeId: string; readonly attempt: number }
    /** Its node is drained or banned: the attempt ends, and the job wants another node. */
    | { readonly type: "EVICT"; readonly nodeId: string; readonly reason: string }
    | { readonly type: "CANCEL"; readonly reason: string }
    /** `nodeId` where the attempt had several; `silent` when it is not the attempt's end that was recorded. */
    | { readonly type: "OUTCOME_RECORDED"; readonly attempt: number; readonly nodeId?: string; readonly silent?: true }
    | { readonly type: "DEADLINE" }
  );
