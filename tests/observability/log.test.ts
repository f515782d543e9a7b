import { describe, expect, test } from "bun:test";
import { createLog, type LogOptions } from "../../src/observability/index.ts";

const at = new Date("2026-01-02T03:04:05.678Z");

/** A log that keeps what it wrote. */
function recorded(options: Partial<LogOptions> = {}) {
  const lines: string[] = [];
  const log = createLog({
    level: "debug",
    format: "json",
    now: () => at,
    write: (line) => lines.push(line),
    colour: false,
    ...options,
  });
  return { log, lines, only: (): Record<string, unknown> => JSON.parse(lines.join("")) };
}

describe("JSON lines", () => {
  test("hold time, level, message and fields, and end in a newline", () => {
    const { log, lines } = recorded();
    log.info("job placed", { job: "j1", score: 0.5, node: null, gone: undefined });
    expect(lines).toEqual([
      '{"time":"2026-01-02T03:04:05.678Z","level":"info","msg":"job placed","job":"j1","score":0.5,"node":null}\n',
    ]);
  });

  test("errors carry name, message, stack, code and cause", () => {
    const { log, only } = recorded();
    const error = Object.assign(new TypeError("outer", { cause: new Error("inner") }), { code: "E1" });
    log.error("failed", { error });
    expect(only()).toMatchObject({
      error: {
        name: "TypeError",
        message: "outer",
        code: "E1",
        stack: expect.stringContaining("log.test.ts"),
        cause: { message: "inner" },
      },
    });
  });

  test("values that JSON does not know are written in words", () => {
    const { log, only } = recorded();
    const fields = {
      big: 2n ** 70n,
      nan: Number.NaN,
      inf: -Infinity,
      fn: () => 1,
      sym: Symbol("s"),
      date: at,
      bad: new Date(Number.NaN),
      url: new URL("http://u:pw@h/"),
      bytes: new Uint8Array(3),
      map: new Map([["a", 1n]]),
      set: new Set([1, "b"]),
      lone: "\ud800",
    };
    log.info("x", fields);
    expect(only()).toMatchObject({
      big: "1180591620717411303424",
      nan: "NaN",
      inf: "-Infinity",
      fn: "(function)",
      sym: "Symbol(s)",
      date: at.toISOString(),
      bad: "Invalid Date",
      url: "http://u:***@h/",
      bytes: "(3 bytes)",
      map: { a: "1" },
      set: [1, "b"],
    });
  });

  test("a cycle ends, and the same object twice is no cycle", () => {
    const { log, only } = recorded();
    const shared = { n: 1 };
    const loop: Record<string, unknown> = { first: shared, second: shared };
    loop.self = loop;
    log.info("x", { loop });
    expect(only()).toMatchObject({ loop: { first: { n: 1 }, second: { n: 1 }, self: "(cycle)" } });
  });

  test("nothing thrown by a value gets out, and the other fields survive", () => {
    const { log, lines } = recorded();
    const hostile = {
      get a(): string {
        throw new Error("no");
      },
    };
    const proxy = new Proxy(
      {},
      {
        ownKeys: () => {
          throw new Error("no");
        },
      },
    );
    log.with({ kept: 1 }).info("x", { hostile, proxy });
    log.info("y", hostile);
    log.info("z", proxy);
    expect(lines).toHaveLength(3);
    expect(JSON.parse(lines[0]!)).toMatchObject({ kept: 1, hostile: "(unreadable)", proxy: "(unreadable)" });
  });

  test("a line that cannot be written is lost, not thrown", () => {
    const log = createLog({
      level: "info",
      format: "json",
      write: () => {
        throw new Error("EPIPE");
      },
    });
    expect(() => log.info("x")).not.toThrow();
  });

  test.each(["json", "pretty"] as const)("hostile text cannot forge a line or drive the terminal (%s)", (format) => {
    const { log, lines } = recorded({ format });
    const hostile = 'x\n{"level":"error","msg":"forged"}\r\u2028\u0085\x1b[2J\u009b2J\u202e';
    log.info(hostile, { [hostile]: hostile, error: new Error(hostile) });
    const written = lines.join("");
    expect(
      written
        .slice(0, -1)
        .split("\n")
        .slice(1)
        .every((line) => line.startsWith("    ")),
    ).toBe(true);
    expect(written.replaceAll("\n", "")).not.toMatch(/[\p{Cc}\u2028\u202e]/u);
    expect(written.endsWith("\n")).toBe(true);
  });

  test("a field cannot pass for the line's own level", () => {
    const { log, only } = recorded();
    log.info("x", { level: "error", msg: "y", time: 0 });
    expect(only()).toEqual({ time: at.toISOString(), level: "info", msg: "x", level_: "error", msg_: "y", time_: 0 });
  });

  test("huge values are cut", () => {
    const { log, lines } = recorded();
    let deep: unknown = 1;
    for (let i = 0; i < 5000; i++) deep = { deep };
    log.info("m".repeat(1e6), {
      text: "t".repeat(1e6),
      list: Array.from({ length: 1e5 }, (_, i) => i),
      deep,
      wide: Object.fromEntries(Array.from({ length: 1e4 }, (_, i) => [i, i])),
    });
    expect(lines.join("").length).toBeLessThan(40_000);
    expect(JSON.parse(lines[0]!).list.at(-1)).toBe("(99900 more)");
  });
});

describe("secrets", () => {
  test.each([
    "password",
    "jwtSecret",
    "jwt.secret",
    "authorization",
    "Authorization",
    "session_token",
    "sessionToken",
    "apiKey",
    "x-api-key",
    "private_key",
    "payerKeypair",
    "cookie",
    "db_password",
  ])("a field named %s is hidden", (name) => {
    const { log, lines } = recorded();
    log.info("x", { [name]: "hunter2", inner: { [name]: ["hunter2"] } });
    expect(lines.join("")).not.toContain("hunter2");
  });

  test.each(["token_mint", "payer_keypair_path", "tokens", "author", "passed", "key", "secretary"])(
    "a field named %s is shown",
    (name) => {
      const { log, lines } = recorded();
      log.info("x", { [name]: "shown" });
      expect(lines.join("")).toContain("shown");
    },
  );

  test("tokens and passwords in running text are hidden", () => {
    const { log, lines } = recorded();
    const jwt = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl";
    log.warn(`refused Bearer abc.def ${jwt}`, {
      header: `bearer ${jwt}`,
      error: new Error("connect postgres://u:hunter2@h/d"),
    });
    expect(lines.join("")).not.toMatch(/abc\.def|eyJ|hunter2/);
    expect(lines.join("")).toContain("postgres://u:***@h/d");
  });
});

describe("levels", () => {
  test.each([
    ["debug", ["debug", "info", "warn", "error"]],
    ["info", ["info", "warn", "error"]],
    ["warn", ["warn", "error"]],
    ["error", ["error"]],
    ["off", []],
  ] as const)("%s", (level, expected) => {
    const { log, lines } = recorded({ level });
    const bound = log.with({ a: 1 });
    for (const one of ["debug", "info", "warn", "error"] as const) bound[one]("x");
    expect(lines.map((line) => JSON.parse(line).level)).toEqual([...expected]);
  });

  test("a line below the level costs no look at its fields", () => {
    const { log } = recorded({ level: "info" });
    let looked = false;
    log.debug("x", {
      get a() {
        looked = true;
        return 1;
      },
    });
    expect(looked).toBe(false);
  });
});

test("bound fields are added, inner ones win, and the outer log stays as it was", () => {
  const { log, lines } = recorded();
  log.with({ a: 1, b: 1 }).with({ b: 2 }).info("x", { c: 3 });
  log.info("y");
  expect(lines.map((line) => JSON.parse(line))).toMatchObject([{ a: 1, b: 2, c: 3 }, { msg: "y" }]);
  expect(lines[1]).not.toContain('"a"');
});

describe("the pretty format", () => {
  test("is one line, with stacks and causes indented below", () => {
    const { log, lines } = recorded({ format: "pretty" });
    const error = new Error("outer", { cause: new Error("inner") });
    log.warn("payment failed", { job: "j1", why: "two words", error });
    const [head, ...below] = lines.join("").trimEnd().split("\n");
    expect(head).toBe('03:04:05.678 WARN  payment failed job=j1 why="two words" error=outer');
    expect(below[0]).toBe("    Error: outer");
    expect(below).toContain("    caused by Error: inner");
  });

  test("is coloured only when asked", () => {
    const { log, lines } = recorded({ format: "pretty", colour: true });
    log.info("x");
    expect(lines[0]).toContain("\x1b[32mINFO ");
  });
});

test("a reader that goes away does not end the program", async () => {
  const program = `import { createLog } from "./src/observability/index.ts";
    const log = createLog({ level: "info", format: "json" });
    for (let i = 0; i < 20000; i++) log.info("line", { i });
    setTimeout(() => console.error("alive"), 200);`;
  const child = Bun.spawn(["sh", "-c", `"$0" -e "$1" | head -n 1`, process.execPath, program], {
    stdout: "pipe",
    stderr: "pipe",
    cwd: `${import.meta.dir}/../..`,
  });
  expect(await child.stdout.text()).toContain('"i":0');
  expect(await child.stderr.text()).toContain("alive");
});
