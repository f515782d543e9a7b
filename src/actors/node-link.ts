/** The port through which actors reach nodes. `transport/node-link.ts` implements it over gRPC; a simulator can too. */
import type { JobSpec } from "../domain/job-spec.ts";
import type { NodeProfile } from "../domain/node-profile.ts";

export interface NodeTarget {
  readonly nodeId: string;
  readonly profile: NodeProfile;
}

export interface Offer {
  readonly target: NodeTarget;
  readonly jobId: string;
  readonly attempt: number;
  readonly spec: JobSpec;
  readonly userWallet: string;
  /** Base units, as decimal text. */
  readonly price: string;
  /** Told to a member of a gang; null for a job on one node. */
  readonly gang: GangRole | null;
  /** Milliseconds without contact to the server after which the node is to stop the run itself; null: never. */
  readonly stopAfter: number | null;
}

/** What one member of a gang must know of the others. */
export interface GangRole {
  readonly rank: number;
  readonly size: number;
  /** Rank 0's node, at whose AssignJob endpoint the members meet. */
  readonly rendezvous: NodeTarget;
}

export type OfferReply =
  | { readonly accepted: true }
  | {
      readonly accepted: false;
      /**
       * "unreachable": surely not received. "no_answer": perhaps received and accepted. "rejected": not now.
       * "invalid": the node says that the job itself is malformed.
       */
      readonly outcome: "rejected" | "invalid" | "unreachable" | "no_answer";
      readonly message: string;
    };

export interface NodeLink {
  /** Calls AssignJob. Never throws for what a node or the network does; rejects only when `signal` is aborted. */
  offer(offer: Offer, signal: AbortSignal): Promise<OfferReply>;
  /** Whether something answers where AssignJob would go. Never throws. */
  probe(target: NodeTarget, signal: AbortSignal): Promise<boolean>;
}
