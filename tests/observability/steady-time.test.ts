import { describe, expect, test } from "bun:test";
import { steadyTime } from "../../src/observability/steady-time.ts";

const HOUR = 3_600_000;

/** Both clocks, which a test moves by hand. */
function clocks() {
  let wall = 1_700_000_000_000;
  let monotonic = 5_000;
  const now = steadyTime(
    () => wall,
    () => monotonic,
  );
  return {
    now,
    get wall() {
      return wall;
    },
    pass(time: number) {
      wall += time;
      monotonic += time;
    },
    jump(by: number) {
      wall += by;
    },
  };
}

describe("steady time", () => {
  test("is the wall clock while nothing jumps", () => {
    const at = clocks();
    for (let step = 0; step < 100; step++) {
      at.pass(step);
      expect(at.now()).toBe(at.wall);
    }
  });

  test.each([HOUR, -HOUR])("a jump of %d ms is not seen at once, and made up for in ten hours", (jump) => {
    const at = clocks();
    const before = at.now();
    at.jump(jump);
    expect(at.now()).toBe(before);
    at.pass(30_000);
    const thirty = at.now() - before;
    expect(thirty).toBeGreaterThanOrEqual(27_000);
    expect(thirty).toBeLessThanOrEqual(33_000);
    let last = at.now();
    for (let minute = 0; minute < 600; minute++) {
      at.pass(60_000);
      const next = at.now();
      expect(next).toBeGreaterThan(last);
      last = next;
    }
    expect(last).toBe(at.wall);
  });

  test("never goes back, however often it is read while the wall clock does", () => {
    const at = clocks();
    let last = at.now();
    for (let step = 0; step < 1000; step++) {
      at.jump(-5);
      at.pass(1);
      const next = at.now();
      expect(next).toBeGreaterThanOrEqual(last);
      last = next;
    }
  });
});
