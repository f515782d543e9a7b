import { ledgerStatements } from "./ledger.ts";
import { type Projector, tableProjector } from "./projector.ts";

const payments = tableProjector({
  kind: "payment",
  table: "payments",
  columns: {
    id: "uuid",
    job_id: "uuid",
    node_id: "uuid",
    user_wallet: "text",
    node_wallet: "text",
    amount: "bigint",
    platform_fee: "bigint",
    node_reward: "bigint",
    status: "payment_status",
    state: "text",
    escrow_tx_hash: "text",
    completion_tx_hash: "text",
    escrow_account: "text",
    version: "bigint",
    created_at: "timestamptz",
    locked_at: "timestamptz",
    completed_at: "timestamptz",
    updated_at: "timestamptz",
  },
  besides: ["ledger_entries"],
});

/** `payments`, one row per actor of kind "payment", and its bookings. */
export const paymentProjector: Projector = {
  kind: "payment",
  statements: (entries, whole) => [...payments.statements(entries, whole), ...ledgerStatements(entries)],
};
