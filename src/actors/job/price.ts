/** What becomes of the price of a job that has ended. Pure. */
import { earnedBy } from "../../domain/payment.ts";
import type { JobContext } from "./state.ts";

/** It has ended, and its payment does not know yet. */
export const owesSettlement = ({ payment, paymentSettled, endedAt }: JobContext): boolean =>
  payment !== undefined && endedAt !== null && !paymentSettled;

export interface Earned {
  readonly earned: string;
  /** Whose work it was; null: nobody's. */
  readonly nodeId: string | null;
}

/**
 * Work that is done has earned all of the price. Of a job that is cancelled while it runs its node keeps what its progress has earned. One
 * that failed, or never ran, has earned nothing.
 */
export function earningsOf({ price, result, cancelReason, history, progress }: JobContext): Earned {
  if (result !== null) return { earned: price, nodeId: result.nodeId };
  const last = history.at(-1);
  if (cancelReason === null || last?.outcome !== "cancelled" || last.startedAt === null)
    return { earned: "0", nodeId: null };
  return { earned: earnedBy(progress, BigInt(price)).toString(), nodeId: last.nodeId };
}
