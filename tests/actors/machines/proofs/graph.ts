/**
 * Every situation a machine can be brought into, found by xstate/graph. Situations that differ in nothing the machine looks
 * at are one (`key`), which is what makes their number finite; the first one met stands for all of its class, and the log
 * that led to it comes with it.
 */
import { type AnyStateMachine, type SnapshotFrom, transition } from "xstate";
import { getAdjacencyMap } from "xstate/graph";
import type { Json } from "../../../../src/actors/runtime/index.ts";

export interface StampedEvent {
  readonly type: string;
  readonly at: number;
  readonly [more: string]: unknown;
}

export interface Situation<M extends AnyStateMachine> {
  readonly key: string;
  readonly snapshot: SnapshotFrom<M>;
  /** As the journal would have it: the creation, then every event up to here. */
  readonly log: readonly Json[];
}

export interface World<M extends AnyStateMachine> {
  readonly machine: M;
  readonly input: object;
  /** What may happen here; what is refused need not be left out. */
  readonly moves: (snapshot: SnapshotFrom<M>) => readonly StampedEvent[];
  readonly key: (snapshot: SnapshotFrom<M>) => string;
}

/** So far is far beyond the largest of our graphs: a key that tells too much apart ends here and not with the memory. */
const LIMIT = 2_000_000;

/** The next snapshot, or the very same if the event is refused. Throws what the machine throws. */
export function next<M extends AnyStateMachine>(machine: M, snapshot: SnapshotFrom<M>, event: object): SnapshotFrom<M> {
  const after = transition(machine, snapshot, event as never)[0] as SnapshotFrom<M>;
  const { status, error } = after as { readonly status: string; readonly error?: unknown };
  if (status === "error") throw error;
  return after;
}

export function reach<M extends AnyStateMachine>({ machine, input, moves, key }: World<M>): readonly Situation<M>[] {
  interface Origin {
    readonly from: string | null;
    readonly event: Json;
  }
  const origins = new Map<string, Origin>();
  const map = getAdjacencyMap(machine as AnyStateMachine, {
    input,
    limit: LIMIT,
    // Refused events lead nowhere; left in, they would be most of the queue.
    events: (snapshot) =>
      moves(snapshot as never).filter((event) => next(machine, snapshot as never, event) !== snapshot),
    // Called for each situation as it is met, the first time with the way to the one that is kept.
    serializeState: (snapshot, event, before) => {
      const name = key(snapshot as never);
      if (!origins.has(name)) {
        const creation = { type: "created", input } as unknown as Json;
        const from = before === undefined ? null : key(before as never);
        origins.set(name, { from, event: from === null ? creation : (event as unknown as Json) });
      }
      return name as never;
    },
  });
  const logs = new Map<string, readonly Json[]>();
  const logOf = (name: string): readonly Json[] => {
    const known = logs.get(name);
    if (known) return known;
    const origin = origins.get(name);
    if (!origin) throw new Error(`nothing leads to ${name}`);
    const log = [...(origin.from === null ? [] : logOf(origin.from)), origin.event];
    logs.set(name, log);
    return log;
  };
  return Object.entries(map).map(([name, { state }]) => ({
    key: name,
    snapshot: state as unknown as SnapshotFrom<M>,
    log: logOf(name),
  }));
}

export const plain = <T>(value: T): T => JSON.parse(JSON.stringify(value)) as T;
