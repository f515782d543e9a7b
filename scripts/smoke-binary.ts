/**
 * Proves that the compiled program stands alone: builds it, copies it to an empty directory, and runs it there with
 * nothing in its environment: no Node, no Bun, no PostgreSQL. Run as root it proves it for an ordinary user too.
 *
 *     bun scripts/smoke-binary.ts [--binary PATH] [--quick]
 *
 * With a path nothing is built; --quick leaves out what starts a server. Ends with "N passed, N failed".
 */
import { join } from "node:path";
import { type Actor, actors } from "./smoke/actors.ts";
import { Place } from "./smoke/place.ts";
import { type Step, steps } from "./smoke/steps.ts";

const root = join(import.meta.dir, "..");

function build(): string {
  const built = Bun.spawnSync([process.execPath, join(root, "scripts", "build.ts")], {
    cwd: root,
    stdout: "inherit",
    stderr: "inherit",
  });
  if (built.exitCode !== 0) throw new Error(`the build failed with exit code ${built.exitCode}`);
  return join(root, "dist", process.platform === "win32" ? "cyxwiz.exe" : "cyxwiz");
}

const totals = { passed: 0, failed: 0 };

async function run(actor: Actor, place: Place, { name, act }: Step): Promise<boolean> {
  const started = performance.now();
  const seconds = (): string => ((performance.now() - started) / 1000).toFixed(1);
  try {
    await act(place);
    totals.passed++;
    console.log(`passed  ${actor.name}: ${name} (${seconds()} s)`);
    return true;
  } catch (error) {
    totals.failed++;
    console.log(`FAILED  ${actor.name}: ${name} (${seconds()} s)\n${error instanceof Error ? error.message : error}`);
    return false;
  }
}

const words = process.argv.slice(2);
const given = words.indexOf("--binary");
const quick = words.includes("--quick");
try {
  const binary = given >= 0 ? (words[given + 1] ?? "") : build();
  for (const actor of quick ? actors().slice(0, 1) : actors()) {
    const place = new Place(binary, actor);
    try {
      // A step builds on those before it: after a failure the rest would only fail for want of it.
      for (const step of steps.filter(({ starts }) => !quick || !starts)) if (!(await run(actor, place, step))) break;
    } finally {
      await place.leave();
    }
  }
} catch (error) {
  totals.failed++;
  console.log(error instanceof Error ? error.message : error);
}
console.log(`${totals.passed} passed, ${totals.failed} failed`);
process.exit(totals.failed === 0 && totals.passed > 0 ? 0 : 1);
