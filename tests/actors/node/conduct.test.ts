/** What becomes of a node by what it does: its score, the bans it earns, the circuit breaker. */
import { describe, expect, test } from "bun:test";
import { factsOf } from "../../../src/actors/node/conduct.ts";
import { evictionOf, nodeStateName, noticeOf, unavailabilityOf } from "../../../src/actors/node/kind.ts";
import { seeded } from "../../support/seeded.ts";
import { nodePolicy, nodeProfile, T0, uuid } from "../fixtures.ts";
import {
  ban,
  begin,
  complaint,
  cordon,
  type Event,
  type Outcome,
  outcome,
  type Snapshot,
  serviceOf,
  standingOf,
  step,
  steps,
  strictPolicy,
  unban,
  uncordon,
} from "./stepping.ts";

const HOUR = 3_600_000;
/** Without the breaker, which would be heard first. */
const lenient = (overrides: Parameters<typeof begin>[0] = {}): Snapshot => begin({ policy: nodePolicy, ...overrides });
const failures = (...jobs: readonly number[]): readonly Event[] => jobs.map((job) => outcome(job, "failed"));
const score = ({ context }: Snapshot): number => context.reputation;

describe("what an attempt does to my node's reputation", () => {
  const reports = nodeProfile({ reportsAttempts: true });
  const silentBuild = nodeProfile({ reportsAttempts: false });
  test.each([
    ["completed", {}, 76],
    ["completed", { goodMetrics: true }, 76.5],
    ["completed", { free: true }, 78],
    ["completed", { goodMetrics: true, free: true }, 78.5],
    ["failed", {}, 70],
    ["failed", { goodMetrics: true, free: true }, 70],
    ["start_timeout", {}, 70],
    ["run_timeout", {}, 70],
    ["lost", {}, 70],
    ["silent", {}, 73],
    ["rejected", {}, 75],
    ["unreachable", {}, 75],
    ["no_answer", {}, 75],
    ["invalid", {}, 75],
    ["cancelled", { free: true }, 75],
    ["gang_ended", {}, 75],
    ["evicted", {}, 75],
    ["superseded", {}, 75],
  ] as const)("%p %p: 75 becomes %p", (of, more, after) => {
    expect(score(step(lenient({ profile: reports }), outcome(1, of, more)))).toBe(after);
  });

  test("a node that never reports is not blamed for a run of which no report came", () => {
    expect(score(step(lenient({ profile: silentBuild }), outcome(1, "run_timeout")))).toBe(75);
    expect(factsOf({ outcome: "run_timeout" }, false)).toEqual([]);
  });

  test("every change is kept with the attempt it follows from", () => {
    const earned = step(lenient(), outcome(7, "completed", { attempt: 3, goodMetrics: true }), T0 + 9);
    const lost = step(earned, complaint(7, 3), T0 + 20);
    const tied = { jobId: uuid(7), attempt: 3 };
    expect(lost.context.changes).toEqual([
      { number: 1, reason: "completed", before: 75, after: 76, ...tied, detail: null, at: T0 + 9 },
      { number: 2, reason: "good_metrics", before: 76, after: 76.5, ...tied, detail: null, at: T0 + 9 },
      { number: 3, reason: "complaint", before: 76.5, after: 66.5, ...tied, detail: "the model is noise", at: T0 + 20 },
    ]);
  });

  test("a complaint counts once per attempt, whoever repeats it, and once more for another attempt", () => {
    const one = step(lenient(), complaint(1));
    expect(score(one)).toBe(65);
    expect(step(one, complaint(1, 1, "still noise"))).toBe(one);
    expect(score(step(one, complaint(1, 2)))).toBe(55);
    expect(score(step(one, complaint(2)))).toBe(55);
  });

  test("an outcome and a complaint about the same attempt are two facts", () => {
    expect(score(steps(lenient(), [complaint(1), outcome(1, "failed")]))).toBe(60);
  });
});

describe("my node was banned", () => {
  /** Down to 45, up to 50, down again: three strikes. */
  const strike = (from: Snapshot, first: number): Snapshot =>
    steps(from, [outcome(first, "failed"), ...[1, 2, 3, 4, 5].map((more) => outcome(first + more, "completed"))]);
  const twice = strike(strike(lenient({ reputation: 50 }), 10), 20);
  const thrice = step(twice, outcome(30, "failed"), T0 + 1000);

  test("at its third strike, for a day; what it runs it may finish", () => {
    expect([standingOf(twice), twice.context.strikes]).toEqual(["good", 2]);
    expect(thrice.context).toMatchObject({ strikes: 3, totalBans: 1, lastStrikeAt: T0 + 1000, reputation: 45 });
    expect(thrice.context.ban).toEqual({
      until: T0 + 1000 + 24 * HOUR,
      reason: "its reputation fell below 50 again (strike 3)",
      by: null,
      evict: false,
    });
    expect([nodeStateName(thrice), unavailabilityOf(thrice), evictionOf(thrice)]).toEqual(["banned", "banned", null]);
    expect(noticeOf(thrice)).toBe(
      "this node is banned until 2023-11-15T22:13:21.000Z: its reputation fell below 50 again (strike 3); it may finish what it runs",
    );
    expect(score(step(thrice, outcome(40, "completed")))).toBe(46);
  });

  test("and begins again with 25 points when the day is over", () => {
    const over = step(thrice, { type: "BAN_OVER", until: thrice.context.ban?.until ?? 0 }, T0 + 25 * HOUR);
    expect(over.context).toMatchObject({ ban: null, strikes: 0, totalBans: 1, reputation: 25 });
    expect(over.context.changes.at(-1)).toMatchObject({ reason: "ban_over", jobId: null, attempt: null, after: 25 });
    expect([nodeStateName(over), unavailabilityOf(over), noticeOf(over)]).toEqual(["online.idle", null, null]);
  });

  test("and a longer time the next time", () => {
    const over = step(thrice, { type: "BAN_OVER", until: thrice.context.ban?.until ?? 0 }, T0 + 25 * HOUR);
    const again = step(over, outcome(50, "silent"), T0 + 26 * HOUR);
    expect(again.context.ban).toMatchObject({ until: T0 + 74 * HOUR, reason: "its reputation fell below 25" });
    expect(again.context.totalBans).toBe(2);
  });

  test("by its user's complaint as well as by its failures", () => {
    expect(standingOf(step(lenient({ reputation: 30 }), complaint(1)))).toBe("banned");
  });

  test("the operator lifts a ban with at least 25 points and no strikes", () => {
    const pardoned = step(thrice, unban, T0 + 2000);
    expect(pardoned.context).toMatchObject({ ban: null, strikes: 0, reputation: 45, totalBans: 1 });
    const low = step(step(lenient({ reputation: 26 }), outcome(1, "failed")), unban, T0 + 2000);
    expect([standingOf(low), score(low)]).toEqual(["good", 25]);
    expect(low.context.changes.at(-1)).toMatchObject({ reason: "pardoned", before: 21, after: 25, detail: "appealed" });
  });

  test("a node whose score alone keeps it out can be pardoned, and no other", () => {
    const barred = lenient({ reputation: 20 });
    expect([nodeStateName(barred), unavailabilityOf(barred)]).toEqual(["banned", "banned"]);
    expect(noticeOf(barred)).toBe(
      "this node gets no jobs until an operator pardons it: its reputation of 20 is too low",
    );
    expect(unavailabilityOf(step(barred, unban))).toBeNull();
    const good = lenient();
    expect(step(good, unban)).toBe(good);
  });

  test("a ban forgets no cordon, and the end of a cordon lifts no ban", () => {
    const both = steps(lenient(), [cordon(), ban()]);
    expect(nodeStateName(both)).toBe("banned");
    expect(nodeStateName(step(both, unban))).toBe("cordoned");
    expect(nodeStateName(step(both, uncordon))).toBe("banned");
    expect(nodeStateName(steps(both, [uncordon, unban]))).toBe("online.idle");
  });

  test("the operator's latest word on a ban counts, the same word twice is refused", () => {
    const first = step(lenient(), ban(T0 + 100));
    expect(step(first, ban(T0 + 100))).toBe(first);
    const second = step(first, ban(T0 + 200, true, "mines coins"));
    expect(second.context.ban).toEqual({ until: T0 + 200, reason: "mines coins", by: "operator", evict: true });
    expect(evictionOf(second)).toBe("the node was banned: mines coins");
    // The effect that waited for the first one's end comes too late.
    expect(step(second, { type: "BAN_OVER", until: T0 + 100 }, T0 + 300)).toBe(second);
    expect(standingOf(step(second, { type: "BAN_OVER", until: T0 + 200 }, T0 + 300))).toBe("good");
  });

  test("an operator's ban that ends takes no points", () => {
    const banned = step(lenient(), ban(T0 + 100));
    expect(score(step(banned, { type: "BAN_OVER", until: T0 + 100 }, T0 + 100))).toBe(75);
  });

  test("a time that is none is no end at all, and one in the far future can be told", () => {
    for (const until of [Number.NaN, Number.POSITIVE_INFINITY]) {
      const banned = step(lenient(), ban(until));
      expect(banned.context.ban?.until).toBeNull();
      expect(noticeOf(banned)).toContain("until an operator lifts it");
    }
    expect(noticeOf(step(lenient(), ban(8.64e15 + 1)))).toContain("banned until further notice");
  });
});

describe("a node that fails or refuses one job after the other", () => {
  const aside = steps(begin(), failures(1, 2), T0 + 5);

  test("is set aside at the limit, and its owner is told until when and why", () => {
    expect(standingOf(step(begin(), outcome(1, "failed")))).toBe("good");
    expect([nodeStateName(aside), unavailabilityOf(aside)]).toEqual(["set_aside", "set_aside"]);
    expect(noticeOf(aside)).toBe(
      "this node is set aside and gets no new jobs until 2023-11-14T22:14:20.005Z: it failed or refused 2 different jobs in a row (last: failed)",
    );
    expect(evictionOf(aside)).toBeNull();
  });

  test("gets one more chance, and twice the time when it fails that too, up to an hour", () => {
    let now = aside;
    const waits: number[] = [];
    for (let job = 3; job < 12; job++) {
      const { until } = now.context.setAside!;
      const at = until + 10;
      now = step(now, { type: "SET_ASIDE_OVER", until }, until);
      expect([nodeStateName(now), unavailabilityOf(now)]).toEqual(["online.idle", null]);
      now = step(now, outcome(job, "rejected"), at);
      waits.push((now.context.setAside!.until - at) / 60_000);
    }
    expect(waits).toEqual([2, 4, 8, 16, 32, 60, 60, 60, 60]);
    expect(now.context.setAside?.reason).toBe("it failed again after it had been set aside (last: rejected)");
  });

  test("is trusted again after one success, also while it is set aside", () => {
    const done = step(aside, outcome(3, "completed"));
    expect([standingOf(done), done.context.setAside, done.context.trips]).toEqual(["good", null, 0]);
    expect(standingOf(step(done, outcome(4, "failed")))).toBe("good");
  });

  test("one bad job does not set the whole fleet aside: its retries count once", () => {
    const tried = [1, 2, 3, 4, 5].map((attempt) => outcome(1, "failed", { attempt }));
    expect(standingOf(steps(begin(), tried))).toBe("good");
    expect(standingOf(steps(begin(), [...tried, outcome(2, "failed")]))).toBe("setAside");
  });

  test.each([
    ["failed", true],
    ["rejected", true],
    ["unreachable", true],
    ["no_answer", true],
    ["start_timeout", true],
    ["lost", true],
    ["run_timeout", false],
    ["invalid", false],
    ["silent", false],
    ["cancelled", false],
    ["gang_ended", false],
    ["evicted", false],
    ["superseded", false],
  ] as const)("%p counts: %p", (of: Outcome["outcome"], counts) => {
    const node = steps(begin(), [outcome(1, of), outcome(2, of)]);
    expect(standingOf(node)).toBe(counts ? "setAside" : "good");
    // What does not count does not interrupt the row either.
    expect(standingOf(steps(begin(), [outcome(1, "failed"), outcome(2, of), outcome(3, "failed")]))).toBe("setAside");
  });

  test("is left in service where the limit is off", () => {
    expect(standingOf(steps(begin({ policy: nodePolicy }), failures(1, 2, 3, 4, 5)))).toBe("good");
  });

  test("stays set aside as long as was said, whatever else it fails meanwhile", () => {
    const more = steps(aside, failures(3, 4, 5), T0 + 50);
    expect([more.context.setAside, more.context.trips]).toEqual([aside.context.setAside, 1]);
  });

  test("is called offline, not set aside, when it is gone", () => {
    const gone = steps(aside, [{ type: "DEADLINE" }, { type: "DEADLINE" }]);
    expect([nodeStateName(gone), unavailabilityOf(gone)]).toEqual(["offline", "offline"]);
  });

  test("a ban takes the place of being set aside; a pardon ends both", () => {
    const banned = step(aside, ban());
    expect([standingOf(banned), banned.context.setAside]).toEqual(["banned", null]);
    expect(standingOf(step(aside, unban))).toBe("good");
    const bannedByIt = steps(begin({ reputation: 30 }), failures(1, 2));
    expect([standingOf(bannedByIt), bannedByIt.context.setAside]).toEqual(["banned", null]);
  });

  test("the end of an earlier time does not end the present one", () => {
    const late: Event = { type: "SET_ASIDE_OVER", until: T0 };
    expect(step(aside, late)).toBe(aside);
  });
});

test("whatever happens to it, a node's score, strikes, bans and changes agree with each other", () => {
  const kinds = ["completed", "failed", "lost", "silent", "rejected", "run_timeout", "cancelled"] as const;
  for (let seed = 1; seed <= 40; seed++) {
    const random = seeded(seed);
    let now = begin({ policy: random() < 0.5 ? strictPolicy : nodePolicy });
    let at = T0;
    for (let turn = 0; turn < 120; turn++) {
      at += Math.floor(random() * 60_000);
      const { ban: banned, setAside } = now.context;
      const event: Event =
        banned?.until != null && random() < 0.05
          ? { type: "BAN_OVER", until: banned.until }
          : setAside && random() < 0.3
            ? { type: "SET_ASIDE_OVER", until: setAside.until }
            : random() < 0.05
              ? complaint(turn)
              : random() < 0.03
                ? [ban(), ban(at + 5, true), unban, cordon(), uncordon][Math.floor(random() * 5)]!
                : outcome(turn, kinds[Math.floor(random() * kinds.length)]!, { goodMetrics: random() < 0.5 });
      const before = now;
      now = step(before, event, at);
      const { context } = now;
      expect(context.reputation >= 0 && context.reputation <= 100).toBe(true);
      const added = context.changes.slice(context.changes.length - (context.changeCount - before.context.changeCount));
      expect(added.every((one) => one.at === at)).toBe(true);
      expect(added.reduce((sum, one) => sum + one.after - one.before, before.context.reputation)).toBe(
        context.reputation,
      );
      const numbers = context.changes.map((one) => one.number);
      expect(numbers).toEqual(numbers.map((_, index) => context.changeCount - numbers.length + index + 1));
      expect([standingOf(now) === "banned", standingOf(now) === "setAside"]).toEqual([
        context.ban !== null,
        context.setAside !== null,
      ]);
      // Below 25 it is banned, unless it registered so.
      if (context.reputation < 25) expect(context.ban).not.toBeNull();
      expect(context.strikes >= 3 && context.ban === null).toBe(false);
      expect(serviceOf(now) === "cordoned").toBe(context.standingReason !== null);
    }
  }
});
