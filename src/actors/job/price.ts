/** What becomes of the price of a job that has ended. Pure. */
import { earnedBy, portionsOf } from "../../domain/payment.ts";
import type { Settlement } from "../payment/state.ts";
import { nodesOfPast } from "./attempt.ts";
import type { JobContext } from "./state.ts";

/** It has ended, and its payment does not know yet. */
export const owesSettlement = ({ payment, paymentSettled, endedAt }: JobContext): boolean =>
  payment !== undefined && endedAt !== null && !paymentSettled;

export interface Earned {
  readonly earned: string;
  /** Whose work it was, a gang's by rank. */
  readonly nodeIds: readonly string[];
}

/**
 * Work that is done has earned all of the price. Of a job that is cancelled while it runs its node keeps what its progress has earned. One
 * that failed, or never ran, has earned nothing.
 */
export function earningsOf({ price, result, cancelReason, history, progress }: JobContext): Earned {
  const last = history.at(-1);
  if (result !== null) {
    const isGang = last?.nodeIds?.[0] === result.nodeId;
    return { earned: price, nodeIds: isGang ? nodesOfPast(last) : [result.nodeId] };
  }
  if (cancelReason === null || last?.outcome !== "cancelled" || last.startedAt === null)
    return { earned: "0", nodeIds: [] };
  return { earned: earnedBy(progress, BigInt(price)).toString(), nodeIds: nodesOfPast(last) };
}

/**
 * The members of a gang have earned alike. The portion of a node that has no wallet goes back to the user. `walletOf`: "" where
 * there is none.
 */
export function settlementOf({ earned, nodeIds }: Earned, walletOf: (nodeId: string) => string): Settlement {
  const byWallet = new Map<string, bigint>();
  for (const [rank, portion] of portionsOf(BigInt(earned), nodeIds.length).entries()) {
    const wallet = walletOf(nodeIds[rank] as string);
    if (wallet !== "") byWallet.set(wallet, (byWallet.get(wallet) ?? 0n) + portion);
  }
  const parts = [...byWallet].map(([payee, amount]) => ({ payee, amount: amount.toString() }));
  const [first] = parts;
  if (first === undefined) return { earned, payee: null };
  const sum = parts.reduce((total, { amount }) => total + BigInt(amount), 0n);
  return { earned: sum.toString(), payee: first.payee, ...(parts.length > 1 && { parts }) };
}
