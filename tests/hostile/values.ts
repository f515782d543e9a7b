/** Values that have broken servers before, by kind, and a seeded hand that picks among them. */
import { seeded } from "../support/seeded.ts";

export class Dice {
  readonly #next: () => number;

  constructor(seed: number) {
    this.#next = seeded(seed);
  }

  /** True this often, of 1. */
  chance(share: number): boolean {
    return this.#next() < share;
  }

  /** A whole number from 0 to `below` - 1. */
  below(below: number): number {
    return Math.floor(this.#next() * below);
  }

  pick<T>(values: readonly T[]): T {
    const value = values[this.below(values.length)];
    if (value === undefined) throw new Error("nothing to pick from");
    return value;
  }

  bytes(length: number): Buffer {
    return Buffer.from(Array.from({ length }, () => this.below(256)));
  }
}

const deep = (depth: number): string => `${'{"a":['.repeat(depth)}1${"]}".repeat(depth)}`;

/** Well-formed text, which a field may hold as it is. */
export const TEXTS: readonly string[] = [
  "",
  " ",
  "\u0000",
  "a\u0000b",
  "'; drop table jobs; --",
  "1' or '1'='1",
  "\\'; select pg_sleep(5); --",
  "$1",
  "%s%s%n",
  "../../../../etc/passwd",
  "..\\..\\windows\\win.ini",
  "file:///etc/passwd",
  "\u001b[2J\u001b]0;owned\u0007",
  "\u009b31m",
  "line\nbreak\r\nlevel=error msg=forged",
  "\u202egnp.exe",
  "\u2028\ufeff",
  "<script>alert(1)</script>",
  // biome-ignore lint/suspicious/noTemplateCurlyInString: it is the payload
  "${jndi:ldap://127.0.0.1/a}",
  "{{7*7}}",
  "__proto__",
  "constructor",
  "NaN",
  "Infinity",
  "-1",
  "1e999",
  "9007199254740993",
  "null",
  "💥".repeat(50),
  "a\u0301".repeat(100),
  "x".repeat(300),
  "x".repeat(70_000),
  deep(5000),
  '{"layers":',
  "127.0.0.1:1",
  "[::1]",
  "00000000-0000-0000-0000-000000000000",
  "00000000-0000-0000-0000-00000000000g",
];

/** Not UTF-8, or not whole. */
export const BROKEN_TEXT: readonly Buffer[] = [
  Buffer.from([0xff]),
  Buffer.from([0xc0, 0x80]),
  Buffer.from([0xed, 0xa0, 0x80]), // half a surrogate pair
  Buffer.from([0xf4, 0x90, 0x80, 0x80]), // beyond Unicode
  Buffer.from([0xe2, 0x82]), // ends too early
];

export const DOUBLES: readonly number[] = [
  0,
  -0,
  1,
  -1,
  0.5,
  1.0000001,
  Number.NaN,
  Number.POSITIVE_INFINITY,
  Number.NEGATIVE_INFINITY,
  1e308,
  -1e308,
  5e-324,
  2 ** 53 + 2,
];
export const INT32: readonly number[] = [0, 1, -1, 2, 7, 255, 65_536, 100_001, 2 ** 31 - 1, -(2 ** 31)];
export const INT64: readonly bigint[] = [
  0n,
  1n,
  -1n,
  60n,
  2n ** 31n,
  2n ** 53n - 1n,
  2n ** 53n + 1n,
  8_640_000_000_000_001n,
  2n ** 63n - 1n,
  -(2n ** 63n),
];
export const ENUM_NUMBERS: readonly number[] = [-1, 6, 8, 77, 2 ** 31 - 1, -(2 ** 31)];

/** Rare, because each costs as much as a thousand of the others. */
export const HUGE_TEXT = "y".repeat(10_000_000);
