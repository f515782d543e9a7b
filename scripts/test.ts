/**
 * Runs the tests. Usage: bun scripts/test.ts [arguments of `bun test`]
 * Without a path: the fast suites first, then those that start whole servers, each alone, so that their processes and
 * timings do not disturb one another. Ends with the totals on a line of their own.
 */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { readTotals, type Totals } from "./test-totals.ts";

const root = join(import.meta.dir, "..");

/** Above the slowest single test with room to spare on a busy machine; bunfig.toml cannot set it. */
const timeout = "60000";

/** Suites that start servers and kill them. They come last, one by one. */
const long = ["tests/crash/", "tests/chaos/", "tests/e2e/", "tests/hostile/"];

function suites(args: readonly string[]): string[][] {
  // A word that is no option may be a path or an option's value; either way the caller knows what to run.
  if (args.some((arg) => !arg.startsWith("-"))) return [[]];
  const files = [...new Bun.Glob("tests/**/*.test.{ts,tsx}").scanSync({ cwd: root })]
    .map((file) => file.replaceAll("\\", "/"))
    .sort();
  const fast = files.filter((file) => !long.some((folder) => file.startsWith(folder)));
  const groups = [fast, ...long.map((folder) => files.filter((file) => file.startsWith(folder)))];
  return groups.filter((group) => group.length > 0).map((group) => group.map((file) => `./${file}`));
}

function runSuite(files: readonly string[], args: readonly string[], report: string): Totals {
  const child = Bun.spawnSync(
    [
      process.execPath,
      "test",
      "--timeout",
      timeout,
      "--reporter=junit",
      `--reporter-outfile=${report}`,
      ...args,
      ...files,
    ],
    { cwd: root, stdout: "inherit", stderr: "inherit", stdin: "inherit" },
  );
  let totals: Totals = { passed: 0, failed: 0, skipped: 0 };
  try {
    totals = readTotals(readFileSync(report, "utf8"));
  } catch {
    // No report: the runner died, or found nothing to run. The exit code below tells.
  }
  // A file that cannot even be loaded, or a runner that crashed, is a failure that no test case carries.
  return child.exitCode !== 0 && totals.failed === 0 ? { ...totals, failed: 1 } : totals;
}

const args = process.argv.slice(2);
const folder = mkdtempSync(join(tmpdir(), "cyxwiz-test-"));
const totals = { passed: 0, failed: 0, skipped: 0 };
for (const [index, files] of suites(args).entries()) {
  const suite = runSuite(files, args, join(folder, `${index}.xml`));
  totals.passed += suite.passed;
  totals.failed += suite.failed;
  totals.skipped += suite.skipped;
}
rmSync(folder, { recursive: true, force: true });

const skipped = totals.skipped > 0 ? `, ${totals.skipped} skipped` : "";
console.log(`\n${totals.passed} passed, ${totals.failed} failed${skipped}`);
// A run of no test proves nothing, so it does not pass.
process.exit(totals.failed === 0 && totals.passed > 0 ? 0 : 1);
