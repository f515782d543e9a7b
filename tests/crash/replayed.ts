/** Every actor's life, recomputed from its log alone, one state per transition. */
import { type AnyStateMachine, createActor } from "xstate";
import { jobMachine } from "../../src/actors/job/machine.ts";
import type { JobContext } from "../../src/actors/job/state.ts";
import { nodeMachine } from "../../src/actors/node/machine.ts";
import { dottedState, type Json } from "../../src/actors/runtime/index.ts";
import { schedulerMachine } from "../../src/actors/scheduler/machine.ts";
import type { Transition } from "./evidence.ts";

const machines: Readonly<Record<string, AnyStateMachine>> = {
  job: jobMachine,
  node: nodeMachine,
  scheduler: schedulerMachine,
};

export interface Step {
  readonly transition: Transition;
  /** As the machine has it after the transition, not as the log says. */
  readonly state: string;
  readonly context: unknown;
}

export interface Life {
  readonly kind: string;
  readonly id: string;
  readonly steps: readonly Step[];
  /** What the actor's row must hold. */
  readonly snapshot: Json;
  /** Why the log could not be followed to its end; null when it could. */
  readonly broken: string | null;
}

export const jobContext = (step: Step): JobContext => step.context as JobContext;

/** @returns the lives by "kind/id" */
export function replayAll(transitions: readonly Transition[]): ReadonlyMap<string, Life> {
  const logs = Map.groupBy(transitions, ({ kind, id }) => `${kind}/${id}`);
  return new Map([...logs].map(([key, log]) => [key, replayOne(log)]));
}

function replayOne(log: readonly Transition[]): Life {
  const { kind = "", id = "" } = log[0] ?? {};
  const steps: Step[] = [];
  const life = (snapshot: Json, broken: string | null): Life => ({ kind, id, steps, snapshot, broken });
  const machine = machines[kind];
  const creation = log[0]?.event as { readonly type?: string; readonly input?: unknown } | undefined;
  if (machine === undefined) return life(null, `there is no machine for the kind ${kind}`);
  if (creation?.type !== "created") return life(null, "its log does not begin with its creation");
  try {
    const actor = createActor(machine, { input: creation.input as never });
    actor.subscribe({ error: () => {} });
    actor.start();
    for (const [index, transition] of log.entries()) {
      if (index > 0) actor.send(transition.event as never);
      const { value, context } = actor.getSnapshot();
      steps.push({ transition, state: dottedState(value), context });
    }
    // As the journal stores it: what JSON leaves out is not there.
    return life(JSON.parse(JSON.stringify(actor.getPersistedSnapshot())) as Json, null);
  } catch (error) {
    return life(null, `its log cannot be replayed: ${error instanceof Error ? error.message : String(error)}`);
  }
}
