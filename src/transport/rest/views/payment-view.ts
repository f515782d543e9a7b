/** What is told of a job's payment. Amounts are base units. */
import type { PaymentContext } from "../../../actors/payment/state.ts";
import type { PaymentDetail, PaymentRow } from "../../../store/queries/index.ts";
import { isoOrNull, wideInteger } from "../json.ts";

/** `context`: of a payment that is still open. */
export function paymentSummary(row: PaymentRow, context: PaymentContext | undefined) {
  return {
    job_id: row.job_id,
    status: row.status,
    state: row.state,
    user_wallet: row.user_wallet,
    node_wallet: row.node_wallet,
    amount: wideInteger(row.amount),
    node_reward: wideInteger(row.node_reward),
    platform_fee: wideInteger(row.platform_fee),
    problem: context?.problem ?? null,
    escrow_tx_hash: row.escrow_tx_hash,
    completion_tx_hash: row.completion_tx_hash,
    transaction: context?.transaction?.signature ?? null,
    locked_at: isoOrNull(row.locked_at),
    completed_at: isoOrNull(row.completed_at),
  };
}

export function paymentView({ row, bookings }: PaymentDetail, context: PaymentContext | undefined) {
  return {
    ...paymentSummary(row, context),
    ledger: bookings.map(({ number, debit, credit, amount, signature, booked_at }) => ({
      number,
      debit,
      credit,
      amount: wideInteger(BigInt(amount)),
      signature,
      booked_at: booked_at.toISOString(),
    })),
  };
}
