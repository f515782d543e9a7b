/** The shapes of payments. */
import { PAYMENT_STATUSES } from "../../../store/queries/index.ts";
import { described, integer, listOf, nullable, object, oneOf, type Schema, text, time, uuid, wide } from "./schema.ts";

const summary = {
  job_id: uuid,
  status: oneOf(...PAYMENT_STATUSES),
  state: described(text, "docs/payments.md says what each means."),
  user_wallet: text,
  node_wallet: nullable(text),
  amount: described(wide, "Base units, like all amounts here; 1 token is 10^9 of them."),
  node_reward: described(wide, "In the end what the node was paid; until then what all of the price would pay it."),
  platform_fee: wide,
  problem: {
    ...object({ code: oneOf("order_refused", "transaction_failed", "funds_timeout"), message: text }),
    type: ["object", "null"],
    description: "Why it does not go on, as long as it does not.",
  },
  escrow_tx_hash: described(nullable(text), "Of the transaction that locked the price, once it is final."),
  completion_tx_hash: described(nullable(text), "Of the one that closed the escrow."),
  transaction: described(nullable(text), "Of the one under way."),
  locked_at: nullable(time),
  completed_at: nullable(time),
};

export const paymentSchemas: Readonly<Record<string, Schema>> = {
  Blockchain: object({
    network: oneOf("local", "devnet", "testnet", "mainnet-beta", "none"),
    rpc_url: nullable(text),
    token_mint: nullable(text),
    authority: described(nullable(text), "Whom a wallet allows to take the price of its jobs (SPL Token's Approve)."),
    program_id: nullable(text),
    treasury: described(nullable(text), "The token account to which the platform's share is paid."),
    fee_bps: described(nullable(integer), "The platform's share, in hundredths of a percent."),
  }),
  Payment: object({
    ...summary,
    ledger: listOf(
      object({
        number: integer,
        debit: described(text, "user:<wallet>, escrow:<job>, node:<wallet> or platform."),
        credit: text,
        amount: wide,
        signature: text,
        booked_at: time,
      }),
    ),
  }),
  PaymentPage: object({ payments: listOf(object(summary)), total: integer, next_cursor: nullable(text) }),
};
