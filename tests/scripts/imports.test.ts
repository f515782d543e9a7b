import { afterAll, describe, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { checkImports } from "../../scripts/check-imports.ts";
import { scanImports } from "../../scripts/imports/scan.ts";

const made: string[] = [];
afterAll(() => {
  for (const directory of made) rmSync(directory, { recursive: true, force: true });
});

/** A project made of `files`: what the check says of it. */
function check(files: Readonly<Record<string, string>>): string[] {
  const root = mkdtempSync(join(tmpdir(), "cyxwiz-imports-"));
  made.push(root);
  for (const [file, content] of Object.entries(files)) {
    mkdirSync(dirname(join(root, file)), { recursive: true });
    writeFileSync(join(root, file), content);
  }
  return checkImports(root);
}

describe("the direction of imports", () => {
  test.each([
    ["src/actors/job/machine.ts", "../../domain/money.ts"],
    ["src/store/journal.ts", "../actors/runtime/ports.ts"],
    ["src/chain/client.ts", "../config/load.ts"],
    ["src/observability/log.ts", "../actors/runtime/ports.ts"],
    ["src/transport/grpc/jobs.ts", "../../store/reads.ts"],
    ["src/agent/node.ts", "../transport/grpc/generated/node.ts"],
    ["src/agent/node.ts", "../actors/runtime/ports.ts"],
    ["src/cli/main.ts", "../transport/grpc/client.ts"],
    ["src/server.ts", "./transport/grpc/jobs.ts"],
    ["src/main.ts", "./server.ts"],
    ["src/main.ts", "./cli/main.ts"],
    ["src/store/a.ts", "./b.ts"],
    ["src/cli/version.ts", "../../package.json"],
    ["scripts/x.ts", "../src/config/load.ts"],
    ["src/actors/runtime/cell.ts", "xstate"],
    ["src/actors/runtime/cell.ts", "xstate/graph"],
    ["src/actors/job/machine.ts", "xstate"],
  ])("%s may import %s", (from, to) => {
    expect(check({ [from]: `import { x } from "${to}";\n` })).toEqual([]);
  });

  test.each([
    ["src/domain/money.ts", "../config/load.ts"],
    ["src/config/load.ts", "../actors/runtime/ports.ts"],
    ["src/actors/job/machine.ts", "../../store/journal.ts"],
    ["src/store/journal.ts", "../chain/client.ts"],
    ["src/store/journal.ts", "../transport/grpc/errors.ts"],
    ["src/observability/metrics.ts", "../transport/rest/app.ts"],
    ["src/transport/grpc/jobs.ts", "../../cli/main.ts"],
    ["src/agent/node.ts", "../transport/grpc/jobs.ts"],
    ["src/agent/node.ts", "../actors/node/machine.ts"],
    ["src/agent/node.ts", "../store/journal.ts"],
    ["src/cli/main.ts", "../server.ts"],
    ["src/server.ts", "./cli/main.ts"],
    ["src/store/journal.ts", "../../tests/support/servers.ts"],
    ["src/new/thing.ts", "../domain/money.ts"],
    ["src/actors/runtime/cell.ts", "../../domain/money.ts"],
    ["src/actors/runtime/cell.ts", "../job/machine.ts"],
    ["src/actors/runtime/cell.ts", "node:fs"],
    ["src/actors/runtime/cell.ts", "xstate-more"],
    ["src/transportation.ts", "./domain/money.ts"],
  ])("%s may not import %s", (from, to) => {
    for (const statement of [
      `import { x } from "${to}";`,
      `import type { X } from "${to}";`,
      `export * from "${to}";`,
      `const x = await import("${to}");`,
    ]) {
      expect(check({ [from]: `// a comment\n${statement}\n` })).toEqual([
        expect.stringContaining(`${from}:2: imports "${to}": `),
      ]);
    }
  });

  test("the message names file, line, import and rule", () => {
    expect(check({ "src/domain/a.ts": 'import {\n  x,\n} from "../store/b.ts";\n' })).toEqual([
      'src/domain/a.ts:3: imports "../store/b.ts": src/domain may import nothing else',
    ]);
  });
});

describe("faces", () => {
  const faced = {
    "src/store/index.ts": "",
    "src/store/sql/inner.ts": "",
    "src/actors/index.ts": "",
    "src/actors/runtime/index.ts": "",
  };

  test.each([
    ["src/transport/a.ts", "../store/index.ts"],
    ["src/store/a.ts", "./sql/inner.ts"],
    ["src/store/sql/a.ts", "../b.ts"],
    ["src/store/a.ts", "../actors/runtime/index.ts"], // an inner folder may have a face of its own
    ["src/actors/a.ts", "./runtime/index.ts"],
    ["tests/store/a.test.ts", "../../src/store/sql/inner.ts"],
  ])("%s may import %s", (from, to) => expect(check({ ...faced, [from]: `import "${to}";` })).toEqual([]));

  test.each([
    ["src/transport/a.ts", "../store/sql/inner.ts", "src/store"],
    ["src/store/a.ts", "../actors/runtime/cell.ts", "src/actors/runtime"],
    ["src/actors/a.ts", "./runtime/cell.ts", "src/actors/runtime"],
    ["src/transport/a.ts", "../actors/job/machine.ts", "src/actors"],
    ["scripts/a.ts", "../src/store/journal.ts", "src/store"],
  ])("%s may not import %s", (from, to, folder) => {
    expect(check({ ...faced, [from]: `import "${to}";` })).toEqual([
      `${from}:1: imports "${to}": ${folder} is entered through ${folder}/index.ts only`,
    ]);
  });
});

describe("the scanner", () => {
  const found = (source: string): string[] => scanImports(source).map(({ specifier, line }) => `${line} ${specifier}`);

  test.each([
    ['import a from "a";', ["1 a"]],
    ["import a, { type B } from 'a'", ["1 a"]],
    ['import type { A } from "a";', ["1 a"]],
    ['import * as a from "a"; import "b";\nimport"c"', ["1 a", "2 c"]],
    ['export { a } from "a";\nexport * as b from "b";\nexport type { C } from "c";', ["1 a", "2 b", "3 c"]],
    ['type A = import("a").A;\nconst b = await import(\n  "b"\n);\nconst c = require("c");', ["1 a", "3 b", "5 c"]],
    ['import {\n  a, // from "x"\n  b,\n} from "a";', ["4 a"]],
    ['import a from "a" with { type: "text" };', ["1 a"]],
    ['// import "x"\n/* import "y"\nimport "z" */\nimport "a";', ["4 a"]],
    ['const s = `\nimport "x";\n`;\nimport "a";', ["4 a"]],
    ['const u = "http://x"; const q = "/* not a comment";\nimport "a"; // */', ["2 a"]],
    ['const r = /["\'`]\\//g;\nimport "a";', ["2 a"]],
    ['x.replace(/[/"`]/g, "`");\nimport "a";', ["2 a"]],
    ["const half = total / 2 / 3;\nimport 'a';", ["2 a"]],
    ['export const from = "x";\nexport function f() {\n  return "y";\n}', []],
    ['const important = "x"; export default "y";', []],
    ["", []],
  ])("%j", (source, expected) => expect(found(source)).toEqual(expected));

  test("every import of this project is found that Bun's scanner finds", async () => {
    const transpiler = new Bun.Transpiler({ loader: "ts" });
    const root = join(import.meta.dir, "..", "..");
    for await (const file of new Bun.Glob("{src,tests,scripts}/**/*.ts").scan({ cwd: root })) {
      const source = await Bun.file(join(root, file)).text();
      const ours = new Set(scanImports(source).map(({ specifier }) => specifier));
      const missed = transpiler
        .scanImports(source)
        .map(({ path }) => path)
        .filter((path) => !ours.has(path) && path !== "bun:wrap");
      expect([file, missed]).toEqual([file, []]);
    }
  });
});
