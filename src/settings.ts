/** The configuration, as the parts of the server want it. Pure. */
import type { JobPolicy } from "./actors/job/state.ts";
import type { NodePolicy } from "./actors/node/state.ts";
import type { Fairness } from "./actors/scheduler/broker.ts";
import { type Config, formatAddress, isLoopback } from "./config/index.ts";
import type { SubmissionRules } from "./transport/grpc/submission.ts";
import type { Access } from "./transport/rest/index.ts";

/** A job may lose its node this often before it fails: well beyond bad luck, well short of for ever. */
const MAX_LOSSES = 10;

export function submissionRules({ scheduler, blockchain, server }: Config): SubmissionRules {
  const policy: Omit<JobPolicy, "runTimeout"> = {
    fundsTimeout: blockchain.fundingTimeoutMs,
    queueTimeout: scheduler.queueTimeoutMs,
    offerTimeout: scheduler.offerTimeoutMs,
    exclusion: scheduler.offerExclusionMs,
    startTimeout: scheduler.startTimeoutMs,
    gracePeriod: scheduler.gracePeriodMs,
    maxRetries: scheduler.maxRetries,
    maxLosses: MAX_LOSSES,
    backoff: scheduler.retryBackoffMs,
    maxBackoff: scheduler.retryBackoffMaxMs,
    ...(scheduler.stopAfterMs > 0 && { stopAfter: scheduler.stopAfterMs }),
    reconcile: scheduler.reconcile,
    maxDuration: scheduler.maxDurationMs,
  };
  const { runTimeoutFactor, maxRunMs, maxQueuedPerOwner } = scheduler;
  const anonymous = isLoopback(server.grpcAddress);
  const payment = paysJobs({ blockchain }) ? { feeBps: feeBps({ blockchain }), anonymous } : undefined;
  return { policy, runTimeoutFactor, maxRunMs, maxQueuedPerOwner, ...(payment && { payment }) };
}

/** Whether any job is paid through escrow. */
export const paysJobs = ({ blockchain }: Pick<Config, "blockchain">): boolean =>
  blockchain.enabled && blockchain.paidJobs !== "none";

/** The platform's share, in hundredths of a percent: what the escrow program takes. */
export const feeBps = ({ blockchain }: Pick<Config, "blockchain">): number =>
  Math.round(blockchain.platformFeePercent * 100);

export const nodePolicy = ({ scheduler }: Config): NodePolicy => ({
  heartbeatTimeout: scheduler.nodeHeartbeatTimeoutMs,
  gracePeriod: scheduler.gracePeriodMs,
  ...(scheduler.nodeFailureLimit > 0 && {
    failureLimit: scheduler.nodeFailureLimit,
    setAside: scheduler.nodeSetAsideMs,
  }),
});

export const fairness = ({ scheduler }: Config): Fairness => ({
  weightOf: (owner) => scheduler.ownerWeights.get(owner) ?? 1,
  maxRunningPerOwner: scheduler.maxRunningPerOwner || Number.POSITIVE_INFINITY,
  patience: scheduler.patienceMs || Number.POSITIVE_INFINITY,
});

/** Without a secret for operators' tokens, callers on this machine are operators where nobody else can call (rest/access.ts). */
export const restAccess = ({ jwt, server }: Config): Access => ({
  userSecret: jwt.secret,
  adminSecret: jwt.adminSecret,
  loopback: isLoopback(server.restAddress),
});

export const assignEndpoints = ({ nodeLink }: Config): Readonly<Record<string, string>> =>
  Object.fromEntries([...nodeLink.assignEndpoints].map(([nodeId, address]) => [nodeId, formatAddress(address)]));

/** The node must answer, and the answer reach us, before the job's own offer deadline. */
export function nodeLinkTimes({ nodeLink, scheduler }: Config) {
  const connectTimeout = Math.min(nodeLink.connectTimeoutMs, scheduler.offerTimeoutMs / 3);
  return {
    portOffset: nodeLink.assignPortOffset,
    connectTimeout,
    probeTimeout: nodeLink.probeTimeoutMs,
    answerTimeout: (scheduler.offerTimeoutMs - connectTimeout) * 0.9,
  };
}
