/** Paths and methods that no route takes: 404, 405 with what is allowed, and OPTIONS. */
import type { RestContext } from "./deps.ts";
import { problemResponse } from "./problem.ts";
import type { Route } from "./route.ts";

/** Finds the methods a path takes; "" when it takes none. */
export type AllowedMethods = (path: string) => string;

export function allowedMethods(routes: readonly Route[]): AllowedMethods {
  const patterns = routes.map(({ method, path }) => ({
    method,
    pattern: new RegExp(`^${path.replace(/[.]/g, "\\.").replace(/\{\w+\}/g, "[^/]+")}$`),
  }));
  return (path) => {
    const methods = new Set<string>(patterns.filter(({ pattern }) => pattern.test(path)).map(({ method }) => method));
    if (methods.size === 0) return "";
    if (methods.has("GET")) methods.add("HEAD");
    return [...methods, "OPTIONS"].join(", ");
  };
}

export function noRoute(context: RestContext, allowed: AllowedMethods): Response {
  const { path, method } = context.req;
  const allow = allowed(path);
  if (allow === "") {
    const detail = `there is nothing at ${path}; GET /api/openapi.json lists what there is`;
    return problemResponse(context, { status: 404, code: "not_found", detail });
  }
  if (method === "OPTIONS") return optionsResponse(allow);
  const detail = `${path} takes ${allow}, not ${method}`;
  return problemResponse(context, { status: 405, code: "method_not_allowed", detail, headers: { Allow: allow } });
}

/** For a browser's preflight too: other origins may read, and only read. */
function optionsResponse(allow: string): Response {
  return new Response(null, {
    status: 204,
    headers: {
      Allow: allow,
      "Access-Control-Allow-Origin": "*",
      "Access-Control-Allow-Methods": "GET, HEAD",
      "Access-Control-Allow-Headers": "Authorization, Last-Event-ID, X-Request-Id",
      "Access-Control-Max-Age": "600",
    },
  });
}
