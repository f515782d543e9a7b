import { Metadata } from "nice-grpc-common";
import type { DeepPartial, JobConfig } from "../../transport/grpc/protocol.ts";
import { StatusCode } from "../../transport/grpc/protocol.ts";
import { restOption, serverOption } from "../client/address.ts";
import { type Connection, isTransient, isUnreachable, withServer } from "../client/connection.ts";
import type { Command, Invocation } from "../command.ts";
import { CliError, UsageError } from "../errors.ts";
import { Exit, type ExitCode } from "../exit-codes.ts";
import { readJobFile } from "../job-file/read-file.ts";
import { safeJson } from "../text/safe.ts";
import { requireJobId } from "./job-id.ts";
import { watch } from "./watch.ts";

export const command: Command = {
  usage: "<job.json | -> [options]",
  about:
    "Sends the job that the file describes (- reads standard input) and prints its id.\n" +
    "The job gets its id here, before it is sent, so that trying again after a lost connection makes no second job. To send the same job from several places or runs and have it once, give all of them the same --idempotency-key or --job-id.",
  options: [
    { name: "wait", doc: "follow it to its end, like `cyxwiz watch`" },
    { name: "pay", doc: "pay for it with the wallet of `cyxwiz wallet`" },
    { name: "wallet", value: "FILE", doc: "with --pay: another wallet's key file" },
    { name: "idempotency-key", value: "KEY", doc: "the same key again is the same job" },
    { name: "job-id", value: "UUID", doc: "choose the job's id" },
    serverOption,
    restOption,
  ],
  operands: ["the job's file"],
  examples: [
    ["submit job.json --wait", "send it and watch it run"],
    ["submit - --idempotency-key=nightly-2026-11-24 < job.json", "send it once, however often this line runs"],
  ],
  json: true,
  readsConfig: true,
  run: submit,
};

async function submit(invocation: Invocation): Promise<ExitCode> {
  const { world, json, value } = invocation;
  const key = value("idempotency-key");
  const chosen = value("job-id");
  if (key !== undefined && chosen !== undefined) {
    throw new UsageError("--idempotency-key and --job-id exclude each other: either one names the job");
  }
  if (key?.trim() === "") throw new UsageError("--idempotency-key is empty");
  const { config: read } = await readJobFile(invocation);
  const config = invocation.has("pay") ? { ...read, paymentAddress: await payer(invocation) } : read;
  if (value("wallet") !== undefined && !invocation.has("pay"))
    throw new UsageError("--wallet says which wallet pays: it needs --pay");
  const jobId = chosen === undefined ? config.jobId : requireJobId(chosen, "--job-id");
  const named = key === undefined ? { ...config, jobId: jobId || crypto.randomUUID() } : config;
  return withServer(invocation, async (server) => {
    const id = await send(server, named, key);
    if (json) world.stdout.write(`${safeJson({ job_id: id })}\n`);
    else world.stdout.write(`${id}\n`);
    if (invocation.has("wait")) return watch(invocation, server, id, config.epochs ?? null);
    if (!json) world.stderr.write(`Submitted. Follow it with: cyxwiz watch ${id}\n`);
    return Exit.ok;
  });
}

/** Loaded when it is needed: a Solana client is no small thing. */
async function payer({ world, value }: Invocation): Promise<string> {
  const { readWallet, walletFile } = await import("../wallet/key-file.ts");
  return readWallet(walletFile(world, value("wallet"))).publicKey.toBase58();
}

const attempts = 4;
const pause = 500;

/** Safe to repeat: the id, or the key, makes all attempts one job. */
async function send(server: Connection, config: DeepPartial<JobConfig>, key: string | undefined): Promise<string> {
  const metadata = new Metadata(key === undefined ? {} : { "idempotency-key": encodeKey(key) });
  for (let attempt = 1; ; attempt++) {
    try {
      return await server.call(async ({ signal }) => {
        const { jobId, status, error } = await server.jobs.submitJob({ config }, { metadata, signal });
        if (status !== StatusCode.STATUS_SUCCESS)
          throw new CliError(error?.message || "the server did not take the job");
        return jobId;
      });
    } catch (error) {
      const cause = error instanceof CliError ? error.cause : error;
      if (attempt === attempts || isUnreachable(cause) || !isTransient(cause)) throw error;
      await Bun.sleep(pause * attempt);
    }
  }
}

/** gRPC metadata is printable ASCII; anything else is refused by the library in words that help nobody. */
function encodeKey(key: string): string {
  if (/^[\x20-\x7e]+$/.test(key)) return key;
  throw new UsageError("--idempotency-key holds characters other than letters, digits and signs of ASCII");
}
