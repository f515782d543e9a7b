/**
 * Seeds through the simulator, in the ordinary suite. SIM_STEPS: how many steps in all; SIM_SEED: the first seed, so that
 * one run may look where others have not.
 */
import { expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { planOf } from "./plan.ts";
import { shrink } from "./shrink.ts";
import { textOf, traceOf } from "./trace.ts";
import { type Outcome, type Trial, World } from "./world.ts";

const STEPS_PER_SEED = 20_000;
const total = Number(process.env.SIM_STEPS ?? 1_000_000);
const first = Number(process.env.SIM_SEED ?? 1);
const seeds = Array.from({ length: Math.max(1, Math.round(total / STEPS_PER_SEED)) }, (_, index) => first + index);

const met = new Map<string, number>();
let steps = 0;

async function failure(trial: Trial, outcome: Outcome): Promise<Error> {
  const said = `seed ${trial.seed}, ${trial.mode}: ${outcome.breach?.law}: ${outcome.breach?.what}`;
  const again = `bun run sim --seed ${trial.seed} --steps ${trial.steps} --mode ${trial.mode}`;
  const shrunk = await shrink(trial, outcome, 30_000);
  if (shrunk === null) return new Error(`${said}\n${again}`);
  const file = join(tmpdir(), `cyxwiz-sim-${trial.seed}.json`);
  const text = textOf(traceOf(shrunk.trial, shrunk.outcome));
  writeFileSync(file, text);
  return new Error(`${said}\n${again}\nshrunk: bun run sim --replay ${file} --verbose\n${text}`);
}

for (const seed of seeds) {
  // Where the faults never stop, more of them meet; where they do, every job must end.
  const mode = seed % 2 === 0 ? "safety" : "liveness";
  test(`every law holds at every step, and ${mode === "liveness" ? "when the faults stop every job ends" : "under faults that never stop"} (seed ${seed})`, async () => {
    const trial: Trial = { seed, plan: planOf(seed), steps: STEPS_PER_SEED, mode };
    const outcome = await new World(trial).run();
    if (outcome.breach) throw await failure(trial, outcome);
    steps += outcome.steps;
    for (const [what, count] of outcome.met) met.set(what, (met.get(what) ?? 0) + count);
    expect(outcome.steps).toBeGreaterThanOrEqual(STEPS_PER_SEED);
  }, 300_000);
}

/** What the seeds above must have met among them: a simulator in which nothing goes wrong would hold every law. */
const MUST_BE_MET = [
  ...["OFFER", "OFFER_ACCEPTED", "OFFER_REFUSED", "STARTED", "PROGRESS", "COMPLETED", "FAILED", "DEADLINE", "CANCEL"],
  ...["NODE_LOST", "NODE_BACK", "ATTEMPT_GONE", "ORIGINAL_BACK", "EVICT", "FUNDS_LOCKED", "OUTCOME_RECORDED"],
].map((event) => `job ${event}`);
const FAULTS_MET = [
  "commit lost",
  "commit in doubt",
  "commit late",
  "late commit landed",
  "write of a deposed leader refused",
  "message lost",
  "message doubled",
];

test("the seeds have met every event of a job and every kind of fault", () => {
  // A few seeds need not meet what is rare.
  if (steps < 200_000) return;
  expect([...MUST_BE_MET, ...FAULTS_MET].filter((what) => !met.has(what))).toEqual([]);
});
