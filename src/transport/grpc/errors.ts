/** Every error of a handler leaves as one gRPC status, made from the one error family. */
import type { CallContext, ServerMiddlewareCall } from "nice-grpc";
import { ServerError, Status } from "nice-grpc-common";
import type { Refusal, RefusalCode } from "../../domain/refusal.ts";
import { DecodeError } from "./codec.ts";

const codes: Readonly<Record<RefusalCode, Status>> = {
  invalid_argument: Status.INVALID_ARGUMENT,
  unauthenticated: Status.UNAUTHENTICATED,
  permission_denied: Status.PERMISSION_DENIED,
  not_found: Status.NOT_FOUND,
  already_exists: Status.ALREADY_EXISTS,
  failed_precondition: Status.FAILED_PRECONDITION,
  resource_exhausted: Status.RESOURCE_EXHAUSTED,
  unavailable: Status.UNAVAILABLE,
  unimplemented: Status.UNIMPLEMENTED,
  internal: Status.INTERNAL,
};

/** Metadata carries printable ASCII only, and the name of a field may hold a key that a client chose. */
const inAscii = (text: string): string =>
  text.replaceAll(/[^ -~]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`);

function details({ details: { retryAfterMs, field } }: Refusal): Record<string, string> {
  return {
    ...(retryAfterMs !== undefined && {
      // The metadata name that gRPC clients with a retry policy understand (gRFC A6), and HTTP's, in seconds.
      "grpc-retry-pushback-ms": String(retryAfterMs),
      "retry-after": String(Math.max(1, Math.ceil(retryAfterMs / 1000))),
    }),
    ...(field !== undefined && { "cyxwiz-field": inAscii(field) }),
  };
}

/** What a refusal is on the wire, for whoever must write it without gRPC's help. */
export const refusalTrailers = (refusal: Refusal): Readonly<Record<string, string>> => ({
  "grpc-status": String(codes[refusal.code]),
  "grpc-message": encodeURI(refusal.message),
  ...details(refusal),
});

/** The server middleware. `toRefusal` never throws; it logs what is our own fault. */
export function errorMiddleware(toRefusal: (error: unknown) => Refusal) {
  return async function* <Request, Response>(call: ServerMiddlewareCall<Request, Response>, context: CallContext) {
    try {
      return yield* call.next(call.request, context);
    } catch (error) {
      // The call was cancelled, or a library has already chosen its status.
      if (error instanceof ServerError || (error instanceof Error && error.name === "AbortError")) throw error;
      if (error instanceof DecodeError) throw new ServerError(Status.INVALID_ARGUMENT, error.message);
      const refusal = toRefusal(error);
      for (const [name, value] of Object.entries(details(refusal))) context.trailer.set(name, value);
      throw new ServerError(codes[refusal.code], refusal.message);
    }
  };
}
