/** The OpenAPI 3.1 document, made from the routes. Pure. */
import type { Reply, Route } from "../route.ts";
import { ref, type Schema } from "./schema.ts";
import { schemas } from "./schemas.ts";

/** Problems that any route may answer with. */
const EVERYWHERE: readonly number[] = [429, 500, 503];

const MEANING: Readonly<Record<number, string>> = {
  400: "A part of the request is not valid; `field` names it.",
  401: "The token is no good, or one is needed.",
  403: "The caller may not do this, or a page of another origin tried to change something.",
  404: "There is no such thing.",
  409: "Not possible in the present state, which `detail` names, or done already.",
  413: "The request body is too large.",
  415: "The request body is not JSON.",
  429: "Too much at once; `retry_after` says when to try again.",
  500: "Something went wrong in the server; `detail` has the reference under which it is logged.",
  503: "The database or the server is not available at the moment; trying again is safe.",
};

export function openApiDocument(routes: readonly Route[], version: string) {
  const paths: Record<string, Record<string, unknown>> = {};
  for (const route of routes) {
    const operations = paths[route.path] ?? {};
    operations[route.method.toLowerCase()] = operationOf(route);
    paths[route.path] = operations;
  }
  return {
    openapi: "3.1.0",
    info: {
      title: "CyxWiz Central Server",
      version,
      description:
        "Jobs, nodes and the scheduler of the CyxWiz compute network. What is shown is committed: it survives a crash of the server. Errors are RFC 9457 problem details.",
      license: { name: "Apache-2.0", identifier: "Apache-2.0" },
    },
    servers: [{ url: "/" }],
    paths,
    components: { schemas },
  };
}

function operationOf(route: Route) {
  const parameters = route.parameters?.map((parameter) => ({ ...parameter, required: parameter.in === "path" }));
  const problems = [...new Set([...(route.problems ?? []), ...EVERYWHERE])].sort((a, b) => a - b);
  return {
    operationId: route.id,
    tags: [route.tag],
    summary: route.summary,
    ...(route.description === undefined ? {} : { description: route.description }),
    ...(parameters === undefined ? {} : { parameters }),
    ...(route.body === undefined
      ? {}
      : { requestBody: { required: false, content: { "application/json": { schema: route.body } } } }),
    responses: {
      200: replyOf(route.reply),
      ...Object.fromEntries(problems.map((status) => [status, problemOf(status)])),
    },
  };
}

function replyOf({ description, type = "application/json", schema, headers }: Reply) {
  return {
    description,
    ...(headers === undefined
      ? {}
      : {
          headers: Object.fromEntries(
            Object.entries(headers).map(([name, meaning]) => [
              name,
              { description: meaning, schema: { type: "string" } },
            ]),
          ),
        }),
    content: { [type]: { schema: schema ?? ({ type: "string" } satisfies Schema) } },
  };
}

const problemOf = (status: number) => ({
  description: MEANING[status] ?? "Refused.",
  content: { "application/problem+json": { schema: ref("Problem") } },
});
