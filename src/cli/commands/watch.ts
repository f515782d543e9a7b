import { restAddress, restOption, serverOption } from "../client/address.ts";
import { type Connection, withServer } from "../client/connection.ts";
import type { Command, Invocation } from "../command.ts";
import { Exit, type ExitCode } from "../exit-codes.ts";
import { listenForInterrupt } from "../interrupt.ts";
import { describeOutcome, exitCodeFor, waitForJob } from "../wait.ts";
import { jobIdOf } from "./job-id.ts";

export const command: Command = {
  usage: "<job-id> [options]",
  about:
    "Follows a job until it ends, through restarts of the server. Ends with 0 when the job completed, and with 4 when it failed or was cancelled.\n" +
    "With --json every update is one line. Ctrl-C ends the watching, not the job.",
  options: [serverOption, restOption],
  operands: ["the job's id"],
  examples: [["watch 4f8f8e3c-5b0e-4a53-9a52-0d6a3f1f2b11 --json | jq .progress", "follow it from a script"]],
  json: true,
  readsConfig: true,
  run: (invocation) => withServer(invocation, (server) => watch(invocation, server, jobIdOf(invocation), null)),
};

/** @param epochs how many the job has, where that is known */
export async function watch(
  invocation: Invocation,
  server: Connection,
  jobId: string,
  epochs: number | null,
): Promise<ExitCode> {
  const { world, json } = invocation;
  const interrupt = listenForInterrupt(world);
  const rest = restAddress(invocation.value("rest"), invocation.value("server"), invocation.load().config);
  const options = { world, server, rest, jobId, json, epochs, signal: interrupt.signal };
  try {
    const job = await waitForJob(options);
    if (job === null) {
      world.stderr.write(`The job goes on. Follow it again with: cyxwiz watch ${jobId}\n`);
      return interrupt.exitCode() ?? Exit.failure;
    }
    if (!json) world.stdout.write(await describeOutcome(job, options));
    return exitCodeFor(job);
  } finally {
    interrupt.end();
  }
}
