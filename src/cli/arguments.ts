/** Reads the command line: which command, which options. Settings (`--section.key=value`) are the configuration's. */
import { closest } from "../domain/closest.ts";
import type { Command, OptionSpec } from "./command.ts";
import { UsageError } from "./errors.ts";

export interface CommandLine {
  /** Null when none was named. */
  readonly command: string | null;
  /** Everything but the command's name, in order. */
  readonly args: readonly string[];
  readonly help: boolean;
  readonly version: boolean;
}

/** Splits off the command's name and recognises --help and --version. Before the name only options are allowed. */
export function readCommandLine(given: readonly string[]): CommandLine {
  const before: string[] = [];
  let at = 0;
  for (; at < given.length; at++) {
    const word = given[at] ?? "";
    if (!word.startsWith("-") || word === "-" || word === "--") break;
    before.push(word);
    // Only --config takes the next word here. A setting's value could be a command's name, so it is written with "=".
    if (word === "--config" && given[at + 1] !== undefined) before.push(given[++at] ?? "");
  }
  const command = given[at] ?? null;
  const args = [...before, ...given.slice(at + 1)];
  const end = args.indexOf("--");
  const options = end < 0 ? args : args.slice(0, end);
  return {
    command: command === "--" ? null : command,
    args,
    help: options.some((word) => word === "--help" || word === "-h"),
    version: before.some((word) => word === "--version" || word === "-V" || word === "-v"),
  };
}

export interface ReadOptions {
  readonly json: boolean;
  readonly values: ReadonlyMap<string, string>;
  readonly operands: readonly string[];
}

/**
 * Reads a command's own options: `--name`, `--name value`, `--name=value`.
 * @param words the arguments that are no settings
 * @throws UsageError
 */
export function readOptions(name: string, command: Command, words: readonly string[]): ReadOptions {
  const values = new Map<string, string>();
  const operands: string[] = [];
  let json = false;
  const help = `\`cyxwiz ${name} --help\` shows what it takes.`;
  for (let at = 0; at < words.length; at++) {
    const word = words[at] ?? "";
    if (word === "--") {
      operands.push(...words.slice(at + 1));
      break;
    }
    if (!word.startsWith("-") || word === "-") {
      operands.push(word);
      continue;
    }
    const [, written = "", given] = /^--?([^=]*)(?:=([\s\S]*))?$/.exec(word) ?? [];
    if (written === "json" && given === undefined && word.startsWith("--")) {
      if (!command.json) throw new UsageError(`cyxwiz ${name} has no --json: what it prints is meant for people`, help);
      json = true;
      continue;
    }
    const option = word.startsWith("--") ? command.options.find((one) => one.name === written) : undefined;
    if (option === undefined) throw unknownOption(name, command, word, written, help);
    if (values.has(option.name)) throw new UsageError(`--${option.name} was given twice`, help);
    if (option.value === undefined) {
      if (given !== undefined) throw new UsageError(`--${option.name} takes no value`, help);
      values.set(option.name, "");
      continue;
    }
    const value = given ?? words[++at];
    if (value === undefined || (given === undefined && value.startsWith("--"))) {
      throw new UsageError(`--${option.name} needs a value: --${option.name}=${option.value}`, help);
    }
    values.set(option.name, value);
  }
  return { json, values, operands: checkOperands(name, command, operands, help) };
}

function unknownOption(name: string, command: Command, word: string, written: string, help: string): UsageError {
  const known = [
    ...command.options.map((option: OptionSpec) => option.name),
    "config",
    "help",
    ...(command.json ? ["json"] : []),
  ];
  const near = closest(written, known);
  return new UsageError(
    `cyxwiz ${name} has no option ${word.split("=")[0]}${near === null ? "" : `; did you mean --${near}?`}`,
    help,
  );
}

function checkOperands(name: string, command: Command, operands: readonly string[], help: string): readonly string[] {
  const wanted = command.operands;
  const extra = operands[wanted.length];
  if (extra !== undefined) {
    throw new UsageError(`cyxwiz ${name} does not know what to do with ${JSON.stringify(extra)}`, help);
  }
  return wanted.map((operand, at) => {
    const given = operands[at];
    if (given === undefined && !operand.endsWith("?")) throw new UsageError(`cyxwiz ${name} needs ${operand}`, help);
    return given ?? "";
  });
}
