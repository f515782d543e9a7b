/** The scheduler there can be. */
import { type SchedulerMachine, schedulerMachine } from "../../../../src/actors/scheduler/machine.ts";
import { T0 } from "../../fixtures.ts";
import type { StampedEvent, World } from "./graph.ts";

const by = "operator";
const at = T0 + 1;

const moves = (): readonly StampedEvent[] => [
  { type: "LEADER_STARTED", at },
  { type: "RECONCILED", at },
  { type: "PAUSE", reason: "moving", by, at },
  { type: "PAUSE", reason: "still moving", at },
  { type: "RESUME", reason: "moved", by, at },
  { type: "RESUME", at },
];

export const schedulerWorld: World<SchedulerMachine> & { readonly name: string } = {
  name: "the scheduler",
  machine: schedulerMachine,
  input: { at: T0 },
  moves,
  key: ({ value, context }) => JSON.stringify([value, context]),
};
