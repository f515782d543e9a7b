/** The REST app: every request passes the same few steps, reaches one route, and what is thrown becomes a problem. */
import { Hono } from "hono";
import type { Millis } from "../../actors/runtime/index.ts";
import { Refusal } from "../../domain/refusal.ts";
import { refusalFrom } from "../problems.ts";
import { WaitingReasons } from "../waiting-reasons.ts";
import { countRequests } from "./caller-limits.ts";
import type { RestContext, RestDeps, RestEnv, RestServices } from "./deps.ts";
import { EventStreams } from "./events/streams.ts";
import { ownWritesOnly, properHost, requestIds, safeAnswers } from "./headers.ts";
import { allowedMethods, noRoute } from "./methods.ts";
import { ProblemError, problemOf, problemResponse } from "./problem.ts";
import { routes } from "./routes/index.ts";

export interface RestApp {
  readonly hono: Hono<RestEnv>;
  /** The open event streams; `startRestServer` ends them before it stops. */
  readonly streams: EventStreams;
  readonly maxBodyBytes: number;
}

export function createRestApp(deps: RestDeps): RestApp {
  const hono = new Hono<RestEnv>();
  const streams = new EventStreams(deps.limits.maxEventStreams, deps.callers?.streams);
  const services: RestServices = { ...deps, streams, waiting: new WaitingReasons(deps.core, deps.clock) };
  const allowed = allowedMethods(routes);

  hono.use(requestIds(deps), safeAnswers, properHost, countRequests(deps), ownWritesOnly);
  for (const route of routes) {
    hono.on(route.method, route.path.replace(/\{(\w+)\}/g, ":$1"), (context) =>
      inTime(route.handle(context, services), deps),
    );
  }
  hono.notFound((context) => noRoute(context, allowed));
  hono.onError((error, context) => answerError(error, context, deps));
  return { hono, streams, maxBodyBytes: deps.limits.maxBodyBytes };
}

/** As long as a statement may run: what takes longer waits for a database that has stopped to answer. */
const REQUEST_TIMEOUT: Millis = 30_000;

/** The answer, or the news that it takes too long. What was begun goes on: a change may still be committed. */
async function inTime(answer: Response | Promise<Response>, { clock, requestTimeout }: RestDeps): Promise<Response> {
  let cancel = (): void => {};
  const late = new Promise<never>((_, reject) => {
    cancel = clock.after(requestTimeout ?? REQUEST_TIMEOUT, () => {
      const message = "this takes too long; what was asked may or may not have taken effect, and asking again is safe";
      reject(new Refusal("unavailable", message, { retryAfterMs: 5000 }));
      // An event stream that opens after all has nobody to read it.
      Promise.resolve(answer)
        .then((response) => response.body?.cancel())
        .catch(() => {});
    });
  });
  try {
    return await Promise.race([answer, late]);
  } finally {
    cancel();
  }
}

function answerError(error: unknown, context: RestContext, deps: RestDeps): Response {
  if (error instanceof ProblemError) return problemResponse(context, error.problem);
  const refusal = refusalFrom(error, context.get("log") ?? deps.log);
  return problemResponse(context, problemOf(refusal));
}
