/** Takes the settings out of a command line and leaves the rest to the command. */
import { didYouMean } from "./closest.ts";
import type { Collected } from "./file.ts";
import { findKey } from "./keys.ts";
import type { Setting } from "./origin.ts";

export interface Flags extends Collected {
  /** The file named with --config. */
  readonly configFile: string | null;
  /** The arguments that are no settings, in order. */
  readonly rest: readonly string[];
}

/**
 * Understands `--section.key=value`, `--section.key value`, `--section.key` alone for true/false keys, `--config PATH`,
 * and `-` for `_` in names. Only names with a dot are settings, so a command's own options pass through. After `--`
 * nothing is taken.
 */
export function readFlags(args: readonly string[]): Flags {
  const settings: Setting[] = [];
  const problems: string[] = [];
  const rest: string[] = [];
  let configFile: string | null = null;
  for (let i = 0; i < args.length; i++) {
    const arg = args[i] ?? "";
    if (arg === "--") {
      rest.push(...args.slice(i));
      break;
    }
    const match = /^--([A-Za-z][\w-]*(?:\.[\w.-]*)?)(?:=([\s\S]*))?$/.exec(arg);
    const written = match?.[1];
    if (written === undefined || (written !== "config" && !written.includes("."))) {
      rest.push(arg);
      continue;
    }
    const next = args[i + 1];
    let value = match?.[2];
    if (written === "config") {
      if (value === undefined && next !== undefined && !next.startsWith("--")) value = args[++i];
      if (value) configFile = value;
      else problems.push("--config needs the path of a file");
      continue;
    }
    const name = written.toLowerCase().replaceAll("-", "_");
    const known = findKey(name);
    if (known === undefined) {
      problems.push(`--${written}: there is no such key${didYouMean(name, (near) => `--${near}`)}`);
      // Its value, if the next word is one, is no command: leaving it in `rest` would only cause a second complaint.
      if (value === undefined && next !== undefined && !next.startsWith("-")) i++;
      continue;
    }
    if (value === undefined && takes(next, known.key.kind.isFlag === true)) value = args[++i];
    if (value === undefined && known.key.kind.isFlag) value = "true";
    if (value === undefined) problems.push(`--${written} needs a value: ${known.key.kind.allowed}`);
    else settings.push({ name: known.name, raw: value, origin: { from: "flag", flag: `--${written}` } });
  }
  return { settings, problems, warnings: [], configFile, rest };
}

/** Whether the next word is this option's value: true/false keys take only words that mean true or false. */
const takes = (next: string | undefined, isFlag: boolean): boolean =>
  next !== undefined && (isFlag ? /^(true|false|yes|no|on|off|1|0)$/i.test(next) : !next.startsWith("--"));
