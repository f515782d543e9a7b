/**
 * Breaks each promise on purpose, in a copy of the project, and runs the tests that must notice.
 *
 *     bun run mutants [part of a name]
 *
 * Prints which test caught which mutant. Exit code 1 when one survived.
 */
import { cpSync, mkdtempSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Mutant, mutants } from "./mutants/list.ts";

const root = join(import.meta.dir, "..");
const TIMEOUT = 120_000;

/** What git knows or would take, so that what lies about is not copied. */
function copyTo(target: string): void {
  const listed = Bun.spawnSync(["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"], { cwd: root });
  if (listed.exitCode !== 0) throw new Error(`git could not list the files: ${listed.stderr}`);
  for (const file of listed.stdout.toString().split("\0")) {
    if (file !== "") cpSync(join(root, file), join(target, file), { recursive: true });
  }
  symlinkSync(join(root, "node_modules"), join(target, "node_modules"));
}

async function breakIt(copy: string, { file, find, replace }: Mutant): Promise<() => Promise<number>> {
  const path = join(copy, file);
  const text = await Bun.file(path).text();
  if (text.split(find).length !== 2) throw new Error(`${file} does not hold exactly once: ${find}`);
  await Bun.write(
    path,
    text.replace(find, () => replace),
  );
  return () => Bun.write(path, text);
}

/** The names of the tests that failed; empty when all passed. */
async function failing(copy: string, { tests }: Mutant): Promise<readonly string[]> {
  const run = Bun.spawn([process.execPath, "test", "--timeout", "30000", tests], {
    cwd: copy,
    stdout: "pipe",
    stderr: "pipe",
    env: { ...process.env, NO_COLOR: "1", SIM_STEPS: "20000" },
    timeout: TIMEOUT,
    killSignal: "SIGKILL",
  });
  const [out, err] = await Promise.all([run.stdout.text(), run.stderr.text(), run.exited]);
  const names = `${out}\n${err}`.matchAll(/^\(fail\) (.*?)(?: \[[\d.]+ms\])?$/gm);
  return [...new Set([...names].map(([, name = ""]) => name))];
}

async function isCaught(copy: string, mutant: Mutant): Promise<boolean> {
  const mend = await breakIt(copy, mutant);
  try {
    const failed = await failing(copy, mutant);
    const [caught] = failed.filter((name) => name.includes(mutant.caughtBy));
    const verdict = caught === undefined ? "SURVIVED" : `caught by ${mutant.tests}: ${caught}`;
    console.log(`${mutant.invariant.padEnd(4)} ${mutant.name}\n     ${verdict} (${failed.length} tests failed)`);
    return caught !== undefined;
  } finally {
    await mend();
  }
}

const [wanted = ""] = process.argv.slice(2);
const chosen = mutants.filter(({ invariant, name }) => invariant === wanted || name.includes(wanted));
const copy = mkdtempSync(join(tmpdir(), "cyxwiz-mutants-"));
let survivors = 0;
try {
  copyTo(copy);
  for (const mutant of chosen) if (!(await isCaught(copy, mutant))) survivors += 1;
} finally {
  rmSync(copy, { recursive: true, force: true });
}
console.log(`\n${chosen.length - survivors} caught, ${survivors} survived`);
process.exit(survivors === 0 && chosen.length > 0 ? 0 : 1);
