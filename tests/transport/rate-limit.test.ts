import { expect, test } from "bun:test";
import { Refusal } from "../../src/domain/refusal.ts";
import { shareOf } from "../../src/transport/caller-limits.ts";
import { RateLimit } from "../../src/transport/rate-limit.ts";
import { StreamLimit } from "../../src/transport/stream-limit.ts";

function limit(perSecond: number) {
  const clock = { now: 1000 };
  const rate = new RateLimit({ perSecond, setting: "some_setting", now: () => clock.now });
  const take = (caller = "a"): number | null => {
    try {
      rate.take(caller);
      return null;
    } catch (error) {
      return (error as Refusal).details.retryAfterMs ?? Number.NaN;
    }
  };
  return { clock, rate, take };
}

test("two seconds' worth pass at once, then one for each that the rate allows, at the time the refusal named", () => {
  const { clock, take } = limit(10);
  expect(Array.from({ length: 20 }, () => take())).toEqual(Array(20).fill(null));
  expect(take()).toBe(100);
  clock.now += 90;
  expect(take()).toBeGreaterThan(0);
  clock.now += 10;
  expect(take()).toBeNull();
  expect(take()).toBe(100);
  clock.now += 60_000;
  expect(Array.from({ length: 25 }, () => take()).filter((wait) => wait === null)).toHaveLength(20);
});

test("callers do not share, and 0 is no limit", () => {
  const { take } = limit(1);
  expect([take("a"), take("a"), take("a"), take("b")]).toEqual([null, null, 1000, null]);
  const free = limit(0);
  expect(Array.from({ length: 1000 }, () => free.take())).toEqual(Array(1000).fill(null));
});

test("a clock that is set back neither gives nor takes", () => {
  const { clock, take } = limit(1);
  take();
  take();
  clock.now -= 500_000;
  expect(take()).toBe(1000);
});

test("callers are remembered up to a bound, and those who wait stay refused while there is room for others to go", () => {
  const { clock, rate, take } = limit(1);
  for (let index = 0; index < 99_999; index++) take(`quiet ${index}`);
  clock.now += 3000;
  take("busy");
  take("busy");
  for (let index = 0; index < 50_000; index++) take(`new ${index}`);
  expect(rate.size).toBeLessThanOrEqual(100_000);
  expect(take("busy")).toBe(1000);
  for (let index = 0; index < 300_000; index++) take(`flood ${index}`);
  expect(rate.size).toBeLessThanOrEqual(100_000);
});

test("a place in the streams is given back once, however often it is said", () => {
  const streams = new StreamLimit(1);
  const giveBack = streams.take("a");
  expect(() => streams.take("a")).toThrow(Refusal);
  streams.take("b");
  giveBack();
  giveBack();
  streams.take("a");
  expect(() => streams.take("a")).toThrow("max_streams_per_caller");
});

test("no address can pass for a user, and no user for an operator", () => {
  const user = shareOf({ as: "user", name: "x" }, "y");
  expect(shareOf(null, "user x")).not.toBe(user);
  expect(shareOf({ as: "user", name: "operator x" }, "y")).not.toBe(shareOf({ as: "operator", name: "x" }, "y"));
});
