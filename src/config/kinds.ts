/**
 * What a setting's value may be. A kind reads a value that came from TOML (typed) or from the environment and the
 * command line (text), says in words what it allows, and writes the value back. Parsing, validation, error messages,
 * the rendered configuration and the documentation all follow from the kind.
 */
import { homedir } from "node:os";
import { isAbsolute, join, resolve } from "node:path";

/** A value as TOML would hold it. */
export type TomlValue = string | number | boolean | Readonly<Record<string, string | number | boolean>>;

/** Where relative paths and `~` lead. */
export interface Surroundings {
  readonly home: string;
  readonly directory: string;
}

export const hostSurroundings = (): Surroundings => ({ home: homedir(), directory: process.cwd() });

export type Parsed<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly reason: string };

export interface Kind<T> {
  /** Completes "must be ..."; also the documentation's "allowed" column. */
  readonly allowed: string;
  /** `textual` is true for the environment and the command line, where numbers and booleans arrive as text. */
  parse(raw: unknown, textual: boolean, around: Surroundings): Parsed<T>;
  toToml(value: T): TomlValue;
  /** The value with what must stay secret taken out. Absent for kinds that hold no secrets. Takes any text, valid or not. */
  readonly hide?: (text: string) => string;
  /** True where an option alone on the command line means "true". */
  readonly isFlag?: true;
}

export const accept = <T>(value: T): Parsed<T> => ({ ok: true, value });
export const refuse = (reason: string): { ok: false; reason: string } => ({ ok: false, reason });

/** Any text that is not empty. */
export function text(allowed = "text that is not empty", pattern = /\S/): Kind<string> {
  return {
    allowed,
    parse: (raw) => (typeof raw === "string" && pattern.test(raw) ? accept(raw) : refuse(`must be ${allowed}`)),
    toToml: (value) => value,
  };
}

/** A secret: accepted like text, never shown. */
export function secret(): Kind<string> {
  return { ...text("a secret that is not empty"), hide: () => "(hidden)" };
}

interface Bounds {
  readonly min: number;
  readonly max: number;
}

/** Digits grouped by `_`, the way TOML and TypeScript both accept them. */
const grouped = (value: number): string => value.toString().replace(/\B(?=(\d{3})+(?!\d))/g, "_");

function numeric(raw: unknown, textual: boolean): number | null {
  if (typeof raw === "number") return raw;
  // Number("") is 0 and Number("0x10") is 16: only what TOML would call a decimal number counts.
  if (!textual || typeof raw !== "string" || !/^\s*[+-]?\d[\d_]*(\.\d+)?([eE][+-]?\d+)?\s*$/.test(raw)) return null;
  return Number(raw.replaceAll("_", ""));
}

const quoted = (raw: unknown, textual: boolean): string =>
  !textual && typeof raw === "string" ? ", written without quotes" : "";

/** A whole number within bounds (both included). */
export function whole({ min, max }: Bounds, unit = ""): Kind<number> {
  const allowed = `a whole number${unit && ` of ${unit}`} from ${grouped(min)} to ${grouped(max)}`;
  return {
    allowed,
    parse(raw, textual) {
      const value = numeric(raw, textual);
      if (value === null || !Number.isSafeInteger(value)) return refuse(`must be ${allowed}${quoted(raw, textual)}`);
      return value >= min && value <= max ? accept(value) : refuse(`must be ${allowed}`);
    },
    toToml: (value) => value,
  };
}

/** A number with at most `decimals` digits after the point. */
export function decimal({ min, max }: Bounds, decimals: number): Kind<number> {
  const allowed = `a number from ${grouped(min)} to ${grouped(max)} with at most ${decimals} decimals`;
  return {
    allowed,
    parse(raw, textual) {
      const value = numeric(raw, textual);
      if (value === null) return refuse(`must be ${allowed}${quoted(raw, textual)}`);
      const fits = value >= min && value <= max && Number(value.toFixed(decimals)) === value;
      return fits ? accept(value) : refuse(`must be ${allowed}`);
    },
    toToml: (value) => value,
  };
}

/** true or false; in text also yes/no, on/off, 1/0. */
export function flag(): Kind<boolean> {
  return {
    allowed: "true or false",
    parse(raw, textual) {
      if (typeof raw === "boolean") return accept(raw);
      if (!textual) return refuse(`must be true or false${quoted(raw, textual)}`);
      const word = String(raw).trim().toLowerCase();
      if (["true", "yes", "on", "1"].includes(word)) return accept(true);
      if (["false", "no", "off", "0"].includes(word)) return accept(false);
      return refuse("must be true or false");
    },
    toToml: (value) => value,
    isFlag: true,
  };
}

/** One of a few words. */
export function choice<const W extends string>(words: readonly W[]): Kind<W> {
  const allowed = `one of ${words.join(", ")}`;
  return {
    allowed,
    parse(raw) {
      const given = typeof raw === "string" ? raw.trim().toLowerCase() : raw;
      const found = words.find((word) => word === given);
      return found === undefined ? refuse(`must be ${allowed}`) : accept(found);
    },
    toToml: (value) => value,
  };
}

/** A path; `~` is the home directory, a relative path starts from the working directory. Always absolute once read. */
export function path(): Kind<string> {
  const allowed = "a path that is not empty";
  return {
    allowed,
    parse(raw, _textual, around) {
      if (typeof raw !== "string" || raw.trim() === "" || raw.includes("\0")) return refuse(`must be ${allowed}`);
      if (raw === "~") return accept(around.home);
      if (/^~[\\/]/.test(raw)) return accept(join(around.home, raw.slice(2)));
      if (raw.startsWith("~")) return refuse("must not name another user's home directory; write the path in full");
      return accept(isAbsolute(raw) ? raw : resolve(around.directory, raw));
    },
    toToml: (value) => value,
  };
}
