/** Reads settings from a TOML file. */
import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { parse, TomlError } from "smol-toml";
import { didYouMean } from "./closest.ts";
import { findKey, isSection } from "./keys.ts";
import type { Origin, Setting } from "./origin.ts";

/** The file looked for in the working directory when none is named. */
export const usualFile = "config.toml";

export interface Collected {
  readonly settings: readonly Setting[];
  readonly problems: readonly string[];
  readonly warnings: readonly string[];
}

/**
 * @param named the file asked for with --config or CYXWIZ_CONFIG, or null for the usual one, which may be absent.
 * @returns `file`, the path read (as written), or null when there was none.
 */
export function readConfigFile(named: string | null, directory: string): Collected & { readonly file: string | null } {
  const file = named ?? usualFile;
  let source: string;
  try {
    source = new TextDecoder("utf-8", { fatal: true }).decode(readFileSync(resolve(directory, file)));
  } catch (error) {
    if (named === null && isErrno(error) && error.code === "ENOENT") return { file: null, ...nothing };
    return { file, ...nothing, problems: [`${file} cannot be read: ${readFailure(error)}`] };
  }
  try {
    return { file, ...fromToml(parse(source), file) };
  } catch (error) {
    if (!(error instanceof TomlError)) throw error;
    return { file, ...nothing, problems: [syntaxProblem(error, file)] };
  }
}

const nothing: Collected = { settings: [], problems: [], warnings: [] };

const isErrno = (error: unknown): error is NodeJS.ErrnoException => error instanceof Error && "code" in error;

function readFailure(error: unknown): string {
  if (error instanceof TypeError) return "it is not UTF-8 text";
  if (!isErrno(error)) return String(error);
  if (error.code === "ENOENT") return "there is no such file";
  if (error.code === "EISDIR") return "it is a directory";
  if (error.code === "EACCES") return "permission denied";
  return error.message;
}

/** smol-toml's message is one line of reason, then the code with a caret; the code could hold a secret, so it is left out. */
const syntaxProblem = (error: TomlError, file: string): string => {
  const reason = error.message.split("\n")[0]?.replace(/^Invalid TOML document: /, "") ?? "not valid TOML";
  return `${file}:${error.line}:${error.column}: ${reason}`;
};

const isTable = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value) && !(value instanceof Date);

function fromToml(document: Record<string, unknown>, file: string): Collected {
  const settings: Setting[] = [];
  const problems: string[] = [];
  const origin: Origin = { from: "file", file };
  const unknown = (name: string): void => {
    problems.push(`${name} (from ${file}): there is no such key${didYouMean(name, (known) => known)}`);
  };
  for (const [section, content] of Object.entries(document)) {
    if (!isTable(content)) {
      if (isSection(section))
        problems.push(`${section} (from ${file}): is a section; write [${section}] and its keys below`);
      else unknown(section);
      continue;
    }
    const names = Object.keys(content);
    if (!isSection(section) && names.length === 0) unknown(section);
    for (const field of names) {
      const known = findKey(`${section}.${field}`);
      if (known === undefined) unknown(`${section}.${field}`);
      else settings.push({ name: known.name, raw: content[field], origin });
    }
  }
  return { settings, problems, warnings: [] };
}
