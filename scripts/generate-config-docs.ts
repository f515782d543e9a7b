/** Writes docs/configuration.md from src/config. With --check it only says whether the file is up to date. */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { renderReference } from "../src/config/index.ts";

const file = join(import.meta.dir, "..", "docs", "configuration.md");
const wanted = renderReference();

if (process.argv.includes("--check")) {
  if (readOrNothing() !== wanted) {
    console.error("docs/configuration.md is out of date: run `bun scripts/generate-config-docs.ts`");
    process.exit(1);
  }
} else {
  writeFileSync(file, wanted);
}

function readOrNothing(): string {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return "";
  }
}
