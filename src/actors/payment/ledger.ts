/** What a final transaction did, in the payment's sums and in the ledger. Pure. */
import { sharesOf } from "../../domain/payment.ts";
import type { Millis } from "../runtime/index.ts";
import type { Order } from "./chain.ts";
import type { Booking, LedgerAccount, PaymentContext } from "./state.ts";

/** What is left in escrow. */
export const heldOf = ({ locked, released, refunded }: PaymentContext): bigint =>
  BigInt(locked) - BigInt(released) - BigInt(refunded);

type Sums = Pick<PaymentContext, "locked" | "released" | "refunded" | "feePaid" | "bookings">;

interface Movement {
  readonly debit: LedgerAccount;
  readonly credit: LedgerAccount;
  readonly amount: bigint;
}

/** The sums after the order was carried out, and every movement of it as a booking. What moves nothing is not booked. */
export function booked(context: PaymentContext, order: Order, signature: string, at: Millis): Sums {
  const { bookings, locked, released, refunded, feePaid } = context;
  const movements = movementsOf(context, order).filter(({ amount }) => amount > 0n);
  const added = movements.map(
    ({ debit, credit, amount }, index): Booking => ({
      number: bookings.length + index + 1,
      debit,
      credit,
      amount: amount.toString(),
      signature,
      bookedAt: at,
    }),
  );
  const sum = (account: (movement: Movement) => boolean): bigint =>
    movements.reduce((total, movement) => (account(movement) ? total + movement.amount : total), 0n);
  const escrow = escrowOf(context);
  const paidOut = sum(({ debit, credit }) => debit === escrow && !credit.startsWith("user:"));
  return {
    bookings: [...bookings, ...added],
    locked: (BigInt(locked) + sum(({ credit }) => credit === escrow)).toString(),
    released: (BigInt(released) + paidOut).toString(),
    refunded: (BigInt(refunded) + sum(({ credit }) => credit.startsWith("user:"))).toString(),
    feePaid: (BigInt(feePaid) + sum(({ credit }) => credit === "platform")).toString(),
  };
}

const escrowOf = ({ jobId }: PaymentContext): LedgerAccount => `escrow:${jobId}`;

function movementsOf(context: PaymentContext, order: Order): readonly Movement[] {
  const escrow = escrowOf(context);
  const user: LedgerAccount = `user:${context.userWallet}`;
  switch (order.kind) {
    case "lock":
      return [{ debit: user, credit: escrow, amount: BigInt(order.amount) }];
    case "refund":
      return [{ debit: escrow, credit: user, amount: heldOf(context) }];
    case "claim":
      return paidTo(context, order.payee, BigInt(order.amount));
    case "release":
      return paidTo(context, order.payee, heldOf(context));
  }
}

function paidTo(context: PaymentContext, payee: string, amount: bigint): readonly Movement[] {
  const escrow = escrowOf(context);
  const { node, fee } = sharesOf(amount, BigInt(context.released), context.feeBps);
  return [
    { debit: escrow, credit: `node:${payee}`, amount: node },
    { debit: escrow, credit: "platform", amount: fee },
  ];
}
