/** The gRPC services over a running core, as the configuration wants them. The server and its tests start the same ones. */
import type { Core } from "./actors/core.ts";
import type { Journal, Log } from "./actors/runtime/index.ts";
import { type Config, formatAddress } from "./config/index.ts";
import { systemClock, systemRandom } from "./observability/index.ts";
import { assignEndpoints, nodePolicy, submissionRules } from "./settings.ts";
import type { Queries } from "./store/queries/index.ts";
import type { CallerLimits } from "./transport/caller-limits.ts";
import { authenticator } from "./transport/grpc/caller.ts";
import { jobService } from "./transport/grpc/job-service.ts";
import { jobStatusService } from "./transport/grpc/job-status-service.ts";
import { listJobs, readMetrics } from "./transport/grpc/listings.ts";
import { nodeService } from "./transport/grpc/node-service.ts";
import { schedulingService } from "./transport/grpc/scheduling-service.ts";
import { type GrpcServer, startGrpcServer } from "./transport/grpc/server.ts";
import type { NodeTelemetry } from "./transport/node-telemetry.ts";
import type { IssueP2pToken } from "./transport/p2p-token.ts";
import { refusalFrom } from "./transport/problems.ts";
import { WaitingReasons } from "./transport/waiting-reasons.ts";

export interface ServicesOptions {
  readonly config: Config;
  readonly core: Core;
  readonly journal: Journal;
  readonly queries: Queries;
  readonly telemetry: NodeTelemetry;
  readonly issueP2pToken: IssueP2pToken;
  readonly callers: CallerLimits;
  readonly log: Log;
}

export interface Services extends GrpcServer {
  /** Ends open streams, so that their clients go elsewhere. */
  closeStreams(): void;
}

/** Starts them, not serving yet as far as health tells. */
export async function startServices(options: ServicesOptions): Promise<Services> {
  const { config, core, journal, queries, telemetry, issueP2pToken, callers, log } = options;
  const closing = new AbortController();
  const authenticate = authenticator(config.jwt.secret);
  const rules = submissionRules(config);
  const loadJob = (id: string) => journal.load({ kind: "job", id });
  const grpc = await startGrpcServer({
    address: formatAddress(config.server.grpcAddress),
    maxMessageBytes: config.limits.maxMessageBytes,
    maxOpenCalls: config.server.maxConnections,
    maxCallsPerConnection: config.limits.maxCallsPerConnection,
    callers: { limits: callers, authenticate, isNode: (id) => core.nodes.peek(id) !== undefined },
    toRefusal: (error) => refusalFrom(error, log),
    log,
    now: systemClock.now,
    jobs: jobService({
      core,
      authenticate,
      issueP2pToken,
      rules,
      waiting: new WaitingReasons(core, systemClock),
      maxQueueDepth: config.limits.maxQueueDepth,
      maxCommitBacklog: config.limits.maxCommitBacklog,
      maxCommitWait: config.limits.maxCommitWaitMs,
      now: systemClock.now,
      randomId: systemRandom.uuid,
      loadJob,
      listJobs: (filter) => listJobs(queries, filter),
      deleteJob: (id) => queries.jobs.delete(id),
      closing: closing.signal,
    }),
    nodes: nodeService({
      core,
      authenticate,
      policy: nodePolicy(config),
      defaultSlots: config.scheduler.maxJobsPerNode,
      assignEndpoints: assignEndpoints(config),
      randomId: systemRandom.uuid,
      noteMetrics: (nodeId, status, activeJobs) => telemetry.note(nodeId, status, activeJobs),
      readMetrics: (nodeId, from, to) => readMetrics(queries, nodeId, from, to),
    }),
    jobStatus: jobStatusService({ core, authenticate }),
    scheduling: schedulingService({ core, authenticate, rules, randomId: systemRandom.uuid, loadJob }),
  });
  return { ...grpc, closeStreams: () => closing.abort() };
}
