/** "Why is my job waiting?" for both transports: from the broker while the job lives, from how it ended afterwards. */
import type { Core } from "../actors/core.ts";
import { type CommittedJob, errorMessageOf, isTerminal, jobStatusOf } from "../actors/job/kind.ts";
import type { FailureCode, JobContext } from "../actors/job/state.ts";
import type { Explanation, NodeCounts } from "../actors/scheduler/explanation.ts";
import { SCHEDULER_ID } from "../actors/scheduler/machine.ts";

export interface JobExplanation extends Omit<Explanation, "nodes"> {
  /** Null: it has ended, and no node is asked about it any more. */
  readonly nodes: NodeCounts | null;
  /** Null: it has not failed and was not cancelled. */
  readonly failure: { readonly code: FailureCode | "cancelled"; readonly message: string } | null;
}

/** A job as it is stored. */
export interface StoredJob {
  readonly state: string;
  readonly context: JobContext;
}

/** @param stored what the database holds; counts only where the job is not in memory */
export function explainJob(core: Core, id: string, stored: StoredJob | null): JobExplanation | null {
  const live = core.jobs.peek(id);
  if (live && !hasEnded(live.state)) return { ...explained(core, live), failure: null };
  const found = live ? { state: live.state, context: live.snapshot.context } : stored;
  return found && (hasEnded(found.state) ? explainEnd(found) : explainMissing(found));
}

/** Null: it does not wait. At the full price of an explanation; waiting-reasons.ts spares it. */
export function explainWaiting(core: Core, job: CommittedJob): Explanation | null {
  return jobStatusOf(job.state) === "pending" ? explained(core, job) : null;
}

/** The broker knows that it is paused, or has no money yet; why, the scheduler's actor and the payment's. */
function explained(core: Core, job: CommittedJob): Explanation {
  const explanation = core.broker.explain(job);
  const why =
    explanation.reason === "paused"
      ? core.scheduler.peek(SCHEDULER_ID)?.snapshot.context.reason
      : explanation.reason === "awaiting_funds"
        ? core.payments?.peek(job.ref.id)?.snapshot.context.problem?.message
        : null;
  return why ? { ...explanation, summary: `${explanation.summary}: ${why}` } : explanation;
}

const hasEnded = (state: string): boolean => isTerminal(jobStatusOf(state));

const unasked = { candidates: [], queue: null, wouldHelp: [], until: null } as const;

function explainEnd({ state, context }: StoredJob): JobExplanation {
  const message = errorMessageOf(context);
  return {
    jobId: context.id,
    state,
    reason: null,
    summary: message ?? `it is ${state}`,
    nodes: null,
    ...unasked,
    lastAttempt: context.history.at(-1) ?? null,
    failure: message === null ? null : { code: context.failure?.code ?? "cancelled", message },
  };
}

/** It has not ended and no actor stands for it: its stored state could not be loaded. */
function explainMissing({ state, context }: StoredJob): JobExplanation {
  return {
    jobId: context.id,
    state,
    reason: "quarantined",
    summary: "its stored state cannot be loaded, and it waits for an operator to release it",
    nodes: null,
    ...unasked,
    lastAttempt: context.history.at(-1) ?? null,
    failure: null,
  };
}
