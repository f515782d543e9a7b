/**
 * That every job ends (I4), by exhaustion. Time is whole steps, the policy a few of them, and an adversary chooses among
 * everything that the scheduler, two nodes and the network could do. Situations that differ in nothing but the date are
 * one, so a job that could live for ever would be a loop in the graph; without one, the longest path is the longest life.
 */
import { describe, expect, test } from "bun:test";
import { initialTransition, type SnapshotFrom, transition } from "xstate";
import { isTerminal, jobStatusOf } from "../../../src/actors/job/kind.ts";
import { jobMachine } from "../../../src/actors/job/machine.ts";
import type { FailureCode, JobEvent, JobPolicy } from "../../../src/actors/job/state.ts";
import { dottedState } from "../../../src/actors/runtime/index.ts";
import { jobInput, type Unstamped, uuid } from "../fixtures.ts";

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
function moves({ job, now, heard }: Situation): readonly Unstamped<JobEvent>[] {
  const { live, exclusions } = job.context;
  if (job.matches({ pending: "awaitingFunds" })) return [{ type: "FUNDS_LOCKED" }];
  if (job.matches({ pending: "queued" })) {
    const excluded = (nodeId: string): boolean => exclusions.some((one) => one.nodeId === nodeId && one.until > now);
    return NODES.filter((nodeId) => !excluded(nodeId)).map((nodeId) => ({ type: "OFFER", nodeId }));
  }
  if (live === null) return [];
  const from = { nodeId: live.nodeId, attempt: null };
  const answers: readonly Unstamped<JobEvent>[] = job.matches({ assigned: "offering" })
    ? [
        { type: "OFFER_ACCEPTED", attempt: live.number },
        { type: "OFFER_REFUSED", attempt: live.number, outcome: "rejected", message: "" },
        { type: "OFFER_REFUSED", attempt: live.number, outcome: "invalid", message: "" },
      ]
    : [];
  const presence: readonly Unstamped<JobEvent>[] = heard
    ? []
    : [
        { type: "NODE_LOST", nodeId: live.nodeId },
        { type: "NODE_BACK", nodeId: live.nodeId },
      ];
  return [
    ...answers,
    ...presence,
    { type: "STARTED", ...from },
    { type: "PROGRESS", ...from, progress: 0, epoch: 0, metrics: {} },
    { type: "FAILED", ...from, message: "", invalid: false },
    { type: "ATTEMPT_GONE", ...from },
  ];
}

const OF_PRESENCE: ReadonlySet<string> = new Set(["NODE_LOST", "NODE_BACK", "STARTED", "PROGRESS"]);

const isOver = (job: Snapshot): boolean => isTerminal(jobStatusOf(dottedState(job.value)));

/** Times as distances from now; nothing that no guard looks at. */
function keyOf({ job, now, heard }: Situation): string {
  const { deadline, queueDeadline, live, exclusions, retries, losses, malformed, history } = job.context;
  if (isOver(job)) return job.context.failure?.code ?? dottedState(job.value);
  const away = (at: number | null | undefined): number | null => (at == null ? null : at - now);
  return JSON.stringify([
    [dottedState(job.value), heard, retries, losses, malformed, history.at(-1)?.outcome === "invalid"],
    [away(deadline), Math.max(-1, queueDeadline - now)],
    live && [live.nodeId, away(live.acceptedAt), away(live.startedAt), live.reportedAt !== null],
    exclusions.filter(({ until }) => until > now).map(({ nodeId, until }) => [nodeId, until - now]),
  ]);
}

/** Where a situation can lead to: by a deadline that is due, by a word of somebody, or by waiting a step. */
function next(here: Situation): readonly Situation[] {
  const { job, now } = here;
  const due = job.context.deadline !== null && job.context.deadline <= now;
  const events = due ? [...moves(here), { type: "DEADLINE" } as const] : moves(here);
  const after = events.flatMap((event): Situation[] => {
    const [changed] = transition(jobMachine, job, { ...event, at: now } as JobEvent);
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

function begin(policy: JobPolicy, awaitsFunds: boolean): Situation {
  const [job] = initialTransition(jobMachine, jobInput({ policy, awaitsFunds, at: 0 }));
  return { job: job as Snapshot, now: 0, heard: false };
}

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
    ];
    expect([...verdict.ends].sort()).toEqual([...reasons].sort());
  });

  test("also without retries, losses or grace", () => {
    const strict = { ...smallPolicy, maxRetries: 0, maxLosses: 0, gracePeriod: 0, exclusion: 1 };
    expect(explore(begin(strict, false)).longest).toBeLessThanOrEqual(longestLife(strict));
  });
});
