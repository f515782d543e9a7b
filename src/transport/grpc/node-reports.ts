/**
 * What NodeService and JobStatusService share: who reports, on which attempt, and what the verdict means for the node.
 */
import { createPublicKey, verify } from "node:crypto";
import type { Metadata } from "nice-grpc-common";
import type { Core } from "../../actors/core.ts";
import { hasServed, isLiveOn, nodesOfPast } from "../../actors/job/attempt.ts";
import type { ReportSource, ReportVerdict } from "../../actors/job/reports.ts";
import type { CommittedNode } from "../../actors/node/kind.ts";
import { invalid, Refusal } from "../../domain/refusal.ts";
import { resultStatement, type SignedResult } from "../../domain/result-signature.ts";
import type { Authenticate, Caller } from "./caller.ts";
import { type DeepPartial, type ProtocolError, StatusCode } from "./protocol.ts";

/** The attempt a node speaks of, where it says so in metadata; the wire messages have no field for it. */
export function attemptOf(metadata: Metadata): number | null {
  const given = metadata.get("cyxwiz-attempt");
  if (given === undefined) return null;
  const attempt = Number(given);
  if (!Number.isInteger(attempt) || attempt < 1 || attempt > 2 ** 31) {
    throw invalid("cyxwiz-attempt", `${JSON.stringify(given.slice(0, 20))} is not the number of an attempt`);
  }
  return attempt;
}

/**
 * The registered node that reports. A token that is shown must be that of the node's own user; it may have expired, for a
 * long run outlives the token its node signed in with, and its result must not be lost for that.
 */
export async function reportingNode(
  core: Core,
  authenticate: Authenticate,
  nodeId: string,
  metadata: Metadata,
): Promise<CommittedNode> {
  const caller = await authenticate(metadata, { allowExpired: true });
  const node = core.nodes.peek(nodeId);
  if (!node)
    throw new Refusal("not_found", `node ${nodeId} is not registered; call RegisterNode first`, { field: "node_id" });
  requireNodeOf(caller, node);
  core.rollCall.heard(nodeId);
  return node;
}

export function requireNodeOf(caller: Caller, node: CommittedNode): void {
  const { userId } = node.snapshot.context.profile;
  if (caller.userId !== null && userId !== null && caller.userId !== userId) {
    throw new Refusal("permission_denied", `node ${node.ref.id} belongs to somebody else`, { field: "node_id" });
  }
}

/** How a verdict is answered, apart from the message's own fields. */
export interface VerdictAnswer {
  readonly status: StatusCode;
  /** False: the node must stop this job. */
  readonly goOn: boolean;
  readonly error: DeepPartial<ProtocolError> | undefined;
}

/** @throws Refusal for a job that does not exist or never was this node's. */
export function answerTo(verdict: ReportVerdict, nodeId: string, jobId: string): VerdictAnswer {
  switch (verdict.kind) {
    case "taken":
    case "repeated":
      return { status: StatusCode.STATUS_SUCCESS, goOn: verdict.job.snapshot.context.live !== null, error: undefined };
    case "unknown":
      throw new Refusal("not_found", `Job not found: ${jobId}`, { field: "job_id" });
    case "superseded": {
      const { context } = verdict.job.snapshot;
      if (!hasServed(context, nodeId)) {
        throw new Refusal("permission_denied", `job ${jobId} is not assigned to node ${nodeId}`, { field: "job_id" });
      }
      const message = `this attempt is over: the job is ${verdict.job.state}; stop it`;
      return { status: StatusCode.STATUS_CANCELLED, goOn: false, error: { code: 409, message } };
    }
  }
}

/** The 12 bytes that make a raw ed25519 key an SPKI document (RFC 8410). */
const SPKI_PREFIX = Buffer.from("302a300506032b6570032100", "hex");

/**
 * The attempt that a signature must speak for, where the node does not say: its live one, else its newest. Null when the job
 * is not in memory, and so has no live attempt: a report then changes nothing, signed or not.
 */
export function signedAttempt(core: Core, { nodeId, jobId, attempt }: ReportSource): number | null {
  const job = core.jobs.peek(jobId)?.snapshot.context;
  if (!job) return null;
  if (attempt !== null) return attempt;
  if (job.live !== null && isLiveOn(job, nodeId)) return job.live.number;
  return job.history.findLast((past) => nodesOfPast(past).includes(nodeId))?.number ?? 0;
}

/** Refuses a result that the node's registered key did not sign. A node without a key signs nothing. */
export function requireSignature(publicKey: string | null, result: SignedResult, signature: Uint8Array): void {
  if (publicKey === null) return;
  if (signature.length === 0) {
    throw invalid("signature", "is required: this node registered a public key, so its results must be signed with it");
  }
  const key = createPublicKey({
    key: Buffer.concat([SPKI_PREFIX, Buffer.from(publicKey, "hex")]),
    format: "der",
    type: "spki",
  });
  if (!verify(null, Buffer.from(resultStatement(result)), key, signature)) {
    throw new Refusal("permission_denied", "signature: does not match the node's registered key and this result", {
      field: "signature",
    });
  }
}
