/**
 * Builds the one program: dist/cyxwiz, with the server, the node, the embedded PostgreSQL and everything they need inside.
 * When nothing changed since the last build it only says so. Usage: bun scripts/build.ts [--force]
 */
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const root = join(import.meta.dir, "..");
const name = process.platform === "win32" ? "cyxwiz.exe" : "cyxwiz";
const program = join(root, "dist", name);
const stamp = join(root, "dist", ".cyxwiz-built-from");
const packer = "scripts/pack-postgres.ts";

/** The training engine runs in a worker; src/agent/training/start.ts says where it looks for it in a compiled program. */
const entryPoints = ["src/main.ts", "src/agent/training/worker.ts"];
/** PostgreSQL's programs; Bun embeds a file of a kind it does not know as it is. Missing where no build fits the platform. */
const archive = "src/store/embedded/postgres.tar.zst";

/** What the program is made of; the archive lies in src/ too. */
const inputs = "{src,migrations,programs}/**/*";
const otherInputs = ["package.json", "bun.lock", "tsconfig.json", "scripts/build.ts", packer];

function run(command: readonly string[]): void {
  const child = Bun.spawnSync([...command], { cwd: root, stdout: "inherit", stderr: "inherit", stdin: "ignore" });
  if (child.exitCode !== 0) {
    console.error(`build: ${command.slice(0, 3).join(" ")} ended with ${child.exitCode ?? child.signalCode}`);
    process.exit(1);
  }
}

function git(...args: string[]): string {
  try {
    const child = Bun.spawnSync(["git", ...args], { cwd: root, stderr: "ignore" });
    return child.exitCode === 0 ? child.stdout.toString().trim() : "";
  } catch {
    return ""; // no git: an unpacked archive of the source
  }
}

/** "4f8f8e3", with "-dirty" behind it when files differ from that commit; "" when not known. */
function commit(): string {
  const head = git("rev-parse", "--short", "HEAD");
  return head !== "" && git("status", "--porcelain") !== "" ? `${head}-dirty` : head;
}

function digest(builtFrom: string): string {
  const hash = createHash("sha256").update(`${Bun.version} ${process.platform}-${process.arch} ${builtFrom}\0`);
  const files = [...new Bun.Glob(inputs).scanSync({ cwd: root, dot: true })].sort();
  for (const file of [...files, ...otherInputs]) {
    const path = join(root, file);
    if (existsSync(path)) hash.update(`${file}\0`).update(readFileSync(path)).update("\0");
  }
  return hash.digest("hex");
}

const megabytes = (path: string): string => `${(statSync(path).size / 1e6).toFixed(1)} MB`;

// The archive is an input like the sources, so it has to be there before they are compared.
if (existsSync(join(root, packer))) run([process.execPath, packer]);
const builtFrom = commit();
const wanted = digest(builtFrom);
const isCurrent = existsSync(program) && existsSync(stamp) && readFileSync(stamp, "utf8") === wanted;
if (isCurrent && !process.argv.includes("--force")) {
  console.log(`dist/${name} is up to date (${megabytes(program)})`);
  process.exit(0);
}

const started = performance.now();
mkdirSync(join(root, "dist"), { recursive: true });
rmSync(stamp, { force: true });
// Beside the old one and then in its place: a program that runs cannot be written over.
const fresh = join(root, "dist", `.${name}.new`);
run([
  process.execPath,
  "build",
  "--compile",
  "--minify",
  // Parsed ahead of time: a third off the start-up. Without --format=esm it cannot do top-level await.
  "--bytecode",
  "--format=esm",
  // Stack traces in error reports name our files and lines.
  "--sourcemap",
  `--define=CYXWIZ_COMMIT=${JSON.stringify(builtFrom)}`,
  // A program in a foreign directory must not take settings from what lies there.
  "--no-compile-autoload-dotenv",
  "--no-compile-autoload-bunfig",
  // The worker is looked for at its path below src/, and the archive by its name.
  "--root=src",
  "--asset-naming=[name].[ext]",
  ...entryPoints,
  ...(existsSync(join(root, archive)) ? [archive] : []),
  `--outfile=${fresh}`,
]);
// The maps are inside the program as well.
for (const map of new Bun.Glob("*.map").scanSync({ cwd: join(root, "dist"), dot: true }))
  rmSync(join(root, "dist", map));
renameSync(fresh, program);
writeFileSync(stamp, wanted);
console.log(`dist/${name}: ${megabytes(program)}, built in ${((performance.now() - started) / 1000).toFixed(1)} s`);
