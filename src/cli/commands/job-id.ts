/** The job id that several commands take. */
import { parseJobId } from "../../domain/ids.ts";
import type { Invocation } from "../command.ts";
import { UsageError } from "../errors.ts";

/** @throws UsageError */
export function jobIdOf({ operands }: Invocation): string {
  const [given = ""] = operands;
  return requireJobId(given, "the job's id");
}

export function requireJobId(given: string, what: string): string {
  const id = parseJobId(given.trim());
  if (id !== null) return id;
  throw new UsageError(
    `${what} is a UUID such as 4f8f8e3c-5b0e-4a53-9a52-0d6a3f1f2b11, and ${JSON.stringify(given.slice(0, 60))} is none`,
    "`cyxwiz jobs` lists the ids.",
  );
}
