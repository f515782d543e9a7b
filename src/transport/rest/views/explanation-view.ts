/** Explanations and plans as JSON. */

import type { PastAttempt } from "../../../actors/job/state.ts";
import type { Candidate, NodeCounts, Plan } from "../../../actors/scheduler/explanation.ts";
import type { JobExplanation } from "../../explain.ts";
import { isoFromMillis, wideInteger } from "../json.ts";

export function explanationView(explanation: JobExplanation) {
  const { nodes, lastAttempt } = explanation;
  return {
    job_id: explanation.jobId,
    state: explanation.state,
    reason: explanation.reason,
    summary: explanation.summary,
    nodes: nodes && countsView(nodes),
    candidates: explanation.candidates.map(candidateView),
    queue: explanation.queue && { position: explanation.queue.position, length: explanation.queue.length },
    would_help: explanation.wouldHelp,
    last_attempt: lastAttempt && pastAttemptView(lastAttempt),
    until: isoFromMillis(explanation.until),
    failure: explanation.failure,
  };
}

export function planView({ expectedStart, ...plan }: Plan) {
  return {
    price: wideInteger(plan.price),
    nodes_needed: plan.nodesNeeded,
    nodes: countsView(plan.nodes),
    candidates: plan.candidates.map(candidateView),
    reason: plan.reason,
    summary: plan.summary,
    would_help: plan.wouldHelp,
    expected_start: { kind: expectedStart.kind, at: isoFromMillis(expectedStart.at) },
  };
}

const countsView = ({ total, fitting, ruledOut }: NodeCounts) => ({
  total,
  fitting,
  ruled_out: ruledOut.map(({ reason, nodes }) => ({ reason, nodes })),
});

const candidateView = ({ nodeId, name, region, score, terms }: Candidate) => ({
  node_id: nodeId,
  name,
  region,
  score,
  terms: {
    reputation: terms.reputation,
    availability: terms.availability,
    capability: terms.capability,
    uptime: terms.uptime,
  },
});

export const pastAttemptView = (attempt: PastAttempt) => ({
  number: attempt.number,
  node_id: attempt.nodeId,
  /** By rank; one, unless a gang ran it. */
  node_ids: attempt.nodeIds ?? [attempt.nodeId],
  offered_at: isoFromMillis(attempt.offeredAt),
  started_at: isoFromMillis(attempt.startedAt),
  ended_at: isoFromMillis(attempt.endedAt),
  outcome: attempt.outcome as string | null,
  message: attempt.message,
});
