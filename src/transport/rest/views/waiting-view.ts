/** Why a job has not started, in short: what lists and the page of a job show. The whole is the explanation. */
import type { WaitReason } from "../../../actors/scheduler/explanation.ts";
import type { JobRow } from "../../../store/queries/index.ts";
import type { RestServices } from "../deps.ts";
import { isoFromMillis } from "../json.ts";

export interface WaitingView {
  readonly stage: "awaiting_funds" | "backoff" | "placing" | "ready" | "parked";
  readonly fitting_nodes: number;
  readonly ruled_out: Readonly<Record<string, number>>;
  /** When the stage ends by itself: the next try, or giving up. */
  readonly until: string | null;
  readonly reason: WaitReason | null;
  readonly summary: string;
}

/** Null when the job does not wait, changed since the row was read, or when it would take too much of the server's time. */
export function waitingOf(row: JobRow, { waiting }: RestServices): WaitingView | null {
  const explanation = row.status === "pending" ? waiting.ofPresent(row.id) : null;
  if (explanation === null) return null;
  const { nodes, until, reason, summary } = explanation;
  return {
    stage: stageOf(reason, nodes.fitting),
    fitting_nodes: nodes.fitting,
    ruled_out: Object.fromEntries(nodes.ruledOut.map((one) => [one.reason, one.nodes])),
    until: isoFromMillis(until),
    reason,
    summary,
  };
}

function stageOf(reason: WaitReason | null, fitting: number): WaitingView["stage"] {
  switch (reason) {
    case "awaiting_funds":
    case "placing":
      return reason;
    case "retry_backoff":
      return "backoff";
    default:
      return fitting > 0 ? "ready" : "parked";
  }
}
