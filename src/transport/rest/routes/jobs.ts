/** Jobs in full, and their cancellation. */
import { EventRejected } from "../../../actors/runtime/index.ts";
import { JOB_TYPES } from "../../../domain/job-spec.ts";
import { JOB_STATUSES, type JobFilter } from "../../../store/queries/index.ts";
import { callerOf, ownerOf, readableOwner, requireOwnJob, requireReadable } from "../access.ts";
import { jsonBody, MAX_REASON, onlyFields, textField } from "../body.ts";
import type { RestContext, RestServices } from "../deps.ts";
import { oneOf, ref, text, uuid } from "../openapi/schema.ts";
import { pageHeaders, pageParameters, pageRequest, pageResponse } from "../paging.ts";
import { choice, choices, idOf, unknown, uuidParameter, words } from "../request.ts";
import type { Route } from "../route.ts";
import { jobDetailView, jobView } from "../views/job-view.ts";
import { idParameter, statusParameter } from "./parameters.ts";

export const jobs: Route = {
  method: "GET",
  path: "/api/v1/jobs",
  id: "listJobs",
  tag: "Jobs",
  summary: "Jobs, newest first",
  parameters: [
    statusParameter(JOB_STATUSES),
    { name: "type", in: "query", description: "Only this type.", schema: oneOf(...JOB_TYPES) },
    { name: "owner", in: "query", description: "Only jobs this user submitted.", schema: text },
    { name: "wallet", in: "query", description: "Only jobs this wallet pays for.", schema: text },
    { name: "node", in: "query", description: "Only jobs that are, or ended, on this node.", schema: uuid },
    ...pageParameters,
  ],
  reply: { description: "A page of jobs.", schema: ref("JobPage"), headers: pageHeaders },
  problems: [400, 401, 403],
  handle: async (context, services) => {
    const { queries } = services;
    const filter = { ...filterOf(context), ...(await readableOwner(context, services, words(context, "owner"))) };
    const [page, total] = await Promise.all([
      queries.jobs.list(filter, pageRequest(context)),
      queries.jobs.count(filter),
    ]);
    const rows = page.rows.map((row) => jobView(row, services));
    return pageResponse(context, page, total, { jobs: rows, total, next_cursor: page.next });
  },
};

function filterOf(context: RestContext): Omit<JobFilter, "owner"> {
  const wallet = words(context, "wallet");
  const nodeId = uuidParameter(context, "node");
  const type = choice(context, "type", JOB_TYPES);
  return {
    statuses: choices(context, "status", JOB_STATUSES),
    ...(wallet === undefined ? {} : { wallet }),
    ...(nodeId === undefined ? {} : { nodeId }),
    ...(type === undefined ? {} : { type }),
  };
}

export const jobById: Route = {
  method: "GET",
  path: "/api/v1/jobs/{id}",
  id: "getJob",
  tag: "Jobs",
  summary: "One job, with its attempts, its live progress, and why it waits",
  parameters: [idParameter("job")],
  reply: { description: "The job.", schema: ref("JobDetail") },
  problems: [400, 401, 403, 404],
  handle: (context, services) => showJob(context, services, idOf(context, "job")),
};

async function showJob(context: RestContext, services: RestServices, id: string): Promise<Response> {
  const detail = await services.queries.jobs.detail(id);
  if (detail === undefined) throw unknown("job", id);
  await requireReadable(context, services, { owner: detail.row.user_id, id });
  return context.json(jobDetailView(detail, services));
}

export const cancelJob: Route = {
  method: "POST",
  path: "/api/v1/jobs/{id}/cancel",
  id: "cancelJob",
  tag: "Jobs",
  summary: "Cancels a job",
  description:
    "Answers once the cancellation is committed. Cancelling a cancelled job changes nothing and answers the same; a completed or failed job can not be cancelled (409). A user's token cancels the user's own jobs only.",
  parameters: [idParameter("job")],
  body: ref("CancelRequest"),
  reply: { description: "The job as it is now.", schema: ref("JobDetail") },
  problems: [400, 401, 403, 404, 409, 413, 415, 429],
  handle: async (context, services) => {
    const id = idOf(context, "job");
    const body = await jsonBody(context, services.limits.maxBodyBytes);
    onlyFields(body, ["reason"]);
    const reason = textField(body, "reason", { max: MAX_REASON });
    const caller = await callerOf(context, services);
    const owner = await ownerOf(id, services);
    if (owner !== undefined) requireOwnJob(caller, owner ?? "", id);
    try {
      await services.core.jobs.ask(id, { type: "CANCEL", reason });
    } catch (error) {
      // Asked again, perhaps because the first answer was lost: what was wanted is the case.
      if (!(error instanceof EventRejected && error.committed.state === "cancelled")) throw error;
    }
    return showJob(context, services, id);
  },
};
