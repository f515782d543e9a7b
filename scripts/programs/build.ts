/**
 * Builds the on-chain programs from programs/. The built files are committed, so that nobody needs a compiler to run the
 * server or its tests. With --check nothing is written: it fails if the sources no longer give the committed bytes, and
 * passes, saying so, where clang-19 is not installed.
 *
 * Usage: bun scripts/programs/build.ts [--check]
 */
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { COMPILED_WITH, compile, compilerVersion, programs } from "./compile.ts";

const directory = join(import.meta.dir, "..", "..", "programs");
const check = process.argv.includes("--check");

function run(): number {
  const version = compilerVersion();
  if (version === null) {
    console.log(
      "programs: clang-19 is not installed (Debian: apt install clang-19); the committed files were not compared",
    );
    return check ? 0 : 1;
  }
  let differing = 0;
  for (const program of programs) {
    const path = join(directory, program.built);
    const fresh = compile(directory, program);
    const same = existsSync(path) && readFileSync(path).equals(fresh);
    if (!same && check) differing += 1;
    else if (!same) writeFileSync(path, fresh);
    const verdict = same ? "is what its source gives" : check ? "DIFFERS from what its source gives" : "written";
    console.log(`programs/${program.built}: ${verdict} (${fresh.length} bytes)`);
  }
  if (version !== COMPILED_WITH) {
    console.log(
      `The committed files were made with clang ${COMPILED_WITH}; this is ${version}, which may give other bytes.`,
    );
  }
  if (differing > 0) console.error("Run bun scripts/programs/build.ts, test, and commit the result.");
  return differing === 0 ? 0 : 1;
}

process.exit(run());
