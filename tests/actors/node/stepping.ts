/** The node's statechart, one event at a time, as the runtime would apply it. */
import { initialTransition, type SnapshotFrom, transition } from "xstate";
import { NODE_RULES, type NodeMachine, nodeMachine } from "../../../src/actors/node/machine.ts";
import type { NodeEvent, NodeInput, NodePolicy } from "../../../src/actors/node/state.ts";
import { nodeInput, nodePolicy, T0, type Unstamped, uuid } from "../fixtures.ts";

export type Snapshot = SnapshotFrom<NodeMachine>;
export type Event = Unstamped<NodeEvent>;
export type Outcome = Extract<Event, { type: "OUTCOME" }>;

/** Two failures of different jobs set it aside. */
export const strictPolicy: NodePolicy = { ...nodePolicy, failureLimit: 2, setAside: 60_000 };

export const begin = (overrides: Partial<NodeInput> = {}): Snapshot =>
  initialTransition(nodeMachine, nodeInput({ policy: strictPolicy, ...overrides }))[0] as Snapshot;

/** The very same snapshot where the event means nothing. */
export function step(snapshot: Snapshot, event: Event, at = T0 + 1): Snapshot {
  const stamped = { ...event, at, rules: NODE_RULES } as NodeEvent;
  const after = transition(nodeMachine, snapshot, stamped)[0] as Snapshot;
  if (after.status === "error") throw after.error;
  return after;
}

/** All at one time. */
export const steps = (snapshot: Snapshot, events: readonly Event[], at = T0 + 1): Snapshot =>
  events.reduce((now, event) => step(now, event, at), snapshot);

export const outcome = (job: number, of: Outcome["outcome"], more: Partial<Outcome> = {}): Event => ({
  type: "OUTCOME",
  jobId: uuid(job),
  jobCreatedAt: T0,
  attempt: 1,
  outcome: of,
  ...more,
});

export const complaint = (job: number, attempt = 1, reason = "the model is noise"): Event => ({
  type: "COMPLAINT",
  jobId: uuid(job),
  jobCreatedAt: T0,
  attempt,
  reason,
  by: "a user",
});

const by = "operator";
export const cordon = (reason = "new fans"): Event => ({ type: "CORDON", reason, by });
export const drain = (until: number | null = null, reason = "update"): Event => ({ type: "DRAIN", reason, by, until });
export const uncordon: Event = { type: "UNCORDON", reason: "repaired", by };
export const ban = (until: number | null = null, evict = false, reason = "lied"): Event => ({
  type: "BAN",
  reason,
  by,
  until,
  evict,
});
export const unban: Event = { type: "UNBAN", reason: "appealed", by };

export const standingOf = ({ value }: Snapshot): string => value.standing;
export const serviceOf = ({ value }: Snapshot): string => value.service;
