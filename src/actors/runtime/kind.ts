/** What makes one kind of actor: its machine, how its state maps to a row, and the effects it can owe. */
import type { AnyStateMachine, EventFromLogic, InputFrom, SnapshotFrom } from "xstate";
import type { ActorRef, Json, Millis } from "./ports.ts";

/** An actor's state as the journal has it. The only state anybody outside the actor ever sees. */
export interface Committed<M extends AnyStateMachine = AnyStateMachine> {
  readonly ref: ActorRef;
  readonly version: number;
  /** Dotted name of the state, e.g. "assigned.offering". */
  readonly state: string;
  readonly snapshot: SnapshotFrom<M>;
  readonly finished: boolean;
  /** When it was committed. */
  readonly at: Millis;
}

/** One commit, as told to listeners: mirror, scheduler, streams. `before` is null for a new actor and after a reload. */
export interface CommittedChange<M extends AnyStateMachine = AnyStateMachine> {
  readonly before: Committed<M> | null;
  readonly after: Committed<M>;
  /** The event's type; "created" for a new actor, "reloaded" when the runtime found the row changed after a lost commit. */
  readonly event: string;
}

/** An effect that the actor's present state owes to the world. */
export interface Owed {
  /** Names the handler in `ActorKind.effects`. */
  readonly name: string;
  /** Stable across restarts, and different for each time the effect must really happen: "offerToNode/3". */
  readonly key: string;
}

export interface EffectCall<M extends AnyStateMachine> {
  readonly ref: ActorRef;
  /** `kind/id/key`: give it to whoever carries the effect out, so that doing it again is harmless. */
  readonly idempotencyKey: string;
  readonly owed: Owed;
  readonly snapshot: SnapshotFrom<M>;
  /** Aborted when the state no longer owes the effect, and at shutdown, if the handler has not answered by then. */
  readonly signal: AbortSignal;
}

/**
 * Carries out one effect and resolves to the event that tells its actor the outcome (null: nothing to tell). It may run
 * again for the same key after a crash or a lost commit. If it throws, it is tried again with backoff for as long as the
 * state owes it.
 */
export type EffectHandler<M extends AnyStateMachine> = (
  call: EffectCall<M>,
) => Promise<Unstamped<EventFromLogic<M>> | null>;

/** An event before the runtime has stamped it with the time it was taken from the mailbox. */
export type Unstamped<E> = E extends unknown ? Omit<E, "at"> : never;

/**
 * The contract of a kind. The machine must be pure: no promises, no `after`, no `invoke`, no clock, no random source.
 * Every event carries `at`, the time the runtime took it up, and the input of a new actor does too; that is what makes
 * the log replayable.
 */
export interface ActorKind<M extends AnyStateMachine = AnyStateMachine> {
  readonly name: string;
  readonly machine: M;
  /**
   * The version of the machine's rules, stamped on every event as `rules`. A machine whose rules change raises it and treats
   * events with a lower one (or none) by the rules of their time, so that a log from before the change replays to the same
   * state (I9). Absent: no stamp.
   */
  readonly rules?: number;
  /**
   * Brings a persisted snapshot of an earlier version into today's shape before it is loaded: fields that have been added,
   * states that have been renamed. Pure, and the identity for one of today. It must give what replaying the snapshot's log
   * with today's machine gives. It changes memory only; the row follows with the actor's next transition.
   */
  upgrade?(snapshot: Json): Json;
  /** Fields of the context that an actor keeps from its creation, or nearly: they are not written with each transition. */
  readonly lasting?: readonly (keyof SnapshotFrom<M>["context"] & string)[];
  /** When this state wants a DEADLINE event; null for never. */
  deadline(snapshot: SnapshotFrom<M>): Millis | null;
  /** True when nothing more can happen: the actor leaves memory. */
  finished(snapshot: SnapshotFrom<M>): boolean;
  /**
   * True when the deadline waits for somebody outside (a node's heartbeat, a report). Such a deadline never fires within
   * one heartbeat interval of a start or a stall of this process: the silence may have been ours.
   */
  awaitsOutside?(snapshot: SnapshotFrom<M>): boolean;
  /** The dotted state name; by default the machine's own path. */
  stateName?(snapshot: SnapshotFrom<M>): string;
  /** The effects this state owes; by default those in the `meta.owes` of the active states, keyed by their names. */
  owes?(snapshot: SnapshotFrom<M>): readonly Owed[];
  readonly effects?: Readonly<Record<string, EffectHandler<M>>>;
  /** The actor's row in its own table, written in the same commit. */
  row?(snapshot: SnapshotFrom<M>, version: number): Readonly<Record<string, unknown>>;
}

export type EventOf<M extends AnyStateMachine> = Unstamped<EventFromLogic<M>>;
export type InputOf<M extends AnyStateMachine> = Unstamped<InputFrom<M>>;

/** "assigned.offering" from XState's nested value; parallel regions are joined with "+". */
export function dottedState(value: unknown): string {
  if (typeof value === "string") return value;
  const regions = value as Readonly<Record<string, unknown>>;
  let state = "";
  for (const name in regions) {
    const rest = dottedState(regions[name]);
    const path = rest === "" ? name : `${name}.${rest}`;
    state = state === "" ? path : `${state}+${path}`;
  }
  return state;
}

interface OwingMeta {
  readonly owes?: string | readonly string[];
}

/** The effects named in the `meta.owes` of every active state. */
export function owedByMeta(snapshot: { getMeta(): Record<string, unknown> }): readonly string[] {
  const names: string[] = [];
  for (const meta of Object.values(snapshot.getMeta())) {
    const owes = (meta as OwingMeta | undefined)?.owes;
    if (typeof owes === "string") names.push(owes);
    else if (owes) names.push(...owes);
  }
  return names;
}
