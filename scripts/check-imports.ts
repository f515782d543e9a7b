/** Checks that imports point down only. Usage: bun scripts/check-imports.ts [root] */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { brokenRule } from "./imports/rules.ts";
import { scanImports } from "./imports/scan.ts";

/** Every broken rule below `root`, as `file:line: imports "x": rule`. Tests may look inside what they test, so they are free. */
export function checkImports(root: string): string[] {
  const exists = (file: string): boolean => existsSync(join(root, file));
  const files = [...new Bun.Glob("{src,scripts,bench}/**/*.{ts,tsx}").scanSync({ cwd: root })].map((file) =>
    file.replaceAll("\\", "/"),
  );
  return files.sort().flatMap((file) =>
    scanImports(readFileSync(join(root, file), "utf8")).flatMap(({ specifier, line }) => {
      const rule = brokenRule(file, specifier, exists);
      return rule === null ? [] : [`${file}:${line}: imports "${specifier}": ${rule}`];
    }),
  );
}

if (import.meta.main) {
  const broken = checkImports(process.argv[2] ?? join(import.meta.dir, ".."));
  for (const line of broken) console.error(line);
  process.exit(broken.length === 0 ? 0 : 1);
}
