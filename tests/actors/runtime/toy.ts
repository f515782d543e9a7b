/** The smallest kind of actor that can do everything the runtime promises to handle, and a system with one of it. */
import { assign, setup } from "xstate";
import {
  type ActorKind,
  ActorSystem,
  type Actors,
  type CommittedChange,
  type EffectHandler,
} from "../../../src/actors/runtime/index.ts";
import { FakeClock, settle } from "../../support/fake-clock.ts";
import { MemoryJournal } from "../../support/memory-journal.ts";
import { rememberingLog } from "../../support/quiet.ts";

export interface ToyContext {
  readonly sum: number;
  /** The first is armed; a DEADLINE takes it off and notes when it came. */
  readonly deadlines: readonly number[];
  readonly fired: readonly { readonly due: number | null; readonly at: number }[];
  readonly outside: boolean;
  readonly owed: readonly string[];
  readonly owesThrows: boolean;
}

export type ToyEvent = { readonly at: number } & (
  | { readonly type: "ADD"; readonly by: number }
  | { readonly type: "ARM"; readonly deadlines: readonly number[]; readonly outside: boolean }
  | { readonly type: "OWE"; readonly key: string }
  | { readonly type: "DONE"; readonly key: string }
  | { readonly type: "BOOM" }
  | { readonly type: "GUARD_BOOM" }
  | { readonly type: "OWES_BOOM" }
  | { readonly type: "BAD_ROW" }
  | { readonly type: "CLOSE" }
  | { readonly type: "DEADLINE" }
);

export const toyMachine = setup({
  types: {
    context: {} as ToyContext,
    events: {} as ToyEvent,
    input: {} as { readonly at: number; readonly sum: number },
  },
}).createMachine({
  id: "toy",
  context: ({ input }) => {
    if (input.sum < 0) throw new Error("a sum is not negative");
    return { sum: input.sum, deadlines: [], fired: [], outside: false, owed: [], owesThrows: false };
  },
  initial: "open",
  states: {
    open: {
      on: {
        ADD: {
          guard: ({ event }) => event.by !== 0,
          actions: assign(({ context, event }) => ({ sum: context.sum + event.by })),
        },
        ARM: { actions: assign(({ event }) => ({ deadlines: event.deadlines, outside: event.outside })) },
        OWE: { actions: assign(({ context, event }) => ({ owed: [...context.owed, event.key] })) },
        DONE: {
          guard: ({ context, event }) => context.owed.includes(event.key),
          actions: assign(({ context, event }) => ({ owed: context.owed.filter((key) => key !== event.key) })),
        },
        BOOM: {
          actions: assign(() => {
            throw new Error("boom");
          }),
        },
        GUARD_BOOM: {
          guard: () => {
            throw new Error("boom in a guard");
          },
          actions: assign({ sum: 0 }),
        },
        OWES_BOOM: { actions: assign({ owesThrows: true }) },
        BAD_ROW: { actions: assign({ sum: -1 }) },
        DEADLINE: {
          actions: assign(({ context, event }) => ({
            deadlines: context.deadlines.slice(1),
            fired: [...context.fired, { due: context.deadlines[0] ?? null, at: event.at }],
          })),
        },
        CLOSE: "closed",
      },
    },
    closed: {},
  },
});

export type ToyMachine = typeof toyMachine;

export function toyKind(effect: EffectHandler<ToyMachine> = async () => null): ActorKind<ToyMachine> {
  return {
    name: "toy",
    machine: toyMachine,
    deadline: ({ context }) => context.deadlines[0] ?? null,
    finished: (snapshot) => snapshot.matches("closed"),
    awaitsOutside: ({ context }) => context.outside,
    owes: ({ context }) => {
      if (context.owesThrows) throw new Error("owes throws");
      return context.owed.map((key) => ({ name: "act", key }));
    },
    effects: { act: effect },
    row: ({ context }) => ({ sum: context.sum }),
  };
}

export const OUTSIDE_GRACE = 5000;

export interface ToyWorld {
  readonly clock: FakeClock;
  readonly journal: MemoryJournal;
  readonly log: ReturnType<typeof rememberingLog>;
  readonly system: ActorSystem;
  readonly toys: Actors<ToyMachine>;
  readonly changes: CommittedChange<ToyMachine>[];
  readonly deposed: Error[];
  sum(id: string): number | undefined;
}

export interface ToyOptions {
  readonly clock?: FakeClock;
  readonly journal?: MemoryJournal;
  readonly effect?: EffectHandler<ToyMachine>;
  readonly maxPending?: number;
  readonly start?: boolean;
}

export async function toyWorld(options: ToyOptions = {}): Promise<ToyWorld> {
  const clock = options.clock ?? new FakeClock();
  const journal = options.journal ?? new MemoryJournal();
  const log = rememberingLog();
  const deposed: Error[] = [];
  const system = new ActorSystem({
    clock,
    journal,
    log,
    outsideGrace: OUTSIDE_GRACE,
    maxPending: options.maxPending ?? 10_000,
    onDeposed: (error) => deposed.push(error),
  });
  const toys = system.register(toyKind(options.effect));
  const changes: CommittedChange<ToyMachine>[] = [];
  toys.onCommit((change) => changes.push(change));
  if (options.start !== false) {
    await system.recover();
    system.start();
    await settle();
  }
  return { clock, journal, log, system, toys, changes, deposed, sum: (id) => toys.peek(id)?.snapshot.context.sum };
}

/** The error a promise is refused with; fails when it is not. */
export async function refusal(promise: Promise<unknown>): Promise<Error> {
  try {
    await promise;
  } catch (error) {
    return error as Error;
  }
  throw new Error("it was not refused");
}
