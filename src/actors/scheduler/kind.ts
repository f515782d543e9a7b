/** The kind "scheduler". It owes nothing: what it does while brokering is the broker's part. */
import type { ActorKind, Actors, Committed } from "../runtime/index.ts";
import { type SchedulerMachine, schedulerMachine } from "./machine.ts";

export type Scheduler = Actors<SchedulerMachine>;
export type CommittedScheduler = Committed<SchedulerMachine>;

export const schedulerKind: ActorKind<SchedulerMachine> = {
  name: "scheduler",
  machine: schedulerMachine,
  deadline: () => null,
  finished: () => false,
};
