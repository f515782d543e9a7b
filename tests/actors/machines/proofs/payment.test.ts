/** A payment, in every situation the chain, its job and operators can bring it into; and that its money is where it says. */
import { describe, expect, test } from "bun:test";
import { paymentKind } from "../../../../src/actors/payment/kind.ts";
import { heldOf } from "../../../../src/actors/payment/ledger.ts";
import { dottedState } from "../../../../src/actors/runtime/index.ts";
import { FakeClock } from "../../../support/fake-clock.ts";
import { next, reach } from "./graph.ts";
import { type PaymentSnapshot, paymentEvents, paymentWorlds } from "./payment-world.ts";
import { prove } from "./prove.ts";

const kind = paymentKind({
  chain: undefined as never,
  clock: new FakeClock(),
  pace: { lookEvery: 1000, sendEvery: 1000 },
  jobs: () => undefined as never,
});

const isOver = ({ value }: PaymentSnapshot): boolean => value === "completed" || value === "refunded";
const owes = (payment: PaymentSnapshot, name: string): boolean =>
  kind.owes?.(payment).some((owed) => owed.name === name) === true;
const step = (payment: PaymentSnapshot): string => dottedState(payment.value).split(".")[1] ?? "";

prove({
  kind,
  worlds: paymentWorlds,
  events: paymentEvents,
  source: "payment/state.ts",
  waits: [
    {
      what: "one that is to be signed, or is sent, waits for the chain: an effect, which the runtime tries until it succeeds",
      applies: (payment) =>
        step(payment) === "sending" || (step(payment) === "signing" && payment.context.deadline === null),
      holds: (payment) => owes(payment, step(payment) === "sending" ? "follow" : "sign"),
    },
    {
      what: "money that is locked waits for its job, which has deadlines, and owes it the settlement when it ends",
      applies: (payment) => step(payment) === "idle",
      holds: ({ context }) => context.settlement === null,
    },
    {
      what: "one that failed waits for a person",
      applies: ({ value }) => value === "failed",
      holds: ({ context }) => context.problem !== null,
    },
  ],
  isOver,
  atLeast: 60,
});

describe("in every situation a payment can be in", () => {
  const situations = paymentWorlds.flatMap((world) => reach(world)).map(({ snapshot }) => snapshot as PaymentSnapshot);

  test("all that was locked is held, released or refunded, and booked to the unit (I6)", () => {
    for (const { context, value } of situations) {
      const sum = (side: "debit" | "credit", account: string): bigint =>
        context.bookings.reduce(
          (total, one) => (one[side].startsWith(account) ? total + BigInt(one.amount) : total),
          0n,
        );
      expect(sum("credit", "escrow:")).toBe(BigInt(context.locked));
      expect(sum("credit", "escrow:") - sum("debit", "escrow:")).toBe(heldOf(context));
      expect(sum("credit", "node:") + sum("credit", "platform")).toBe(BigInt(context.released));
      expect(sum("credit", "platform")).toBe(BigInt(context.feePaid));
      expect(sum("credit", "user:")).toBe(BigInt(context.refunded));
      if (value === "completed" || value === "refunded") expect(heldOf(context)).toBe(0n);
    }
  });

  test("nothing is signed while a transaction is under way, and no other is looked for than that one (I7)", () => {
    for (const payment of situations) {
      const { transaction } = payment.context;
      expect([owes(payment, "sign") && transaction !== null, owes(payment, "follow")]).toEqual([
        false,
        transaction !== null,
      ]);
      for (const event of paymentEvents(payment)) {
        const after = next(kind.machine, payment, event) as PaymentSnapshot;
        const { transaction: then } = after.context;
        // It goes when it is final or dead, by that word about itself.
        if (transaction !== null && then?.signature !== transaction.signature)
          expect({ ...event, at: 0 }).toMatchObject({ signature: transaction.signature });
      }
    }
  });
});
