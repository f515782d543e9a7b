import { expect, test } from "bun:test";
import { createHash } from "node:crypto";
import { readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { temporaryDirectory } from "../../support/servers.ts";

const root = join(import.meta.dir, "../../..");
const entry = join(import.meta.dir, "print-image.ts");
const committed = createHash("sha256")
  .update(readFileSync(join(root, "programs/job-escrow/job_escrow.so")))
  .digest("hex");

function run(command: readonly string[], cwd: string): string {
  const child = Bun.spawnSync([...command], { cwd, stderr: "pipe" });
  if (child.exitCode !== 0) throw new Error(child.stderr.toString());
  return child.stdout.toString().trim();
}

test("the program is found when the server runs from source, wherever it is started", () => {
  expect(run([process.execPath, entry], tmpdir())).toBe(committed);
});

test("the program is inside the compiled server", () => {
  const place = temporaryDirectory("embedded-program");
  try {
    const binary = join(place, "print-image");
    // The flags of scripts/build.ts that decide how files are embedded and found.
    const flags = ["--compile", "--minify", "--bytecode", "--format=esm", "--root=src", "--asset-naming=[name].[ext]"];
    run([process.execPath, "build", ...flags, entry, `--outfile=${binary}`], root);
    // It does not read the file it was built from: it does not know where that is.
    expect(readFileSync(binary).includes(join(root, "programs"))).toBe(false);
    expect(run([binary], place)).toBe(committed);
  } finally {
    rmSync(place, { recursive: true, force: true });
  }
}, 120_000);
