/**
 * The entry of the program `cyxwiz`: gives the command line its world and the parts it may not know (the server and the
 * node), and ends the process with its answer.
 */
import { basename, delimiter, dirname, isAbsolute, relative } from "node:path";
import manifest from "../package.json" with { type: "json" };
import { type BuildInfo, type Output, runCli, stopSignals, type World } from "./cli/index.ts";
import { armFailpoints, systemClock } from "./observability/index.ts";

/** Set by scripts/build.ts; not there when run from source. */
declare const CYXWIZ_COMMIT: string | undefined;

/** In a compiled program all modules live in a file system of Bun's own. */
const isCompiled = /\$bunfs|~BUN/.test(import.meta.url);

/** What a reader types to run this again: the name if the shell finds it by that, else the path from here. */
function ownCommand(): string {
  if (!isCompiled) return "npm run --silent cyxwiz --";
  const program = process.execPath;
  if ((process.env.PATH ?? "").split(delimiter).includes(dirname(program))) return basename(program);
  const path = relative(process.cwd(), program);
  return path.startsWith("..") || isAbsolute(path) ? program : `./${path}`;
}

const build: BuildInfo = {
  version: manifest.version,
  commit: typeof CYXWIZ_COMMIT === "string" && CYXWIZ_COMMIT !== "" ? CYXWIZ_COMMIT : null,
  runtime: `bun ${Bun.version}`,
  platform: `${process.platform}-${process.arch}`,
  command: ownCommand(),
};

function output(stream: NodeJS.WriteStream): Output {
  // A reader that went away (`cyxwiz jobs | head -1`) is no error of ours; without a listener it would end the process.
  stream.on("error", () => {});
  return {
    write: (text) => void stream.write(text),
    get isTTY() {
      return stream.isTTY === true;
    },
    get columns() {
      return stream.columns || Number(process.env.COLUMNS) || 80;
    },
  };
}

const world: World = {
  stdout: output(process.stdout),
  stderr: output(process.stderr),
  readStdin: () => Bun.stdin.text(),
  environment: process.env,
  directory: process.cwd(),
  clock: systemClock,
  onSignal(listener) {
    for (const signal of stopSignals) process.on(signal, listener);
    return () => {
      for (const signal of stopSignals) process.off(signal, listener);
    };
  },
  exit: (code) => process.exit(code),
  build,
  // Loaded when used: `status` needs neither a database nor a training engine.
  parts: {
    startServer: async (options) => {
      armFailpoints({ environment: process.env, isRelease: isCompiled, log: options.log });
      return (await import("./server.ts")).startServer(options);
    },
    startNode: async (options) => (await import("./agent/index.ts")).startNodeAgent(options),
  },
};

/** What was written must have left before the process ends, which for a pipe takes a moment. */
const flushed = (stream: NodeJS.WriteStream): Promise<void> =>
  new Promise((resolve) => {
    if (stream.destroyed || stream.writableEnded) resolve();
    else stream.write("", () => resolve());
  });

const code = await runCli(process.argv.slice(2), world);
await Promise.all([flushed(process.stdout), flushed(process.stderr)]);
process.exit(code);
