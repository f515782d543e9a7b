/** Where a test ends the server between what a call did and its answer. In place only while fail points are armed. */
import type { CallContext, ServerMiddleware, ServerMiddlewareCall } from "nice-grpc";
import { type FailpointName, failpoints } from "../../actors/runtime/index.ts";

export function beforeAnswer(place: FailpointName): ServerMiddleware {
  return async function* <Request, Response>(call: ServerMiddlewareCall<Request, Response>, context: CallContext) {
    const response = yield* call.next(call.request, context);
    await failpoints.hit(place);
    return response;
  };
}
