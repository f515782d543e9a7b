/** Payments on a chain that is at its worst: no transaction lands twice, and every unit is where it belongs (I6, I7). */
import { expect, test } from "bun:test";
import { type Deed, planOf } from "./plan.ts";
import { World } from "./world.ts";

const STEPS = 15_000;
const CHAIN: readonly Deed[] = ["chainDrop", "chainLate", "chainError", "chainOutage", "chainLag", "chainFork"];
const SERVER: readonly Deed[] = ["crash", "crashMidway", "usurp", "doubtCommits", "landLate"];

const met = new Map<string, number>();

for (const [seed, stressed] of [
  [101, CHAIN],
  [102, CHAIN],
  [103, [...CHAIN, ...SERVER]],
  [104, [...CHAIN, "cancel"]],
  [105, [...CHAIN, ...SERVER, "cancel"]],
] as const) {
  test(`no order lands twice and no unit is lost, whatever the chain does (seed ${seed})`, async () => {
    const outcome = await new World({ seed, plan: planOf(seed, stressed), steps: STEPS, mode: "liveness" }).run();
    expect(outcome.breach).toBeNull();
    for (const [what, count] of outcome.met) met.set(what, (met.get(what) ?? 0) + count);
  }, 300_000);
}

test("the chain has done its worst, and payments have taken every way", () => {
  const must = [
    ...["SIGNED", "REFUSED", "CONFIRMED", "FINAL", "DEAD", "ANNOUNCED", "EARNED", "SETTLE", "DEADLINE"].map(
      (event) => `payment ${event}`,
    ),
    ...["lock", "claim", "release", "refund", "dropped", "lagged", "forked"].map((what) => `chain ${what}`),
  ];
  expect(must.filter((what) => !met.has(what))).toEqual([]);
});
