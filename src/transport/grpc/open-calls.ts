/** How many calls are open at once. Beyond the limit a call is refused at once, which costs a client less than a queue. */
import type { CallContext, ServerMiddlewareCall } from "nice-grpc";
import { Refusal } from "../../domain/refusal.ts";

export class OpenCalls {
  #open = 0;

  constructor(private readonly limit: number) {}

  get open(): number {
    return this.#open;
  }

  middleware() {
    const calls = this;
    return async function* <Request, Response>(call: ServerMiddlewareCall<Request, Response>, context: CallContext) {
      if (calls.#open >= calls.limit) {
        throw new Refusal("resource_exhausted", `${calls.limit} calls are open already; try again later`, {
          retryAfterMs: 1000,
          whoever: true,
        });
      }
      calls.#open += 1;
      try {
        return yield* call.next(call.request, context);
      } finally {
        calls.#open -= 1;
      }
    };
  }
}
