/** Everything that can be said about the code without running it. Usage: bun scripts/check.ts [--fix] */
import { existsSync } from "node:fs";
import { join } from "node:path";

const root = join(import.meta.dir, "..");
const fix = process.argv.includes("--fix");
const bun = process.execPath;
const bin = (name: string): string =>
  join(root, "node_modules", ".bin", process.platform === "win32" ? `${name}.exe` : name);

interface Stage {
  readonly name: string;
  readonly command: readonly string[];
  /** The script behind the stage: where it is missing, the stage is skipped aloud. */
  readonly needs?: string;
}

const script = (name: string, file: string, ...args: string[]): Stage => ({
  name,
  command: [bun, file, ...args],
  needs: file,
});

/** With --fix the generators and the formatter run first, so that what they mend is not reported. */
const fixes: readonly Stage[] = [
  script("generate", "scripts/generate.ts"),
  script("configuration reference", "scripts/generate-config-docs.ts"),
  { name: "format", command: [bin("biome"), "check", "--write", "."] },
];

const checks: readonly Stage[] = [
  { name: "types", command: [bin("tsc"), "--noEmit"] },
  { name: "lint and format", command: [bin("biome"), "check", "--error-on-warnings", "."] },
  script("floating promises", "scripts/check-promises.ts"),
  script("imports", "scripts/check-imports.ts"),
  script("generated files", "scripts/generate.ts", "--check"),
  script("configuration reference", "scripts/generate-config-docs.ts", "--check"),
  script("programs on the chain", "scripts/programs/build.ts", "--check"),
  script("traces", "scripts/check-traces.ts"),
];

type Outcome = "passed" | "failed" | "skipped";

async function run({ name, command, needs }: Stage): Promise<Outcome> {
  if (needs !== undefined && !existsSync(join(root, needs))) {
    console.log(`skipped  ${name}: there is no ${needs}`);
    return "skipped";
  }
  const started = performance.now();
  const child = Bun.spawn([...command], { cwd: root, stdout: "pipe", stderr: "pipe", stdin: "ignore" });
  const [out, err, code] = await Promise.all([child.stdout.text(), child.stderr.text(), child.exited]);
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  console.log(`${code === 0 ? "passed " : "FAILED "}  ${name} (${seconds} s)`);
  if (code !== 0) console.log(`${(out + err).trimEnd().replace(/^/gm, "    ")}\n`);
  return code === 0 ? "passed" : "failed";
}

const outcomes: Outcome[] = [];
// One after the other: they write the same files.
if (fix) for (const stage of fixes) outcomes.push(await run(stage));
outcomes.push(...(await Promise.all(checks.map(run))));

const count = (wanted: Outcome): number => outcomes.filter((outcome) => outcome === wanted).length;
const skipped = count("skipped");
console.log(
  `\nchecks: ${count("passed")} passed, ${count("failed")} failed${skipped > 0 ? `, ${skipped} skipped` : ""}`,
);
process.exit(count("failed") === 0 ? 0 : 1);
