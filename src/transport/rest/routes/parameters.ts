/** Parameters that several routes take. */
import { oneOf, uuid } from "../openapi/schema.ts";
import type { Parameter } from "../route.ts";

export const idParameter = (what: "job" | "node"): Parameter => ({
  name: "id",
  in: "path",
  description: `The ${what}'s id.`,
  schema: uuid,
});

export const statusParameter = (statuses: readonly string[]): Parameter => ({
  name: "status",
  in: "query",
  description: "Only these; may be given several times or as a list with commas. Absent: any.",
  schema: oneOf(...statuses),
});
