/** Every rule of reference/original-behaviour.md 6.6, and what was decided where it is silent. */
import { describe, expect, test } from "bun:test";
import {
  afterBan,
  banDuration,
  type ConductFact,
  clampScore,
  isBarred,
  judge,
  pardoned,
  REPUTATION_DELTA,
  type Reputation,
  tierOf,
} from "../../src/domain/reputation.ts";
import { seeded } from "../support/seeded.ts";

const HOUR = 3_600_000;
const AT = 1_700_000_000_000;
const record = (overrides: Partial<Reputation> = {}): Reputation => ({
  score: 75,
  strikes: 0,
  lastStrikeAt: null,
  totalBans: 0,
  ...overrides,
});
const facts = Object.keys(REPUTATION_DELTA) as readonly ConductFact[];

test.each([
  [100, "premium"],
  [80, "premium"],
  [79.5, "normal"],
  [50, "normal"],
  [49.5, "probation"],
  [25, "probation"],
  [24.5, "banned"],
  [0, "banned"],
] as const)("a score of %p is %p", (score, tier) => {
  expect(tierOf(score)).toBe(tier);
  expect(isBarred(score)).toBe(tier === "banned");
});

test.each([
  ["completed", 76],
  ["good_metrics", 75.5],
  ["free_work", 77],
  ["failed", 70],
  ["start_timeout", 70],
  ["run_timeout", 70],
  ["lost", 70],
  ["silent", 73],
  ["complaint", 65],
] as const)("%p takes a new node from 75 to %p", (fact, after) => {
  const { reputation, steps, ban } = judge(record(), [fact], AT, false);
  expect(reputation).toEqual(record({ score: after }));
  expect(steps).toEqual([{ reason: fact, before: 75, after }]);
  expect(ban).toBeNull();
});

test("every fact is in the table above", () => {
  expect(facts.length).toBe(9);
});

test("a score stays within 0 and 100, and a fact that cannot move it leaves no trace", () => {
  expect(judge(record({ score: 99.75 }), ["completed", "completed"], AT, false)).toEqual({
    reputation: record({ score: 100 }),
    steps: [{ reason: "completed", before: 99.75, after: 100 }],
    ban: null,
  });
  expect(judge(record({ score: 3 }), ["complaint", "failed"], AT, true).steps).toEqual([
    { reason: "complaint", before: 3, after: 0 },
  ]);
  const given = [-1, 101, Number.NaN, Number.POSITIVE_INFINITY, 12.5];
  expect(given.map(clampScore)).toEqual([0, 100, 75, 100, 12.5]);
});

describe("a strike", () => {
  test.each([
    [50, 1],
    [54.5, 1],
    [55, 0],
    [49.5, 0],
    [30, 0],
  ])("is what a failure at %p gives or not: %p", (score, strikes) => {
    const { reputation } = judge(record({ score }), ["failed"], AT, false);
    expect(reputation).toMatchObject({ strikes, lastStrikeAt: strikes === 0 ? null : AT });
  });

  test("is not taken back by what follows", () => {
    const struck = judge(record({ score: 50 }), ["silent", "completed", "completed"], AT, false);
    expect(struck.reputation).toMatchObject({ score: 50, strikes: 1 });
  });
});

describe("a ban", () => {
  test.each([
    [0, 24],
    [1, 48],
    [2, 168],
    [3, 168],
    [1000, 168],
  ])("after %p earlier ones lasts %p hours", (totalBans, hours) => {
    expect(banDuration(totalBans)).toBe(hours * HOUR);
    const third = judge(record({ score: 50, strikes: 2, totalBans }), ["failed"], AT, false);
    expect(third.ban).toEqual({ duration: hours * HOUR, reason: "its reputation fell below 50 again (strike 3)" });
    expect(third.reputation).toEqual({ score: 45, strikes: 3, lastStrikeAt: AT, totalBans: totalBans + 1 });
  });

  test("comes with the third strike, not with the second", () => {
    expect(judge(record({ score: 50, strikes: 1 }), ["failed"], AT, false).ban).toBeNull();
  });

  test("comes with the fall below 25 too, or the node would be offered nothing for ever", () => {
    const fallen = judge(record({ score: 25, strikes: 0, totalBans: 1 }), ["silent"], AT, false);
    expect(fallen.ban).toEqual({ duration: 48 * HOUR, reason: "its reputation fell below 25" });
    expect(judge(record({ score: 20 }), ["failed"], AT, false).ban).toBeNull();
  });

  test("is not given twice for one event, nor to a node that is banned already", () => {
    const both = judge(record({ score: 54, strikes: 2 }), ["complaint", "complaint", "complaint"], AT, false);
    expect([both.reputation.totalBans, both.reputation.score]).toEqual([1, 24]);
    const again = judge(record({ score: 50, strikes: 2, totalBans: 1 }), ["failed"], AT, true);
    expect([again.ban, again.reputation.strikes, again.reputation.totalBans]).toEqual([null, 3, 1]);
  });

  test("ends with no strikes and a score of 25, whatever the score was", () => {
    for (const score of [0, 24, 45, 60]) {
      const ended = afterBan(record({ score, strikes: 3, lastStrikeAt: AT, totalBans: 1 }), true);
      expect(ended.reputation).toEqual({ score: 25, strikes: 0, lastStrikeAt: AT, totalBans: 1 });
      expect(ended.steps).toEqual([{ reason: "ban_over", before: score, after: 25 }]);
    }
  });

  test("of an operator that ends leaves the record alone, unless one was earned meanwhile", () => {
    expect(afterBan(record({ score: 60, strikes: 2 }), false)).toEqual({
      reputation: record({ score: 60, strikes: 2 }),
      steps: [],
    });
    expect(afterBan(record({ score: 45, strikes: 3 }), false).reputation).toEqual(record({ score: 25 }));
    expect(afterBan(record({ score: 10, strikes: 1 }), false).reputation).toEqual(record({ score: 25 }));
  });

  test("pardoned leaves no strikes and at least 25", () => {
    expect(pardoned(record({ score: 3, strikes: 4 }))).toEqual({
      reputation: record({ score: 25 }),
      steps: [{ reason: "pardoned", before: 3, after: 25 }],
    });
    expect(pardoned(record({ score: 60, strikes: 2 }))).toEqual({ reputation: record({ score: 60 }), steps: [] });
  });
});

test("whatever a node does, its score is within 0 and 100, its strikes are its falls below 50, and its steps add up", () => {
  for (let seed = 1; seed <= 200; seed++) {
    const random = seeded(seed);
    let now = record({ score: Math.round(random() * 200) / 2 });
    let banned = false;
    for (let turn = 0; turn < 60; turn++) {
      const drawn = Array.from({ length: 1 + Math.floor(random() * 3) }, () => facts[Math.floor(random() * 9)]!);
      const { reputation, steps, ban } = judge(now, drawn, AT + turn, banned);
      let score = now.score;
      let falls = 0;
      for (const { before, after, reason } of steps) {
        expect(before).toBe(score);
        expect(after).toBe(Math.min(100, Math.max(0, before + REPUTATION_DELTA[reason as ConductFact])));
        if (before >= 50 && after < 50) falls += 1;
        score = after;
      }
      expect(reputation.score).toBe(score);
      expect(score >= 0 && score <= 100).toBe(true);
      expect(reputation.strikes).toBe(now.strikes + falls);
      const earned = (falls > 0 && reputation.strikes >= 3) || steps.some((one) => one.before >= 25 && one.after < 25);
      expect(ban !== null).toBe(earned && !banned);
      expect(reputation.totalBans).toBe(now.totalBans + (ban === null ? 0 : 1));
      now = reputation;
      banned ||= ban !== null;
      if (banned && random() < 0.2) {
        now = afterBan(now, true).reputation;
        banned = false;
        expect(now).toMatchObject({ score: 25, strikes: 0 });
      }
    }
  }
});
