/** The checker is worth what it catches: each promise is broken in an otherwise good run, and it must say so. */
import { beforeAll, describe, expect, test } from "bun:test";
import { checkLog } from "./check-log.ts";
import { checkRuns } from "./check-runs.ts";
import { check, type Fault, type Promised } from "./checker.ts";
import type { ClientCall, Evidence, NodeLine, Transition } from "./evidence.ts";
import { CANCELLED, FIRST, goodRun, NODE, OTHER, SECOND } from "./forged.ts";
import { type Life, replayAll } from "./replayed.ts";

let good: Evidence;
beforeAll(async () => {
  good = await goodRun();
});

type Forgery = (evidence: Evidence) => Partial<Evidence>;

const call = (over: Partial<ClientCall>): ClientCall => ({
  client: "client",
  call: "status",
  submission: "client/1",
  jobId: FIRST,
  answer: "ok",
  value: "completed",
  sentAt: 1000,
  answeredAt: 1001,
  ...over,
});
const seen =
  (over: Partial<ClientCall>): Forgery =>
  ({ calls }) => ({ calls: [...calls, call(over)] });
const ran =
  (...lines: readonly Partial<NodeLine>[]): Forgery =>
  ({ runs }) => ({
    runs: [
      ...runs,
      ...lines.map((over): NodeLine => ({ node: OTHER, type: "started", jobId: FIRST, attempt: 1, at: 0, ...over })),
    ],
  });
const without = <T extends { readonly id: string }>(items: readonly T[], id: string): T[] =>
  items.filter((item) => item.id !== id);
/** The actors, with one field deep inside of a snapshot's context replaced. */
const altered =
  (id: string, context: object): Forgery =>
  ({ actors }) => ({
    actors: actors.map((actor) => {
      if (actor.id !== id) return actor;
      const snapshot = structuredClone(actor.snapshot) as { context: object };
      return { ...actor, snapshot: { ...snapshot, context: { ...snapshot.context, ...context } } as never };
    }),
  });
const logged =
  (change: (transition: Transition) => Transition): Forgery =>
  ({ transitions }) => ({ transitions: transitions.map(change) });
/** A second job, the same but for its id. */
const copied =
  (submission: string): Forgery =>
  ({ transitions, actors, jobs }) => {
    const as = (text: string) => JSON.parse(text.replaceAll(CANCELLED, COPY).replaceAll("client/3", submission));
    const copies = <T extends { readonly id: string }>(items: readonly T[]): T[] =>
      items.filter(({ id }) => id === CANCELLED).map((item) => as(JSON.stringify(item)) as T);
    return {
      transitions: [...transitions, ...copies(transitions)],
      actors: [...actors, ...copies(actors)],
      jobs: [...jobs, ...copies(jobs)],
    };
  };
const COPY = CANCELLED.replace(/3$/, "9");

const forgeries: readonly (readonly [Promised, string, RegExp, Forgery])[] = [
  [
    "I1",
    "an acknowledged job is gone altogether",
    /was acknowledged and has no log/,
    ({ transitions, actors, jobs }) => ({
      transitions: without(transitions, FIRST),
      actors: without(actors, FIRST),
      jobs: without(jobs, FIRST),
    }),
  ],
  ["I1", "an acknowledged job has no row", /has no row/, ({ jobs }) => ({ jobs: without(jobs, SECOND) })],
  ["I1", "a cancellation is forgotten", /cancellation .* is completed/, seen({ call: "cancel", value: "cancelled" })],
  [
    "I1",
    "a client is shown a state that is taken back",
    /saw job .* pending after completed/,
    seen({ value: "pending" }),
  ],
  ["I1", "a client is shown a state that never was", /saw job .* failed/, seen({ value: "failed" })],
  ["I1", "a known job is denied", /answered NOT_FOUND/, seen({ answer: "refused", value: "NOT_FOUND" })],
  ["I1", "a node is let begin and nobody remembers", /the log knows nothing/, ran({ attempt: 7 })],
  [
    "I2",
    "two nodes run one job at once",
    /ran at the same time/,
    (evidence) => ran({ node: "elsewhere", attempt: 2, at: (evidence.runs[0]?.at ?? 0) + 1 })(evidence),
  ],
  ["I2", "one attempt is begun twice", /one attempt begun twice/, ran({ at: 1 }, { type: "ended", at: 2 })],
  [
    "I2",
    "a result counts that no node made",
    /which that node never finished/,
    ({ runs }) => ({ runs: runs.filter(({ type, jobId }) => type === "started" || jobId !== FIRST) }),
  ],
  ["I2", "a node is paid twice", /is credited with 7 jobs/, altered(NODE, { jobsCompleted: 7 })],
  ["I2", "a node is not paid", /is credited with 0 jobs/, altered(NODE, { jobsCompleted: 0 })],
  [
    "I3",
    "a node runs more at once than it has room for",
    /ran 2 jobs at once and has 1 slots/,
    ({ runs }) => {
      const [line] = runs;
      return { runs: line ? [line, { ...line, jobId: SECOND }, ...runs.slice(1)] : [] };
    },
  ],
  [
    "I3",
    "live attempts exceed a node in the log",
    /had 1 live attempts and 0 slots/,
    logged((one) =>
      one.kind === "node"
        ? { ...one, event: JSON.parse(JSON.stringify(one.event).replace('"slots":1', '"slots":0')) }
        : one,
    ),
  ],
  ["I5", "a repeat becomes another job", /became 2 jobs/, seen({ call: "submit", value: SECOND })],
  [
    "I5",
    "two submissions become one job",
    /became one job/,
    seen({ call: "submit", submission: "client/4", value: SECOND }),
  ],
  ["I5", "a lost answer leaves a second job behind", /made two jobs/, copied("client/3")],
  ["I5", "a job is there that nobody sent", /which nobody sent/, copied("client/8")],
  [
    "I9",
    "a transition is missing",
    /is missing from its log/,
    ({ transitions }) => ({
      transitions: transitions.filter(({ id, version }) => id !== FIRST || version !== 3),
    }),
  ],
  [
    "I9",
    "the log is behind its row",
    /its row is at version/,
    ({ transitions }) => ({
      transitions: transitions.filter(({ id, to }) => id !== CANCELLED || to !== "cancelled"),
    }),
  ],
  ["I9", "a snapshot is not what its log says", /its log replayed is not its row/, altered(FIRST, { retries: 1 })],
  [
    "I9",
    "a row in jobs is not what its log says",
    /jobs .*: the row is/,
    ({ jobs }) => ({
      jobs: jobs.map((row) => ({ ...row, attempt: row.attempt + 1 })),
    }),
  ],
  [
    "I9",
    "a state is misnamed in the log",
    /is failed in the log and completed replayed/,
    logged((one) => (one.to === "completed" ? { ...one, to: "failed" } : one)),
  ],
  [
    "I9",
    "a row has no log",
    /has a row and no log/,
    ({ transitions }) => ({ transitions: without(transitions, NODE) }),
  ],
  [
    "I1",
    "a big text of a job is not there",
    /1 references/,
    () => ({ miscounted: ["text x: 1 references, and it counts no text"] }),
  ],
  ["I9", "an event made its actor throw", /could not be applied/, () => ({ poison: ["job x: boom"] })],
];

describe("the checker of crash runs", () => {
  test("finds nothing in a good run", () => {
    expect(check(good)).toEqual([]);
    expect(good.jobs.map(({ state }) => state).sort()).toEqual(["cancelled", "completed", "completed"]);
  });

  for (const [promise, what, words, forge] of forgeries) {
    test(`${promise}: catches that ${what}`, () => {
      const faults = check({ ...good, ...forge(good) });
      expect(faults.filter((fault) => fault.promise === promise).map((fault) => fault.what)).toContainEqual(
        expect.stringMatching(words),
      );
    });
  }

  // The machine itself would not do these, so no log leads there: the steps are forged.
  const withLive = (live: object): readonly Fault[] => {
    const lives = new Map(replayAll(good.transitions));
    const name = `job/${FIRST}`;
    const life = lives.get(name) as Life;
    const index = life.steps.findIndex(({ state }) => state === "completed") - 1;
    const steps = life.steps.map((step, at) => {
      const context = step.context as { live: object };
      return at === index ? { ...step, context: { ...context, live: { ...context.live, ...live } } } : step;
    });
    lives.set(name, { ...life, steps });
    return [...checkRuns(good, lives), ...checkLog(good, lives)];
  };

  test("I2: catches that one attempt became another without an end", () => {
    expect(withLive({ number: 2 }).map(({ what }) => what)).toContainEqual(
      expect.stringMatching(/attempt 1 became 2 without having ended/),
    );
  });

  test("I2: catches that a node other than that of the live attempt won", () => {
    expect(withLive({ nodeId: "elsewhere" }).map(({ what }) => what)).toContainEqual(
      expect.stringMatching(/while attempt 1 on elsewhere was live/),
    );
  });
});
