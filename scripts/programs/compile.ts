/** Compiles one program of programs/ to the bytes that are deployed. */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { link } from "./link.ts";

const COMPILER = "clang-19";
/** Another release of clang 19 may order instructions otherwise; then the bytes differ though the source does not. */
export const COMPILED_WITH = "19.1.7";

const FLAGS: readonly string[] = [
  "-target",
  "bpf",
  // Of upstream's instruction sets the one that holds nothing sBPF lacks (v3 adds 32-bit jumps, v4 signed division).
  "-mcpu=v2",
  "-O2",
  // A frame on Solana is 4096 bytes; the kernel's limit of 512 does not hold.
  ...["-mllvm", "-bpf-stack-size=4096"],
  // Jump tables are addresses in data, made by the compiler out of a switch; without them the data is constants alone.
  "-fno-jump-tables",
  ...["-ffreestanding", "-fno-builtin", "-nostdinc"],
  ...["-Wall", "-Wextra", "-Werror"],
];

export interface Program {
  /** Below programs/. */
  readonly source: string;
  readonly built: string;
}

export const programs: readonly Program[] = [{ source: "job-escrow/job_escrow.c", built: "job-escrow/job_escrow.so" }];

/** "19.1.7", or null where the compiler is not installed. */
export function compilerVersion(): string | null {
  const path = Bun.which(COMPILER);
  if (path === null) return null;
  const { stdout } = Bun.spawnSync([path, "--version"], { env: environment() });
  return /version (\d+\.\d+\.\d+)/.exec(stdout.toString())?.[1] ?? "unknown";
}

/**
 * The same bytes on every machine with that compiler: the source is named relative to `directory`, nothing carries a date,
 * and of the object only code and constants are kept.
 * @param directory programs/, or a copy of it
 * @throws Error with the compiler's messages
 */
export function compile(directory: string, { source }: Program): Buffer {
  const place = mkdtempSync(join(tmpdir(), "cyxwiz-program-"));
  try {
    const object = join(place, "program.o");
    const child = Bun.spawnSync([COMPILER, ...FLAGS, "-c", source, "-o", object], {
      cwd: directory,
      env: environment(),
    });
    if (child.exitCode !== 0) throw new Error(`${COMPILER} refused programs/${source}:\n${child.stderr.toString()}`);
    return link(readFileSync(object));
  } finally {
    rmSync(place, { recursive: true, force: true });
  }
}

/** Nothing of the caller's but where programs are: CPATH, SOURCE_DATE_EPOCH or a locale could find their way into the build. */
const environment = (): Record<string, string> => ({ PATH: process.env.PATH ?? "", LC_ALL: "C" });
