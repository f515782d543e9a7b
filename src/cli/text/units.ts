/** Numbers as people read them. */
import type { Millis } from "../../actors/runtime/index.ts";

/** "850 ms", "4.2 s", "3 min 20 s", "2 h 5 min", "3 d 4 h". */
export function duration(millis: Millis): string {
  if (!Number.isFinite(millis) || millis < 0) return "?";
  if (millis < 999.5) return `${Math.round(millis)} ms`;
  if (millis < 9950) return `${(millis / 1000).toFixed(1)} s`;
  const seconds = Math.round(millis / 1000);
  if (seconds < 60) return `${seconds} s`;
  if (seconds < 3600) return two(Math.floor(seconds / 60), "min", seconds % 60, "s");
  const minutes = Math.round(seconds / 60);
  if (minutes < 1440) return two(Math.floor(minutes / 60), "h", minutes % 60, "min");
  const hours = Math.round(minutes / 60);
  return two(Math.floor(hours / 24), "d", hours % 24, "h");
}

const two = (large: number, unit: string, small: number, smaller: string): string =>
  small === 0 ? `${large} ${unit}` : `${large} ${unit} ${small} ${smaller}`;

/** For a time that is guessed: whole units only, so that it does not flicker. */
export const roughDuration = (millis: Millis): string =>
  duration(Math.max(1, Math.round(millis / 1000)) * 1000).replace(".0 ", " ");

/** "98.1 %". */
export const percent = (fraction: number, digits = 0): string =>
  Number.isFinite(fraction) ? `${(fraction * 100).toFixed(digits)} %` : "? %";

/** Four significant digits, and no exponent where none is needed. */
export function figure(value: number): string {
  if (!Number.isFinite(value)) return String(value);
  const size = Math.abs(value);
  if (size !== 0 && (size < 1e-4 || size >= 1e7)) return value.toExponential(2);
  return String(Number(value.toPrecision(4)));
}

/** "2.1 MB". */
export function bytes(count: number): string {
  const units = ["B", "kB", "MB", "GB", "TB"];
  let value = count;
  let unit = 0;
  while (value >= 999.5 && unit < units.length - 1) {
    value /= 1000;
    unit++;
  }
  return `${unit === 0 || value >= 99.5 ? Math.round(value) : value.toFixed(1)} ${units[unit]}`;
}

/** "2026-11-24 11:30:05" in UTC, which every machine of a network agrees on. */
export const timeOfDay = (at: Date): string =>
  Number.isNaN(at.getTime()) ? "" : `${at.toISOString().slice(0, 19).replace("T", " ")}Z`;

export const plural = (count: number, one: string, many = `${one}s`): string => `${count} ${count === 1 ? one : many}`;

/** Base units as tokens, exactly; large amounts come as text. */
export function tokensText(units: string): string {
  if (!/^\d+$/.test(units)) return figure(Number(units));
  const digits = units.padStart(10, "0");
  const fraction = digits.slice(-9).replace(/0+$/, "");
  return digits.slice(0, -9) + (fraction === "" ? "" : `.${fraction}`);
}
