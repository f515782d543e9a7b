/** The command line: `runCli` is the whole program, given a world to run in. */

export { type ExitCode, type StopSignal, stopSignals } from "./exit-codes.ts";
export { runCli } from "./run.ts";
export type {
  BuildInfo,
  NodeOptions,
  Output,
  Parts,
  RunningNode,
  RunningServer,
  ServerOptions,
  World,
} from "./world.ts";
