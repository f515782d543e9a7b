/** Parts of the price while the work is done: payments are told what progress has earned. */
import { earnedBy } from "../../domain/payment.ts";
import type { Jobs } from "../job/kind.ts";
import type { Nodes } from "../node/kind.ts";
import type { Payments } from "./kind.ts";
import { claimOf } from "./orders.ts";

/**
 * Nothing is lost when one is missed, for whatever reason: the next progress has earned it too, and the settlement all of it. So
 * payments that have something else to do refuse, and nobody asks again.
 */
export function payForProgress(jobs: Jobs, nodes: Nodes, payments: Payments): void {
  jobs.onCommit(({ after: { snapshot, at }, event }) => {
    const { id, live, payment: isPaid, price, progress } = snapshot.context;
    // A gang's members are paid at the end, each its portion: rank 0, whose progress it is, would have got it all by then.
    if (event !== "PROGRESS" || isPaid === undefined || live === null || live.members) return;
    const payment = payments.peek(id)?.snapshot.context;
    const payee = nodes.peek(live.nodeId)?.snapshot.context.profile.wallet ?? "";
    if (payment === undefined || payee === "") return;
    const earned = earnedBy(progress, BigInt(price)).toString();
    if (claimOf(payment, at, earned, payee) !== null) payments.tell(id, { type: "EARNED", earned, payee });
  });
}
