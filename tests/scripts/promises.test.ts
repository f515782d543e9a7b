import { expect, test } from "bun:test";
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { checkPromises } from "../../scripts/check-promises.ts";

test("floating promises are found wherever they come from, handled ones are not", async () => {
  const root = mkdtempSync(join(tmpdir(), "cyxwiz-promises-"));
  try {
    symlinkSync(join(import.meta.dir, "..", "..", "node_modules"), join(root, "node_modules"));
    writeFileSync(
      join(root, "tsconfig.json"),
      JSON.stringify({
        compilerOptions: { strict: true, module: "Preserve", types: ["bun"], noEmit: true },
        include: ["*.ts"],
      }),
    );
    writeFileSync(
      join(root, "a.ts"),
      `import { writeFile } from "node:fs/promises";
async function own(): Promise<void> {}
interface Part { stop(): Promise<void>; size(): number }
export async function f(part: Part | undefined, yes: boolean): Promise<void> {
  own(); // BAD
  writeFile("a", "b"); // BAD
  Bun.write("a", "b"); // BAD
  part?.stop(); // BAD
  yes && part?.stop(); // BAD
  own().then(() => {}); // BAD
  own().finally(() => {}); // BAD
  [1].map(() => own());
  part?.size();
  await own();
  void own();
  own().catch(() => {});
  own().then(() => {}, () => {});
  own().catch(() => {}).finally(() => {});
  let kept: unknown;
  kept = own();
  void kept;
  setTimeout(() => { own(); }, 1); // BAD
}
`,
    );
    const lines = (await checkPromises(join(root, "tsconfig.json"))).map((line) => Number(line.split(":")[1]));
    expect(lines.sort((a, b) => a - b)).toEqual([5, 6, 7, 8, 9, 10, 11, 22]);
  } finally {
    rmSync(root, { recursive: true, force: true });
  }
}, 60_000);
