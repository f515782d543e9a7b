import { afterAll, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { readTotals } from "../../scripts/test-totals.ts";

const root = join(import.meta.dir, "..", "..");
const directory = mkdtempSync(join(tmpdir(), "cyxwiz-runner-"));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

test("test cases are counted one by one, whatever their names and messages hold", async () => {
  const file = join(directory, "sample.test.ts");
  writeFileSync(
    file,
    `import { describe, expect, test } from "bun:test";
describe("outer", () => describe("in <x> \\"q\\" & />", () => {
  test("passes > \\"1\\" <failure", () => {});
  test("fails", () => { expect(1).toBe(2); });
  test.skip("skipped", () => {});
  test.todo("todo");
}));
test("throws", () => { throw new Error("</testcase><testcase name='x'/>"); });
`,
  );
  const report = join(directory, "report.xml");
  Bun.spawnSync([process.execPath, "test", "--reporter=junit", `--reporter-outfile=${report}`, file], {
    cwd: directory,
    stdout: "ignore",
    stderr: "ignore",
  });
  expect(readTotals(await Bun.file(report).text())).toEqual({
    passed: 1,
    failed: 2,
    skipped: 2,
    failures: [
      expect.stringMatching(/^.*sample\.test\.ts > .*in <x> "q" & \/>.* > fails$/),
      expect.stringMatching(/^.*sample\.test\.ts > .* > throws$/),
    ],
  });
});

test("an empty report holds nothing", () => {
  expect(readTotals("<testsuites/>")).toEqual({ passed: 0, failed: 0, skipped: 0, failures: [] });
});

describe("scripts/test.ts", () => {
  const run = (...args: string[]) => {
    const child = Bun.spawnSync([process.execPath, join(root, "scripts", "test.ts"), ...args], {
      cwd: root,
      stdin: "ignore",
    });
    return { code: child.exitCode, last: child.stdout.toString().trimEnd().split("\n").at(-1) };
  };

  test("passes arguments on and closes with the totals", () => {
    expect(run("tests/scripts/traces.test.ts", "-t", "many machines")).toMatchObject({
      code: 0,
      last: expect.stringMatching(/^1 passed, 0 failed/),
    });
  });

  test("a run without a test fails", () => {
    expect(run("tests/scripts/there-is-no-such.test.ts").code).toBe(1);
  });
});

describe("scripts/smoke-binary.ts", () => {
  const smoke = (script: string) => {
    const binary = join(directory, "fake");
    writeFileSync(binary, `#!/bin/sh\n${script}\n`);
    const child = Bun.spawnSync(
      [process.execPath, join(root, "scripts", "smoke-binary.ts"), "--quick", "--binary", binary],
      {
        stdin: "ignore",
      },
    );
    return { code: child.exitCode, shown: child.stdout.toString() + child.stderr.toString() };
  };

  test("is content with a program that answers", () => {
    expect(smoke("echo 'cyxwiz 1.2.3'")).toMatchObject({ code: 0 });
  });

  test("shows what a failing program said", () => {
    const { code, shown } = smoke("echo out; echo broken >&2; exit 3");
    expect(code).toBe(1);
    expect(shown).toContain("cyxwiz version ended with 3");
    expect(shown).toContain("broken");
  });

  test("does not take silence for an answer, nor a missing program", () => {
    expect(smoke("exit 0").code).toBe(1);
    const child = Bun.spawnSync(
      [process.execPath, join(root, "scripts", "smoke-binary.ts"), "--binary", "/nowhere/cyxwiz"],
      { stdin: "ignore" },
    );
    expect(child.exitCode).toBe(1);
  });
});

test("the configuration reference is up to date", () => {
  const child = Bun.spawnSync([process.execPath, join(root, "scripts", "generate-config-docs.ts"), "--check"], {
    stdin: "ignore",
  });
  expect(child.stderr.toString()).toBe("");
  expect(child.exitCode).toBe(0);
});
