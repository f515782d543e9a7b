/** What a command of the command line is made of. Parsing, help and dispatch follow from it. */
import type { ConfigError, LoadedConfig } from "../config/index.ts";
import type { ExitCode } from "./exit-codes.ts";
import type { World } from "./world.ts";

export interface OptionSpec {
  /** Without the dashes. */
  readonly name: string;
  /** What its value is called in the help; absent: a switch. */
  readonly value?: string;
  readonly doc: string;
}

export interface Command {
  /** Behind "cyxwiz <name>", for example "<job.json | -> [options]". */
  readonly usage: string;
  /** Whole sentences under the usage line. */
  readonly about: string;
  readonly options: readonly OptionSpec[];
  /** Names of the operands, in order. One with a "?" at its end may be left out. */
  readonly operands: readonly string[];
  /** What to type behind "cyxwiz", and what it does. */
  readonly examples: readonly (readonly [typed: string, does: string])[];
  /** Its output is data, so it takes --json. */
  readonly json: boolean;
  /** False for what must work whatever the configuration says. */
  readonly readsConfig: boolean;
  run(invocation: Invocation): Promise<ExitCode>;
  /** Where a wrong configuration is itself the answer. Default: it is reported and the program ends with 2. */
  onConfigError?(error: ConfigError, world: World, json: boolean): ExitCode;
}

/** One use of a command: its arguments, checked. */
export interface Invocation {
  readonly world: World;
  readonly json: boolean;
  readonly has: (option: string) => boolean;
  readonly value: (option: string) => string | undefined;
  /** As many as the command names; "" for one that was left out. */
  readonly operands: readonly string[];
  /** @throws ConfigError */
  readonly load: () => LoadedConfig;
}
