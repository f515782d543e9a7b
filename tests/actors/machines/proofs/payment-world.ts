/** The payments there can be: of a price that divides and of one that does not, and one that is never locked. */
import type { SnapshotFrom } from "xstate";
import { type PaymentMachine, paymentMachine } from "../../../../src/actors/payment/machine.ts";
import type { PaymentContext, PaymentEvent } from "../../../../src/actors/payment/state.ts";
import { dottedState } from "../../../../src/actors/runtime/index.ts";
import { T0, type Unstamped, uuid } from "../../fixtures.ts";
import type { StampedEvent, World } from "./graph.ts";

export type PaymentSnapshot = SnapshotFrom<PaymentMachine>;

const MINUTE = 60_000;

function momentAfter({ createdAt, past, confirmedAt, lockedAt, endedAt }: PaymentContext): number {
  const times = [createdAt, confirmedAt, lockedAt, endedAt, ...past.map(({ at }) => at)];
  return Math.max(...times.filter((time) => time !== null)) + 1;
}

/** A minute passes before each word of progress, as parts are paid no more often. */
function stamped({ context }: PaymentSnapshot, event: Unstamped<PaymentEvent>): StampedEvent {
  const now = momentAfter(context);
  if (event.type === "DEADLINE") return { ...event, at: Math.max(now, context.deadline ?? now) };
  return { ...event, at: event.type === "EARNED" ? now + MINUTE : now };
}

export function paymentEvents(payment: PaymentSnapshot): readonly StampedEvent[] {
  const { amount, made, transaction, released } = payment.context;
  const signature = transaction?.signature ?? "none";
  const half = (BigInt(amount) / 2n).toString();
  const events: Unstamped<PaymentEvent>[] = [
    ...[made, made - 1].map(
      (number): Unstamped<PaymentEvent> => ({
        type: "SIGNED",
        number,
        transaction: { bytes: "00", signature: `signature-${number}`, lastValidHeight: 100 },
      }),
    ),
    { type: "REFUSED", number: made, message: "no money" },
    { type: "CONFIRMED", signature },
    { type: "FINAL", signature, error: null },
    { type: "FINAL", signature, error: "custom program error" },
    { type: "FINAL", signature: "another", error: null },
    { type: "DEAD", signature },
    { type: "DEAD", signature: "another" },
    { type: "ANNOUNCED" },
    { type: "EARNED", earned: half, payee: "node" },
    { type: "EARNED", earned: released, payee: "node" },
    { type: "SETTLE", earned: amount, payee: "node" },
    { type: "SETTLE", earned: half, payee: "node" },
    {
      type: "SETTLE",
      earned: amount,
      payee: "node",
      parts: [
        { payee: "node", amount: half },
        { payee: "other", amount: (BigInt(amount) - BigInt(half)).toString() },
      ],
    },
    { type: "SETTLE", earned: "0", payee: null },
    { type: "RETRY", by: "operator" },
    { type: "DEADLINE" },
  ];
  return events.map((event) => stamped(payment, event));
}

/** All that a guard of the chart asks, and what the row and the effects show. */
function key(payment: PaymentSnapshot): string {
  const { context } = payment;
  const { order, transaction, settlement, problem, bookings } = context;
  return JSON.stringify([
    dottedState(payment.value),
    [context.locked, context.released, context.refunded, context.feePaid, bookings.length],
    [order, transaction !== null, context.confirmedAt !== null, context.announced],
    [settlement, problem?.code, momentAfter(context) >= context.fundsDeadline],
  ]);
}

const world = (name: string, amount: string): World<PaymentMachine> & { readonly name: string } => ({
  name,
  machine: paymentMachine,
  input: {
    at: T0,
    jobId: uuid(1),
    userWallet: "user",
    amount,
    feeBps: 1000,
    fundsTimeout: 10_000,
    retryDelay: 6000,
  },
  moves: paymentEvents,
  key,
});

export const paymentWorlds = [world("a price that divides", "1000"), world("a price that does not", "7")] as const;
