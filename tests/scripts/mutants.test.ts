import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { mutants } from "../../scripts/mutants/list.ts";

const root = join(import.meta.dir, "..", "..");

for (const { invariant, name, file, find, replace } of mutants) {
  test(`the mutant of ${invariant} "${name}" still has something to break`, () => {
    expect(readFileSync(join(root, file), "utf8").split(find)).toHaveLength(2);
    expect(replace).not.toBe(find);
  });
}
