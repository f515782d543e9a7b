/** Why a job waits, what would become of one that was not submitted, and what its owner has to say of a node. */

import type { PastAttempt } from "../../../actors/job/state.ts";
import { EventRejected } from "../../../actors/runtime/index.ts";
import { parseUuid } from "../../../domain/ids.ts";
import { invalid, Refusal } from "../../../domain/refusal.ts";
import { explainJob } from "../../explain.ts";
import { ANONYMOUS, type Caller as GrpcCaller } from "../../grpc/caller.ts";
import { JobConfig } from "../../grpc/protocol.ts";
import { readSubmission } from "../../grpc/submission.ts";
import { readJobDocument } from "../../job-file/index.ts";
import { unauthenticated } from "../../tokens.ts";
import { type Caller, callerOf, requireOwnJob } from "../access.ts";
import { jsonBody, MAX_REASON, onlyFields, textField } from "../body.ts";
import { ref } from "../openapi/schema.ts";
import { idOf, unknown } from "../request.ts";
import type { Route } from "../route.ts";
import { explanationView, planView } from "../views/explanation-view.ts";
import { idParameter } from "./parameters.ts";

export const jobExplanation: Route = {
  method: "GET",
  path: "/api/v1/jobs/{id}/explain",
  id: "explainJob",
  tag: "Jobs",
  summary: "Why a job waits, and what would help",
  description:
    "Counted afresh over every node. The reasons are a closed list (docs/scheduling.md). A job that has ended is answered with how it ended. A user's token shows the user's own jobs only.",
  parameters: [idParameter("job")],
  reply: { description: "The explanation.", schema: ref("Explanation") },
  problems: [400, 401, 403, 404],
  handle: async (context, services) => {
    const id = idOf(context, "job");
    const caller = await callerOf(context, services);
    const detail = await services.queries.jobs.detail(id);
    const stored = detail?.context ? { state: detail.row.state, context: detail.context } : null;
    // Read before it is judged whose it is, so that both come from the same moment.
    const owner = services.core.jobs.peek(id)?.snapshot.context.owner ?? stored?.context.owner;
    const explanation = owner === undefined ? null : explainJob(services.core, id, stored);
    if (owner === undefined || explanation === null) throw unknown("job", id);
    requireOwnJob(caller, owner, id);
    return context.json(explanationView(explanation));
  },
};

export const jobPlan: Route = {
  method: "POST",
  path: "/api/v1/jobs/plan",
  id: "planJob",
  tag: "Jobs",
  summary: "Price, matching nodes and expected start of a job, without submitting it",
  description:
    "The body is a job file (docs/cli.md): the fields of JobConfig in snake_case. It is checked as SubmitJob would check it, and nothing is stored.",
  body: ref("JobFile"),
  reply: { description: "The plan.", schema: ref("Plan") },
  problems: [400, 401, 403, 413, 415],
  handle: async (context, services) => {
    const caller = await callerOf(context, services);
    const { config, problems } = readJobDocument(await jsonBody(context, services.limits.maxBodyBytes));
    const [first] = problems;
    if (first !== undefined) {
      const message = problems.map((one) => one.message).join("; ");
      throw new Refusal("invalid_argument", message, { field: first.field });
    }
    const { input } = submissionOf(JobConfig.create(config), caller, services.rules);
    const { spec, owner } = input;
    return context.json(planView(services.core.broker.plan({ spec, owner, price: BigInt(input.price) })));
  },
};

/** The wire's checks name its fields; a job file has no "config" around them. */
function submissionOf(config: JobConfig, caller: Caller, rules: Parameters<typeof readSubmission>[1]) {
  try {
    const randomId = () => crypto.randomUUID();
    return readSubmission(config, rules, { caller: asOwner(caller), idempotencyKey: undefined, randomId });
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    const plain = (text: string) => text.replace(/^config\.?/, "");
    const { field } = error.details;
    throw new Refusal(error.code, plain(error.message), field === undefined ? {} : { field: plain(field) || "body" });
  }
}

const asOwner = (caller: Caller): GrpcCaller =>
  caller.kind === "user" ? { userId: caller.userId, wallet: caller.wallet } : ANONYMOUS;

export const jobComplaint: Route = {
  method: "POST",
  path: "/api/v1/jobs/{id}/complaint",
  id: "complainAboutAttempt",
  tag: "Jobs",
  summary: "Says that the node did the job badly",
  description:
    "About the newest attempt that began and has ended; it costs the node 10 points of reputation, once per attempt. The job's owner may say so, with their token, and so may an operator.",
  parameters: [idParameter("job")],
  body: ref("ComplaintRequest"),
  reply: { description: "What was recorded.", schema: ref("Complaint") },
  problems: [400, 401, 403, 404, 409, 413, 415],
  handle: async (context, services) => {
    const id = idOf(context, "job");
    const caller = await callerOf(context, services);
    if (caller.kind === "anonymous") throw unauthenticated("send the token of the job's owner, or an operator's");
    const body = await jsonBody(context, services.limits.maxBodyBytes);
    onlyFields(body, ["reason", "node_id"]);
    const reason = textField(body, "reason", { max: MAX_REASON, why: "it is kept with the node's record" });
    const job = (await services.queries.jobs.detail(id))?.context;
    if (!job) throw unknown("job", id);
    requireOwnJob(caller, job.owner, id);
    const attempt = job.history.findLast(({ startedAt }) => startedAt !== null);
    if (attempt === undefined) {
      throw new Refusal("failed_precondition", `job ${id} has no attempt that began and has ended yet`);
    }
    const nodeId = nodeOf(attempt, body.node_id);
    try {
      await services.core.nodes.ask(nodeId, {
        type: "COMPLAINT",
        jobId: id,
        jobCreatedAt: job.createdAt,
        attempt: attempt.number,
        reason,
        by: caller.kind === "user" ? caller.userId : caller.name,
      });
    } catch (error) {
      if (!(error instanceof EventRejected)) throw error;
      throw new Refusal(
        "already_exists",
        `attempt ${attempt.number} of job ${id} on node ${nodeId} has been complained about already`,
      );
    }
    return context.json({ job_id: id, attempt: attempt.number, node_id: nodeId, reason });
  },
};

/** Which of a gang's nodes did badly only its owner can say; blaming rank 0 for all would be a guess. */
function nodeOf({ nodeId, nodeIds }: PastAttempt, named: unknown): string {
  const nodes = nodeIds ?? [nodeId];
  if (named === undefined && nodes.length === 1) return nodeId;
  const given = typeof named === "string" ? parseUuid(named) : null;
  if (given !== null && nodes.includes(given)) return given;
  throw invalid("node_id", `must be one of the nodes of the attempt: ${nodes.join(", ")}`);
}
