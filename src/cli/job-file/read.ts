/** Reads a job from a file's text: `JobConfig` as JSON, its field names in snake_case or camelCase. */
import type { DeepPartial, JobConfig } from "../../transport/grpc/protocol.ts";
import { readJobDocument } from "../../transport/job-file/index.ts";
import { UsageError } from "../errors.ts";
import { plural } from "../text/units.ts";
import { findJsonFault } from "./json-position.ts";

/**
 * @param source what the text is called in messages: the file's name, or "standard input"
 * @throws UsageError with everything that is wrong, or with the place where the text stops being JSON
 */
export function readJob(text: string, source: string): DeepPartial<JobConfig> {
  return readJobObject(text, source).config;
}

export interface JobObject {
  readonly config: DeepPartial<JobConfig>;
  /** As it was written, for whoever reads the same format. */
  readonly document: object;
}

/** @throws UsageError, as `readJob` */
export function readJobObject(text: string, source: string): JobObject {
  const document = parse(text.replace(/^\ufeff/, ""), source);
  if (typeof document !== "object" || document === null || Array.isArray(document)) {
    throw new UsageError(`${source}: a job is a JSON object, { "job_type": "training", ... }`, format);
  }
  const { config, problems } = readJobDocument(document);
  const [only] = problems;
  if (only === undefined) return { config, document };
  throw new UsageError(
    problems.length === 1
      ? `${source}: ${only.message}`
      : `${source} has ${plural(problems.length, "problem")}:\n${problems.map(({ message }) => `  - ${message}`).join("\n")}`,
    format,
  );
}

const format = "docs/cli.md describes job files.";

function parse(text: string, source: string): unknown {
  const fault = findJsonFault(text);
  if (fault === null) return JSON.parse(text);
  if (text.trim() === "") throw new UsageError(`${source} is empty`, format);
  throw new UsageError(`${source}:${fault.line}:${fault.column}: ${fault.message}`);
}
