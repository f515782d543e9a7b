import { StatusCode } from "../../transport/grpc/protocol.ts";
import { restAddress, restOption, serverOption } from "../client/address.ts";
import { type Connection, withServer } from "../client/connection.ts";
import type { Command, Invocation } from "../command.ts";
import { CliError } from "../errors.ts";
import { Exit } from "../exit-codes.ts";
import { jobJson, metricPairs, paintStatus, ranFor, statusName, timeOf, whyWaiting } from "../job-view.ts";
import { safe, safeJson } from "../text/safe.ts";
import { styleFor } from "../text/style.ts";
import { renderPairs } from "../text/table.ts";
import { percent, timeOfDay } from "../text/units.ts";
import { readReason } from "../wait.ts";
import { jobIdOf } from "./job-id.ts";

export const command: Command = {
  usage: "<job-id> [options]",
  about: "Shows a job as it stands. Ends with 0 whatever that is, and with 3 when there is no such job.",
  options: [serverOption, restOption],
  operands: ["the job's id"],
  examples: [["status 4f8f8e3c-5b0e-4a53-9a52-0d6a3f1f2b11 --json", "the same as data"]],
  json: true,
  readsConfig: true,
  run: (invocation) => withServer(invocation, (server) => show(invocation, server)),
};

async function show(invocation: Invocation, server: Connection) {
  const { world, json } = invocation;
  const jobId = jobIdOf(invocation);
  const { status, nodeAssignment } = await server.call((options) => server.jobs.getJobStatus({ jobId }, options));
  if (status === undefined) throw new CliError(`job ${jobId} not found`, Exit.notFound);
  const endpoint = nodeAssignment?.nodeEndpoint || null;
  if (json) {
    world.stdout.write(`${safeJson({ ...jobJson(status), node_endpoint: endpoint }, 2)}\n`);
    return Exit.ok;
  }
  const style = styleFor(world.stdout, world.environment);
  const { config } = invocation.load();
  const rest = restAddress(invocation.value("rest"), invocation.value("server"), config);
  const waits = status.status === StatusCode.STATUS_PENDING;
  // A server from before it came with the status tells it over REST.
  const waiting = whyWaiting(status)?.message ?? (waits ? await readReason({ rest, jobId }) : null);
  const started = timeOf(status.startTime);
  const ended = timeOf(status.endTime);
  const took = ranFor(status, world.clock.now());
  const pairs: (readonly [string, string] | null)[] = [
    ["job", jobId],
    ["status", paintStatus(status.status, style)(statusName(status.status).replace("_", " "))],
    waiting === null ? null : ["waiting", safe(waiting)],
    ["progress", `${percent(status.progress)}${status.currentEpoch > 0 ? `, epoch ${status.currentEpoch}` : ""}`],
    status.currentNodeId === ""
      ? null
      : ["node", `${safe(status.currentNodeId)}${endpoint === null ? "" : ` at ${safe(endpoint)}`}`],
    started === null ? null : ["started", timeOfDay(started)],
    ended === null ? null : ["ended", timeOfDay(ended)],
    took === null ? null : [ended === null ? "running for" : "ran for", took],
    ...metricPairs(status.metrics),
    status.error === undefined || waits ? null : ["error", style.bad(safe(status.error.message))],
  ];
  world.stdout.write(
    `${renderPairs(
      pairs.filter((pair) => pair !== null),
      style,
    )}\n`,
  );
  return Exit.ok;
}
