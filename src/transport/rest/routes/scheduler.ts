/** What the scheduler is doing, in the shapes of the reference's 3.3. */
import { EventRejected } from "../../../actors/runtime/index.ts";
import { SCHEDULER_ID } from "../../../actors/scheduler/machine.ts";
import { tokensFrom } from "../../../domain/money.ts";
import { typeName } from "../../../store/queries/index.ts";
import { readableOwner, requireOperator } from "../access.ts";
import { jsonBody, MAX_REASON, onlyFields, textField } from "../body.ts";
import type { RestContext, RestServices } from "../deps.ts";
import { ref } from "../openapi/schema.ts";
import { wholeNumber } from "../request.ts";
import type { Route } from "../route.ts";
import { waitingOf } from "../views/waiting-view.ts";
import { schedulerState } from "./health.ts";

export const schedulerStatus: Route = {
  method: "GET",
  path: "/api/v1/scheduler/status",
  id: "getSchedulerStatus",
  tag: "Scheduler",
  summary: "Whether the scheduler runs, and how much there is to do",
  reply: { description: "The status.", schema: ref("SchedulerStatus") },
  handle: (context, services) => showScheduler(context, services),
};

async function showScheduler(context: RestContext, services: RestServices): Promise<Response> {
  const { core, queries, clock, startedAt } = services;
  const [queued, active] = await Promise.all([
    queries.jobs.count({ statuses: ["pending"] }),
    queries.jobs.count({ statuses: ["assigned", "running"] }),
  ]);
  const state = schedulerState(services);
  return context.json({
    running: state === "brokering",
    state,
    pause_reason: core.scheduler.peek(SCHEDULER_ID)?.snapshot.context.reason ?? null,
    jobs_in_queue: queued,
    active_assignments: active,
    waiting_for_node: core.broker.queued,
    parked: core.broker.parked,
    uptime_seconds: Math.floor((clock.now() - startedAt) / 1000),
  });
}

export const pauseScheduler: Route = {
  method: "POST",
  path: "/api/v1/scheduler/pause",
  id: "pauseScheduler",
  tag: "Scheduler",
  summary: "Stops offering jobs to nodes; what runs goes on",
  description:
    "Holds through restarts, until resumed; the same again changes nothing, another reason takes the place of the one before. Jobs that wait say that they wait for this. For operators.",
  body: ref("PauseRequest"),
  reply: { description: "The status.", schema: ref("SchedulerStatus") },
  problems: [400, 401, 403, 413, 415],
  handle: (context, services) => order("PAUSE", context, services),
};

export const resumeScheduler: Route = {
  method: "POST",
  path: "/api/v1/scheduler/resume",
  id: "resumeScheduler",
  tag: "Scheduler",
  summary: "Offers jobs to nodes again",
  description: "Does nothing when it is not paused. For operators.",
  body: ref("PauseRequest"),
  reply: { description: "The status.", schema: ref("SchedulerStatus") },
  problems: [400, 401, 403, 413, 415],
  handle: (context, services) => order("RESUME", context, services),
};

async function order(type: "PAUSE" | "RESUME", context: RestContext, services: RestServices): Promise<Response> {
  const by = await requireOperator(context, services);
  const body = await jsonBody(context, services.limits.maxBodyBytes);
  onlyFields(body, ["reason"]);
  const reason = textField(body, "reason", { max: MAX_REASON });
  try {
    await services.core.scheduler.ask(SCHEDULER_ID, { type, reason, by });
  } catch (error) {
    // Not paused, or paused for that very reason: what was wanted is the case.
    if (!(error instanceof EventRejected)) throw error;
  }
  return showScheduler(context, services);
}

export const schedulerQueue: Route = {
  method: "GET",
  path: "/api/v1/scheduler/queue",
  id: "getSchedulerQueue",
  tag: "Scheduler",
  summary: "Pending jobs, oldest first, and why each of them waits",
  parameters: [
    {
      name: "limit",
      in: "query",
      description: "Jobs to answer with.",
      schema: { type: "integer", minimum: 1, maximum: 100, default: 50 },
    },
  ],
  reply: { description: "The queue.", schema: ref("SchedulerQueue") },
  problems: [400, 401],
  handle: async (context, services) => {
    const limit = wholeNumber(context, "limit", { min: 1, max: 100, or: 50 });
    const { queries } = services;
    const filter = { statuses: ["pending"] as const, ...(await readableOwner(context, services)) };
    const [page, total] = await Promise.all([
      queries.jobs.list(filter, { limit }, "oldest"),
      queries.jobs.count(filter),
    ]);
    const jobs = page.rows.map((row) => ({
      id: row.id,
      job_type: typeName(row.job_type),
      status: row.status,
      state: row.state,
      priority: row.priority,
      user_wallet: row.user_wallet,
      estimated_cost: tokensFrom(row.estimated_cost),
      created_at: row.created_at.toISOString(),
      required_gpu: row.required_gpu,
      required_ram_gb: row.required_ram_gb,
      retry_count: row.retry_count,
      waiting: waitingOf(row, services),
    }));
    return context.json({ jobs, total });
  },
};
