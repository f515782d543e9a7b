import { afterAll, describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { catalogue } from "../../src/cli/catalogue.ts";
import { Exit } from "../../src/cli/exit-codes.ts";
import { widthOf } from "../../src/cli/text/safe.ts";
import { removeTemporaryDirectories, run } from "./support/world.ts";

afterAll(removeTemporaryDirectories);

const names = catalogue.map(({ name }) => name);

test("the issue's commands are all there", () => {
  const wanted =
    "up serve node submit watch status explain plan wallet payment cancel delete jobs nodes cordon drain uncordon ban unban pause resume backup restore config version";
  expect(names).toEqual(wanted.split(" "));
});

test("--help lists the commands and the exit codes, on standard output", async () => {
  const { code, out, err } = await run(["--help"]);
  expect({ code, err }).toEqual({ code: 0, err: "" });
  for (const { name, summary } of catalogue) expect(out).toMatch(new RegExp(`^  ${name} +${summary}`, "m"));
  for (const number of Object.values(Exit)) expect(out).toMatch(new RegExp(`^  ${number} `, "m"));
  expect(await run(["help"])).toMatchObject({ code: 0, out });
});

test("no command is a mistake, and the help goes where errors go", async () => {
  const { code, out, err } = await run([]);
  expect({ code, out }).toEqual({ code: 2, out: "" });
  expect(err).toContain("Usage: cyxwiz <command>");
});

test("undrain is uncordon by another name", async () => {
  expect((await run(["undrain", "--help"])).out).toBe((await run(["uncordon", "--help"])).out);
});

describe.each(names)("cyxwiz %s --help", (name) => {
  test("says what it does, every option and an example that it can parse", async () => {
    const command = await catalogue.find((entry) => entry.name === name)!.load();
    const { code, out } = await run([name, "--help"]);
    expect(code).toBe(0);
    expect(out.startsWith(`Usage: cyxwiz ${name}`)).toBe(true);
    for (const option of command.options) expect(out).toContain(`--${option.name}`);
    for (const [typed] of command.examples) {
      expect(typed.startsWith(name)).toBe(true);
      expect(out).toContain(`cyxwiz ${typed}`);
      for (const [, option] of typed.matchAll(/ --([a-z-]+)(?=[= ]|$)/g)) {
        expect([...command.options.map((one) => one.name), "json", "config"]).toContain(option!);
      }
    }
    expect(await run(["help", name])).toMatchObject({ code: 0, out });
  });

  test.each([40, 60, 80, 200])("fits %i columns", async (columns) => {
    const { out } = await run([name, "--help"], { columns });
    const text = out.split("\n").filter((line) => !/^(Usage: {1}| {2}cyxwiz | {6}[a-z])/.test(line));
    for (const line of text) expect(widthOf(line)).toBeLessThanOrEqual(Math.max(columns, 44));
  });
});

test("docs/cli.md describes every command, option and exit code", async () => {
  const text = readFileSync(join(import.meta.dir, "..", "..", "docs", "cli.md"), "utf8");
  for (const { name, load } of catalogue) {
    // Commands that belong together share a section.
    expect([name, new RegExp(`^## (\\w+, )*${name}\\b`, "m").test(text)]).toEqual([name, true]);
    for (const option of (await load()).options) expect(text).toContain(`--${option.name}`);
  }
  for (const number of Object.values(Exit)) expect(text).toMatch(new RegExp(`^\\| ${number} \\|`, "m"));
});

describe("version", () => {
  test("in words and as data", async () => {
    expect((await run(["version"])).out).toBe("cyxwiz 1.2.3 (bun 0, test-cpu)\n");
    expect((await run(["--version"])).out).toBe("cyxwiz 1.2.3 (bun 0, test-cpu)\n");
    expect(JSON.parse((await run(["version", "--json"])).out)).toEqual({
      version: "1.2.3",
      commit: null,
      runtime: "bun 0",
      platform: "test-cpu",
    });
  });
});
