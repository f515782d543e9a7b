/** RFC 9457 problem details: the one shape of everything that goes wrong over HTTP. */
import { invalid, type Refusal, type RefusalCode } from "../../domain/refusal.ts";
import type { RestContext } from "./deps.ts";

/** Mapped once, here. */
export const STATUS_OF: Readonly<Record<RefusalCode, number>> = {
  invalid_argument: 400,
  unauthenticated: 401,
  permission_denied: 403,
  not_found: 404,
  already_exists: 409,
  failed_precondition: 409,
  resource_exhausted: 429,
  internal: 500,
  unimplemented: 501,
  unavailable: 503,
};

const TITLE_OF: Readonly<Record<string, string>> = {
  invalid_argument: "A part of the request is not valid",
  unauthenticated: "The caller is not known",
  permission_denied: "The caller may not do this",
  not_found: "There is no such thing",
  already_exists: "It exists already",
  failed_precondition: "Not possible in the present state",
  resource_exhausted: "Too much at once",
  internal: "Something went wrong in the server",
  unimplemented: "The server can not do this",
  unavailable: "Not available at the moment",
  method_not_allowed: "The path does not take this method",
  payload_too_large: "The request body is too large",
  unsupported_media_type: "The request body is not of a type the path takes",
};

export interface Problem {
  readonly status: number;
  /** Ends up in `type` as `urn:cyxwiz:problem:<code>`. */
  readonly code: string;
  readonly detail: string;
  readonly field?: string | undefined;
  readonly retryAfterMs?: number | undefined;
  /** What the legacy routes say in `error`; the detail where absent. */
  readonly legacyError?: string | undefined;
  readonly headers?: Readonly<Record<string, string>> | undefined;
}

export function problemOf(refusal: Refusal): Problem {
  const { field, retryAfterMs } = refusal.details;
  return { status: STATUS_OF[refusal.code], code: refusal.code, detail: refusal.message, field, retryAfterMs };
}

export function problemResponse(context: RestContext, problem: Problem): Response {
  const { status, code, detail, field, retryAfterMs } = problem;
  const seconds = retryAfterMs === undefined ? undefined : Math.max(1, Math.ceil(retryAfterMs / 1000));
  const body = {
    type: `urn:cyxwiz:problem:${code}`,
    title: TITLE_OF[code] ?? "Refused",
    status,
    detail,
    ...(field === undefined ? {} : { field }),
    ...(seconds === undefined ? {} : { retry_after: seconds }),
    request_id: context.get("requestId"),
    // Clients of the original look for this key.
    ...(isLegacy(context.req.path) ? { error: problem.legacyError ?? detail } : {}),
  };
  const headers = new Headers({ "Content-Type": "application/problem+json", ...problem.headers });
  if (seconds !== undefined) headers.set("Retry-After", String(seconds));
  if (status === 401) headers.set("WWW-Authenticate", "Bearer");
  return new Response(`${JSON.stringify(body)}\n`, { status, headers });
}

const isLegacy = (path: string): boolean => path.startsWith("/api/") && !path.startsWith("/api/v1/");

/** Thrown by the parsing of a request where the legacy routes promise their own words. */
export class ProblemError extends Error {
  override readonly name = "ProblemError";
  constructor(readonly problem: Problem) {
    super(problem.detail);
  }
}

/** A 400 that names the field, with the words of the original in `error`. */
export function invalidWith(legacyError: string, field: string, what: string): ProblemError {
  return new ProblemError({ ...problemOf(invalid(field, what)), legacyError });
}
