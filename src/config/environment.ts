/** Reads settings from `CYXWIZ_SECTION__KEY` variables, `CYXWIZ_LOG`, and loosely `RUST_LOG`. */
import { didYouMean } from "./closest.ts";
import type { Collected } from "./file.ts";
import { findKey, type KeyName } from "./keys.ts";
import type { Setting } from "./origin.ts";

export type Environment = Readonly<Record<string, string | undefined>>;

const prefix = "CYXWIZ_";

/** The variable that sets a key. */
export const variableOf = (name: KeyName | string): string => prefix + name.replace(".", "__").toUpperCase();

/** Variables with a meaning of their own, which are no settings. */
const reserved = [/^CYXWIZ_FAILPOINT/, /^CYXWIZ_TEST_/, /^CYXWIZ_BENCH_/, /^CYXWIZ_CONFIG$/, /^CYXWIZ_ADMIN_TOKEN$/];

/**
 * What Docker links and Kubernetes put into every container near a service called "cyxwiz-...", such as
 * CYXWIZ_SERVER_SERVICE_HOST and CYXWIZ_PORT_50051_TCP_ADDR. Nobody wrote these, so nobody is told about them.
 */
const injected = /_(SERVICE_(HOST|PORT(_\w+)?)|PORT(_\d+_(TCP|UDP)(_\w+)?)?)$/;

export function readEnvironment(environment: Environment): Collected {
  const settings: Setting[] = [];
  const problems: string[] = [];
  const warnings: string[] = [];
  settings.push(...logLevel(environment));
  for (const [variable, raw] of Object.entries(environment)) {
    if (raw === undefined || !variable.startsWith(prefix) || variable === "CYXWIZ_LOG") continue;
    if (reserved.some((pattern) => pattern.test(variable))) continue;
    const name = variable.slice(prefix.length).toLowerCase().replace("__", ".");
    const known = findKey(name);
    if (known !== undefined) {
      settings.push({ name: known.name, raw, origin: { from: "environment", variable } });
    } else if (name.includes(".")) {
      problems.push(`${variable}: there is no such key${didYouMean(name, variableOf)}`);
    } else if (!injected.test(variable)) {
      // Not an error: variables that merely share the prefix may belong to somebody else.
      const hint = didYouMean(name, variableOf);
      warnings.push(`${variable} is no setting and was ignored (settings are named CYXWIZ_SECTION__KEY)${hint}`);
    }
  }
  return { settings, problems, warnings };
}

/** CYXWIZ_LOG beats RUST_LOG; CYXWIZ_LOGGING__LEVEL, read later, beats both. */
function logLevel(environment: Environment): Setting[] {
  const settings: Setting[] = [];
  const rust = rustLogLevel(environment.RUST_LOG ?? "");
  if (rust !== null)
    settings.push({ name: "logging.level", raw: rust, origin: { from: "environment", variable: "RUST_LOG" } });
  const ours = environment.CYXWIZ_LOG;
  if (ours)
    settings.push({ name: "logging.level", raw: ours, origin: { from: "environment", variable: "CYXWIZ_LOG" } });
  return settings;
}

/**
 * The level RUST_LOG asks for: a directive for `cyxwiz...` wins over a bare level; other targets are no concern of ours.
 * RUST_LOG is other programs' variable too, so what cannot be understood is passed over in silence.
 */
function rustLogLevel(directives: string): string | null {
  let found: string | null = null;
  for (const directive of directives.toLowerCase().split(",")) {
    const match = /^\s*(?:(cyxwiz\w*)(?:::[\w:]*)?(?:=|$))?(trace|debug|info|warn|error|off)?\s*$/.exec(directive);
    if (match === null || (match[1] === undefined && (match[2] === undefined || found !== null))) continue;
    // env_logger reads a target without a level as "everything"; our finest level is debug.
    found = match[2] === undefined || match[2] === "trace" ? "debug" : match[2];
  }
  return found;
}
