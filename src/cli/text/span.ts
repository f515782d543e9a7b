/** Spans of time as people type them. */
import { UsageError } from "../errors.ts";

const SECONDS: Readonly<Record<string, number>> = { s: 1, m: 60, min: 60, h: 3600, d: 86_400 };

/** "90s", "10m", "1.5h", "7d", in seconds. @throws UsageError naming the option */
export function secondsOf(option: string, given: string): number {
  const [, amount = "", unit = ""] = /^(\d{1,9}(?:\.\d{1,3})?)\s*([a-z]+)$/.exec(given.trim().toLowerCase()) ?? [];
  const factor = Object.hasOwn(SECONDS, unit) ? SECONDS[unit] : undefined;
  if (factor === undefined) {
    throw new UsageError(
      `--${option}: ${JSON.stringify(given.slice(0, 40))} is no span of time; write 90s, 10m, 2h or 7d`,
    );
  }
  return Number(amount) * factor;
}
