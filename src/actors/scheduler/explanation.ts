/**
 * The answer to "why is my job waiting?", and to "what would become of this job?" before it is submitted. Counted afresh
 * whenever it is asked, over every node (I10). Plain data: REST, gRPC and the command line show it as it is.
 */
import type { Unavailable, Unfit } from "../../domain/placement.ts";
import type { PastAttempt } from "../job/state.ts";
import type { Millis } from "../runtime/index.ts";

/** Why one node cannot take the job. Closed; documented in docs/scheduling.md. "excluded": this job was tried there a short while ago. "kept": it has the room, which is kept for a job that goes first. */
export type NodeReason = Unfit | Unavailable | "excluded" | "kept";

/** Why the job as a whole does not run. Closed; documented in docs/scheduling.md. */
export type WaitReason =
  /** Its price is not locked yet. */
  | "awaiting_funds"
  /** It failed, and is tried again at `until`. */
  | "retry_backoff"
  /** An offer to a node is under way. */
  | "placing"
  /** A node fits, and others go first. */
  | "queued_behind_others"
  /** An operator has paused brokering. */
  | "paused"
  /** Its owner runs as many jobs as allowed. */
  | "owner_limit"
  /** Nodes could run it, and all of those are taken at present. */
  | "no_capacity"
  /** Nodes could run it, and each of those is out of service, silent, or was tried a short while ago. */
  | "nodes_unavailable"
  /** No node could ever run it as it is. */
  | "no_matching_node"
  /** A gang: nodes fit, but not as many at a time (or in one region) as it needs. */
  | "gang_incomplete"
  /** No node has registered. */
  | "no_nodes"
  /** Set aside by the runtime until an operator releases it. */
  | "quarantined"
  /** Its node went silent; it goes on if it comes back before `until`. */
  | "node_silent";

export interface ScoreTerms {
  /** Each 0..1, before weighting. */
  readonly reputation: number;
  readonly availability: number;
  readonly capability: number;
  readonly uptime: number;
}

export interface Candidate {
  readonly nodeId: string;
  readonly name: string;
  readonly region: string;
  readonly score: number;
  readonly terms: ScoreTerms;
}

export interface NodeCounts {
  readonly total: number;
  /** Ruled out by nothing. `fitting` and the counts of `ruledOut` add up to `total`. */
  readonly fitting: number;
  readonly ruledOut: readonly { readonly reason: NodeReason; readonly nodes: number }[];
}

export interface Queueing {
  /** 1: next. Null when more than `POSITIONS_COUNTED` jobs are ahead, or when its owner is at its limit before its turn comes. */
  readonly position: number | null;
  readonly length: number;
}

export interface Explanation {
  readonly jobId: string;
  /** Dotted, as in docs/job-lifecycle.md. */
  readonly state: string;
  /** Null: it does not wait. */
  readonly reason: WaitReason | null;
  /** One sentence for people, made from the counts. */
  readonly summary: string;
  readonly nodes: NodeCounts;
  /** The best first, five at most. */
  readonly candidates: readonly Candidate[];
  /** Null while it is not queued. */
  readonly queue: Queueing | null;
  /** What would have to change for it to start, the most promising first. */
  readonly wouldHelp: readonly string[];
  readonly lastAttempt: PastAttempt | null;
  /** When the present state ends by itself. */
  readonly until: Millis | null;
}

export interface Plan {
  /** Base units, for the whole job. */
  readonly price: bigint;
  readonly nodesNeeded: number;
  readonly nodes: NodeCounts;
  readonly candidates: readonly Candidate[];
  readonly reason: WaitReason | null;
  readonly summary: string;
  readonly wouldHelp: readonly string[];
  readonly expectedStart: {
    /** "now": a node is free. "after_others": when work that runs at present ends, at about `at`. "unknown": nothing tells when. */
    readonly kind: "now" | "after_others" | "unknown";
    readonly at: Millis | null;
  };
}
