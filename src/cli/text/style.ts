/** Colours and signs, where the terminal has them. */
import type { Environment } from "../../config/index.ts";
import type { Output } from "../world.ts";

export interface Style {
  readonly unicode: boolean;
  readonly bold: (text: string) => string;
  readonly dim: (text: string) => string;
  readonly good: (text: string) => string;
  readonly bad: (text: string) => string;
  readonly accent: (text: string) => string;
  /** The sign before what has been done, and before what went wrong. */
  readonly tick: string;
  readonly cross: string;
  readonly ellipsis: string;
}

/** NO_COLOR (https://no-color.org) set to anything but nothing switches colours off. */
export function styleFor(output: Output, environment: Environment): Style {
  const dumb = environment.TERM === "dumb";
  const colours = output.isTTY && !environment.NO_COLOR && !dumb;
  const paint = (code: number) => (text: string) => (colours ? `\x1b[${code}m${text}\x1b[0m` : text);
  const unicode = hasUnicode(environment);
  const good = paint(32);
  const bad = paint(31);
  return {
    unicode,
    bold: paint(1),
    dim: paint(2),
    good,
    bad,
    accent: paint(36),
    tick: good(unicode ? "✓" : "ok"),
    cross: bad(unicode ? "✗" : "!!"),
    ellipsis: unicode ? "…" : "...",
  };
}

/** A locale that names another character set is believed; none at all is what containers have, and they show UTF-8. */
function hasUnicode({ LC_ALL, LC_CTYPE, LANG, TERM }: Environment): boolean {
  if (TERM === "linux" || TERM === "dumb") return false;
  const locale = LC_ALL || LC_CTYPE || LANG || "";
  return locale === "" || /utf-?8/i.test(locale);
}
