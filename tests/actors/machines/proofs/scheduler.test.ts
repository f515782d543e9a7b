/** The scheduler, in every situation its operators and restarts can bring it into. */
import { schedulerKind } from "../../../../src/actors/scheduler/kind.ts";
import { prove } from "./prove.ts";
import { schedulerWorld } from "./scheduler-world.ts";

prove({
  kind: schedulerKind,
  worlds: [schedulerWorld],
  events: schedulerWorld.moves,
  source: "scheduler/machine.ts",
  waits: [
    {
      what: "reconciling waits for the start of this very process: it ends it, or dies, and the next start begins it anew",
      applies: ({ value }) => value === "reconciling",
    },
    {
      what: "brokering is where it stays: the jobs it serves have deadlines of their own",
      applies: ({ value }) => value === "brokering",
    },
    {
      what: "paused waits for an operator; jobs that are not offered meanwhile end by their queue's deadline",
      applies: ({ value }) => value === "paused",
    },
  ],
  isOver: () => false,
  atLeast: 5,
});
