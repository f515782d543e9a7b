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
    "Cancels a job that waits or runs; its node is told to stop. A job that has ended cannot be cancelled any more.",
  options: [{ name: "reason", value: "TEXT", doc: "kept with the job" }, serverOption],
  operands: ["the job's id"],
  examples: [['cancel 4f8f8e3c-5b0e-4a53-9a52-0d6a3f1f2b11 --reason="wrong data set"', "stop it and say why"]],
  json: true,
  readsConfig: true,
  run: (invocation) =>
    withServer(invocation, async (server) => {
      const { world, json, value } = invocation;
      const jobId = jobIdOf(invocation);
      const reason = value("reason") ?? "";
      const { status, error, refundIssued } = await server.call((options) =>
        server.jobs.cancelJob({ jobId, reason }, options),
      );
      if (status !== StatusCode.STATUS_SUCCESS) throw new CliError(error?.message || `job ${jobId} was not cancelled`);
      if (json)
        world.stdout.write(`${safeJson({ job_id: jobId, status: "cancelled", refund_issued: refundIssued }, 2)}\n`);
      else world.stdout.write(`Cancelled ${jobId}.\n`);
      return Exit.ok;
    }),
};
