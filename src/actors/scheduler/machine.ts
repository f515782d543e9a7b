/**
 * The statechart of the scheduler, of which there is one.
 *
 *   reconciling   the leader has just started: queues and rooms are being derived from the recovered actors
 *   brokering     offers jobs to nodes
 *   paused        an operator has stopped brokering; running jobs go on
 *
 * A pause outlives a restart: reconciling leads back to where it came from.
 */
import { assign, setup } from "xstate";
import type { Millis } from "../runtime/index.ts";

export interface SchedulerContext {
  readonly paused: boolean;
  readonly reason: string | null;
}

export type SchedulerEvent = { readonly at: Millis } & (
  | { readonly type: "LEADER_STARTED" }
  | { readonly type: "RECONCILED" }
  /** `by` names the operator in the log. */
  | { readonly type: "PAUSE"; readonly reason: string; readonly by?: string }
  | { readonly type: "RESUME"; readonly reason?: string; readonly by?: string }
);

export const schedulerMachine = setup({
  types: {
    context: {} as SchedulerContext,
    events: {} as SchedulerEvent,
    input: {} as { readonly at: Millis },
  },
  guards: {
    isPaused: ({ context }) => context.paused,
    /** The same pause again says nothing new, and what says nothing is refused, not stored. */
    isNewPause: ({ context, event }) => event.type === "PAUSE" && !(context.paused && context.reason === event.reason),
  },
  actions: {
    pause: assign(({ event }) => (event.type === "PAUSE" ? { paused: true, reason: event.reason } : {})),
    resume: assign({ paused: false, reason: null }),
  },
}).createMachine({
  id: "scheduler",
  context: { paused: false, reason: null },
  initial: "reconciling",
  on: { LEADER_STARTED: { target: ".reconciling" } },
  states: {
    reconciling: {
      on: {
        RECONCILED: [{ guard: "isPaused", target: "paused" }, { target: "brokering" }],
        PAUSE: { guard: "isNewPause", actions: "pause" },
        RESUME: { guard: "isPaused", actions: "resume" },
      },
    },
    brokering: { on: { PAUSE: { target: "paused", actions: "pause" } } },
    paused: {
      on: {
        RESUME: { target: "brokering", actions: "resume" },
        PAUSE: { guard: "isNewPause", actions: "pause" },
      },
    },
  },
});

export type SchedulerMachine = typeof schedulerMachine;
export const SCHEDULER_ID = "main";
