/** A world that remembers what was written, for running the command line inside a test. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { runCli, type StopSignal, type World } from "../../../src/cli/index.ts";
import { systemClock } from "../../../src/observability/index.ts";

const made: string[] = [];

export function temporaryDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), "cyxwiz-cli-"));
  made.push(directory);
  return directory;
}

export function removeTemporaryDirectories(): void {
  for (const directory of made.splice(0)) rmSync(directory, { recursive: true, force: true });
}

export interface Recorded extends World {
  readonly out: () => string;
  readonly err: () => string;
  readonly signal: (name: StopSignal) => void;
  /** Exit codes of ends at once. */
  readonly exits: number[];
  /** Resolves when standard output holds the text. */
  readonly shown: (text: string | RegExp) => Promise<void>;
}

export interface Surroundings extends Partial<Omit<World, "stdout" | "stderr">> {
  readonly isTTY?: boolean;
  readonly columns?: number;
  readonly stdin?: string;
}

export function recordedWorld(given: Surroundings = {}): Recorded {
  const { isTTY = false, columns = 80, stdin = "", ...rest } = given;
  const written = { out: "", err: "" };
  const listeners = new Set<(signal: StopSignal) => void>();
  const exits: number[] = [];
  const output = (name: "out" | "err") => ({
    write: (text: string) => {
      written[name] += text;
    },
    isTTY,
    columns,
  });
  return {
    stdout: output("out"),
    stderr: output("err"),
    readStdin: async () => stdin,
    environment: {},
    directory: temporaryDirectory(),
    clock: systemClock,
    onSignal(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    exit: (code) => void exits.push(code),
    build: { version: "1.2.3", commit: null, runtime: "bun 0", platform: "test-cpu", command: "./cyxwiz" },
    parts: {
      startServer: () => Promise.reject(new Error("this test has no server")),
      startNode: () => Promise.reject(new Error("this test has no node")),
    },
    ...rest,
    out: () => written.out,
    err: () => written.err,
    signal: (name) => {
      for (const listener of [...listeners]) listener(name);
    },
    exits,
    async shown(text) {
      const deadline = Date.now() + 10_000;
      const isThere = () => (typeof text === "string" ? written.out.includes(text) : text.test(written.out));
      while (!isThere()) {
        if (Date.now() > deadline) throw new Error(`${text} was not shown:\n${written.out}${written.err}`);
        await Bun.sleep(5);
      }
    },
  };
}

export interface Run {
  readonly code: number;
  readonly out: string;
  readonly err: string;
  readonly world: Recorded;
}

export async function run(args: readonly string[], given: Surroundings = {}): Promise<Run> {
  const world = recordedWorld(given);
  const code = await runCli(args, world);
  return { code, out: world.out(), err: world.err(), world };
}
