import { closest } from "../../domain/closest.ts";
import type { JobStatus } from "../../transport/grpc/protocol.ts";
import { JobType, StatusCode } from "../../transport/grpc/protocol.ts";
import { serverOption } from "../client/address.ts";
import { withServer } from "../client/connection.ts";
import type { Command, Invocation } from "../command.ts";
import { UsageError } from "../errors.ts";
import { Exit } from "../exit-codes.ts";
import { jobJson, paintStatus, ranFor, statusName, timeOf } from "../job-view.ts";
import { safe, safeJson } from "../text/safe.ts";
import { styleFor } from "../text/style.ts";
import { type Column, renderTable } from "../text/table.ts";
import { percent, plural, timeOfDay } from "../text/units.ts";

const statuses: Readonly<Record<string, StatusCode>> = {
  pending: StatusCode.STATUS_PENDING,
  in_progress: StatusCode.STATUS_IN_PROGRESS,
  completed: StatusCode.STATUS_COMPLETED,
  failed: StatusCode.STATUS_FAILED,
  cancelled: StatusCode.STATUS_CANCELLED,
};

const types: Readonly<Record<string, JobType>> = {
  training: JobType.JOB_TYPE_TRAINING,
  inference: JobType.JOB_TYPE_INFERENCE,
  evaluation: JobType.JOB_TYPE_EVALUATION,
  preprocessing: JobType.JOB_TYPE_PREPROCESSING,
};

export const command: Command = {
  usage: "[options]",
  about: "Lists jobs, newest first.",
  options: [
    { name: "status", value: "STATUS", doc: `only ${Object.keys(statuses).join(", ")}` },
    { name: "type", value: "TYPE", doc: `only ${Object.keys(types).join(", ")}` },
    { name: "user", value: "ID", doc: "only this user's, or this wallet's" },
    { name: "limit", value: "N", doc: "at most so many (default: 20)" },
    { name: "page-token", value: "TOKEN", doc: "go on where the page before ended" },
    serverOption,
  ],
  operands: [],
  examples: [
    ["jobs --status=failed", "what went wrong lately"],
    ["jobs --limit=1000 --json | jq -r '.jobs[].job_id'", "ids for a script"],
  ],
  json: true,
  readsConfig: true,
  run: (invocation) =>
    withServer(invocation, async (server) => {
      const request = requestOf(invocation);
      const page = await server.call((options) => server.jobs.listJobs(request, options));
      const { world, json } = invocation;
      const next = page.nextPageToken || null;
      if (json) {
        const data = { jobs: page.jobs.map(jobJson), total_count: page.totalCount, next_page_token: next };
        world.stdout.write(`${safeJson(data, 2)}\n`);
        return Exit.ok;
      }
      world.stdout.write(tableOf(page.jobs, invocation));
      if (page.jobs.length === 0) world.stderr.write("No jobs. Send one with `cyxwiz submit job.json`.\n");
      else if (next !== null) {
        world.stderr.write(`${plural(page.totalCount, "job")} in all. More: --page-token=${safe(next)}\n`);
      }
      return Exit.ok;
    }),
};

function requestOf({ value }: Invocation) {
  const limit = value("limit") ?? "20";
  if (!/^\d{1,6}$/.test(limit) || Number(limit) < 1) {
    throw new UsageError(`--limit: ${JSON.stringify(limit)} is not a whole number from 1 up`);
  }
  return {
    pageSize: Number(limit),
    pageToken: value("page-token") ?? "",
    userId: value("user") ?? "",
    filterStatus: oneOf("status", value("status")?.replace("-", "_").replace("running", "in_progress"), statuses),
    filterType: oneOf("type", value("type"), types),
  };
}

function oneOf<Value extends number>(
  option: string,
  given: string | undefined,
  known: Readonly<Record<string, Value>>,
): Value | 0 {
  if (given === undefined) return 0;
  const name = given.toLowerCase();
  const found = Object.hasOwn(known, name) ? known[name] : undefined;
  if (found !== undefined) return found;
  const near = closest(name, Object.keys(known));
  const hint = near === null ? "" : `; did you mean ${near}?`;
  throw new UsageError(`--${option}: ${JSON.stringify(given)} is none of ${Object.keys(known).join(", ")}${hint}`);
}

function tableOf(jobs: readonly JobStatus[], { world }: Invocation): string {
  if (jobs.length === 0) return "";
  const style = styleFor(world.stdout, world.environment);
  const started = ({ startTime }: JobStatus): string => {
    const time = timeOf(startTime);
    return time === null ? "" : timeOfDay(time);
  };
  const columns: readonly Column<JobStatus>[] = [
    { title: "JOB", cell: ({ jobId }) => safe(jobId) },
    {
      title: "STATUS",
      cell: ({ status }) => statusName(status).replace("_", " "),
      paint: (text, { status }) => paintStatus(status, style)(text),
    },
    { title: "DONE", cell: ({ progress }) => percent(progress), align: "right", dispensable: 1 },
    {
      title: "EPOCH",
      cell: ({ currentEpoch }) => (currentEpoch === 0 ? "" : String(currentEpoch)),
      align: "right",
      dispensable: 4,
    },
    { title: "RAN", cell: (job) => ranFor(job, world.clock.now()) ?? "", align: "right", dispensable: 3 },
    { title: "STARTED", cell: started, dispensable: 2 },
    { title: "NODE", cell: ({ currentNodeId }) => safe(currentNodeId), shrinksTo: 9, dispensable: 5 },
    { title: "ERROR", cell: ({ error }) => safe(error?.message ?? ""), shrinksTo: 24, dispensable: 6 },
  ];
  // A column nobody has anything in only takes room from the others.
  const used = columns.filter(({ cell, title }) => title !== "ERROR" || jobs.some((job) => cell(job) !== ""));
  return `${renderTable(used, jobs, world.stdout.isTTY ? world.stdout.columns : Number.POSITIVE_INFINITY, style)}\n`;
}
