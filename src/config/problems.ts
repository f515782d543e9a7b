/** What is wrong with a configuration: all of it at once, each with its key, value, origin and remedy. */
import type { Key } from "./key.ts";
import { describeOrigin, type Origin } from "./origin.ts";

/** The configuration cannot be used. `problems` holds whole sentences, one each. */
export class ConfigError extends Error {
  override readonly name = "ConfigError";
  constructor(readonly problems: readonly string[]) {
    const many = problems.length === 1 ? "1 problem" : `${problems.length} problems`;
    super(
      `The configuration has ${many}:\n${problems.map((problem) => `  - ${problem.replaceAll("\n", "\n    ")}`).join("\n")}`,
    );
  }
}

/** A value as an error message shows it: secrets hidden, on one line, not too long. */
export function showRaw(raw: unknown, key: Key<unknown>): string {
  const { hide } = key.kind;
  if (typeof raw !== "string") return hide ? "(hidden)" : onOneLine(JSON.stringify(raw) ?? String(raw));
  if (hide) return onOneLine(hide(raw));
  return /^[\w./:@~[\]%+-]+$/.test(raw) ? onOneLine(raw) : onOneLine(JSON.stringify(raw));
}

const onOneLine = (shown: string): string => {
  // A hostile or mangled value must not be able to draw on the terminal or fake another line of the report.
  const safe = shown.replace(
    /[\p{Cc}\p{Cf}\u2028\u2029]/gu,
    (c) => `\\u${(c.codePointAt(0) ?? 0).toString(16).padStart(4, "0")}`,
  );
  return safe.length > 120 ? `${safe.slice(0, 117)}...` : safe;
};

/** `scheduler.max_retries = -1 (from CYXWIZ_SCHEDULER__MAX_RETRIES): must be a whole number from 0 to 100`. */
export const invalidValue = (name: string, key: Key<unknown>, raw: unknown, origin: Origin, reason: string): string =>
  `${name} = ${showRaw(raw, key)} (from ${describeOrigin(origin)}): ${reason}`;
