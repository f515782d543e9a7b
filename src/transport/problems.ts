/**
 * Turns whatever was thrown into the one error family that callers see. gRPC and REST both call `refusalFrom` and then map
 * the `Refusal`'s code once each, so that the same trouble has the same name on both.
 */
import {
  ActorError,
  ActorOverloaded,
  ActorQuarantined,
  ActorUnavailable,
  ActorUnknown,
  EventPoisonous,
  EventRejected,
  type Log,
} from "../actors/runtime/index.ts";
import { Refusal } from "../domain/refusal.ts";
import { isDatabaseTrouble } from "../store/queries/index.ts";

/** How long a caller should wait when the database is away: about what a failover or a restart takes to get somewhere. */
const DATABASE_RETRY_MS = 2000;

/**
 * Never throws. What the caller can do nothing about becomes "internal" with a reference, and is logged under that
 * reference; its message says nothing of what went wrong inside.
 */
export function refusalFrom(error: unknown, log: Log): Refusal {
  if (error instanceof Refusal) return error;
  if (error instanceof ActorError) return fromActor(error) ?? internal(error, log);
  if (isDatabaseTrouble(error)) {
    log.warn("the database did not answer a request", { error });
    const message = "the database does not answer at the moment; try again in a while";
    return new Refusal("unavailable", message, { retryAfterMs: DATABASE_RETRY_MS, cause: error });
  }
  return internal(error, log);
}

/** Null for what only an operator can mend. */
function fromActor(error: ActorError): Refusal | null {
  const { kind, id } = error.ref;
  if (error instanceof ActorUnknown) return new Refusal("not_found", `${kind} ${id} not found`, { cause: error });
  if (error instanceof EventRejected) {
    const message = `${kind} ${id} is ${error.committed.state}, where this is not possible`;
    return new Refusal("failed_precondition", message, { cause: error });
  }
  if (error instanceof ActorOverloaded) {
    const message = "the server has more work waiting than it can take; try again in a while";
    return new Refusal("resource_exhausted", message, { retryAfterMs: error.retryAfter, cause: error });
  }
  if (error instanceof ActorUnavailable) {
    const message = `${kind} ${id} is not available at the moment, and the request may or may not have taken effect; sending it again is safe`;
    return new Refusal("unavailable", message, { retryAfterMs: error.retryAfter, cause: error });
  }
  return null;
}

function internal(error: unknown, log: Log): Refusal {
  const reference = crypto.randomUUID();
  const putAside = error instanceof EventPoisonous || error instanceof ActorQuarantined;
  log.error(putAside ? "a request met an actor that needs an operator" : "a request failed inside the server", {
    reference,
    error,
  });
  return new Refusal("internal", `internal error; the server's log has it under reference ${reference}`, {
    cause: error,
  });
}
