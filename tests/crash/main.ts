/**
 * Kills the server for as long as you like: `npm run crash -- --rounds 50 --seed 7`. Each round has a database, nodes and
 * clients of its own; the server dies at every fail point in a new order, meets errors at all of them, and is killed a while
 * at random moments. After each scene it is judged.
 *
 *   --rounds N       how many rounds (default 10)
 *   --seed N         of the first round; each further one has the next number (default: the time)
 *   --jobs N         submitted in each scene (default 8)
 *   --together N     deaths in each scene (default 1)
 *   --kills N        at random moments, in each round (default 10)
 *   --program PATH   the program to kill, such as dist/cyxwiz (default: the server from source)
 *   --place NAME     die there alone, in place of every fail point
 *
 * Ends with 1 at the first fault, and says which seed repeats the choices and where the histories lie.
 */
import { cpSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { FAILPOINTS, type FailpointName } from "../../src/actors/runtime/index.ts";
import { startPostgresServer, startRedisServer } from "../support/servers.ts";
import type { Fault } from "./checker.ts";
import { deathAt, everyDeath, everyError, nameOf } from "./deaths.ts";
import { Stage } from "./stage.ts";

const { values } = parseArgs({
  args: Bun.argv.slice(2),
  options: {
    rounds: { type: "string", default: "10" },
    seed: { type: "string", default: String(Date.now() % 1_000_000) },
    jobs: { type: "string", default: "8" },
    together: { type: "string", default: "1" },
    kills: { type: "string", default: "10" },
    program: { type: "string" },
    place: { type: "string" },
  },
});
// Through the ordinary end, which takes the servers and nodes along.
for (const signal of ["SIGINT", "SIGTERM"]) process.on(signal, () => process.exit(130));
const rounds = wholeNumber(values.rounds);
const first = wholeNumber(values.seed);
const jobs = wholeNumber(values.jobs);
const together = wholeNumber(values.together);
const kills = wholeNumber(values.kills);
const place = values.place === undefined ? null : placeNamed(values.place);
const postgres = await startPostgresServer();
const redis = await startRedisServer();
if (!postgres) fail("there is no PostgreSQL on this machine; install it or set CYXWIZ_TEST_DATABASE_URL");

for (let seed = first; seed < first + rounds; seed++) {
  const began = performance.now();
  const stage = await Stage.open({ postgresUrl: postgres.url, redisUrl: redis?.url, seed, program: values.program });
  try {
    const scenes = place === null ? everyDeath(stage.random, together) : [[deathAt(place, stage.random)]];
    // Without Redis nobody comes by the mirror.
    const possible = scenes.filter((scene) => redis || !scene.some((death) => death.place.startsWith("mirror.")));
    for (const scene of possible) judge(nameOf(scene), seed, stage, await stage.survive(scene, jobs));
    judge("errors", seed, stage, await stage.surviveErrors(everyError(stage.random), 2 * jobs));
    judge("random moments", seed, stage, await stage.surviveRandomKills(2 * jobs, kills));
    const { calls, runs, transitions } = await stage.evidence();
    const seconds = ((performance.now() - began) / 1000).toFixed(0);
    const begun = runs.filter(({ type }) => type === "started").length;
    console.log(
      `seed ${seed}: ${stage.deaths} deaths, ${stage.endings.length} jobs, ${begun} runs, ${calls.length} calls, ` +
        `${transitions.length} transitions, no fault, ${seconds} s`,
    );
  } catch (error) {
    fail(`seed ${seed}: ${error instanceof Error ? error.message : String(error)}\n${keep(stage, seed)}`);
  } finally {
    await stage.close();
  }
}
process.exit(0);

function judge(scene: string, seed: number, stage: Stage, faults: readonly Fault[]): void {
  if (faults.length === 0) return;
  const list = faults.map(({ promise, what }) => `  ${promise}: ${what}`).join("\n");
  fail(`seed ${seed}, after ${scene}:\n${list}\n${keep(stage, seed)}`);
}

/** The histories, out of the directory that this process removes when it ends. */
function keep(stage: Stage, seed: number): string {
  const kept = join(tmpdir(), `cyxwiz-crash-${seed}`);
  cpSync(stage.home, kept, { recursive: true });
  return `the histories are in ${kept}; the server's last words:\n${stage.log.slice(-4000)}`;
}

function wholeNumber(text: string): number {
  if (!/^\d+$/.test(text)) fail(`${text} is no whole number`);
  return Number(text);
}

function placeNamed(name: string): FailpointName {
  if (!Object.hasOwn(FAILPOINTS, name)) fail(`there is no fail point ${name}: ${Object.keys(FAILPOINTS).join(", ")}`);
  return name as FailpointName;
}

function fail(why: string): never {
  console.error(why);
  process.exit(1);
}
