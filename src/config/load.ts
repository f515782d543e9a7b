/** Puts the configuration together: defaults, then the file, then the environment, then the command line. */
import { type Environment, readEnvironment } from "./environment.ts";
import { readConfigFile } from "./file.ts";
import { readFlags } from "./flags.ts";
import type { Key } from "./key.ts";
import { allKeys, type Config, camel, findKey, type KeyName, type NamedKey } from "./keys.ts";
import { hostSurroundings, type Surroundings } from "./kinds.ts";
import { isTextual, type Origin, type Setting } from "./origin.ts";
import { ConfigError, invalidValue } from "./problems.ts";
import { advice, contradictions } from "./rules.ts";

export interface ConfigSources {
  /** The command line after the program's name. Default: none. */
  readonly args?: readonly string[];
  /** Default: none; the composition root passes `process.env`. */
  readonly environment?: Environment;
  readonly around?: Surroundings;
}

export interface LoadedConfig {
  readonly config: Config;
  readonly origins: ReadonlyMap<KeyName, Origin>;
  /** Whole sentences for the log. */
  readonly warnings: readonly string[];
  /** The file read, as it was named, or null when there was none. */
  readonly file: string | null;
  /** The arguments that were no settings, in order. */
  readonly rest: readonly string[];
}

/**
 * Reads and checks the whole configuration.
 * @throws ConfigError with every problem found, not only the first.
 */
export function loadConfig(sources: ConfigSources = {}): LoadedConfig {
  const around = sources.around ?? hostSurroundings();
  const environment = sources.environment ?? {};
  const flags = readFlags(sources.args ?? []);
  const file = readConfigFile(flags.configFile ?? (environment.CYXWIZ_CONFIG || null), around.directory);
  const variables = readEnvironment(environment);

  const problems = [...file.problems, ...variables.problems, ...flags.problems];
  const given = new Map<KeyName, Setting>();
  for (const { settings } of [file, variables, flags]) for (const setting of settings) given.set(setting.name, setting);

  const { values, origins } = readValues(given, around, problems);
  if (problems.length > 0) throw new ConfigError(problems);
  const config = assemble(values);
  problems.push(...contradictions(config, origins));
  if (problems.length > 0) throw new ConfigError(problems);

  const warnings = [...file.warnings, ...variables.warnings, ...flags.warnings, ...advice(config, origins)];
  return { config, origins, warnings, file: file.file, rest: flags.rest };
}

interface Values {
  readonly values: ReadonlyMap<KeyName, unknown>;
  readonly origins: ReadonlyMap<KeyName, Origin>;
}

/** Parses the winning setting of every key. A value that another source overrides is not judged. */
function readValues(given: ReadonlyMap<KeyName, Setting>, around: Surroundings, problems: string[]): Values {
  const values = new Map<KeyName, unknown>();
  const origins = new Map<KeyName, Origin>();
  for (const named of allKeys) {
    const setting = given.get(named.name);
    const source = setting !== undefined && !clears(setting, named.key) ? setting : standIn(named, given);
    origins.set(named.name, shownOrigin(named, setting, source));
    if (source.raw === undefined) {
      values.set(named.name, undefined);
      continue;
    }
    const parsed = named.key.kind.parse(source.raw, isTextual(source.origin), around);
    if (parsed.ok) values.set(named.name, parsed.value);
    // An inherited value that is wrong is reported once, under the key it was given for.
    else if (source.name === named.name)
      problems.push(invalidValue(named.name, named.key, source.raw, source.origin, parsed.reason));
  }
  return { values, origins };
}

/** Empty text from the environment or the command line takes an optional key back out. */
const clears = ({ raw, origin }: Setting, key: Key<unknown>): boolean =>
  raw === "" && isTextual(origin) && key.fallback === undefined;

/** What a key that is not given stands at: the key it inherits from, or its default. */
function standIn(named: NamedKey, given: ReadonlyMap<KeyName, Setting>): Setting {
  const parent = named.key.inherits === null ? undefined : findKey(named.key.inherits);
  if (parent === undefined) return { name: named.name, raw: named.key.fallback, origin: { from: "default" } };
  const setting = given.get(parent.name);
  return setting !== undefined && !clears(setting, parent.key) ? setting : standIn(parent, given);
}

function shownOrigin(named: NamedKey, setting: Setting | undefined, source: Setting): Origin {
  if (source.name !== named.name) return { from: "key", key: source.name };
  if (source === setting || setting === undefined) return source.origin;
  return setting.origin; // cleared: the source that cleared it is where "not set" comes from
}

/** Nests the values and freezes them. */
function assemble(values: ReadonlyMap<KeyName, unknown>): Config {
  const config: Record<string, Record<string, unknown>> = {};
  for (const { name, section, field } of allKeys) {
    config[camel(section)] = { ...config[camel(section)], [camel(field)]: values.get(name) };
  }
  for (const section of Object.values(config)) Object.freeze(section);
  // Safe: `Config` is derived from the same table that `allKeys` lists, and each value was made by its own key's kind.
  return Object.freeze(config) as unknown as Config;
}
