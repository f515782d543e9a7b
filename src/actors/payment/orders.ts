/** What a payment's events change, and what it should do next. Pure. */
import { earnedBy } from "../../domain/payment.ts";
import type { Millis } from "../runtime/index.ts";
import type { Order, SignedTransaction } from "./chain.ts";
import { booked, heldOf } from "./ledger.ts";
import type { PastTransaction, PaymentContext, PaymentProblem, Portion, Settlement } from "./state.ts";

export type Patch = Partial<PaymentContext>;

/** Kept per payment. One that needs more keeps the newest. */
const PAST_LIMIT = 50;

/** What the settlement asks for with what is held now; null: nothing is left to do. */
export function orderToSettle(context: PaymentContext): Order | null {
  const { settlement, released: releasedBefore } = context;
  const held = heldOf(context);
  if (settlement === null || held === 0n) return null;
  let earned = 0n;
  for (const { payee, amount } of partsOf(settlement)) {
    earned += BigInt(amount);
    const due = earned - BigInt(releasedBefore);
    if (due >= held) return { kind: "release", releasedBefore, payee };
    if (due > 0n) return { kind: "claim", amount: due.toString(), releasedBefore, payee };
  }
  return { kind: "refund", releasedBefore };
}

const partsOf = ({ earned, payee, parts }: Settlement): readonly Portion[] =>
  parts ?? (payee === null ? [] : [{ payee, amount: earned }]);

export const lockOrder = ({ amount }: Pick<PaymentContext, "amount">): Order => ({ kind: "lock", amount });

/** Parts are paid at most this often, and in no smaller steps than a tenth of the price: each costs a transaction. */
const CLAIM_EVERY: Millis = 60_000;
const STEPS = 10n;

/** The claim for what has been earned by now; null: too little more than was paid, too soon, or too much before the end. */
export function claimOf(context: PaymentContext, at: Millis, earned: string, payee: string): Order | null {
  const { amount, released: releasedBefore, past } = context;
  const due = BigInt(earned) - BigInt(releasedBefore);
  const last = past.findLast(({ kind, outcome }) => kind === "claim" && outcome === "done");
  if (last !== undefined && at - last.at < CLAIM_EVERY) return null;
  if (due <= 0n || due * STEPS < BigInt(amount) || BigInt(earned) > earnedBy(1, BigInt(amount))) return null;
  return { kind: "claim", amount: due.toString(), releasedBefore, payee };
}

/** A new transaction is to be signed for the order. */
export const take = ({ made }: PaymentContext, order: Order | null): Patch => ({
  order,
  made: made + 1,
  transaction: null,
  confirmedAt: null,
  problem: null,
});

export const sent = (transaction: SignedTransaction): Patch => ({ transaction, deadline: null });

/** What the transaction under way has come to; the order is done with, and may be taken anew. */
function ended(context: PaymentContext, outcome: PastTransaction["outcome"], at: Millis): Patch {
  const { order, transaction, past } = context;
  if (order === null || transaction === null) return {};
  const one = { signature: transaction.signature, kind: order.kind, outcome, at };
  return { transaction: null, confirmedAt: null, past: [...past, one].slice(-PAST_LIMIT) };
}

export function done(context: PaymentContext, at: Millis): Patch {
  const { order, transaction, payee, lockedAt } = context;
  if (order === null || transaction === null) return {};
  return {
    ...ended(context, "done", at),
    ...booked(context, order, transaction.signature, at),
    order: null,
    deadline: null,
    payee: "payee" in order ? order.payee : payee,
    lockedAt: order.kind === "lock" ? at : lockedAt,
  };
}

export const died = (context: PaymentContext, at: Millis): Patch => ({
  ...ended(context, "dead", at),
  made: context.made + 1,
});

/** It stands in a final block and changed nothing. */
export const failed = (context: PaymentContext, at: Millis, message: string): Patch => ({
  ...ended(context, "failed", at),
  order: null,
  problem: problem("transaction_failed", message),
});

export const problem = (code: PaymentProblem["code"], message: string): PaymentProblem => ({ code, message });

/** The lock cannot be made now, mostly for want of money; it is tried again until the money's time is over. */
export const waitForFunds = (context: PaymentContext, at: Millis): Patch => ({
  order: null,
  deadline: Math.min(at + context.retryDelay, context.fundsDeadline),
});

/** The first word holds: a job ends once. */
export const settledAs = (settlement: Settlement): Patch => ({
  settlement: {
    earned: settlement.earned,
    payee: settlement.payee,
    ...(settlement.parts && { parts: settlement.parts }),
  },
});

export const over = (at: Millis): Patch => ({ order: null, transaction: null, deadline: null, endedAt: at });
