/**
 * Packs PostgreSQL's programs for this platform into src/store/embedded/postgres.tar.zst, which scripts/build.ts embeds in our
 * own program (an entry point outside src/ would move the worker's path inside it). Not kept in git. Does nothing when the archive is there for this version. Usage: bun scripts/pack-postgres.ts
 */
import { existsSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { packageName, readPackage, selection, writeTar } from "../src/store/embedded/index.ts";

const assets = join(import.meta.dir, "..", "src", "store", "embedded");
const archive = join(assets, "postgres.tar.zst");
const stamp = join(assets, "postgres.tar.zst.version");

/** 17 MB instead of 48 in some four seconds, once for each version; level 19 saves another megabyte and takes twenty. */
const LEVEL = 12;

function packageDirectory(): string | undefined {
  try {
    return join(dirname(createRequire(import.meta.url).resolve(packageName())), "..");
  } catch {
    return undefined;
  }
}

const directory = packageDirectory();
if (directory === undefined) {
  console.log(
    `there is no embedded PostgreSQL for ${process.platform}-${process.arch}; the program will ask for database.url`,
  );
  process.exit(0);
}
const { version, entries } = readPackage(directory);
const wanted = `${packageName()} ${version} selection ${selection} level ${LEVEL}`;
if (existsSync(archive) && existsSync(stamp) && readFileSync(stamp, "utf8") === wanted) process.exit(0);

const packed = Bun.zstdCompressSync(writeTar([...entries]), { level: LEVEL });
writeFileSync(`${archive}.new`, packed);
renameSync(`${archive}.new`, archive);
writeFileSync(stamp, wanted);
console.log(`packed ${wanted}: ${(packed.length / 1e6).toFixed(1)} MB`);
