/**
 * The `Log` port on standard output: one JSON object a line, or text for people. Whatever is logged, one call writes one
 * line (in the pretty format: one line and indented ones below it), so hostile text can forge nothing.
 */
import type { Log, LogFields } from "../actors/runtime/index.ts";
import { hideSecrets, type Plain, toPlainFields } from "./plain.ts";

export type LogLevel = "debug" | "info" | "warn" | "error";

export interface LogOptions {
  readonly level: LogLevel | "off";
  readonly format: "json" | "pretty";
  /** Takes whole lines, newline included. Default: standard output. */
  readonly write?: (line: string) => void;
  /** Default: the wall clock. */
  readonly now?: () => Date;
  /** Pretty format only. Default: when standard output is a terminal and NO_COLOR is not set. */
  readonly colour?: boolean;
}

/** A message is a sentence; what is longer was meant as a field. */
const maxMessage = 8192;

const rank: Readonly<Record<LogLevel | "off", number>> = { debug: 0, info: 1, warn: 2, error: 3, off: 4 };

/** A log line that cannot be written is lost; nothing is thrown. */
export function createLog(options: LogOptions): Log {
  const write = options.write ?? standardOutput();
  const now = options.now ?? (() => new Date());
  const colour = options.colour ?? (process.stdout.isTTY === true && !process.env.NO_COLOR);
  const format = options.format === "json" ? jsonLine : (line: Line) => prettyLine(line, colour);
  return logger(options.level, [], (level, message, fields) => {
    try {
      write(
        format({
          time: now(),
          level,
          message: hideSecrets(String(message).slice(0, maxMessage)),
          fields: merged(fields),
        }),
      );
    } catch {
      // Standard output is gone, or the clock is: there is nowhere left to say so.
    }
  });
}

interface Line {
  readonly time: Date;
  readonly level: LogLevel;
  readonly message: string;
  readonly fields: Readonly<Record<string, Plain>>;
}

/** Outer fields first; an inner one of the same name wins. */
type Emit = (level: LogLevel, message: string, fields: readonly LogFields[]) => void;

function logger(threshold: LogLevel | "off", bound: readonly LogFields[], emit: Emit): Log {
  const at = (level: LogLevel) =>
    rank[level] < rank[threshold]
      ? (): void => {}
      : (message: string, fields?: LogFields): void => emit(level, message, fields ? [...bound, fields] : bound);
  return {
    debug: at("debug"),
    info: at("info"),
    warn: at("warn"),
    error: at("error"),
    with: (fields) => logger(threshold, [...bound, fields], emit),
  };
}

/** Made plain one by one: a field whose getter throws must not take the others along. */
const merged = (fields: readonly LogFields[]): Readonly<Record<string, Plain>> =>
  Object.assign({}, ...fields.map(toPlainFields));

/** JSON allows these raw, terminals and line splitters act on them: C1 controls, line separators, text-direction marks. */
const unsafe = /[\u007f-\u009f\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]/g;
const escapeOne = (character: string): string => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;
const json = (value: Plain): string => JSON.stringify(value).replace(unsafe, escapeOne);

const ours = new Set(["time", "level", "msg"]);

function jsonLine({ time, level, message, fields }: Line): string {
  // A field may not pass for ours: readers take the last of two equal keys.
  const safe = Object.entries(fields).map(([name, value]): [string, Plain] => [
    ours.has(name) ? `${name}_` : name,
    value,
  ]);
  return `${json({ time: time.toISOString(), level, msg: message, ...Object.fromEntries(safe) })}\n`;
}

const tint: Readonly<Record<LogLevel, string>> = {
  debug: "\x1b[2m",
  info: "\x1b[32m",
  warn: "\x1b[33m",
  error: "\x1b[31m",
};

function prettyLine({ time, level, message, fields }: Line, colour: boolean): string {
  const paint = (code: string, words: string): string => (colour ? `${code}${words}\x1b[0m` : words);
  const stacks: string[] = [];
  const words = Object.entries(fields).map(([name, value]) => {
    const stack = stackOf(value);
    if (stack !== null) stacks.push(...stack.split("\n").slice(0, 40));
    const shown = stack === null ? value : messageOf(value);
    return paint("\x1b[2m", `${visible(name)}=`) + (isBare(shown) ? shown : json(shown));
  });
  const head = [time.toISOString().slice(11, 23), paint(tint[level], level.toUpperCase().padEnd(5)), visible(message)];
  return [[...head, ...words].join(" "), ...stacks.map((line) => `    ${visible(line.trimStart())}`), ""].join("\n");
}

/** An error's stack, and those of the errors that caused it; null for what is no error. */
function stackOf(value: Plain): string | null {
  if (typeof value !== "object" || value === null || !("stack" in value) || typeof value.stack !== "string")
    return null;
  const cause = "cause" in value && value.cause !== undefined ? stackOf(value.cause) : null;
  return cause === null ? value.stack : `${value.stack}\ncaused by ${cause}`;
}

const messageOf = (value: Plain): Plain =>
  typeof value === "object" && value !== null && "message" in value ? (value.message ?? null) : value;

const isBare = (value: Plain): value is string => typeof value === "string" && /^[\w./:@+-]+$/.test(value);

/** Text as a terminal may show it: control characters written out. */
const visible = (written: string): string =>
  written.replace(/\p{Cc}/gu, (character) => JSON.stringify(character).slice(1, -1)).replace(unsafe, escapeOne);

/** A reader that went away (`cyxwiz up | head`) must not end the server, so the stream's error is taken. */
function standardOutput(): (line: string) => void {
  if (process.stdout.listenerCount("error") === 0) process.stdout.on("error", () => {});
  return (line) => void process.stdout.write(line);
}
