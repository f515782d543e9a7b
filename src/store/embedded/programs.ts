/**
 * PostgreSQL's programs, unpacked where its user can run them: from the npm package when run from source, from an archive
 * inside our own program when compiled. Unpacked once for each version; later starts find them.
 */
import { createHash } from "node:crypto";
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { createRequire } from "node:module";
import { homedir, tmpdir } from "node:os";
import { dirname, join } from "node:path";
import type { Log } from "../../actors/runtime/index.ts";
import { messageOf, StoreError } from "../errors.ts";
import { canReach, type RunAs } from "./identity.ts";
import { packageName, readPackage, selection } from "./package.ts";
import { readTar, type TarEntry } from "./tar.ts";

/** The archive of scripts/pack-postgres.ts; Bun puts a hash before the last dot when it embeds it. */
const ARCHIVE = /(^|\/)postgres\.tar[^/]*\.zst$/;

interface Source {
  /** Names the unpacked copy. */
  readonly key: string;
  readonly entries: () => Iterable<TarEntry>;
}

/** The directory that holds `bin`, `lib` and `share`. @throws StoreError when this platform has no build. */
export async function findPrograms(runAs: RunAs | undefined, log: Log): Promise<string> {
  const source = (await fromArchive()) ?? fromPackage();
  if (source === undefined) {
    throw new StoreError(
      "no_embedded_build",
      `There is no embedded PostgreSQL for ${process.platform}-${process.arch}. Set database.url to a PostgreSQL server (14 or newer).`,
    );
  }
  const reasons: string[] = [];
  for (const cache of cacheDirectories(runAs)) {
    const home = join(cache, source.key);
    try {
      mkdirSync(cache, { recursive: true, mode: 0o755 });
      requireOwn(cache);
      if (!existsSync(home)) unpack(source.entries(), home, log);
      if (runAs === undefined || canReach(runAs, home)) return home;
      reasons.push(`${home}: ${runAs.name} cannot enter it`);
    } catch (error) {
      reasons.push(`${home}: ${messageOf(error)}`);
    }
  }
  throw new StoreError(
    "embedded_failed",
    `PostgreSQL could not be unpacked anywhere (${reasons.join("; ")}). Set database.url, or XDG_CACHE_HOME.`,
  );
}

/** In a shared temporary directory somebody else might have put programs of their own under our name. */
function requireOwn(cache: string): void {
  const { uid, mode } = lstatSync(cache);
  if (uid !== process.getuid?.() || (mode & 0o022) !== 0) throw new Error("other users can write there");
}

async function fromArchive(): Promise<Source | undefined> {
  const file = (Bun.embeddedFiles as readonly (Blob & { readonly name: string })[]).find(({ name }) =>
    ARCHIVE.test(name),
  );
  if (file === undefined) return undefined;
  const packed = new Uint8Array(await file.arrayBuffer());
  const digest = createHash("sha256").update(packed).digest("hex").slice(0, 16);
  return { key: `postgres-${digest}`, entries: () => readTar(Bun.zstdDecompressSync(packed)) };
}

function fromPackage(): Source | undefined {
  try {
    const entry = createRequire(import.meta.url).resolve(packageName());
    const { version, entries } = readPackage(join(dirname(entry), ".."));
    return { key: `postgres-${version}-${process.platform}-${process.arch}-${selection}`, entries: () => entries };
  } catch {
    return undefined;
  }
}

/** A place of the system's first, then the user's own, then a temporary one. */
function cacheDirectories(runAs: RunAs | undefined): readonly string[] {
  const own =
    process.env.XDG_CACHE_HOME || join(homedir(), process.platform === "darwin" ? "Library/Caches" : ".cache");
  const shared = runAs === undefined ? [] : ["/var/cache/cyxwiz"];
  return [...shared, join(own, "cyxwiz"), join(tmpdir(), `cyxwiz-${process.getuid?.() ?? "user"}`)];
}

/** Unpacks beside the place and renames, so that a copy is either whole or not there. */
function unpack(entries: Iterable<TarEntry>, home: string, log: Log): void {
  const started = performance.now();
  mkdirSync(dirname(home), { recursive: true, mode: 0o755 });
  const fresh = mkdtempSync(`${home}.unpacking-`);
  try {
    for (const { path, executable, body } of entries) {
      const target = join(fresh, path);
      mkdirSync(dirname(target), { recursive: true, mode: 0o755 });
      if ("link" in body) symlinkSync(body.link, target);
      else writeFileSync(target, body.file, { mode: executable ? 0o755 : 0o644 });
    }
    chmodSync(fresh, 0o755);
    try {
      renameSync(fresh, home);
    } catch (error) {
      // Another process was faster; its copy is as good as ours.
      if (!existsSync(home)) throw error;
    }
    log.info("unpacked the embedded PostgreSQL", { home, milliseconds: Math.round(performance.now() - started) });
  } finally {
    rmSync(fresh, { recursive: true, force: true });
  }
}

/** "17", the version of the data directories these programs can open. */
export function majorOf(home: string): string {
  const found = Bun.spawnSync([join(home, "bin/postgres"), "--version"], { stdout: "pipe", stderr: "pipe" });
  const version = /\) (\d+)/.exec(found.stdout.toString())?.[1];
  if (version !== undefined) return version;
  throw new StoreError(
    "embedded_failed",
    `The embedded PostgreSQL does not run on this system: ${found.stderr.toString().trim().split("\n")[0] || `exit code ${found.exitCode}`}. ` +
      "It needs glibc 2.25 or newer on Linux (not musl). Set database.url to a PostgreSQL server instead.",
  );
}

export const versionOfCluster = (cluster: string): string => readFileSync(join(cluster, "PG_VERSION"), "utf8").trim();
