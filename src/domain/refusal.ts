/**
 * The one error family of the server, for what a caller can do something about. It is mapped once to gRPC status codes
 * and once to HTTP problem details. The message names the field at fault, what was wrong with it, and what is allowed.
 */
export type RefusalCode =
  | "invalid_argument"
  | "unauthenticated"
  | "permission_denied"
  | "not_found"
  | "already_exists"
  | "failed_precondition"
  | "resource_exhausted"
  | "unavailable"
  | "unimplemented"
  | "internal";

export class Refusal extends Error {
  override readonly name = "Refusal";
  constructor(
    readonly code: RefusalCode,
    message: string,
    readonly details: {
      /** The field at fault, as the caller spells it. */
      readonly field?: string;
      /** When trying again may help. */
      readonly retryAfterMs?: number;
      /** It is the server that is short of something: whoever had asked would have been refused. */
      readonly whoever?: boolean;
      readonly cause?: unknown;
    } = {},
  ) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
  }
}

export const invalid = (field: string, problem: string): Refusal =>
  new Refusal("invalid_argument", `${field}: ${problem}`, { field });
export const notFound = (what: string): Refusal => new Refusal("not_found", `${what} not found`);
