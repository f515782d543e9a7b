/**
 * The statechart of a payment: one job's price, on its way through escrow.
 *
 *   pending     unfunded   the lock could not be made; tried again until the money's time is over
 *               signing    the price is to be locked; a transaction is made, and not sent
 *               sending    it is stored, sent, sent again, and looked for until it is final or provably dead
 *   locked      idle       the escrow holds the price; the job may run
 *               signing    } a transaction that pays out or back
 *               sending    }
 *   streaming   the same three, after a first part has been paid out
 *   failed      the chain refused what must be possible: a person must look; RETRY goes on
 *   completed | refunded
 *
 * A payment may be paid at most once (I7), by four rules. (1) What is sent was stored before: SIGNED is a transition, and sending is
 * an effect of the state behind it. (2) While a transaction is under way no other is signed: only a state without one owes the
 * signing. (3) It is under way until it stands in a final block or is provably dead (verdict.ts). (4) The escrow itself takes a payment
 * only if exactly as much was released before as the order says. Any of the first three alone would do until a server crashes.
 *
 * Money is booked when it is final, in the same commit as the state (I6). The job is told of its lock when that is confirmed.
 */
import { assign, setup } from "xstate";
import {
  claimOf,
  died,
  done,
  failed,
  lockOrder,
  orderToSettle,
  over,
  type Patch,
  problem,
  sent,
  settledAs,
  take,
  waitForFunds,
} from "./orders.ts";
import type { PaymentContext, PaymentEvent, PaymentInput } from "./state.ts";

type Type = PaymentEvent["type"];
type Event<T extends Type> = Extract<PaymentEvent, { readonly type: T }>;
interface Asked {
  readonly context: PaymentContext;
  readonly event: PaymentEvent;
}

/** A change that only these events make; whichever else comes by changes nothing. */
const on =
  <T extends Type>(types: readonly T[], change: (context: PaymentContext, event: Event<T>) => Patch) =>
  ({ context, event }: Asked): Patch =>
    (types as readonly Type[]).includes(event.type) ? change(context, event as Event<T>) : {};

/** Whether the event speaks of the transaction under way, and not of one before it. */
const ofThis = ({ context: { transaction }, event }: Asked): boolean =>
  "signature" in event && event.signature === transaction?.signature;

const machine = setup({
  types: { context: {} as PaymentContext, events: {} as PaymentEvent, input: {} as PaymentInput },
  guards: {
    isWanted: ({ context, event }: Asked) => "number" in event && event.number === context.made,
    isConfirmedAnew: (asked: Asked) => ofThis(asked) && asked.context.confirmedAt === null,
    isOfThis: ofThis,
    isDone: (asked: Asked) => ofThis(asked) && asked.event.type === "FINAL" && asked.event.error === null,
    endsEscrow: (asked: Asked) =>
      ofThis(asked) && asked.event.type === "FINAL" && asked.event.error === null && closes(asked.context),
    endsWithPay: (asked: Asked) =>
      ofThis(asked) &&
      asked.event.type === "FINAL" &&
      asked.event.error === null &&
      asked.context.order?.kind === "release",
    isUnsettled: ({ context }: Asked) => context.settlement === null,
    isOfThisAndSettled: (asked: Asked) => ofThis(asked) && asked.context.settlement !== null,
    owesOrder: ({ context }: Asked) => orderToSettle(context) !== null,
    owesClaim: ({ context, event }: Asked) =>
      event.type === "EARNED" &&
      context.settlement === null &&
      claimOf(context, event.at, event.earned, event.payee) !== null,
    isTooLate: ({ context, event }: Asked) => event.at >= context.fundsDeadline,
    isUnannounced: ({ context }: Asked) => !context.announced && context.endedAt === null,
    hasReleased: ({ context }: Asked) => context.released !== "0",
  },
  actions: {
    sent: assign(on(["SIGNED"], (_, { transaction }) => sent(transaction))),
    confirm: assign(({ event }) => ({ confirmedAt: event.at })),
    done: assign(({ context, event }) => done(context, event.at)),
    died: assign(({ context, event }) => died(context, event.at)),
    failed: assign(on(["FINAL"], (context, { at, error }) => failed(context, at, error ?? ""))),
    refused: assign(on(["REFUSED"], (_, { message }) => ({ order: null, problem: problem("order_refused", message) }))),
    waitForFunds: assign(({ context, event }) => waitForFunds(context, event.at)),
    takeLock: assign(({ context }) => ({ ...take(context, lockOrder(context)), deadline: context.fundsDeadline })),
    takeSettlement: assign(({ context }) => take(context, orderToSettle(context))),
    takeClaim: assign(
      on(["EARNED"], (context, { at, earned, payee }) => take(context, claimOf(context, at, earned, payee))),
    ),
    settle: assign(on(["SETTLE"], (_, settlement) => settledAs(settlement))),
    giveUpFunds: assign(() => ({ problem: problem("funds_timeout", "the price was not locked in time") })),
    announce: assign(() => ({ announced: true })),
    end: assign(({ event }) => over(event.at)),
  },
});

const closes = ({ order }: PaymentContext): boolean => order?.kind === "release" || order?.kind === "refund";

const settles = { SETTLE: { guard: "isUnsettled", actions: "settle" } } as const;
/** Nothing is locked, and nothing that could lock it is on its way. */
const endsUnpaid = { guard: "isUnsettled", target: "#payment.refunded", actions: ["settle", "end"] } as const;

/** The three states of a phase that holds money. */
const paysOut = {
  initial: "idle",
  states: {
    idle: {
      always: { guard: "owesOrder", target: "signing", actions: "takeSettlement" },
      on: { ...settles, EARNED: { guard: "owesClaim", target: "signing", actions: "takeClaim" } },
    },
    signing: {
      meta: { owes: "sign" },
      on: {
        ...settles,
        SIGNED: { guard: "isWanted", target: "sending", actions: "sent" },
        REFUSED: { guard: "isWanted", target: "#payment.failed", actions: "refused" },
      },
    },
    sending: {
      meta: { owes: "follow" },
      on: {
        ...settles,
        CONFIRMED: { guard: "isConfirmedAnew", actions: "confirm" },
        FINAL: [
          { guard: "endsWithPay", target: "#payment.completed", actions: ["done", "end"] },
          { guard: "endsEscrow", target: "#payment.refunded", actions: ["done", "end"] },
          { guard: "isDone", target: "#payment.streaming.idle", actions: "done" },
          { guard: "isOfThis", target: "#payment.failed", actions: "failed" },
        ],
        DEAD: { guard: "isOfThis", target: "signing", actions: "died" },
      },
    },
  },
} as const;

export const paymentMachine = machine.createMachine({
  id: "payment",
  context: ({ input }) => ({
    jobId: input.jobId,
    userWallet: input.userWallet,
    amount: input.amount,
    feeBps: input.feeBps,
    createdAt: input.at,
    fundsDeadline: input.at + input.fundsTimeout,
    retryDelay: input.retryDelay,
    deadline: input.at + input.fundsTimeout,
    order: lockOrder(input),
    made: 1,
    transaction: null,
    confirmedAt: null,
    announced: false,
    locked: "0",
    released: "0",
    refunded: "0",
    feePaid: "0",
    payee: null,
    settlement: null,
    bookings: [],
    past: [],
    lockedAt: null,
    endedAt: null,
    problem: null,
  }),
  initial: "pending",
  on: { ANNOUNCED: { guard: "isUnannounced", actions: "announce" } },
  states: {
    pending: {
      initial: "signing",
      states: {
        unfunded: {
          on: {
            SETTLE: endsUnpaid,
            DEADLINE: [
              { guard: "isTooLate", target: "#payment.refunded", actions: ["giveUpFunds", "end"] },
              { target: "signing", actions: "takeLock" },
            ],
          },
        },
        signing: {
          meta: { owes: "sign" },
          on: {
            SETTLE: endsUnpaid,
            SIGNED: { guard: "isWanted", target: "sending", actions: "sent" },
            REFUSED: { guard: "isWanted", target: "unfunded", actions: ["refused", "waitForFunds"] },
            DEADLINE: { target: "#payment.refunded", actions: ["giveUpFunds", "end"] },
          },
        },
        sending: {
          meta: { owes: "follow" },
          on: {
            ...settles,
            CONFIRMED: { guard: "isConfirmedAnew", actions: "confirm" },
            FINAL: [
              { guard: "isDone", target: "#payment.locked", actions: "done" },
              { guard: "isOfThisAndSettled", target: "#payment.refunded", actions: ["failed", "end"] },
              { guard: "isOfThis", target: "unfunded", actions: ["failed", "waitForFunds"] },
            ],
            DEAD: [
              { guard: "isOfThisAndSettled", target: "#payment.refunded", actions: ["died", "end"] },
              { guard: "isOfThis", target: "signing", actions: ["died", "takeLock"] },
            ],
          },
        },
      },
    },
    locked: paysOut,
    streaming: paysOut,
    failed: {
      on: {
        ...settles,
        RETRY: [{ guard: "hasReleased", target: "streaming" }, { target: "locked" }],
      },
    },
    completed: {},
    refunded: {},
  },
});

export type PaymentMachine = typeof paymentMachine;
