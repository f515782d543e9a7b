/**
 * Checks that no file of the project carries traces of the machine it was written on: addresses of package registries,
 * this checkout's path, private keys. A lock file with an address in it would break every clone elsewhere.
 */
import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";

export interface Trace {
  readonly file: string;
  readonly line: number;
  readonly what: string;
}

/** Folders that hold other people's projects too; naming them says nothing about this machine. */
const publicPlaces = new Set(["/", "/tmp", "/home", "/root", "/work", "/opt", "/srv", "/usr", "/var", "/Users"]);

const lockFile = /(^|\/)(bun\.lock|package-lock\.json)$/;

/** @param root this checkout's absolute path */
export function tracesIn(file: string, content: string, root: string): Trace[] {
  const places = [root, dirname(root)].filter((place) => place === root || !publicPlaces.has(place));
  const patterns: (readonly [RegExp, string])[] = [
    [/https?:\/\/[^\s"'`)\]]*(registry|npmmirror|artifactory|nexus|verdaccio)/i, "the address of a package registry"],
    [/-----BEGIN [A-Z ]*PRIVATE KEY-----/, "a private key"],
    // A Solana key pair as the CLI stores it: 64 numbers from 0 to 255.
    [/\[\s*(\d{1,3}\s*,\s*){63}\d{1,3}\s*\]/, "what looks like a Solana key pair"],
    ...places.map(
      (place) => [new RegExp(`(^|[^\\w/.-])${literally(place)}(/|\\b)`), "a path of this machine"] as const,
    ),
  ];
  if (lockFile.test(file))
    patterns.push([/"resolved"|"[^"]*https?:\/\/[^"]*\.tgz/, "a tarball's address in a lock file"]);
  return content.split("\n").flatMap((text, index) => {
    const found = patterns.find(([pattern]) => pattern.test(text));
    return found === undefined ? [] : [{ file, line: index + 1, what: found[1] }];
  });
}

const literally = (text: string): string => text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");

/** The files git tracks, and those it would: not ignored, not generated elsewhere. */
function projectFiles(root: string): string[] {
  const git = Bun.spawnSync(["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"], { cwd: root });
  if (git.exitCode !== 0) throw new Error(`git ls-files failed: ${git.stderr.toString().trim()}`);
  return git.stdout
    .toString()
    .split("\0")
    .filter((file) => file !== "");
}

export function checkTraces(root: string): Trace[] {
  return projectFiles(root).flatMap((file) => {
    const content = readText(join(root, file));
    return content === null ? [] : tracesIn(file, content, root);
  });
}

/** A file's text, or null for one that is binary or gone (deleted, and not yet committed as such). */
function readText(path: string): string | null {
  try {
    const bytes = readFileSync(path);
    return bytes.subarray(0, 8192).includes(0) ? null : bytes.toString("utf8");
  } catch {
    return null;
  }
}

if (import.meta.main) {
  const found = checkTraces(join(import.meta.dir, ".."));
  for (const { file, line, what } of found) console.error(`${file}:${line}: holds ${what}`);
  process.exit(found.length === 0 ? 0 : 1);
}
