/** A job, alone or as a gang, in every situation scheduler, nodes, operators and owner can bring it into. */
import { isTerminal, jobKind, jobStatusOf } from "../../../../src/actors/job/kind.ts";
import { owesSettlement } from "../../../../src/actors/job/price.ts";
import { dottedState } from "../../../../src/actors/runtime/index.ts";
import { allJobEvents } from "../../fixtures.ts";
import { type JobSnapshot, jobWorlds, stamped } from "./job-world.ts";
import { prove } from "./prove.ts";

/** No effect is carried out here: what a state owes is asked, not done. */
const kind = jobKind({ link: undefined as never, texts: undefined as never, nodes: undefined as never });

const isOver = ({ value }: JobSnapshot): boolean => isTerminal(jobStatusOf(dottedState(value)));

prove({
  kind,
  worlds: jobWorlds,
  events: (job) => [
    ...allJobEvents(job.context.live, job.context.attempt).map((event) => stamped(job, event)),
    ...jobWorlds[0].moves(job),
  ],
  source: "job/state.ts",
  waits: [
    {
      what: "a job that is over waits for its payment to be told: an effect, which the runtime tries until it succeeds",
      applies: (job) => isOver(job) && owesSettlement(job.context),
      holds: (job) => kind.owes?.(job).some(({ name }) => name === "settlePayment") === true,
    },
    {
      what: "a job that is over waits for its nodes' actors to be told: an effect, which the runtime tries until it succeeds",
      applies: (job) => isOver(job) && job.context.unsettled.length > 0,
      holds: (job) =>
        kind.owes?.(job).filter(({ name }) => name === "recordOutcome").length === job.context.unsettled.length,
    },
  ],
  isOver,
  atLeast: 3000,
});
