/**
 * Runs the tests. Usage: bun scripts/test.ts [arguments of `bun test`]
 * Without a path: the fast suites first, then those that start whole servers, each alone, so that their processes and
 * timings do not disturb one another. Beside them all the simulation, which knows no time but its own; what it says is
 * shown when it is done. Ends with what failed, once more by name, and the totals on a line of their own.
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

/** Runs beside the others. */
const beside = "tests/simulation/";

interface Suites {
  readonly inTurn: readonly (readonly string[])[];
  readonly beside: readonly string[];
}

function suites(args: readonly string[]): Suites {
  // A word that is no option may be a path or an option's value; either way the caller knows what to run.
  if (args.some((arg) => !arg.startsWith("-"))) return { inTurn: [[]], beside: [] };
  const files = [...new Bun.Glob("tests/**/*.test.{ts,tsx}").scanSync({ cwd: root })]
    .map((file) => file.replaceAll("\\", "/"))
    .sort();
  const of = (folder: string) => files.filter((file) => file.startsWith(folder)).map((file) => `./${file}`);
  const apart = [...long, beside];
  const fast = files.filter((file) => !apart.some((folder) => file.startsWith(folder))).map((file) => `./${file}`);
  return { inTurn: [fast, ...long.map(of)].filter((group) => group.length > 0), beside: of(beside) };
}

async function runSuite(
  files: readonly string[],
  args: readonly string[],
  report: string,
  quiet = false,
): Promise<Totals> {
  const output = quiet ? "pipe" : "inherit";
  const child = Bun.spawn(
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
    { cwd: root, stdout: output, stderr: output, stdin: quiet ? "ignore" : "inherit" },
  );
  const said = quiet ? await Promise.all([textOf(child.stdout), textOf(child.stderr)]) : [];
  const exitCode = await child.exited;
  for (const text of said) process.stdout.write(text);
  let totals: Totals = { passed: 0, failed: 0, skipped: 0, failures: [] };
  try {
    totals = readTotals(readFileSync(report, "utf8"));
  } catch {
    // No report: the runner died, or found nothing to run. The exit code below tells.
  }
  // A file that cannot even be loaded, or a runner that crashed, is a failure that no test case carries.
  return exitCode !== 0 && totals.failed === 0
    ? { ...totals, failed: 1, failures: [`a run that ended with ${exitCode}: ${files.join(" ")}`] }
    : totals;
}

const textOf = (stream: ReadableStream<Uint8Array> | undefined): Promise<string> => new Response(stream).text();

const args = process.argv.slice(2);
const folder = mkdtempSync(join(tmpdir(), "cyxwiz-test-"));
const chosen = suites(args);
const alongside = chosen.beside.length > 0 ? runSuite(chosen.beside, args, join(folder, "beside.xml"), true) : null;
const results: Totals[] = [];
for (const [index, files] of chosen.inTurn.entries()) {
  results.push(await runSuite(files, args, join(folder, `${index}.xml`)));
}
if (alongside) results.push(await alongside);
const totals = results.reduce(
  (sum, one) => ({
    passed: sum.passed + one.passed,
    failed: sum.failed + one.failed,
    skipped: sum.skipped + one.skipped,
    failures: [...sum.failures, ...one.failures],
  }),
  { passed: 0, failed: 0, skipped: 0, failures: [] },
);
rmSync(folder, { recursive: true, force: true });

if (totals.failures.length > 0) console.log(`\nfailed:\n${totals.failures.map((one) => `  ${one}`).join("\n")}`);
const skipped = totals.skipped > 0 ? `, ${totals.skipped} skipped` : "";
console.log(`\n${totals.passed} passed, ${totals.failed} failed${skipped}`);
// A run of no test proves nothing, so it does not pass.
process.exit(totals.failed === 0 && totals.passed > 0 ? 0 : 1);
