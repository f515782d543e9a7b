/** SchedulingService: why a job waits, and what would become of one that was not submitted. The twin of REST's routes. */
import type { ServiceImplementation } from "nice-grpc";
import type { Core } from "../../actors/core.ts";
import { nodesOfPast } from "../../actors/job/attempt.ts";
import type { JobContext, PastAttempt } from "../../actors/job/state.ts";
import type { StoredActor } from "../../actors/runtime/index.ts";
import type { Candidate, NodeCounts, Plan } from "../../actors/scheduler/explanation.ts";
import { invalid, notFound } from "../../domain/refusal.ts";
import { explainJob, type JobExplanation, type StoredJob } from "../explain.ts";
import { type Authenticate, requireOwner } from "./caller.ts";
import type {
  EndedAttempt,
  JobExplanation as ExplanationMessage,
  JobPlan,
  NodeCounts as NodeCountsMessage,
  SchedulingServiceDefinition,
} from "./generated/cyxwiz/scheduling.ts";
import { requireJobId } from "./ids.ts";
import type { DeepPartial } from "./protocol.ts";
import { readSubmission, type SubmissionRules } from "./submission.ts";

export interface SchedulingServiceDependencies {
  readonly core: Core;
  readonly authenticate: Authenticate;
  readonly rules: SubmissionRules;
  readonly randomId: () => string;
  /** Jobs that have left memory. */
  readonly loadJob: (id: string) => Promise<StoredActor | null>;
}

export function schedulingService({
  core,
  authenticate,
  rules,
  randomId,
  loadJob,
}: SchedulingServiceDependencies): ServiceImplementation<typeof SchedulingServiceDefinition> {
  const stored = async (id: string): Promise<StoredJob | null> => {
    const actor = await loadJob(id);
    return actor && { state: actor.state, context: (actor.snapshot as unknown as { context: JobContext }).context };
  };

  return {
    async explainJob({ jobId }, { metadata }) {
      const id = requireJobId("job_id", jobId);
      const caller = await authenticate(metadata);
      const found = core.jobs.peek(id) ? null : await stored(id);
      const owner = core.jobs.peek(id)?.snapshot.context.owner ?? found?.context.owner;
      const explanation = owner === undefined ? null : explainJob(core, id, found);
      if (owner === undefined || explanation === null) throw notFound(`job ${id}`);
      requireOwner(caller, owner, `job ${id}`);
      return explanationMessage(explanation);
    },

    async planJob({ config }, { metadata }) {
      const caller = await authenticate(metadata);
      if (!config) throw invalid("config", "is required: it says what to plan");
      const { input } = readSubmission(config, rules, { caller, idempotencyKey: undefined, randomId });
      const { spec, owner, price } = input;
      return planMessage(core.broker.plan({ spec, owner, price: BigInt(price) }));
    },
  };
}

/** int64 on the wire. */
const millis = (at: number | null | undefined): bigint => (at == null ? 0n : BigInt(Math.round(at)));

function explanationMessage(explanation: JobExplanation): DeepPartial<ExplanationMessage> {
  const { nodes, queue, lastAttempt, failure } = explanation;
  return {
    jobId: explanation.jobId,
    state: explanation.state,
    reason: explanation.reason ?? "",
    summary: explanation.summary,
    nodes: nodes ? countsMessage(nodes) : undefined,
    candidates: explanation.candidates.map(candidateMessage),
    queue: queue ? { position: queue.position ?? 0, length: queue.length } : undefined,
    wouldHelp: explanation.wouldHelp,
    lastAttempt: lastAttempt ? attemptMessage(lastAttempt) : undefined,
    untilMs: millis(explanation.until),
    failure: failure ?? undefined,
  };
}

function planMessage(plan: Plan): DeepPartial<JobPlan> {
  return {
    priceUnits: plan.price.toString(),
    nodesNeeded: plan.nodesNeeded,
    nodes: countsMessage(plan.nodes),
    candidates: plan.candidates.map(candidateMessage),
    reason: plan.reason ?? "",
    summary: plan.summary,
    wouldHelp: plan.wouldHelp,
    expectedStart: plan.expectedStart.kind,
    expectedStartMs: millis(plan.expectedStart.at),
  };
}

const countsMessage = ({ total, fitting, ruledOut }: NodeCounts): DeepPartial<NodeCountsMessage> => ({
  total,
  fitting,
  ruledOut: ruledOut.map(({ reason, nodes }) => ({ reason, nodes })),
});

const candidateMessage = ({ nodeId, name, region, score, terms }: Candidate) => ({
  nodeId,
  name,
  region,
  score,
  terms,
});

const attemptMessage = (attempt: PastAttempt): DeepPartial<EndedAttempt> => ({
  number: attempt.number,
  nodeIds: nodesOfPast(attempt),
  offeredAtMs: millis(attempt.offeredAt),
  startedAtMs: millis(attempt.startedAt),
  endedAtMs: millis(attempt.endedAt),
  outcome: attempt.outcome,
  message: attempt.message,
});
