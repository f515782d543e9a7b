/** Why a job has not started: the counts as the scheduler has them now, and a sentence made from them. */
import type { JobContext } from "../../../actors/job/state.ts";
import type { JobRow } from "../../../store/queries/index.ts";
import type { RestServices } from "../deps.ts";
import { isoFromMillis } from "../json.ts";

export interface WaitingView {
  readonly stage: "awaiting_funds" | "backoff" | "placing" | "ready" | "parked";
  readonly fitting_nodes: number;
  readonly ruled_out: Readonly<Record<string, number>>;
  /** When the stage ends by itself: the next try, or giving up. */
  readonly until: string | null;
  readonly summary: string;
}

/** What each of the scheduler's reasons means; `one` and `many` complete "3 nodes ...". */
const MEANING: Readonly<Record<string, readonly [one: string, many: string]>> = {
  device: ["lacks the device it needs", "lack the device it needs"],
  ram: ["has too little RAM", "have too little RAM"],
  vram: ["has too little GPU memory", "have too little GPU memory"],
  full: ["has no free slot", "have no free slot"],
  ram_in_use: ["has its RAM in use", "have their RAM in use"],
  vram_in_use: ["has its GPU memory in use", "have their GPU memory in use"],
  offline: ["is offline", "are offline"],
  suspect: ["has gone silent", "have gone silent"],
  maintenance: ["is in maintenance", "are in maintenance"],
  banned: ["is banned", "are banned"],
  uncallable: ["can not be called", "can not be called"],
  excluded: ["was tried a short while ago", "were tried a short while ago"],
};

/** Null when the job does not wait, or when it changed between the reading of the row and now. */
export function waitingOf(row: JobRow, context: JobContext | null, { core }: RestServices): WaitingView | null {
  if (row.status !== "pending" || context === null) return null;
  const until = isoFromMillis(context.deadline);
  if (row.state === "pending.awaitingFunds") {
    return { stage: "awaiting_funds", fitting_nodes: 0, ruled_out: {}, until, summary: "its price is not locked yet" };
  }
  if (row.state === "pending.backoff") {
    return {
      stage: "backoff",
      fitting_nodes: 0,
      ruled_out: {},
      until,
      summary: `it failed and is tried again at ${until}`,
    };
  }
  const job = core.jobs.peek(row.id);
  const waiting = job && core.broker.waiting(job);
  if (waiting === undefined) return null;
  return {
    stage: waiting.stage,
    fitting_nodes: waiting.fitting,
    ruled_out: Object.fromEntries(waiting.reasons),
    until,
    summary: summaryOf(waiting.stage, waiting.fitting, waiting.reasons, isPaused(core)),
  };
}

const isPaused = (core: RestServices["core"]): boolean =>
  [...core.scheduler.live()].some(({ state }) => state !== "brokering");

export function summaryOf(
  stage: WaitingView["stage"],
  fitting: number,
  reasons: ReadonlyMap<string, number>,
  paused: boolean,
): string {
  if (stage === "placing") return "it is being offered to a node";
  if (paused) return "the scheduler is not offering jobs at the moment";
  const ruledOut = [...reasons]
    .sort(([, a], [, b]) => b - a)
    .map(
      ([reason, count]) =>
        `${count} ${count === 1 ? "node" : "nodes"} ${MEANING[reason]?.[count === 1 ? 0 : 1] ?? reason}`,
    );
  if (fitting > 0) return [`${fitting} ${fitting === 1 ? "node" : "nodes"} could take it next`, ...ruledOut].join("; ");
  return ruledOut.length === 0 ? "no node has registered yet" : ruledOut.join("; ");
}
