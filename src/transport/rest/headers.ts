/** What every request and every answer gets, whatever the route: an id, headers, and the rules for other origins. */
import type { MiddlewareHandler } from "hono";
import { invalid, Refusal } from "../../domain/refusal.ts";
import type { RestContext, RestDeps, RestEnv } from "./deps.ts";

const GIVEN_ID = /^[\w.:-]{1,128}$/;

/** Echoes the caller's X-Request-Id when it is harmless in a header and a log, and makes one otherwise. */
export function requestIds(deps: RestDeps): MiddlewareHandler<RestEnv> {
  return async (context, next) => {
    const given = context.req.header("x-request-id");
    const id = given !== undefined && GIVEN_ID.test(given) ? given : crypto.randomUUID();
    context.set("requestId", id);
    context.set("log", deps.log.with({ request: id }));
    await next();
    context.res.headers.set("X-Request-Id", id);
  };
}

const HOST = /^[\w.:[\]-]*$/;

/** A Host that is none could pass for a part of the path, and lead past whoever judges requests by their path. */
export const properHost: MiddlewareHandler<RestEnv> = async (context, next) => {
  if (!HOST.test(context.req.header("host") ?? "")) throw invalid("Host", "is not a host name");
  await next();
};

const READS: ReadonlySet<string> = new Set(["GET", "HEAD"]);

/** Answers are data, not pages: nothing in them may run, be framed, or be sniffed for another type. */
export const safeAnswers: MiddlewareHandler<RestEnv> = async (context, next) => {
  await next();
  const { headers } = context.res;
  headers.set("X-Content-Type-Options", "nosniff");
  headers.set("X-Frame-Options", "DENY");
  headers.set("Referrer-Policy", "no-referrer");
  if (!headers.has("Content-Security-Policy")) {
    headers.set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'");
  }
  if (!headers.has("Cache-Control")) headers.set("Cache-Control", "no-store");
  if (READS.has(context.req.method)) {
    headers.set("Access-Control-Allow-Origin", "*");
    headers.set("Access-Control-Expose-Headers", "Link, Retry-After, X-Request-Id, X-Total-Count");
  }
};

/**
 * Any site's page may read, none but ours may change anything. A browser names the page's origin with every write, also
 * with those it would send without asking first, so a page elsewhere can not cancel a visitor's jobs.
 */
export const ownWritesOnly: MiddlewareHandler<RestEnv> = async (context, next) => {
  if (!READS.has(context.req.method) && context.req.method !== "OPTIONS" && isForeign(context)) {
    throw new Refusal("permission_denied", "pages of other origins may read this API, not change anything through it");
  }
  await next();
};

function isForeign(context: RestContext): boolean {
  const origin = context.req.header("origin");
  if (origin === undefined) return context.req.header("sec-fetch-site") === "cross-site";
  return !URL.canParse(origin) || new URL(origin).host !== context.req.header("host");
}
