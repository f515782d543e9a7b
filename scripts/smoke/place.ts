/** An empty directory with the program in it, and the means to run it there. */
import { type ChildProcess, spawn } from "node:child_process";
import {
  chmodSync,
  chownSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
} from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Actor } from "./actors.ts";

const windows = process.platform === "win32";

/** Longer than anything here takes on a slow machine; a hang is a failure, not a wait. */
const patience = 120_000;

export interface Finished {
  readonly code: number | string;
  readonly out: string;
  readonly err: string;
}

export class Place {
  readonly directory: string;
  readonly #program: string;
  readonly #env: Readonly<Record<string, string>>;
  readonly #children = new Set<ChildProcess>();

  constructor(
    binary: string,
    private readonly actor: Actor,
  ) {
    if (!existsSync(binary)) throw new Error(`there is no program at ${binary}`);
    this.directory = mkdtempSync(join(tmpdir(), "cyxwiz-smoke-"));
    // Nothing but the program lies in the directory it runs in; what a system gives every user lies beside it.
    for (const name of ["work", "home", "tmp"]) this.#own(join(this.directory, name));
    this.#own(this.directory);
    this.#program = join(this.directory, "work", windows ? "cyxwiz.exe" : "cyxwiz");
    copyFileSync(binary, this.#program);
    chmodSync(this.#program, 0o755);
    this.#env = {
      PATH: "",
      HOME: join(this.directory, "home"),
      TMPDIR: join(this.directory, "tmp"),
      // The cache that the embedded PostgreSQL is unpacked to must be a fresh one, or its unpacking is not tested.
      XDG_CACHE_HOME: join(this.directory, "home", ".cache"),
      // Windows programs do not start without it.
      ...(windows && process.env.SYSTEMROOT ? { SYSTEMROOT: process.env.SYSTEMROOT } : {}),
    };
  }

  #own(path: string): void {
    mkdirSync(path, { recursive: true });
    chmodSync(path, 0o755);
    const { uid, gid } = this.actor;
    if (uid !== undefined && gid !== undefined) chownSync(path, uid, gid);
  }

  start(...args: string[]): ChildProcess {
    const { uid, gid } = this.actor;
    const child = spawn(this.#program, args, {
      cwd: join(this.directory, "work"),
      env: { ...this.#env },
      stdio: ["ignore", "pipe", "pipe"],
      ...(uid === undefined || gid === undefined ? {} : { uid, gid }),
    });
    this.#children.add(child);
    child.once("exit", () => this.#children.delete(child));
    return child;
  }

  /** Runs a command to its end. */
  async run(...args: string[]): Promise<Finished> {
    const child = this.start(...args);
    const timer = setTimeout(() => child.kill("SIGKILL"), patience);
    const [out, err, code] = await Promise.all([textOf(child.stdout), textOf(child.stderr), ended(child)]);
    clearTimeout(timer);
    return { code, out, err };
  }

  /** Runs a command that must succeed and show something. @returns its standard output */
  async expect(shows: RegExp, ...args: string[]): Promise<string> {
    const { code, out, err } = await this.run(...args);
    const typed = `cyxwiz ${args.join(" ")}`;
    if (code !== 0) throw new Error(`${typed} ended with ${code}:\n${out}${err}${this.#logs()}`);
    if (!shows.test(out)) throw new Error(`${typed} did not show ${shows}:\n${out}${err}`);
    return out;
  }

  #logs(): string {
    const log = join(this.directory, "work", ".cyxwiz", "cyxwiz.log");
    return existsSync(log)
      ? `\nthe end of its log:\n${readFileSync(log, "utf8").split("\n").slice(-15).join("\n")}`
      : "";
  }

  /** Processes, other than zombies, that were started from this directory or work in it. */
  leftovers(): readonly string[] {
    if (process.platform !== "linux") return [];
    const own = /^\d+$/;
    return readdirSync("/proc")
      .filter((name) => own.test(name))
      .flatMap((pid) => {
        try {
          const command = readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ");
          return command.includes(this.directory) ? [`${pid} ${command}`] : [];
        } catch {
          return []; // it ended meanwhile
        }
      });
  }

  /** Ends what still runs and removes everything. */
  async leave(): Promise<void> {
    const children = [...this.#children];
    for (const child of children) child.kill("SIGKILL");
    await Promise.all(children.map(ended));
    rmSync(this.directory, { recursive: true, force: true, maxRetries: 5 });
  }
}

export function ended(child: ChildProcess): Promise<number | string> {
  if (child.exitCode !== null || child.signalCode !== null)
    return Promise.resolve(child.exitCode ?? child.signalCode ?? "");
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("exit", (code, signal) => resolve(code ?? signal ?? ""));
  });
}

async function textOf(stream: ChildProcess["stdout"]): Promise<string> {
  let text = "";
  for await (const chunk of stream ?? []) text += chunk;
  return text;
}

export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer().once("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      server.close(() => resolve(typeof address === "object" && address !== null ? address.port : 0));
    });
  });
}

/** Resolves once `check` does without throwing. */
export async function until(what: string, check: () => Promise<void>): Promise<void> {
  const deadline = performance.now() + patience;
  for (;;) {
    try {
      return await check();
    } catch (error) {
      if (performance.now() > deadline)
        throw new Error(`${what} did not happen in time: ${error instanceof Error ? error.message : error}`);
      await Bun.sleep(100);
    }
  }
}
