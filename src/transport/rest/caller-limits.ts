/** Counts every request against its caller's share, before its route sees it. Health stays outside, as over gRPC. */
import type { MiddlewareHandler } from "hono";
import { type Known, shareOf } from "../caller-limits.ts";
import { callerOf } from "./access.ts";
import type { RestContext, RestDeps, RestEnv } from "./deps.ts";

const UNCOUNTED: ReadonlySet<string> = new Set(["/api/health", "/api/v1/health"]);

export function countRequests(deps: RestDeps): MiddlewareHandler<RestEnv> {
  return async (context, next) => {
    const share = shareOf(await knownCaller(context, deps), context.env?.address ?? "unknown");
    context.set("share", share);
    if (!UNCOUNTED.has(context.req.path)) deps.callers?.requests.take(share);
    await next();
  };
}

/** A token that is no good is refused by its route, with the reason; here it only makes nobody of its bearer. */
async function knownCaller(context: RestContext, deps: RestDeps): Promise<Known | null> {
  if (context.req.header("authorization") === undefined) return null;
  const caller = await callerOf(context, deps).catch(() => null);
  if (caller?.kind === "user") return { as: "user", name: caller.userId };
  return caller?.kind === "operator" ? { as: "operator", name: caller.name } : null;
}
