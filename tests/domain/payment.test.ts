/** How an escrow is shared between node and platform. */
import { describe, expect, test } from "bun:test";
import { earnedBy, sharesOf } from "../../src/domain/payment.ts";
import { seeded } from "../support/seeded.ts";

describe("an escrow", () => {
  test("is never lost in a split, and the fee never rounded up (I6)", () => {
    const random = seeded(3);
    for (let round = 0; round < 500; round++) {
      const amount = BigInt(Math.floor(random() * 1e15));
      const bps = Math.floor(random() * 10_001);
      const { node, fee } = sharesOf(amount, 0n, bps);
      expect(node + fee).toBe(amount);
      expect(fee * 10_000n <= amount * BigInt(bps)).toBe(true);
      expect(node >= 0n && fee >= 0n).toBe(true);
    }
  });

  test("takes the same fee however it is paid out in parts (I6)", () => {
    const random = seeded(4);
    for (let round = 0; round < 500; round++) {
      const whole = BigInt(1 + Math.floor(random() * 1e6));
      const bps = Math.floor(random() * 10_001);
      let [released, fees] = [0n, 0n];
      while (released < whole) {
        const rest = whole - released;
        const part = random() < 0.2 ? rest : 1n + (BigInt(Math.floor(random() * 1e6)) % rest);
        const { node, fee } = sharesOf(part, released, bps);
        expect(node >= 0n && fee >= 0n && node + fee === part).toBe(true);
        fees += fee;
        released += part;
      }
      expect(fees).toBe(sharesOf(whole, 0n, bps).fee);
    }
  });
});

describe("what progress has earned", () => {
  test("grows with it, and is at most nine tenths before the work is done", () => {
    expect([0, 0.25, 0.5, 0.9, 1, 7].map((progress) => earnedBy(progress, 1000n))).toEqual([
      0n,
      250n,
      500n,
      900n,
      900n,
      900n,
    ]);
    expect(earnedBy(0.333_333_9, 3_000_000n)).toBe(999_999n);
  });

  test("is nothing for what is no progress", () => {
    for (const told of [-1, Number.NaN, Number.NEGATIVE_INFINITY]) expect(earnedBy(told, 1000n)).toBe(0n);
  });
});
