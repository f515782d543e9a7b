import { StatusCode } from "../../transport/grpc/protocol.ts";
import { serverOption } from "../client/address.ts";
import { withServer } from "../client/connection.ts";
import type { Command } from "../command.ts";
import { CliError } from "../errors.ts";
import { Exit } from "../exit-codes.ts";
import { safeJson } from "../text/safe.ts";
import { jobIdOf } from "./job-id.ts";

export const command: Command = {
  usage: "<job-id> [options]",
  about:
    "Forgets a job that has ended. Deleting one that is not there succeeds; one that waits or runs must be cancelled first.",
  options: [serverOption],
  operands: ["the job's id"],
  examples: [["delete 4f8f8e3c-5b0e-4a53-9a52-0d6a3f1f2b11", "forget it"]],
  json: true,
  readsConfig: true,
  run: (invocation) =>
    withServer(invocation, async (server) => {
      const { world, json } = invocation;
      const jobId = jobIdOf(invocation);
      const { status, error } = await server.call((options) => server.jobs.deleteJob({ jobId }, options));
      if (status !== StatusCode.STATUS_SUCCESS) throw new CliError(error?.message || `job ${jobId} was not deleted`);
      world.stdout.write(json ? `${safeJson({ job_id: jobId, deleted: true }, 2)}\n` : `Deleted ${jobId}.\n`);
      return Exit.ok;
    }),
};
