/** The bundled sample job: trained once per database, so that `up` has something to show and does not repeat itself. */
import { createHash } from "node:crypto";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { Metadata } from "nice-grpc-common";
import sample from "../../agent/training/samples/digits.json" with { type: "json" };
import type { JobStatus } from "../../transport/grpc/protocol.ts";
import type { Connection } from "../client/connection.ts";
import { hasSucceeded, isFinal } from "../client/follow.ts";
import { readJob } from "../job-file/read.ts";

const text = `${JSON.stringify(sample, null, 2)}\n`;

export const sampleEpochs: number = sample.epochs;
export const sampleTitle = `${sample.model_definition.name} on ${sample.dataset_uri}`;

/** Leaves the job where its reader can change it and send it again. @returns the path */
export function writeSample(dataDir: string): string {
  const path = join(dataDir, "sample-job.json");
  writeFileSync(path, text);
  return path;
}

/** Another sample is another job; the same key for it would be refused. */
const usualKey = `cyxwiz-sample-${createHash("sha256").update(text).digest("hex").slice(0, 16)}`;

export type SampleJob =
  /** It is there and completed, from an earlier run. */
  | { readonly state: "trained"; readonly jobId: string; readonly job: JobStatus }
  /** Submitted now, or by an earlier run that ended before the job did. */
  | { readonly state: "running"; readonly jobId: string };

/** @param again trains it anew even if it was trained already */
export async function submitSample(server: Connection, again: boolean): Promise<SampleJob> {
  const first = await submit(server, again ? freshKey() : usualKey);
  const { status } = await server.call((options) => server.jobs.getJobStatus({ jobId: first }, options));
  if (status === undefined || !isFinal(status)) return { state: "running", jobId: first };
  if (hasSucceeded(status)) return { state: "trained", jobId: first, job: status };
  // The usual one failed or was cancelled in an earlier run, and a key stands for one job for ever.
  return { state: "running", jobId: await submit(server, freshKey()) };
}

const freshKey = (): string => `${usualKey}-${crypto.randomUUID()}`;

async function submit(server: Connection, key: string): Promise<string> {
  const metadata = new Metadata({ "idempotency-key": key });
  const config = readJob(text, "the sample job");
  const { jobId } = await server.call(({ signal }) => server.jobs.submitJob({ config }, { metadata, signal }));
  return jobId;
}
