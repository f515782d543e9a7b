/** Counts every call against its caller's share, before its handler sees it. */
import type { CallContext, ServerMiddlewareCall } from "nice-grpc";
import { parseNodeId } from "../../domain/ids.ts";
import { type CallerLimits, shareOf } from "../caller-limits.ts";
import { ANONYMOUS, type Authenticate } from "./caller.ts";
import { JobStatusServiceDefinition, NodeServiceDefinition } from "./protocol.ts";

export interface CallerLimitsDependencies {
  readonly limits: CallerLimits;
  readonly authenticate: Authenticate;
  /** Whether a node of this id is registered. */
  readonly isNode: (id: string) => boolean;
}

/** What nodes must be able to say whatever else goes on. */
const REPORTS: ReadonlySet<string> = new Set(
  [
    NodeServiceDefinition.heartbeat,
    NodeServiceDefinition.reportProgress,
    NodeServiceDefinition.reportCompletion,
    NodeServiceDefinition.notifyJobAccepted,
    JobStatusServiceDefinition.updateJobStatus,
    JobStatusServiceDefinition.reportJobResult,
  ].map(({ path }) => path),
);

/** "127.0.0.1:4711" without its port, which changes with every connection. */
const hostOf = (peer: string): string => peer.slice(0, Math.max(0, peer.lastIndexOf(":"))) || peer;

export function callerLimitsMiddleware({ limits, authenticate, isNode }: CallerLimitsDependencies) {
  return async function* <Request, Response>(call: ServerMiddlewareCall<Request, Response>, context: CallContext) {
    const address = hostOf(context.peer);
    const node = REPORTS.has(call.method.path) && !call.requestStream ? reporterOf(call.request) : null;
    if (node !== null && isNode(node)) {
      // By address too: whoever names somebody else's node elsewhere does not use up its share.
      limits.reports.take(`${node} ${address}`);
      return yield* call.next(call.request, context);
    }
    // A token that is no good is refused by the handler, with the reason; here it only makes nobody of its bearer.
    const hasToken = context.metadata.get("authorization") !== undefined;
    const caller = hasToken
      ? await authenticate(context.metadata, { allowExpired: true }).catch(() => ANONYMOUS)
      : ANONYMOUS;
    const share = shareOf(caller.userId === null ? null : { as: "user", name: caller.userId }, address);
    limits.requests.take(share);
    const giveBack = call.responseStream ? limits.streams.take(share) : null;
    try {
      return yield* call.next(call.request, context);
    } finally {
      giveBack?.();
    }
  };
}

function reporterOf(request: unknown): string | null {
  const named = typeof request === "object" && request !== null && "nodeId" in request ? request.nodeId : null;
  return typeof named === "string" ? parseNodeId(named) : null;
}
