import { expect, jest, test } from "bun:test";
import { systemClock, systemRandom } from "../../src/observability/index.ts";

test("the clock is the wall clock", () => {
  expect(Math.abs(systemClock.now() - Date.now())).toBeLessThan(1000);
});

test("a callback runs once after its delay, and a cancelled one never", () => {
  jest.useFakeTimers();
  try {
    const ran: string[] = [];
    systemClock.after(100, () => ran.push("kept"));
    const cancel = systemClock.after(100, () => ran.push("cancelled"));
    cancel();
    cancel();
    jest.advanceTimersByTime(99);
    expect(ran).toEqual([]);
    jest.advanceTimersByTime(500);
    expect(ran).toEqual(["kept"]);
  } finally {
    jest.useRealTimers();
  }
});

test("a delay longer than setTimeout can hold does not fire at once", () => {
  jest.useFakeTimers();
  try {
    let ran = 0;
    const month = 30 * 86_400_000;
    const cancel = systemClock.after(month, () => ran++);
    jest.advanceTimersByTime(month - 1);
    expect(ran).toBe(0);
    jest.advanceTimersByTime(2);
    expect(ran).toBe(1);
    cancel();
    const early = systemClock.after(month, () => ran++);
    jest.advanceTimersByTime(2_147_483_648);
    early(); // in its second nap
    jest.advanceTimersByTime(month);
    expect(ran).toBe(1);
  } finally {
    jest.useRealTimers();
  }
});

test("a delay in the past runs soon", async () => {
  await new Promise<void>((resolve) => systemClock.after(-5, resolve));
});

test("random numbers lie in [0, 1) and ids are lower-case UUIDs", () => {
  for (let i = 0; i < 100; i++) {
    const value = systemRandom.next();
    expect(value >= 0 && value < 1).toBe(true);
  }
  expect(systemRandom.uuid()).toMatch(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/);
});
