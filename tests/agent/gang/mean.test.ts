/** How rows are dealt out to a gang, and how its weights become one. */
import { describe, expect, test } from "bun:test";
import { meanOf } from "../../../src/agent/training/gang/mean.ts";
import type { Share } from "../../../src/agent/training/gang/seat.ts";
import { shardOf } from "../../../src/agent/training/gang/shard.ts";
import { RandomStream } from "../../../src/agent/training/random.ts";

const range = (length: number): number[] => Array.from({ length }, (_, index) => index);

describe("sharding", () => {
  test("every row of mine is trained on by exactly one member, whatever their number", () => {
    for (const size of [1, 2, 3, 5, 7, 64]) {
      for (const rows of [64, 65, 127, 1000, 1438]) {
        const all = Uint32Array.from(range(rows), (row) => rows - row);
        const shards = range(size).map((rank) => [...shardOf(all, rank, size)]);
        expect(shards.flat().sort((a, b) => a - b)).toEqual([...all].sort((a, b) => a - b));
        const lengths = shards.map(({ length }) => length);
        // The lower ranks have the odd rows, and nobody has more than one of them.
        expect(lengths).toEqual(lengths.toSorted((a, b) => b - a));
        expect(Math.max(...lengths) - Math.min(...lengths)).toBeLessThanOrEqual(1);
      }
    }
  });

  test("more members than rows is refused with the number that is possible", () => {
    expect(() => shardOf(Uint32Array.of(1, 2, 3), 0, 4)).toThrow(
      "cyxwiz.gang.size: 4 is more than the 3 training rows; use at most 3",
    );
  });
});

const share = (weights: readonly number[], changes: Partial<Share> = {}): Share => ({
  ...{ rows: 1, loss: 0, correct: 0, data: "aa" },
  weights: Float32Array.from(weights),
  ...changes,
});

describe("the mean", () => {
  test("counts each member by its rows, and adds up what they saw", () => {
    const mean = meanOf([
      share([0, 8], { rows: 3, loss: 1.5, correct: 2 }),
      share([4, 0], { rows: 1, loss: 0.25, correct: 1 }),
    ]);
    expect([...mean.weights]).toEqual([1, 6]);
    expect(mean).toMatchObject({ rows: 4, loss: 1.75, correct: 3 });
  });

  test("of equal weights is these weights, to the bit", () => {
    const random = new RandomStream(1, "mean");
    const weights = range(10_000).map(() => random.normal());
    const shares = [719, 720, 1, 13].map((rows) => share(weights, { rows }));
    expect(meanOf(shares).weights).toEqual(Float32Array.from(weights));
  });

  test("does not lose a small member beside a large one: it is summed in float64", () => {
    // In float32, 1e8 + 1 is 1e8.
    expect([...meanOf([share([1e8]), share([1]), share([-1e8])]).weights]).toEqual([Math.fround(1 / 3)]);
  });

  test("of a regression has no count of right answers", () => {
    expect(meanOf([share([1], { correct: null }), share([1], { correct: null })]).correct).toBeNull();
  });

  for (const [what, changes, words] of [
    ["other data", { data: "bb" }, "rank 1 has read other data than rank 0"],
    ["another model", { weights: new Float32Array(2) }, "rank 1 trains a model of 2 parameters and rank 0 one of 1"],
    ["no rows", { rows: 0 }, "rank 1 says that it trained on 0 rows"],
    ["negative rows", { rows: -5 }, "trained on -5 rows"],
    ["another kind of model", { correct: null }, "do not agree whether the model is a classifier"],
  ] as const) {
    test(`with a member that has ${what} is refused`, () => {
      expect(() => meanOf([share([1]), share([1], changes)])).toThrow(words);
    });
  }

  test("takes a member that does not say what data it has at its word", () => {
    expect([...meanOf([share([1]), share([3], { data: "" })]).weights]).toEqual([2]);
  });
});
