/**
 * That every job ends (I4), by exhaustion. Time is whole steps, the policy a few of them, and an adversary chooses among
 * everything that the scheduler, two nodes and the network could do. Situations that differ in nothing but the date are
 * one, so a job that could live for ever would be a loop in the graph; without one, the longest path is the longest life.
 */
import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { initialTransition, type SnapshotFrom, transition } from "xstate";
import { nodesOf, returnable } from "../../../src/actors/job/attempt.ts";
import { JOB_RULES, lastMoment } from "../../../src/actors/job/endings.ts";
import { deadlineOf, isTerminal, jobStatusOf } from "../../../src/actors/job/kind.ts";
import { jobMachine } from "../../../src/actors/job/machine.ts";
import type { FailureCode, JobEvent, JobInput, JobPolicy } from "../../../src/actors/job/state.ts";
import { dottedState } from "../../../src/actors/runtime/index.ts";
import { jobInput, jobSpec, type Unstamped, uuid } from "../fixtures.ts";

type Snapshot = SnapshotFrom<typeof jobMachine>;

interface Situation {
  readonly job: Snapshot;
  readonly now: number;
  /** The node has been heard from, or found silent, in this step: silence takes time, and so does breaking it. */
  readonly heard: boolean;
}

const NODES = [uuid(100), uuid(101)];

const smallPolicy: JobPolicy = {
  fundsTimeout: 2,
  queueTimeout: 3,
  offerTimeout: 1,
  exclusion: 2,
  startTimeout: 2,
  gracePeriod: 2,
  runTimeout: 3,
  maxRetries: 1,
  maxLosses: 1,
  // The same pause whatever the attempt's number, so that the number need not tell situations apart.
  backoff: 1,
  maxBackoff: 1,
};

/** Every wait at its longest, for every time the job may begin to queue; that a wait ends is for the graph to show. */
function longestLife(policy: JobPolicy): number {
  const { queueTimeout, offerTimeout, startTimeout, gracePeriod, runTimeout, maxBackoff } = policy;
  const oneLife = queueTimeout + offerTimeout + startTimeout + runTimeout + 2 * gracePeriod + maxBackoff;
  return policy.fundsTimeout + (1 + policy.maxRetries + policy.maxLosses) * oneLife;
}

/** What the adversary may do without letting time pass. The job's node is the only one whose word it takes. */
function moves(here: Situation): readonly Unstamped<JobEvent>[] {
  const { job, now, heard } = here;
  const { live, exclusions, spec } = job.context;
  if (job.matches({ pending: "awaitingFunds" })) return [{ type: "FUNDS_LOCKED" }];
  const returns: readonly Unstamped<JobEvent>[] = heard
    ? []
    : job.context.history.map(({ nodeId, number }) => ({ type: "ORIGINAL_BACK", nodeId, attempt: number }));
  if (job.matches({ pending: "queued" })) {
    const excluded = (nodeId: string): boolean => exclusions.some((one) => one.nodeId === nodeId && one.until > now);
    const free = NODES.filter((nodeId) => !excluded(nodeId));
    const [first, ...others] = free;
    if (spec.gang) return first !== undefined && others.length > 0 ? [{ type: "OFFER", nodeId: first, others }] : [];
    return [...returns, ...free.map((nodeId) => ({ type: "OFFER", nodeId }) as const)];
  }
  if (live === null) return returns;
  return [...returns, ...nodesOf(live).flatMap((nodeId) => movesOf(here, live.number, nodeId))];
}

/** What may be said by one node of the live attempt, or of it. */
function movesOf({ job, heard }: Situation, attempt: number, nodeId: string): readonly Unstamped<JobEvent>[] {
  const from = { nodeId, attempt: null };
  const offer = { nodeId, attempt };
  const answers: readonly Unstamped<JobEvent>[] = job.matches({ assigned: "offering" })
    ? [
        { type: "OFFER_ACCEPTED", ...offer },
        { type: "OFFER_REFUSED", ...offer, outcome: "rejected", message: "" },
        { type: "OFFER_REFUSED", ...offer, outcome: "invalid", message: "" },
        { type: "TEXT_MISSING", attempt, message: "" },
      ]
    : [];
  const presence: readonly Unstamped<JobEvent>[] = heard
    ? []
    : [
        { type: "NODE_LOST", nodeId },
        { type: "NODE_BACK", nodeId },
      ];
  // Of an operator nothing but max_duration keeps a job from being moved for ever.
  const evictions: readonly Unstamped<JobEvent>[] =
    job.context.policy.maxDuration === undefined ? [] : [{ type: "EVICT", nodeId, reason: "" }];
  return [
    ...answers,
    ...presence,
    ...evictions,
    { type: "STARTED", ...from },
    { type: "PROGRESS", ...from, progress: 0, epoch: 0, metrics: {} },
    { type: "FAILED", ...from, message: "", invalid: false },
    { type: "ATTEMPT_GONE", ...from },
  ];
}

const OF_PRESENCE: ReadonlySet<string> = new Set(["NODE_LOST", "NODE_BACK", "ORIGINAL_BACK", "STARTED", "PROGRESS"]);

const isOver = (job: Snapshot): boolean => isTerminal(jobStatusOf(dottedState(job.value)));

/** Times as distances from now; nothing that no guard looks at. */
function keyOf({ job, now, heard }: Situation): string {
  const { queueDeadline, live, exclusions, retries, losses, malformed, history } = job.context;
  if (isOver(job)) return job.context.failure?.code ?? dottedState(job.value);
  const away = (at: number | null | undefined): number | null => (at == null ? null : at - now);
  return JSON.stringify([
    [dottedState(job.value), heard, retries, losses, malformed, history.at(-1)?.outcome === "invalid"],
    [away(deadlineOf(job.context)), away(job.context.deadline), Math.max(-1, queueDeadline - now)],
    Number.isFinite(lastMoment(job.context)) ? lastMoment(job.context) - now : null,
    live && [live.nodeId, away(live.acceptedAt), away(live.startedAt), live.reportedAt !== null],
    live?.members?.map((one) => [one.acceptedAt !== null, one.startedAt !== null, one.away && away(one.awaySince)]),
    // Which of its lost attempts may still go on; the rest of what was is past.
    NODES.map((nodeId) => {
      const past = returnable({ ...job.context, live: null }, nodeId, now);
      return past && [past.number === history.at(-1)?.number, away(past.acceptedAt), away(past.startedAt)];
    }),
    exclusions.filter(({ until }) => until > now).map(({ nodeId, until }) => [nodeId, until - now]),
  ]);
}

/** Where a situation can lead to: by a deadline that is due, by a word of somebody, or by waiting a step. */
function next(here: Situation): readonly Situation[] {
  const { job, now } = here;
  const deadline = deadlineOf(job.context);
  const due = deadline !== null && deadline <= now;
  const events = due ? [...moves(here), { type: "DEADLINE" } as const] : moves(here);
  const after = events.flatMap((event): Situation[] => {
    const [changed] = transition(jobMachine, job, { ...event, at: now, rules: JOB_RULES } as JobEvent);
    return changed === job ? [] : [{ job: changed as Snapshot, now, heard: here.heard || OF_PRESENCE.has(event.type) }];
  });
  return due ? after : [...after, { job, now: now + 1, heard: false }];
}

interface Verdict {
  readonly situations: number;
  readonly longest: number;
  readonly ends: ReadonlySet<string>;
}

/** Walks the whole graph depth first. Throws with the way into the loop if there is one. */
function explore(start: Situation): Verdict {
  /** The longest life from here on; null while the walk is still below it. */
  const lives = new Map<string, number | null>();
  const ends = new Set<string>();
  const visit = (here: Situation, path: readonly string[]): number => {
    const key = keyOf(here);
    const known = lives.get(key);
    if (known === null) throw new Error(`it can go round for ever: ${path.slice(-12).join(" → ")}`);
    if (known !== undefined) return known;
    if (isOver(here.job)) {
      ends.add(key);
      lives.set(key, 0);
      return 0;
    }
    lives.set(key, null);
    let longest = 0;
    const state = `${dottedState(here.job.value)}@${here.now}`;
    for (const there of next(here)) {
      if (keyOf(there) === key) continue;
      longest = Math.max(longest, there.now - here.now + visit(there, [...path, state]));
    }
    lives.set(key, longest);
    return longest;
  };
  const longest = visit(start, []);
  return { situations: lives.size, longest, ends };
}

function begin(policy: JobPolicy, awaitsFunds: boolean, overrides: Partial<JobInput> = {}): Situation {
  const [job] = initialTransition(jobMachine, jobInput({ policy, awaitsFunds, at: 0, ...overrides }));
  return { job: job as Snapshot, now: 0, heard: false };
}

/** Tens of thousands of situations: seconds on a quiet machine, many on a busy one. */
setDefaultTimeout(60_000);

describe("whatever scheduler, nodes and network do, a job ends (I4)", () => {
  const verdict = explore(begin(smallPolicy, true));

  test("in bounded time, by no more than its policy allows", () => {
    expect(verdict.situations).toBeGreaterThan(5000);
    expect(verdict.longest).toBeLessThanOrEqual(longestLife(smallPolicy));
    // The bound is no idle one: a life of several queues and runs is possible.
    expect(verdict.longest).toBeGreaterThan(longestLife(smallPolicy) / 2);
  });

  test("and it can end for every documented reason", () => {
    const reasons: readonly FailureCode[] = [
      "funds_timeout",
      "queue_timeout",
      "retries_exhausted",
      "invalid_job",
      "run_timeout",
      "no_report",
      "lost_too_often",
      "text_missing",
    ];
    expect([...verdict.ends].sort()).toEqual([...reasons].sort());
  });

  test("also without retries, losses or grace", () => {
    const strict = { ...smallPolicy, maxRetries: 0, maxLosses: 0, gracePeriod: 0, exclusion: 1 };
    expect(explore(begin(strict, false)).longest).toBeLessThanOrEqual(longestLife(strict));
  });

  test("also when originals come back in place of their replacements", () => {
    const keeping: JobPolicy = { ...smallPolicy, reconcile: "keep_original", exclusion: 1 };
    const { longest, situations } = explore(begin(keeping, false));
    expect(situations).toBeGreaterThan(5000);
    expect(longest).toBeLessThanOrEqual(longestLife(keeping));
  });

  test("also when its nodes are drained again and again: by max_duration, to the moment", () => {
    const limited: JobPolicy = { ...smallPolicy, maxRetries: 0, maxLosses: 0, maxDuration: 8, exclusion: 1 };
    const { longest, ends, situations } = explore(begin(limited, true));
    expect(situations).toBeGreaterThan(5000);
    expect(longest).toBe(8);
    expect([...ends]).toContain("max_duration");
  });

  test("also as a gang", () => {
    const quick: JobPolicy = { ...smallPolicy, maxRetries: 0, gracePeriod: 1, runTimeout: 2, exclusion: 1 };
    const { longest, situations } = explore(
      begin(quick, false, { spec: jobSpec({ gang: { size: 2, topology: "any" } }) }),
    );
    expect(situations).toBeGreaterThan(2000);
    expect(longest).toBeLessThanOrEqual(longestLife(quick));
  });
});
