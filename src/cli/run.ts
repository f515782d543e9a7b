/** Finds the command, runs it, and reports whatever goes wrong. Does not throw. */
import { ConfigError, type LoadedConfig, loadConfig } from "../config/index.ts";
import { closest } from "../domain/closest.ts";
import { readCommandLine, readOptions } from "./arguments.ts";
import { aliases, catalogue, type Entry } from "./catalogue.ts";
import type { Command, Invocation } from "./command.ts";
import { UsageError } from "./errors.ts";
import { Exit, type ExitCode } from "./exit-codes.ts";
import { commandHelp, overview } from "./help.ts";
import { reportFailure } from "./report.ts";
import { styleFor } from "./text/style.ts";
import type { World } from "./world.ts";

/** @param given the words behind the program's name */
export async function runCli(given: readonly string[], world: World): Promise<ExitCode> {
  try {
    return await dispatch(given, world);
  } catch (error) {
    return reportFailure(error, world);
  }
}

async function dispatch(given: readonly string[], world: World): Promise<ExitCode> {
  const line = readCommandLine(given);
  const style = styleFor(world.stdout, world.environment);
  if (line.command === null || (line.command === "help" && line.args.length === 0)) {
    if (line.version) return runCommand(find("version"), [], world);
    const complete = line.help || line.command === "help";
    const unknown = complete ? undefined : line.args.find((word) => word.startsWith("-") && !isSetting(word));
    if (unknown !== undefined) throw new UsageError(`there is no option ${unknown}`, seeHelp);
    // Asked for, it is the answer; otherwise the command is missing, and a script must notice.
    (complete ? world.stdout : world.stderr).write(overview(catalogue, world.stdout.columns, style));
    return complete ? Exit.ok : Exit.usage;
  }
  if (line.command === "help" || line.help) {
    const entry = find(line.command === "help" ? (line.args[0] ?? "") : line.command);
    world.stdout.write(commandHelp(entry.name, await entry.load(), world.stdout.columns, style));
    return Exit.ok;
  }
  return runCommand(find(line.command), line.args, world);
}

const seeHelp = "`cyxwiz --help` lists the commands and options.";

/** --config and --section.key are the configuration's, and --json goes with a command. */
const isSetting = (word: string): boolean => /^--(config|json|\w[\w-]*\.[\w.-]*)(=|$)/.test(word);

function find(given: string): Entry {
  const name = Object.hasOwn(aliases, given) ? (aliases[given] ?? given) : given;
  const entry = catalogue.find((one) => one.name === name);
  if (entry !== undefined) return entry;
  const near = closest(
    name,
    catalogue.map((one) => one.name),
  );
  throw new UsageError(
    `there is no command ${JSON.stringify(name)}${near === null ? "" : `; did you mean \`cyxwiz ${near}\`?`}`,
    seeHelp,
  );
}

async function runCommand(entry: Entry, args: readonly string[], world: World): Promise<ExitCode> {
  const command = await entry.load();
  let loaded: LoadedConfig | undefined;
  const load = (): LoadedConfig => {
    loaded ??= loadConfig({
      args,
      environment: world.environment,
      around: { home: world.environment.HOME ?? world.directory, directory: world.directory },
    });
    return loaded;
  };
  try {
    return await command.run(invoke(entry.name, command, args, world, load));
  } catch (error) {
    if (error instanceof ConfigError && command.onConfigError !== undefined) {
      return command.onConfigError(error, world, args.includes("--json"));
    }
    throw error;
  }
}

function invoke(
  name: string,
  command: Command,
  args: readonly string[],
  world: World,
  load: () => LoadedConfig,
): Invocation {
  const { json, values, operands } = readOptions(name, command, command.readsConfig ? load().rest : args);
  return {
    world,
    json,
    operands,
    load,
    has: (option) => values.has(option),
    value: (option) => values.get(option),
  };
}
