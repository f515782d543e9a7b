/** JobStatusService: the other way for nodes to report, which names no attempt and carries no signature. */
import type { ServiceImplementation } from "nice-grpc";
import type { Core } from "../../actors/core.ts";
import type { JobId } from "../../domain/ids.ts";
import { Refusal } from "../../domain/refusal.ts";
import type { Authenticate } from "./caller.ts";
import { count, finite, metrics, text, whole } from "./fields.ts";
import { requireJobId, requireNodeId } from "./ids.ts";
import { answerTo, attemptOf, reportingNode } from "./node-reports.ts";
import { type JobStatusServiceDefinition, StatusCode } from "./protocol.ts";

export interface JobStatusServiceDependencies {
  readonly core: Core;
  readonly authenticate: Authenticate;
}

export function jobStatusService({
  core,
  authenticate,
}: JobStatusServiceDependencies): ServiceImplementation<typeof JobStatusServiceDefinition> {
  return {
    async updateJobStatus(request, { metadata }) {
      const source = {
        jobId: await requireKnownJob(core, request.jobId),
        nodeId: requireNodeId("node_id", request.nodeId),
        attempt: attemptOf(metadata),
      };
      const report = {
        ...source,
        progress: finite("progress", request.progress, { min: 0, max: 1 }),
        epoch: whole("current_epoch", request.currentEpoch, { min: 0, max: 100_000 }),
        metrics: metrics("metrics", request.metrics),
        log: text("log_message", request.logMessage, { max: 10_000 }),
      };
      const node = await reportingNode(core, authenticate, source.nodeId, metadata);
      const verdict = await (() => {
        switch (request.status) {
          case StatusCode.STATUS_SUCCESS:
          case StatusCode.STATUS_COMPLETED:
            requireNoKey(node.snapshot.context.profile.publicKey);
            return core.reports.completed(source, noResult(report.metrics));
          case StatusCode.STATUS_ERROR:
          case StatusCode.STATUS_FAILED:
          case StatusCode.STATUS_CANCELLED:
            return core.reports.failed(source, report.log || "the node reported a failure without a reason", false);
          default:
            return core.reports.progress(report);
        }
      })();
      const answer = answerTo(verdict, source.nodeId, source.jobId);
      return { status: answer.status, shouldContinue: answer.goOn, error: answer.error };
    },

    async reportJobResult(request, { metadata }) {
      const source = {
        jobId: await requireKnownJob(core, request.jobId),
        nodeId: requireNodeId("node_id", request.nodeId),
        attempt: attemptOf(metadata),
      };
      const succeeded =
        request.finalStatus === StatusCode.STATUS_SUCCESS || request.finalStatus === StatusCode.STATUS_COMPLETED;
      const message = text("error_message", request.errorMessage, { max: 10_000 });
      const result = {
        weightsUri: text("model_weights_uri", request.modelWeightsUri, { max: 8192 }),
        weightsHash: text("model_weights_hash", request.modelWeightsHash, { max: 200 }),
        weightsSize: count("model_size", request.modelSize),
        metrics: metrics("final_metrics", request.finalMetrics),
        // Milliseconds here, seconds in ReportCompletion.
        computeSeconds: Math.round(count("total_compute_time", request.totalComputeTime) / 1000),
        signature: "",
      };
      const node = await reportingNode(core, authenticate, source.nodeId, metadata);
      if (succeeded) requireNoKey(node.snapshot.context.profile.publicKey);
      const verdict = succeeded
        ? await core.reports.completed(source, result)
        : await core.reports.failed(source, message || "the node reported a failure without a reason", false);
      const answer = answerTo(verdict, source.nodeId, source.jobId);
      return { status: answer.status, error: answer.error };
    },
  };
}

/**
 * Callers of this service are told first of all whether there is such a job, whoever they say they are. A job that has left
 * memory is asked for with a report that no attempt can have made.
 */
async function requireKnownJob(core: Core, given: string): Promise<JobId> {
  const jobId = requireJobId("job_id", given);
  if (core.jobs.peek(jobId)) return jobId;
  const verdict = await core.reports.started({ jobId, nodeId: "", attempt: null });
  if (verdict.kind === "unknown") throw new Refusal("not_found", `Job not found: ${jobId}`, { field: "job_id" });
  return jobId;
}

const noResult = (finalMetrics: Readonly<Record<string, number>>) => ({
  weightsUri: "",
  weightsHash: "",
  weightsSize: 0,
  metrics: finalMetrics,
  computeSeconds: 0,
  signature: "",
});

/** These messages have no place for a signature, so a node that has a key must use the call that has one. */
function requireNoKey(publicKey: string | null): void {
  if (publicKey !== null) {
    throw new Refusal(
      "failed_precondition",
      "this node registered a public key: report its results, signed, with NodeService.ReportCompletion",
    );
  }
}
