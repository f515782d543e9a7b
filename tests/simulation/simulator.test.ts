/** The simulator itself: that it is decided by its seed, and that it finds what is broken on purpose. */
import { expect, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { planOf } from "./plan.ts";
import { shrink } from "./shrink.ts";
import type { Sabotage } from "./store.ts";
import { readTrace, textOf, traceOf, trialOf } from "./trace.ts";
import { type Outcome, type Trial, World } from "./world.ts";

const STEPS = 5000;

const trialFor = (seed: number, sabotage: Sabotage | null = null): Trial => ({
  seed,
  plan: planOf(seed),
  steps: STEPS,
  mode: "safety",
  sabotage,
});

const run = (trial: Trial): Promise<Outcome> => new World(trial).run();

test("the same seed gives the same run, in this process and in another", async () => {
  const once = await run(trialFor(11));
  expect((await run(trialFor(11))).hash).toBe(once.hash);
  expect((await run(trialFor(12))).hash).not.toBe(once.hash);
  const main = join(import.meta.dir, "main.ts");
  const other = Bun.spawnSync([process.execPath, main, "--seed", "11", "--steps", String(STEPS), "--mode", "safety"]);
  expect(other.stdout.toString()).toContain(`hash ${once.hash};`);
  expect(other.exitCode).toBe(0);
}, 300_000);

const BROKEN: Readonly<Record<Sabotage, string>> = {
  "answers-before-it-writes": "acknowledged-is-written",
  "no-version-check": "versions-are-contiguous",
  "no-fence": "only-the-leader-writes",
};

for (const [sabotage, law] of Object.entries(BROKEN) as [Sabotage, string][]) {
  test(`a database with ${sabotage} breaks "${law}", and the run is shrunk to one that can be replayed`, async () => {
    const trial = trialFor(1, sabotage);
    const failed = await run(trial);
    expect(failed.breach?.law).toBe(law);
    const shrunk = await shrink(trial, failed, 150_000);
    if (shrunk === null) throw new Error("the run did not fail a second time");
    expect(shrunk.outcome.actions.length).toBeLessThan(15);

    const folder = mkdtempSync(join(tmpdir(), "cyxwiz-sim-"));
    try {
      const file = join(folder, "trace.json");
      writeFileSync(file, textOf(traceOf(shrunk.trial, shrunk.outcome)));
      const trace = readTrace(readFileSync(file, "utf8"));
      const again = await run(trialOf(trace));
      expect({ breach: again.breach, hash: again.hash }).toEqual({ breach: trace.breach, hash: trace.hash });
      // It is the sabotage that breaks the law, not what is done.
      expect((await run(trialOf({ ...trace, sabotage: null }))).breach).toBeNull();
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  }, 300_000);
}

test("a plan whose faults are taken away one by one is still a plan", async () => {
  const { actions } = await run(trialFor(21));
  const half = actions.filter((_, index) => index % 2 === 0);
  const outcome = await run({ ...trialFor(21), plan: half, steps: Number.POSITIVE_INFINITY, until: 60_000 });
  expect(outcome.breach).toBeNull();
  expect(outcome.actions).toEqual(half.filter(({ at }) => at < outcome.virtualTime));
}, 300_000);
