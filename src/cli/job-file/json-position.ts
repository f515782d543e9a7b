/** Where a text stops being JSON. `JSON.parse` tells what it missed, and not where. */

export interface JsonFault {
  /** From 1. */
  readonly line: number;
  readonly column: number;
  readonly message: string;
}

class Fault extends Error {
  constructor(
    readonly at: number,
    message: string,
  ) {
    super(message);
  }
}

/** JSON nested deeper than this is no job, and would overflow the stack. */
const deepest = 500;

/** The first fault of the text, or null when it is JSON. */
export function findJsonFault(text: string): JsonFault | null {
  const scanner = new Scanner(text);
  try {
    scanner.document();
    return null;
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
    const before = text.slice(0, error.at).split("\n");
    return { line: before.length, column: (before.at(-1)?.length ?? 0) + 1, message: error.message };
  }
}

const number = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
const word = /[A-Za-z_$][\w$]*/y;
const space = /[ \t\r\n]*/y;
/** Everything from the space up but the quote and the backslash. */
const plainText = /[ !#-[\]-\uffff]*/y;
const escaped = /\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})/y;

/** A recursive descent over RFC 8259. */
class Scanner {
  #at = 0;

  constructor(private readonly text: string) {}

  document(): void {
    this.#value(0);
    this.#skipSpace();
    if (this.#at < this.text.length) this.#fail("there is something behind the end of the value");
  }

  #value(depth: number): void {
    if (depth > deepest) this.#fail("it is nested too deeply");
    this.#skipSpace();
    const next = this.text[this.#at];
    if (next === "{") this.#members(depth);
    else if (next === "[") this.#items(depth);
    else if (next === '"') this.#string();
    else if (next === "'") this.#fail("text stands in double quotes");
    else if (next === undefined) this.#fail("a value is missing at the end");
    else if (next === "/") this.#fail("JSON has no comments");
    else if (this.#take(number) === null) this.#literal();
  }

  #literal(): void {
    const start = this.#at;
    const found = this.#take(word);
    if (found === "true" || found === "false" || found === "null") return;
    if (found === null) this.#fail(`${JSON.stringify(this.text[start])} is no beginning of a value`, start);
    this.#fail(`${found} is no value; text stands in double quotes`, start);
  }

  #members(depth: number): void {
    this.#at++;
    this.#list("}", () => {
      this.#skipSpace();
      const next = this.text[this.#at];
      if (next !== '"') this.#fail(next === undefined ? 'a "}" is missing' : "a name in double quotes is missing here");
      this.#string();
      this.#skipSpace();
      if (this.text[this.#at] !== ":") this.#fail('a ":" is missing between name and value');
      this.#at++;
      this.#value(depth + 1);
    });
  }

  #items(depth: number): void {
    this.#at++;
    this.#list("]", () => this.#value(depth + 1));
  }

  #list(close: "}" | "]", entry: () => void): void {
    this.#skipSpace();
    if (this.text[this.#at] === close) {
      this.#at++;
      return;
    }
    for (;;) {
      entry();
      this.#skipSpace();
      const next = this.text[this.#at];
      if (next === close) {
        this.#at++;
        return;
      }
      if (next !== ",")
        this.#fail(next === undefined ? `a "${close}" is missing` : `a "," or "${close}" is missing before this`);
      const comma = this.#at++;
      this.#skipSpace();
      if (this.text[this.#at] === close) this.#fail(`there is a "," before the "${close}"`, comma);
    }
  }

  #string(): void {
    const start = this.#at++;
    for (;;) {
      this.#take(plainText);
      const next = this.text[this.#at];
      if (next === '"') {
        this.#at++;
        return;
      }
      if (next === "\\") {
        if (this.#take(escaped) === null) this.#fail("this is no escape that JSON knows");
      } else if (next === undefined || next === "\n" || next === "\r") {
        this.#fail("this text has no closing quote on its line", start);
      } else this.#fail("a control character stands inside text; write it as \\uXXXX");
    }
  }

  #skipSpace(): void {
    this.#take(space);
  }

  #take(pattern: RegExp): string | null {
    pattern.lastIndex = this.#at;
    const found = pattern.exec(this.text)?.[0] ?? null;
    if (found !== null) this.#at += found.length;
    return found;
  }

  #fail(message: string, at = this.#at): never {
    throw new Fault(at, message);
  }
}
