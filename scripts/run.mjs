#!/usr/bin/env node
// The one door to every script: makes sure Bun and the dependencies are there, then runs the task with Bun.
// Runs under Node (npm start) and under Bun alone (bun start), so it uses nothing but node: modules.
// When nothing changed since the last run it costs two file reads.
import { spawn, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { constants } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
const tools = join(root, "tools");
const windows = process.platform === "win32";

const tasks = {
  start: ["src/main.ts", "up"],
  cyxwiz: ["src/main.ts"],
  test: ["scripts/test.ts"],
  crash: ["tests/crash/main.ts"],
  build: ["scripts/build.ts"],
  bench: ["bench/main.ts"],
  "bench:placement": ["bench/placement.ts"],
  chaos: ["tests/chaos/main.ts"],
  mutants: ["scripts/mutants.ts"],
  "bench:overload": ["bench/overload.ts"],
  fuzz: ["tests/hostile/run.ts"],
  sim: ["tests/simulation/main.ts"],
  generate: ["scripts/generate.ts"],
  check: ["scripts/check.ts"],
  format: ["scripts/check.ts", "--fix"],
};

function fail(message) {
  console.error(message);
  process.exit(1);
}

function run(command, args, options = {}) {
  const result = spawnSync(command, args, { cwd: root, stdio: "inherit", ...options });
  if (result.error) fail(`could not run ${command}: ${result.error.message}`);
  return result.status ?? 1;
}

const digest = (...files) => {
  const hash = createHash("sha256");
  for (const file of files) hash.update(readFileSync(join(root, file)));
  return hash.digest("hex");
};

/** The Bun this project pins. Running under exactly that Bun already, use it; otherwise let npm fetch it into tools/. */
function findBun() {
  const pinned = JSON.parse(readFileSync(join(tools, "package.json"), "utf8")).devDependencies.bun;
  if (process.versions.bun === pinned) return process.execPath;
  const bun = join(tools, "node_modules", "bun", "bin", "bun.exe"); // the package names it so on every platform
  const works = () => existsSync(bun) && spawnSync(bun, ["--version"], { encoding: "utf8" }).stdout?.trim() === pinned;
  if (works()) return bun;
  console.error(`Fetching Bun ${pinned} (once)...`);
  if (process.versions.bun) {
    run(process.execPath, ["install", "--no-save", "--silent"], { cwd: tools });
  } else {
    // npm prints its progress on stdout, which belongs to the task (think of `--json`).
    run(windows ? "npm.cmd" : "npm", ["ci", "--silent"], { cwd: tools, stdio: ["ignore", 2, 2], shell: windows });
  }
  // Where install scripts are switched off, Bun's own one (it links the platform's binary) has not run.
  if (!works()) run(process.execPath, [join(tools, "node_modules", "bun", "install.js")], { stdio: ["ignore", 2, 2] });
  if (works()) return bun;
  return fail(`Bun ${pinned} could not be installed. Is the npm registry reachable? Try: cd tools && npm ci`);
}

function installDependencies(bun) {
  const stamp = join(root, "node_modules", ".cyxwiz-installed");
  const wanted = digest("package.json", "bun.lock");
  if (existsSync(stamp) && readFileSync(stamp, "utf8") === wanted) return;
  console.error("Installing dependencies (once)...");
  if (run(bun, ["install", "--frozen-lockfile", "--silent"], { stdio: ["ignore", 2, 2] }) !== 0) {
    fail("The dependencies could not be installed. Is the npm registry reachable?");
  }
  mkdirSync(dirname(stamp), { recursive: true });
  writeFileSync(stamp, wanted);
}

const [name, ...rest] = process.argv.slice(2);
const task = tasks[name];
if (!task) fail(`usage: node scripts/run.mjs <${Object.keys(tasks).join(" | ")}> [arguments]`);
const bun = findBun();
installDependencies(bun);
const child = spawn(bun, [...task, ...rest], { cwd: root, stdio: "inherit" });
// A supervisor signals only this process, a terminal the whole group; the child treats a repeated signal as one.
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(signal, () => child.kill(signal));
child.on("error", (error) => fail(`could not run Bun: ${error.message}`));
child.on("exit", (code, signal) => process.exit(signal ? 128 + (constants.signals[signal] ?? 0) : (code ?? 1)));
