/** A job as JSON: `JobConfig` with its field names in snake_case or camelCase. Read by the command line and by REST. */
import { closest } from "../../domain/closest.ts";
import type { DeepPartial, JobConfig } from "../grpc/protocol.ts";
import { FieldFault, fields } from "./fields.ts";

export interface FieldProblem {
  /** As the .proto file spells it, or as it was written when it is no field. */
  readonly field: string;
  /** A whole sentence, the field's name in it. */
  readonly message: string;
}

export interface ReadJobDocument {
  readonly config: DeepPartial<JobConfig>;
  /** Everything that is wrong, in the order of the document; empty: nothing is. */
  readonly problems: readonly FieldProblem[];
}

/** Never throws. What a field's value may be beyond its type is the submission's to judge. */
export function readJobDocument(document: object): ReadJobDocument {
  const config: DeepPartial<JobConfig> = {};
  const problems: FieldProblem[] = [];
  const seen = new Set<string>();
  for (const [name, value] of Object.entries(document)) {
    const found = fields.find((field) => field.wireName === name || field.name === name);
    if (found === undefined) {
      problems.push({ field: name.slice(0, 60), message: unknownField(name) });
      continue;
    }
    const field = found.wireName;
    if (seen.has(field)) problems.push({ field, message: `${field} is there twice, as ${field} and ${found.name}` });
    // null is how other languages write "not set".
    else if (value !== null) {
      try {
        found.read(value, config);
      } catch (error) {
        if (!(error instanceof FieldFault)) throw error;
        problems.push({ field, message: `${field}: ${error.message}` });
      }
    }
    seen.add(field);
  }
  return { config, problems };
}

function unknownField(name: string): string {
  const near = closest(
    name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`),
    fields.map(({ wireName }) => wireName),
  );
  const shown = JSON.stringify(name.length > 60 ? `${name.slice(0, 57)}...` : name);
  return `${shown} is no field of a job${near === null ? "" : `; did you mean ${near}?`}`;
}
