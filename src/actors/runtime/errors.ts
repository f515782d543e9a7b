/**
 * Why an `ask` was refused. The family is closed: a caller that handles these classes has handled everything the
 * runtime can say. None of them means "perhaps it happened" except `ActorUnavailable`, whose doc says so.
 */
import type { Committed } from "./kind.ts";
import type { ActorRef, Millis } from "./ports.ts";

export abstract class ActorError extends Error {
  constructor(
    readonly ref: ActorRef,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

/** No such actor, neither live nor finished. */
export class ActorUnknown extends ActorError {
  override readonly name = "ActorUnknown";
  constructor(ref: ActorRef) {
    super(ref, `${ref.kind} ${ref.id} does not exist`);
  }
}

/**
 * The actor is in a state in which this event means nothing, or a guard refused it. Nothing changed. The committed
 * snapshot is attached, so that a repeat of something that already happened can be told from a mistake.
 */
export class EventRejected extends ActorError {
  override readonly name = "EventRejected";
  constructor(
    readonly committed: Committed,
    readonly eventType: string,
  ) {
    super(
      committed.ref,
      `${committed.ref.kind} ${committed.ref.id} is ${committed.state}: ${eventType} does not apply`,
    );
  }
}

/** Too much is queued, for this actor or for the journal. Nothing happened; try again after a while. */
export class ActorOverloaded extends ActorError {
  override readonly name = "ActorOverloaded";
  readonly retryAfter: Millis = 1000;
  constructor(ref: ActorRef, what: string) {
    super(ref, `${ref.kind} ${ref.id}: ${what}`);
  }
}

/**
 * The journal could not be written, or this process is starting, stopping or deposed. The event may or may not have
 * taken effect: ask again with the same ids, which is harmless.
 */
export class ActorUnavailable extends ActorError {
  override readonly name = "ActorUnavailable";
  readonly retryAfter: Millis = 1000;
  constructor(ref: ActorRef, reason: string, options?: ErrorOptions) {
    super(ref, `${ref.kind} ${ref.id} is not available: ${reason}`, options);
  }
}

/** The event made the actor throw, or its row can not be stored. It was put aside for people to look at. */
export class EventPoisonous extends ActorError {
  override readonly name = "EventPoisonous";
}

/** The actor failed too often, or its stored state can not be loaded: it takes no events until an operator steps in. */
export class ActorQuarantined extends ActorError {
  override readonly name = "ActorQuarantined";
  constructor(ref: ActorRef, why: string) {
    super(ref, `${ref.kind} ${ref.id} is quarantined: ${why}`);
  }
}
