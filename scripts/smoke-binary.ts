/**
 * Proves that the compiled program stands alone: builds it, copies it to an empty directory, and runs it there.
 * Usage: bun scripts/smoke-binary.ts [--binary PATH]   (with a path nothing is built)
 */
import { chmodSync, copyFileSync, existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const root = join(import.meta.dir, "..");
const windows = process.platform === "win32";
const name = windows ? "cyxwiz.exe" : "cyxwiz";

/** Longer than any of these commands takes on a slow machine; a hang is a failure, not a wait. */
const patience = 120_000;

interface Step {
  readonly args: readonly string[];
  /** What standard output must hold. */
  readonly shows: RegExp;
}

const steps: readonly Step[] = [
  { args: ["version"], shows: /\d+\.\d+\.\d+/ },
  { args: ["config", "check"], shows: /\S/ },
];

function build(): string {
  console.log("building the program...");
  const built = Bun.spawnSync([process.execPath, join(root, "scripts", "build.ts")], {
    cwd: root,
    stdout: "inherit",
    stderr: "inherit",
  });
  if (built.exitCode !== 0) throw new Error(`the build failed with exit code ${built.exitCode}`);
  return join(root, "dist", name);
}

function runStep(binary: string, directory: string, { args, shows }: Step): void {
  const words = `cyxwiz ${args.join(" ")}`;
  const env: Record<string, string> = { PATH: "", HOME: directory, TMPDIR: directory };
  // Windows programs do not start without it.
  if (windows && process.env.SYSTEMROOT) env.SYSTEMROOT = process.env.SYSTEMROOT;
  const child = Bun.spawnSync([binary, ...args], { cwd: directory, env, timeout: patience, stdin: "ignore" });
  const out = child.stdout.toString();
  if (child.exitCode !== 0)
    throw new Error(`${words} ended with ${child.exitCode ?? child.signalCode}:\n${out}${child.stderr}`);
  if (!shows.test(out)) throw new Error(`${words} did not show ${shows}:\n${out}${child.stderr}`);
  console.log(`ok: ${words}`);
}

const given = process.argv.indexOf("--binary");
const directory = mkdtempSync(join(tmpdir(), "cyxwiz-smoke-"));
try {
  const source = given >= 0 ? process.argv[given + 1] : build();
  if (source === undefined || !existsSync(source)) throw new Error(`there is no program at ${source}`);
  const binary = join(directory, name);
  copyFileSync(source, binary);
  chmodSync(binary, 0o755);
  for (const step of steps) runStep(binary, directory, step);
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
} finally {
  rmSync(directory, { recursive: true, force: true });
}
