/** Steps through the chart of a job by hand: one snapshot, one event, the next snapshot. */
import { createActor, type SnapshotFrom, transition } from "xstate";
import { JOB_RULES } from "../../../src/actors/job/endings.ts";
import { jobMachine } from "../../../src/actors/job/machine.ts";
import type { JobEvent, JobInput } from "../../../src/actors/job/state.ts";
import { dottedState } from "../../../src/actors/runtime/index.ts";
import { jobInput, T0, type Unstamped } from "../fixtures.ts";

export type Snapshot = SnapshotFrom<typeof jobMachine>;
export type Event = Unstamped<JobEvent>;

export const TERMINAL = new Set(["completed", "failed", "cancelled"]);
export const stateOf = (snapshot: Snapshot): string => dottedState(snapshot.value);

/** XState's types ask for an input beside a snapshot, which has none. */
export const startFrom = (snapshot: unknown) => createActor(jobMachine, { snapshot } as never);

export function begin(input: Partial<JobInput> = {}): Snapshot {
  return createActor(jobMachine, { input: jobInput(input) })
    .start()
    .getSnapshot();
}

/** The next snapshot; the very same when the event was refused. Throws when the machine does. */
export const step = (snapshot: Snapshot, event: Event, at: number): Snapshot =>
  transition(jobMachine, snapshot, { ...event, at, rules: JOB_RULES } as JobEvent)[0] as Snapshot;

/** Walks through the events, each a millisecond after the one before; every one must be accepted. */
export function walk(events: readonly Event[], input: Partial<JobInput> = {}): Snapshot {
  let snapshot = begin(input);
  for (const [index, event] of events.entries()) {
    const next = step(snapshot, event, T0 + index + 1);
    if (next === snapshot) throw new Error(`${event.type} was refused in ${stateOf(snapshot)}`);
    snapshot = next;
  }
  return snapshot;
}
