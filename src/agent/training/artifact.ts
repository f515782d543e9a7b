import { createHash } from "node:crypto";
import { closeSync, fsyncSync, mkdirSync, openSync, renameSync, rmSync, writeSync } from "node:fs";
import { dirname, join } from "node:path";
import { TrainingError } from "./errors.ts";
import type { Artifact, Digest, JobKind, JobSpec } from "./job.ts";

const suffixes: Readonly<Record<JobKind, string>> = {
  training: ".safetensors",
  inference: ".predictions.csv",
  preprocessing: ".normalized.csv",
  evaluation: ".none",
};

/**
 * Where a job's result goes. The job id comes from outside: anything that is not plain is replaced, and a digest of the
 * id keeps two such ids apart, so no id can leave the directory or meet another's file.
 */
export function artifactPath(directory: string, spec: Pick<JobSpec, "jobId" | "kind">): string {
  const plain = /^[A-Za-z0-9][A-Za-z0-9_-]{0,99}$/.test(spec.jobId);
  const digest = createHash("sha256").update(spec.jobId).digest("hex").slice(0, 16);
  const name = plain ? spec.jobId : `job-${digest}`;
  return join(directory, `${name}${suffixes[spec.kind]}`);
}

/** The unfinished file beside `path`; whoever kills a writer removes it. */
export function partialPath(path: string): string {
  return `${path}.partial`;
}

/**
 * Writes a file that is either whole or not there: into a partial file, flushed to the disk, then renamed. The digest is
 * taken from the bytes on their way. Throws TrainingError "output".
 */
export function writeArtifact(kind: Artifact["kind"], path: string, chunks: Iterable<Uint8Array>): Artifact {
  const partial = partialPath(path);
  const hash = createHash("sha256");
  let bytes = 0;
  try {
    mkdirSync(dirname(path), { recursive: true });
    const file = openSync(partial, "w");
    try {
      for (const chunk of chunks) {
        hash.update(chunk);
        for (let written = 0; written < chunk.length; ) written += writeSync(file, chunk, written);
        bytes += chunk.length;
      }
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
    renameSync(partial, path);
    flushDirectory(dirname(path));
  } catch (error) {
    rmSync(partial, { force: true });
    // Whoever makes the chunks may throw too; only the file system's errors carry a code.
    if (error instanceof TrainingError || !(error instanceof Error && "code" in error)) throw error;
    throw new TrainingError("output", `the result could not be written to ${path}: ${error.message}`);
  }
  return { kind, path, sha256: hash.digest("hex"), bytes };
}

/** What `writeArtifact` would say of the same bytes. */
export function digestOf(chunks: Iterable<Uint8Array>): Digest {
  const hash = createHash("sha256");
  let bytes = 0;
  for (const chunk of chunks) {
    hash.update(chunk);
    bytes += chunk.length;
  }
  return { sha256: hash.digest("hex"), bytes };
}

/** Makes the rename itself durable. Windows cannot open a directory, and does not need it. */
function flushDirectory(path: string): void {
  if (process.platform === "win32") return;
  const directory = openSync(path, "r");
  try {
    fsyncSync(directory);
  } finally {
    closeSync(directory);
  }
}
