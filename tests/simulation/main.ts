/**
 * The simulator's command line.
 *   bun run sim [--seed N] [--seeds K] [--steps M] [--mode safety|liveness] [--shrink-seconds S] [--out FILE]
 *   bun run sim --replay FILE [--verbose]
 * Runs the seeds N..N+K-1 for M steps each. A run that fails is shrunk and written to FILE, and the exit code is 1.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { planOf } from "./plan.ts";
import { shrink } from "./shrink.ts";
import { isSabotage, type Sabotage } from "./store.ts";
import { readTrace, textOf, traceOf, trialOf } from "./trace.ts";
import { type Outcome, type Trial, World } from "./world.ts";

const { values } = parseArgs({
  options: {
    seed: { type: "string", default: "1" },
    seeds: { type: "string", default: "1" },
    steps: { type: "string", default: "20000" },
    mode: { type: "string", default: "liveness" },
    replay: { type: "string" },
    out: { type: "string" },
    "shrink-seconds": { type: "string", default: "60" },
    /** Breaks the database on purpose, to see that it is found out. */
    sabotage: { type: "string" },
    verbose: { type: "boolean", default: false },
  },
});

function whole(name: "seed" | "seeds" | "steps" | "shrink-seconds"): number {
  const number = Number(values[name]);
  if (!Number.isSafeInteger(number) || number < 0) throw new Error(`--${name} is a whole number, not ${values[name]}`);
  return number;
}

const watch = values.verbose ? { watch: (line: string) => console.log(line) } : {};

function summary(seed: number, { steps, hash, virtualTime, actions, counts, breach }: Outcome, took: number): string {
  const numbers = Object.entries(counts).map(([name, count]) => `${count} ${name}`);
  const pace = `${Math.round(steps / (took / 1000))} steps/s`;
  const end = breach ? `BROKEN ${breach.law}: ${breach.what}` : "all laws held";
  return `seed ${seed}: ${steps} steps, ${Math.round(virtualTime / 1000)} virtual s, ${actions.length} actions, ${numbers.join(", ")}; hash ${hash}; ${pace}; ${end}`;
}

async function replayed(file: string): Promise<number> {
  const trace = readTrace(readFileSync(file, "utf8"));
  const started = performance.now();
  const outcome = await new World({ ...trialOf(trace), ...watch }).run();
  console.log(summary(trace.seed, outcome, performance.now() - started));
  if (outcome.hash !== trace.hash) console.log(`another run than the one recorded, whose hash is ${trace.hash}`);
  return outcome.breach ? 1 : 0;
}

async function reduced(trial: Trial, outcome: Outcome): Promise<void> {
  const shrunk = await shrink(trial, outcome, whole("shrink-seconds") * 1000);
  if (shrunk === null) {
    console.log("it does not fail again under its own plan: the run is not decided by its seed");
    return;
  }
  const file = values.out ?? join(tmpdir(), `cyxwiz-sim-${trial.seed}.json`);
  const text = textOf(traceOf(shrunk.trial, shrunk.outcome));
  writeFileSync(file, text);
  const size = `from ${outcome.actions.length} actions to ${shrunk.outcome.actions.length} in ${shrunk.runs} runs`;
  console.log(`shrunk ${size}${shrunk.isMinimal ? ", none of which can be missed" : "; there was no time for more"}:`);
  console.log(text);
  console.log(`replay it: bun run sim --replay ${file} --verbose`);
}

async function simulated(): Promise<number> {
  if (values.mode !== "safety" && values.mode !== "liveness") throw new Error("--mode is safety or liveness");
  if (values.sabotage !== undefined && !isSabotage(values.sabotage))
    throw new Error(`no such sabotage: ${values.sabotage}`);
  const sabotage: Sabotage | null = values.sabotage ?? null;
  const first = whole("seed");
  let total = 0;
  const began = performance.now();
  for (let seed = first; seed < first + whole("seeds"); seed++) {
    const trial: Trial = { seed, plan: planOf(seed), steps: whole("steps"), mode: values.mode, sabotage, ...watch };
    const started = performance.now();
    const outcome = await new World(trial).run();
    total += outcome.steps;
    console.log(summary(seed, outcome, performance.now() - started));
    if (outcome.breach) {
      await reduced(trial, outcome);
      return 1;
    }
  }
  const seconds = (performance.now() - began) / 1000;
  console.log(`${total} steps in ${seconds.toFixed(1)} s (${Math.round(total / seconds)} a second); all laws held`);
  return 0;
}

process.exitCode = values.replay === undefined ? await simulated() : await replayed(values.replay);
