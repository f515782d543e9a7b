import { assign, setup } from "xstate";
import type { ActorKind } from "../../../src/actors/runtime/index.ts";

const letterMachine = setup({
  types: {
    context: {} as { readonly to: string; readonly answerBy: number },
    events: {} as { readonly at: number } & { readonly type: "POSTED" | "ANSWERED" | "DEADLINE" },
    input: {} as { readonly at: number; readonly to: string },
  },
}).createMachine({
  id: "letter",
  context: ({ input }) => ({ to: input.to, answerBy: input.at + 60_000 }),
  initial: "written",
  on: { DEADLINE: ".lost" },
  states: {
    written: {
      meta: { owes: "post" },
      on: { POSTED: { target: "posted", actions: assign({ answerBy: ({ event }) => event.at + 3_600_000 }) } },
    },
    posted: { on: { ANSWERED: "answered" } },
    answered: { type: "final" },
    lost: { type: "final" },
  },
});

export const letterKind = (post: (to: string, key: string) => Promise<void>): ActorKind<typeof letterMachine> => ({
  name: "letter",
  machine: letterMachine,
  deadline: ({ status, context }) => (status === "active" ? context.answerBy : null),
  finished: ({ status }) => status === "done",
  effects: {
    post: async ({ snapshot, idempotencyKey }) => {
      await post(snapshot.context.to, idempotencyKey);
      return { type: "POSTED" };
    },
  },
});
