import { afterAll, describe, expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { readCommandLine } from "../../src/cli/arguments.ts";
import { closest } from "../../src/domain/closest.ts";
import { removeTemporaryDirectories, run, temporaryDirectory } from "./support/world.ts";

afterAll(removeTemporaryDirectories);

describe("finding the command", () => {
  test.each([
    [["jobs"], "jobs", []],
    [["jobs", "--limit", "3"], "jobs", ["--limit", "3"]],
    [["--json", "jobs"], "jobs", ["--json"]],
    [["--config", "x.toml", "jobs"], "jobs", ["--config", "x.toml"]],
    [
      ["--config=x.toml", "--server.data_dir=up", "jobs", "-"],
      "jobs",
      ["--config=x.toml", "--server.data_dir=up", "-"],
    ],
    [[], null, []],
    [["--"], null, []],
  ] as const)("%j", (given, command, args) => {
    expect(readCommandLine(given)).toMatchObject({ command, args: [...args] });
  });

  test("--help counts anywhere but behind --", () => {
    expect(readCommandLine(["jobs", "--help"]).help).toBe(true);
    expect(readCommandLine(["-h"]).help).toBe(true);
    expect(readCommandLine(["submit", "--", "--help"]).help).toBe(false);
  });
});

test.each([
  ["stauts", "status"],
  ["sbumit", "submit"],
  ["ver", "version"],
  ["job", "jobs"],
  ["x", null],
  ["kubernetes", null],
  ["", null],
])("the nearest to %j is %j", (word, near) => {
  expect(closest(word, ["status", "submit", "version", "jobs", "nodes"])).toBe(near);
});

describe("mistakes on the command line end with 2 and say what to do", () => {
  test.each([
    [["stauts"], 'there is no command "stauts"; did you mean `cyxwiz status`?'],
    [["--frobnicate"], "there is no option --frobnicate"],
    [["help", "nothing"], 'there is no command "nothing"'],
    [["jobs", "--limt=3"], "cyxwiz jobs has no option --limt; did you mean --limit?"],
    [["jobs", "-l"], "cyxwiz jobs has no option -l"],
    [["jobs", "--limit"], "--limit needs a value: --limit=N"],
    [["jobs", "--limit", "--status=failed"], "--limit needs a value"],
    [["jobs", "--limit=1", "--limit=2"], "--limit was given twice"],
    [["jobs", "--limit=0"], '--limit: "0" is not a whole number from 1 up'],
    [["jobs", "--status=done"], '--status: "done" is none of pending, in_progress, completed'],
    [["jobs", "--type=trainig"], "did you mean training?"],
    [["jobs", "extra"], 'cyxwiz jobs does not know what to do with "extra"'],
    [["up", "--once=yes"], "--once takes no value"],
    [["up", "--json"], "cyxwiz up has no --json"],
    [["status"], "cyxwiz status needs the job's id"],
    [["status", "42"], '"42" is none'],
    [["status", "4f8f8e3c-5b0e-4a53-9a52-0d6a3f1f2b11", "--server=nonsense"], '--server: "nonsense" must be host:port'],
    [["status", "4f8f8e3c-5b0e-4a53-9a52-0d6a3f1f2b11", "--server=a:0"], "needs a port from 1 to 65535"],
    [["config", "chekc"], "did you mean check?"],
    [["jobs", "--server.grpc_address=127.0.0.1:0"], "server.grpc_address has port 0"],
  ] as const)("%j", async (args, message) => {
    const { code, out, err } = await run(args);
    expect(err).toContain(message);
    expect(code).toBe(2);
    expect(out).toBe("");
  });

  test("hostile words are shown, not obeyed", async () => {
    const { err } = await run(["\x1b]0;owned\x07"]);
    expect(err).not.toContain("\x1b]");
    expect(err).not.toContain("\x07");
  });
});

describe("a wrong configuration", () => {
  test("ends every command that reads it with 2, all problems listed", async () => {
    const { code, err } = await run(["jobs", "--server.grpc_address=x", "--limits.max_page_size=0"]);
    expect(code).toBe(2);
    expect(err).toContain("The configuration has 2 problems");
    expect(err).toContain("server.grpc_address = x (from --server.grpc_address)");
    expect(err).toContain("limits.max_page_size");
  });

  test("is the answer of `config check --json`", async () => {
    const { code, out, err } = await run(["config", "check", "--json", "--server.grpc_address=x"]);
    expect({ code, err }).toEqual({ code: 2, err: "" });
    expect(JSON.parse(out)).toEqual({ ok: false, problems: [expect.stringContaining("server.grpc_address")] });
  });

  test("does not keep the version and the help from being shown", async () => {
    const environment = { CYXWIZ_SERVER__GRPC_ADDRESS: "x" };
    expect((await run(["version"], { environment })).code).toBe(0);
    expect((await run(["serve", "--help"], { environment })).code).toBe(0);
  });
});

describe("the configuration's commands", () => {
  test("check judges and warns on standard error, and prints what takes effect", async () => {
    const directory = temporaryDirectory();
    writeFileSync(join(directory, "config.toml"), "[server]\ndata_dir = 'x'\n");
    const { code, out, err } = await run(["config", "check"], { directory });
    expect(code).toBe(0);
    expect(err).toContain("config.toml is valid.\n");
    expect(err).toContain("warning: jwt.secret");
    expect(out).toContain("  # from config.toml");
    expect(out).not.toContain("dev-secret-key");
  });

  test("show prints where each value is from, and hides secrets", async () => {
    const environment = { CYXWIZ_JWT__SECRET: "a-very-secret-secret-of-some-length" };
    const text = await run(["config", "show", "--server.data_dir=/x"], { environment });
    expect(text.out).toContain('data_dir = "/x"  # from --server.data_dir');
    expect(text.out).not.toContain("a-very-secret");
    const data = await run(["config", "show", "--json", "--server.data_dir=/x"], { environment });
    expect(data.out).not.toContain("a-very-secret");
    const { settings } = JSON.parse(data.out);
    expect(settings["server.data_dir"]).toEqual({ value: "/x", from: "--server.data_dir" });
    expect(settings["jwt.secret"]).toEqual({ value: "(hidden)", from: "CYXWIZ_JWT__SECRET" });
    expect(settings["database.url"]).toEqual({ value: null, from: "the default" });
  });

  test("path names the file, or says that there is none", async () => {
    expect(await run(["config", "path"])).toMatchObject({ code: 0, out: "", err: expect.stringContaining("no file") });
    const directory = temporaryDirectory();
    writeFileSync(join(directory, "mine.toml"), "");
    expect(await run(["config", "path", "--config", "mine.toml"], { directory })).toMatchObject({ out: "mine.toml\n" });
  });
});
