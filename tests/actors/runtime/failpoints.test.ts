import { describe, expect, test } from "bun:test";
import { FAILPOINTS, Failpoints, parseFailpoints } from "../../../src/actors/runtime/index.ts";

function armed(orders: string): { readonly failpoints: Failpoints; kills: number } {
  const kill = () => {
    state.kills += 1;
  };
  const state = { failpoints: new Failpoints(kill), kills: 0 };
  state.failpoints.arm(parseFailpoints(orders));
  return state;
}

describe("a fail point", () => {
  test("does nothing, and says so beforehand, when nothing was ordered", async () => {
    const state = armed("");
    expect(state.failpoints.armed).toBe(false);
    await state.failpoints.hit("effect.before");
    state.failpoints.hitNow("cell.before_reply");
    expect(state.kills).toBe(0);
  });

  test("kills at the place and the time that were ordered, and at no other", async () => {
    const state = armed("effect.before:kill@2");
    await state.failpoints.hit("effect.after");
    await state.failpoints.hit("effect.before");
    expect(state.kills).toBe(0);
    await state.failpoints.hit("effect.before");
    expect(state.kills).toBe(1);
    await state.failpoints.hit("effect.before");
    expect(state.kills).toBe(1);
  });

  test("throws each time when no time was ordered", async () => {
    const { failpoints } = armed("journal.sent:throw");
    for (let time = 0; time < 2; time++)
      expect(failpoints.hit("journal.sent")).rejects.toThrow("fail point journal.sent");
  });

  test("kills where nothing can be waited for", () => {
    const state = armed("cell.after_reply:kill@2");
    state.failpoints.hitNow("cell.after_reply");
    expect(state.kills).toBe(0);
    state.failpoints.hitNow("cell.after_reply");
    expect(state.kills).toBe(1);
  });

  test("holds up before it kills, in the order of the orders", async () => {
    const state = armed("ack.node:delay:20, ack.node:kill");
    const passing = state.failpoints.hit("ack.node");
    await new Promise((resolve) => setImmediate(resolve));
    expect(state.kills).toBe(0);
    await passing;
    expect(state.kills).toBe(1);
  });

  test("that does not exist is refused with the list of those that do", () => {
    expect(() => parseFailpoints("journal.after:kill")).toThrow(/"journal.after:kill" names no fail point/);
    for (const name of Object.keys(FAILPOINTS)) expect(() => parseFailpoints("x:kill")).toThrow(name);
  });

  test.each([
    "effect.before",
    "effect.before:explode",
    "effect.before:delay",
    "effect.before:kill:5",
    "effect.before:kill@0",
    "effect.before:kill@-1",
    "toString:kill",
  ])("is refused when its order is %s", (order) => {
    expect(() => parseFailpoints(order)).toThrow(order);
  });

  test("where code must not fail takes kill only", () => {
    expect(() => parseFailpoints("cell.before_reply:throw")).toThrow(/takes kill only/);
    expect(() => parseFailpoints("cell.before_reply:delay:5")).toThrow(/takes kill only/);
  });
});
