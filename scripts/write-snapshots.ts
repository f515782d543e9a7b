/**
 * Writes tests/fixtures/snapshots/<version>: the actors as the machines of this checkout store them, for later versions to be held to.
 *
 *   bun scripts/write-snapshots.ts                      of this checkout, under the version of package.json
 *   bun scripts/write-snapshots.ts <checkout> <version> of another one, such as a worktree of an earlier commit
 */
import { mkdirSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import manifest from "../package.json" with { type: "json" };
import { KINDS, storedBy } from "../tests/actors/machines/proofs/stored.ts";

const root = join(import.meta.dir, "..");
const [checkout = root, version = manifest.version] = process.argv.slice(2);
const folder = join(root, "tests/fixtures/snapshots", version);
mkdirSync(folder, { recursive: true });
for (const kind of KINDS) {
  const actors = await storedBy(resolve(checkout), kind);
  const lines = actors.map((actor) => JSON.stringify(actor)).join(",\n");
  writeFileSync(join(folder, `${kind}.json`), `{ "actors": [\n${lines}\n] }\n`);
  console.log(`${version} ${kind}: ${actors.length} actors`);
}
