/** Who gets what of a job's price. */
import { describe, expect, test } from "bun:test";
import { earningsOf, settlementOf } from "../../../src/actors/job/price.ts";
import type { JobContext } from "../../../src/actors/job/state.ts";
import { orderToSettle } from "../../../src/actors/payment/orders.ts";
import type { PaymentContext } from "../../../src/actors/payment/state.ts";
import { portionsOf } from "../../../src/domain/payment.ts";

const wallets: Readonly<Record<string, string>> = { a: "A", b: "B", c: "C", "a too": "A" };
const walletOf = (nodeId: string) => wallets[nodeId] ?? "";
const settled = (earned: string, ...nodeIds: string[]) => settlementOf({ earned, nodeIds }, walletOf);

test("portions are as equal as whole units can be, and add up", () => {
  for (let many = 1; many <= 64; many++)
    for (const amount of [0n, 1n, 63n, 64n, 1_000_000_007n, 10n ** 24n + 1n]) {
      const portions = portionsOf(amount, many);
      expect(portions.length).toBe(many);
      expect(portions.reduce((sum, one) => sum + one)).toBe(amount);
      const sorted = portions.toSorted((one, other) => (one < other ? -1 : 1));
      expect((sorted.at(-1) ?? 0n) - (sorted[0] ?? 0n)).toBeLessThanOrEqual(1n);
    }
});

test("work is earned by all who did it: a gang that is done or was stopped by its members, by rank", () => {
  const gang = { nodeId: "a", nodeIds: ["a", "b"], startedAt: 1 };
  const job = (context: object) =>
    earningsOf({
      price: "100",
      result: null,
      cancelReason: null,
      history: [],
      progress: 0,
      ...context,
    } as unknown as JobContext);
  const done = { nodeId: "a" };
  expect(job({ result: done, history: [{ ...gang, outcome: "completed" }] })).toEqual({
    earned: "100",
    nodeIds: ["a", "b"],
  });
  expect(job({ cancelReason: "", progress: 0.5, history: [{ ...gang, outcome: "cancelled" }] })).toEqual({
    earned: "50",
    nodeIds: ["a", "b"],
  });
  expect(job({ result: done, history: [{ nodeId: "a", outcome: "completed" }] })).toEqual({
    earned: "100",
    nodeIds: ["a"],
  });
  expect(job({ history: [{ ...gang, outcome: "failed" }] })).toEqual({ earned: "0", nodeIds: [] });
});

describe("what was earned goes", () => {
  test("to the one node, whole", () => {
    expect(settled("100", "a")).toEqual({ earned: "100", payee: "A" });
  });

  test("to nobody where nobody worked, or nobody can be paid", () => {
    expect(settled("0")).toEqual({ earned: "0", payee: null });
    expect(settled("100", "nameless")).toEqual({ earned: "100", payee: null });
    expect(settled("100", "nameless", "stranger")).toEqual({ earned: "100", payee: null });
  });

  test("to the members of a gang alike; the portion of one without a wallet to nobody", () => {
    expect(settled("100", "a", "b", "c")).toEqual({
      earned: "100",
      payee: "A",
      parts: [
        { payee: "A", amount: "33" },
        { payee: "B", amount: "33" },
        { payee: "C", amount: "34" },
      ],
    });
    expect(settled("100", "a", "nameless", "c")).toEqual({
      earned: "67",
      payee: "A",
      parts: [
        { payee: "A", amount: "33" },
        { payee: "C", amount: "34" },
      ],
    });
    expect(settled("100", "nameless", "b")).toEqual({ earned: "50", payee: "B" });
  });

  test("at once to a wallet that several members have", () => {
    expect(settled("90", "a", "b", "a too").parts).toEqual([
      { payee: "A", amount: "60" },
      { payee: "B", amount: "30" },
    ]);
  });
});

test("the orders that settle it pay each its part once, and the user what is left", () => {
  for (const [earned, nodeIds, orders] of [
    ["100", ["a", "b", "c"], ["claim 33 A", "claim 33 B", "release C"]],
    ["100", ["a", "nameless", "c"], ["claim 33 A", "claim 34 C", "refund"]],
    ["60", ["a", "b"], ["claim 30 A", "claim 30 B", "refund"]],
    ["100", ["a"], ["release A"]],
    ["1", ["a", "b"], ["claim 1 B", "refund"]],
    ["100", ["nameless"], ["refund"]],
  ] as const) {
    let released = 0n;
    const given: string[] = [];
    for (let open = true; open; ) {
      const context = {
        locked: "100",
        released: `${released}`,
        refunded: "0",
        settlement: settled(earned, ...nodeIds),
      };
      const order = orderToSettle(context as unknown as PaymentContext);
      if (order === null || order.kind === "lock") break;
      expect(order.releasedBefore).toBe(`${released}`);
      open = order.kind === "claim";
      if (order.kind === "claim") released += BigInt(order.amount);
      given.push(
        order.kind === "claim"
          ? `claim ${order.amount} ${order.payee}`
          : order.kind === "release"
            ? `release ${order.payee}`
            : "refund",
      );
    }
    expect(given).toEqual([...orders]);
  }
});
