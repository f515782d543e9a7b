/** NodeService: what Server Nodes say to the server. AssignJob goes the other way and is not served here. */
import type { ServiceImplementation } from "nice-grpc";
import type { Core } from "../../actors/core.ts";
import { type CommittedNode, isPresent, noticeOf } from "../../actors/node/kind.ts";
import type { NodePolicy } from "../../actors/node/state.ts";
import { parseJobId, parseNodeId } from "../../domain/ids.ts";
import { type NodeProfile, STARTING_REPUTATION } from "../../domain/node-profile.ts";
import { invalid, notFound, Refusal } from "../../domain/refusal.ts";
import type { Authenticate, Caller } from "./caller.ts";
import { count, finite, metrics, text, whole } from "./fields.ts";
import { requireJobId, requireNodeId } from "./ids.ts";
import { answerTo, attemptOf, reportingNode, requireNodeOf, requireSignature, signedAttempt } from "./node-reports.ts";
import {
  type DeepPartial,
  type JobResult,
  type MetricPoint,
  type NodeInfo,
  type NodeServiceDefinition,
  StatusCode,
} from "./protocol.ts";
import { readProfile } from "./registration.ts";

export interface NodeServiceDependencies {
  readonly core: Core;
  readonly authenticate: Authenticate;
  readonly policy: NodePolicy;
  readonly defaultSlots: number;
  /** Where the operator says that particular nodes serve AssignJob. */
  readonly assignEndpoints: Readonly<Record<string, string>>;
  readonly randomId: () => string;
  /** Takes note of what a heartbeat says about the machine; not waited for. */
  readonly noteMetrics: (nodeId: string, status: NodeInfo | undefined, activeJobs: number) => void;
  readonly readMetrics: (
    nodeId: string,
    from: number | null,
    to: number | null,
  ) => Promise<readonly DeepPartial<MetricPoint>[]>;
}

const MAX_ACTIVE_JOBS = 10_000;

export function nodeService(deps: NodeServiceDependencies): ServiceImplementation<typeof NodeServiceDefinition> {
  const { core, authenticate } = deps;

  return {
    async registerNode({ info, publicKey, authenticationToken }, { metadata }) {
      const caller = await authenticate(metadata, { spare: authenticationToken });
      if (!info) throw invalid("info", "Node info is required");
      const givenId = text("info.node_id", info.nodeId, { max: 64 });
      const claimed = parseNodeId(givenId);
      const stated = readProfile(
        info,
        publicKey,
        caller,
        {
          assignEndpoint: metadata.get("cyxwiz-assign-endpoint"),
          slots: metadata.get("cyxwiz-slots"),
          features: metadata.get("cyxwiz-features"),
        },
        { slots: deps.defaultSlots, assignEndpoint: claimed ? deps.assignEndpoints[claimed] : undefined },
      );
      const bootId = text("cyxwiz-boot-id", metadata.get("cyxwiz-boot-id") ?? "", { max: 64 });
      const known = recognise(core, claimed, stated, caller);
      const nodeId = known?.ref.id ?? claimed ?? deps.randomId();
      const profile = known ? continued(known.snapshot.context.profile, stated) : stated;
      const { policy } = deps;
      const { created } = await core.nodes.create(nodeId, {
        id: nodeId,
        profile,
        policy,
        bootId,
        reputation: STARTING_REPUTATION,
      });
      if (!created) await core.nodes.ask(nodeId, { type: "REGISTERED", profile, policy, bootId });
      return { status: StatusCode.STATUS_SUCCESS, nodeId, sessionToken: `session_${deps.randomId()}` };
    },

    async heartbeat({ nodeId, currentStatus, activeJobs }, { metadata, header }) {
      const id = requireNodeId("node_id", nodeId);
      // Nodes run for weeks on one token: an expired one still proves who a registered node's user is.
      const caller = await authenticate(metadata, { allowExpired: true });
      const node = core.nodes.peek(id);
      if (!node)
        throw new Refusal("not_found", `node ${id} is not registered; call RegisterNode first`, { field: "node_id" });
      requireNodeOf(caller, node);
      if (activeJobs.length > MAX_ACTIVE_JOBS) {
        throw invalid("active_jobs", `has ${activeJobs.length} entries; at most ${MAX_ACTIVE_JOBS} are allowed`);
      }
      // Whatever the spelling of an id, it is the same job; the answer names it as the node did.
      const canonical = activeJobs.map((jobId) => parseJobId(jobId) ?? jobId);
      const reply = await core.rollCall.heartbeat({ nodeId: id, activeJobs: canonical });
      const toCancel = new Set(reply.jobsToCancel);
      const jobsToCancel = activeJobs.filter((_, index) => toCancel.has(canonical[index] ?? ""));
      deps.noteMetrics(id, currentStatus, activeJobs.length);
      const now = core.nodes.peek(id);
      const notice = now ? noticeOf(now.snapshot) : null;
      if (notice !== null) header.set("cyxwiz-notice", inMetadata(notice));
      return { status: StatusCode.STATUS_SUCCESS, keepAlive: true, jobsToCancel };
    },

    async assignJob() {
      throw new Refusal("unimplemented", "AssignJob is called by the server on nodes, not the other way");
    },

    async reportProgress({ nodeId, jobId, status, currentMetrics }, { metadata }) {
      const source = {
        nodeId: requireNodeId("node_id", nodeId),
        jobId: requireJobId("job_id", jobId),
        attempt: attemptOf(metadata),
      };
      const merged = { ...status?.metrics, ...currentMetrics };
      const report = {
        ...source,
        progress: finite("status.progress", status?.progress ?? 0, { min: 0, max: 1 }),
        epoch: whole("status.current_epoch", status?.currentEpoch ?? 0, { min: 0, max: 100_000 }),
        metrics: metrics("current_metrics", merged),
        log: "",
      };
      await reportingNode(core, authenticate, source.nodeId, metadata);
      const answer = answerTo(await core.reports.progress(report), source.nodeId, source.jobId);
      return { status: answer.status, continueJob: answer.goOn, error: answer.error };
    },

    async reportCompletion({ nodeId, jobId, result, signature }, { metadata }) {
      const source = {
        nodeId: requireNodeId("node_id", nodeId),
        jobId: requireJobId("job_id", jobId),
        attempt: attemptOf(metadata),
      };
      if (!result) throw invalid("result", "is required: it says how the job ended");
      const outcome = outcomeOf(result);
      const weights = {
        weightsUri: text("result.model_weights_uri", result.modelWeightsUri, { max: 8192 }),
        weightsHash: text("result.model_weights_hash", result.modelWeightsHash, { max: 200 }),
        weightsSize: count("result.model_size", result.modelSize),
      };
      const finalMetrics = metrics("result.final_metrics", result.finalMetrics);
      const computeSeconds = count("result.total_compute_time", result.totalComputeTime);
      const node = await reportingNode(core, authenticate, source.nodeId, metadata);
      const { publicKey } = node.snapshot.context.profile;
      const attempt = signedAttempt(core, source);
      if (attempt !== null) requireSignature(publicKey, { ...source, attempt, outcome, ...weights }, signature);
      // What was signed for one attempt must not count for another that begins meanwhile.
      const report = publicKey === null ? source : { ...source, attempt };
      if (publicKey !== null && outcome === "completed" && weights.weightsHash === "") {
        throw invalid("result.model_weights_hash", "is required: it is what the signature vouches for");
      }
      const verdict =
        outcome === "completed"
          ? await core.reports.completed(report, {
              ...weights,
              metrics: finalMetrics,
              computeSeconds,
              signature: Buffer.from(signature).toString("hex"),
            })
          : await core.reports.failed(report, failureMessage(result), false);
      const answer = answerTo(verdict, source.nodeId, source.jobId);
      // No money is locked yet, so none is released; saying so is better than inventing a transaction.
      return { status: answer.status, paymentReleased: false, paymentTxHash: "", error: answer.error };
    },

    async getNodeMetrics({ nodeId, startTime, endTime }, { metadata }) {
      const id = requireNodeId("node_id", nodeId);
      await authenticate(metadata);
      if (!core.nodes.peek(id)) throw notFound(`node ${id}`);
      const from = timeOf("start_time", startTime);
      const to = timeOf("end_time", endTime);
      if (from !== null && to !== null && from > to) throw invalid("end_time", "lies before start_time");
      return { metrics: await deps.readMetrics(id, from, to) };
    },

    async notifyJobAccepted({ nodeId, jobId }, { metadata }) {
      const source = {
        nodeId: requireNodeId("node_id", nodeId),
        jobId: requireJobId("job_id", jobId),
        attempt: attemptOf(metadata),
      };
      await reportingNode(core, authenticate, source.nodeId, metadata);
      const answer = answerTo(await core.reports.started(source), source.nodeId, source.jobId);
      return { status: answer.status, acknowledged: answer.goOn, error: answer.error };
    },
  };
}

/**
 * What stays of a known node when it registers again. Its user: a call without a token is the operator's, who takes no node
 * away. Its devices, when it lists none: the C++ node does so when its GUI has switched all of them off for a moment.
 */
const continued = (before: NodeProfile, stated: NodeProfile): NodeProfile => ({
  ...stated,
  userId: stated.userId ?? before.userId,
  devices: stated.devices.length > 0 ? stated.devices : before.devices,
});

/**
 * Which known node this is, if any. By its id, as nodes keep theirs; by its key, for one that lost its id; by its
 * address, for a C++ node that lost its file, but only while nothing else speaks from there. Claiming a wallet proves
 * nothing and finds nobody.
 */
function recognise(
  core: Core,
  claimed: string | null,
  profile: NodeProfile,
  caller: Caller,
): CommittedNode | undefined {
  const byId = claimed === null ? undefined : core.nodes.peek(claimed);
  if (byId) {
    requireNodeOf(caller, byId);
    const { publicKey } = byId.snapshot.context.profile;
    if (publicKey !== null && publicKey !== profile.publicKey) {
      throw new Refusal("permission_denied", `public_key: node ${claimed} registered another key before`, {
        field: "public_key",
      });
    }
    return byId;
  }
  if (claimed !== null) return undefined;
  for (const node of core.nodes.live()) {
    const other = node.snapshot.context.profile;
    if (other.userId !== profile.userId) continue;
    if (profile.publicKey !== null) {
      if (other.publicKey === profile.publicKey) return node;
      continue;
    }
    const sameAddress = other.ipAddress === profile.ipAddress && other.port === profile.port;
    if (other.publicKey === null && sameAddress && !isPresent(node.snapshot)) return node;
  }
  return undefined;
}

/** Metadata carries printable ASCII, and a proxy takes no more than a few kilobytes of it. */
const inMetadata = (text: string): string =>
  text
    .slice(0, 500)
    .toWellFormed()
    .replaceAll(/[^ -$&-~]+/g, encodeURIComponent);

/** The year 9999: beyond what a client can mean, within what JavaScript and PostgreSQL can say. */
const LAST_SECOND = 253_402_300_799n;

/** Milliseconds; null for 0, which stands for no bound. */
function timeOf(field: string, seconds: bigint): number | null {
  if (seconds < 0n) throw invalid(field, `${seconds} is not allowed; use unix seconds, or 0 for no bound`);
  return seconds === 0n ? null : Number(seconds < LAST_SECOND ? seconds : LAST_SECOND) * 1000;
}

function outcomeOf(result: JobResult): "completed" | "failed" {
  switch (result.status) {
    case StatusCode.STATUS_SUCCESS:
    case StatusCode.STATUS_COMPLETED:
      return "completed";
    case StatusCode.STATUS_ERROR:
    case StatusCode.STATUS_FAILED:
    case StatusCode.STATUS_CANCELLED:
      return "failed";
    default:
      throw invalid(
        "result.status",
        `${result.status} is no way to end; use 5 (completed), 6 (failed) or 7 (cancelled)`,
      );
  }
}

/** The message has no field for a reason; our node puts it where proofs would go. */
function failureMessage(result: JobResult): string {
  const reason = text("result.proof_of_compute", result.proofOfCompute, { max: 2000 });
  if (reason !== "") return reason;
  return result.status === StatusCode.STATUS_CANCELLED
    ? "the node cancelled it"
    : "the node reported a failure without a reason";
}
