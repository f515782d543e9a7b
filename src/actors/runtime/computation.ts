/**
 * The pure side of one kind's machine: a snapshot and an event give the next snapshot. Nothing runs here. There is no
 * XState actor for each of ours, with a mailbox and observers of its own: an actor's state is the snapshot that was
 * committed and nothing else, so a computation that failed leaves nothing behind that must be thrown away.
 */
import {
  type AnyActorScope,
  type AnyMachineSnapshot,
  type AnyStateMachine,
  createActor,
  type EventObject,
  type Snapshot,
} from "xstate";
import type { Json } from "./ports.ts";

export class Computation {
  readonly #scope: AnyActorScope;

  constructor(private readonly machine: AnyStateMachine) {
    this.#scope = scopeOf(machine);
  }

  /** The first state of a new actor. @throws what the machine throws */
  begin(input: unknown): AnyMachineSnapshot {
    return sound(this.machine.getInitialSnapshot(this.#scope, input));
  }

  /** The state that was stored. @throws when the machine has no such state */
  restore(stored: Json): AnyMachineSnapshot {
    return sound(this.machine.restoreSnapshot(stored as unknown as Snapshot<unknown>, this.#scope));
  }

  /** The state after the event; the very same snapshot when it changes nothing. @throws what the machine throws */
  next(snapshot: AnyMachineSnapshot, event: EventObject): AnyMachineSnapshot {
    // A machine that has reached its end takes nothing any more, whatever its root still listens to.
    if (snapshot.status !== "active") return snapshot;
    return sound(this.machine.transition(snapshot, event, this.#scope));
  }

  /**
   * What is stored of a state, in XState's own form. Where it has neither children nor a history, as by contract, that form
   * is these four fields and two empty ones, and XState's search of the context for actors, which is slower than the
   * transition's own guards, can be left out.
   */
  persist(snapshot: AnyMachineSnapshot): Json {
    const { status, output, error, value, context, children, historyValue } = snapshot;
    if (!isEmpty(children) || !isEmpty(historyValue)) {
      return this.machine.getPersistedSnapshot(snapshot) as unknown as Json;
    }
    return { status, output, error, value, historyValue: {}, context, children: {} } as unknown as Json;
  }
}

/** An actor that is never started lends its name and system: the machine asks for them, and by contract does nothing with them. */
function scopeOf(machine: AnyStateMachine): AnyActorScope {
  const self = createActor(machine);
  return {
    self,
    system: self.system,
    id: self.id,
    sessionId: self.sessionId,
    logger: () => {},
    defer: () => {},
    emit: () => {},
    stopChild: () => {},
    actionExecutor: ({ exec, info, params }) => exec?.(info, params),
  };
}

/** XState catches some of a machine's errors and makes them a state. */
function sound(snapshot: AnyMachineSnapshot): AnyMachineSnapshot {
  if (snapshot.status === "error") throw snapshot.error;
  return snapshot;
}

function isEmpty(record: Readonly<Record<string, unknown>>): boolean {
  for (const _ in record) return false;
  return true;
}
