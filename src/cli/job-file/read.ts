/** Reads a job from JSON: `JobConfig` with its field names in snake_case or camelCase. */
import type { DeepPartial, JobConfig } from "../../transport/grpc/protocol.ts";
import { closest } from "../closest.ts";
import { UsageError } from "../errors.ts";
import { plural } from "../text/units.ts";
import { FieldFault, fields } from "./fields.ts";
import { findJsonFault } from "./json-position.ts";

/**
 * @param source what the text is called in messages: the file's name, or "standard input"
 * @throws UsageError with everything that is wrong, or with the place where the text stops being JSON
 */
export function readJob(text: string, source: string): DeepPartial<JobConfig> {
  const document = parse(text.replace(/^\ufeff/, ""), source);
  if (typeof document !== "object" || document === null || Array.isArray(document)) {
    throw new UsageError(`${source}: a job is a JSON object, { "job_type": "training", ... }`, format);
  }
  const given: object = document;
  const config: DeepPartial<JobConfig> = {};
  const problems: string[] = [];
  const seen = new Set<string>();
  for (const [name, value] of Object.entries(given)) {
    const found = fields.find((field) => field.wireName === name || field.name === name);
    if (found === undefined) problems.push(unknownField(name));
    else if (seen.has(found.name))
      problems.push(`${found.wireName} is there twice, as ${found.wireName} and ${found.name}`);
    // null is how other languages write "not set".
    else if (value !== null) {
      try {
        found.read(value, config);
      } catch (error) {
        if (!(error instanceof FieldFault)) throw error;
        problems.push(`${found.wireName}: ${error.message}`);
      }
    }
    if (found !== undefined) seen.add(found.name);
  }
  if (problems.length === 0) return config;
  const [only] = problems;
  throw new UsageError(
    problems.length === 1
      ? `${source}: ${only}`
      : `${source} has ${plural(problems.length, "problem")}:\n${problems.map((problem) => `  - ${problem}`).join("\n")}`,
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

function unknownField(name: string): string {
  const near = closest(
    name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`),
    fields.map(({ wireName }) => wireName),
  );
  const shown = JSON.stringify(name.length > 60 ? `${name.slice(0, 57)}...` : name);
  return `${shown} is no field of a job${near === null ? "" : `; did you mean ${near}?`}`;
}
