/**
 * The postmaster, PostgreSQL's first process, as a child of ours with a session of its own: Ctrl-C in the terminal reaches us
 * and not it, so that it goes on until the last commit is through. If we are killed it lives on, and the next start finds it
 * by its pid file and ends it; what was committed is in its log either way.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { closeSync, existsSync, openSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import pg from "pg";
import type { Log } from "../../actors/runtime/index.ts";
import { messageOf, StoreError, sqlState } from "../errors.ts";
import { SUPERUSER } from "./cluster.ts";
import type { RunAs } from "./identity.ts";
import type { Place } from "./place.ts";

/** Small enough to be a guest on a laptop: 23 MB of memory in all while idle. */
const SETTINGS: Readonly<Record<string, string>> = {
  shared_buffers: "16MB",
  max_connections: "40",
  // Nobody replicates from an embedded server; without these it keeps less and starts faster.
  wal_level: "minimal",
  max_wal_senders: "0",
  max_wal_size: "256MB",
  listen_addresses: "",
  // The defaults, named because everything rests on them.
  fsync: "on",
  synchronous_commit: "on",
  full_page_writes: "on",
};

/** A crash leaves at most `max_wal_size` to replay: seconds. A minute is a broken disk. */
const READY_WITHIN = 60_000;
const STOP_WITHIN = 20_000;

/** Where the postmaster of this place takes connections. */
export const urlAt = ({ sockets }: Place): string =>
  `postgres://${SUPERUSER}@localhost/cyxwiz?host=${encodeURIComponent(sockets)}`;

export interface PostmasterOptions {
  readonly programs: string;
  readonly place: Place;
  readonly runAs: RunAs | undefined;
  readonly logFile: string;
  readonly log: Log;
}

export class Postmaster {
  #child: ChildProcess | null = null;
  #stopping = false;

  constructor(private readonly options: PostmasterOptions) {}

  get pid(): number | undefined {
    return this.#child?.pid;
  }

  get url(): string {
    return urlAt(this.options.place);
  }

  /** Starts it and waits until it takes connections. @throws StoreError with the end of its log */
  async start(): Promise<void> {
    await endOrphan(this.options.place.cluster, this.options.log);
    this.#refuseWhenStopping();
    removeStaleLocks(this.options.place);
    const giveUpAt = Date.now() + READY_WITHIN;
    this.#spawn();
    for (;;) {
      if (await this.#isReady()) return;
      if (this.#child === null) {
        // Backends of a killed postmaster hold the shared memory until they notice, a moment later.
        if (Date.now() > giveUpAt || !this.#logEnd().includes("pre-existing shared memory block"))
          throw this.#failure("did not start");
        await sleep(200);
        this.#refuseWhenStopping();
        this.#spawn();
      } else if (Date.now() > giveUpAt) {
        throw this.#failure(`did not take connections within ${READY_WITHIN / 1000} s`);
      }
      await sleep(5);
    }
  }

  /** Lets transactions under way roll back, writes a checkpoint, ends. */
  async stop(): Promise<void> {
    this.#stopping = true;
    const child = this.#child;
    if (child === null) return;
    const gone = new Promise<true>((resolve) => child.once("exit", () => resolve(true)));
    child.kill("SIGINT");
    const late = sleep(STOP_WITHIN, false, { ref: false });
    if (await Promise.race([gone, late])) return;
    this.options.log.warn(
      "the embedded PostgreSQL did not stop in time and is being ended; it will recover at the next start",
    );
    child.kill("SIGQUIT");
    await gone;
  }

  /** For a process that is about to end: asks it to stop and does not wait. */
  kill(signal: NodeJS.Signals = "SIGINT"): void {
    this.#stopping = true;
    this.#child?.kill(signal);
  }

  #spawn(): void {
    const { programs, place, runAs, logFile, log } = this.options;
    const settings = { ...SETTINGS, unix_socket_directories: place.sockets };
    const args = [
      "-D",
      place.cluster,
      ...Object.entries(settings).flatMap(([name, value]) => ["-c", `${name}=${value}`]),
    ];
    const output = openSync(logFile, "a");
    const child = spawn(join(programs, "bin/postgres"), args, {
      ...(runAs ? { uid: runAs.uid, gid: runAs.gid } : {}),
      cwd: place.cluster,
      env: { LC_ALL: "C", TZ: "UTC" },
      detached: true,
      stdio: ["ignore", output, output],
    });
    closeSync(output);
    this.#child = child;
    child.on("error", (error) => {
      log.error("the embedded PostgreSQL could not be started", { error });
      // A program that was never run has no "exit" either.
      if (child.pid === undefined && this.#child === child) this.#child = null;
    });
    child.once("exit", (code, signal) => {
      if (this.#child === child) this.#child = null;
      if (this.#stopping || !this.#wasReady) return;
      log.error("the embedded PostgreSQL ended by itself and is being started again", { code, signal });
      this.#wasReady = false;
      void this.#revive();
    });
  }

  #wasReady = false;

  /** Never throws; tries for as long as the server runs, for without a database it can do nothing. */
  async #revive(): Promise<void> {
    for (let pause = 100; !this.#stopping; pause = Math.min(pause * 2, 5000)) {
      try {
        await this.start();
        return;
      } catch (error) {
        if (this.#stopping) return;
        this.options.log.error("the embedded PostgreSQL did not start again; trying on", { error });
        await sleep(pause);
      }
    }
  }

  /** Once stopped, the directory is another's: a start still under way must not touch it. */
  #refuseWhenStopping(): void {
    if (this.#stopping)
      throw new StoreError("embedded_failed", "The embedded PostgreSQL was stopped while it started.");
  }

  async #isReady(): Promise<boolean> {
    const url = this.url.replace("/cyxwiz?", "/postgres?");
    const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 5000 });
    client.on("error", () => {});
    try {
      await client.connect();
      const { rowCount } = await client.query("select from pg_database where datname = 'cyxwiz'");
      if (rowCount === 0) await client.query("create database cyxwiz");
      this.#wasReady = true;
      return true;
    } catch (error) {
      // 57P03: it is starting up. Anything the server itself says otherwise is worth hearing.
      const state = sqlState(error);
      if (state !== undefined && state !== "57P03") throw this.#failure(messageOf(error));
      return false;
    } finally {
      await client.end().catch(() => {});
    }
  }

  #failure(what: string): StoreError {
    // Not `kill`, which is for good: another attempt may follow.
    this.#child?.kill("SIGQUIT");
    const end = this.#logEnd();
    return new StoreError(
      "embedded_failed",
      `The embedded PostgreSQL ${what}. The end of ${this.options.logFile}:\n${end}`,
    );
  }

  #logEnd(): string {
    if (!existsSync(this.options.logFile)) return "";
    return readFileSync(this.options.logFile, "utf8").trimEnd().split("\n").slice(-5).join("\n");
  }
}

/**
 * Ends the postmaster that a killed server left behind. The directory's lock is ours, so no living server needs it; that
 * the process is PostgreSQL on this very directory is checked, because process ids are reused.
 */
async function endOrphan(cluster: string, log: Log): Promise<void> {
  const pidFile = join(cluster, "postmaster.pid");
  if (!existsSync(pidFile)) return;
  const pid = Number(readFileSync(pidFile, "utf8").split("\n")[0]);
  if (!Number.isInteger(pid) || pid <= 1 || !isPostmasterOf(pid, cluster)) return;
  log.info("ending the PostgreSQL that a killed server left running", { pid });
  for (const [signal, patience] of [
    ["SIGINT", STOP_WITHIN],
    ["SIGQUIT", 5000],
    ["SIGKILL", 5000],
  ] as const) {
    if (!send(pid, signal)) return;
    const giveUpAt = Date.now() + patience;
    while (Date.now() < giveUpAt) {
      await sleep(10);
      if (!isPostmasterOf(pid, cluster)) return;
    }
  }
  throw new StoreError(
    "embedded_failed",
    `PostgreSQL (process ${pid}) is still running on ${cluster} and does not end. Stop it and start again.`,
  );
}

/**
 * Removes what a dead postmaster left: PostgreSQL would refuse to start while the process id in these files is in use, be it
 * by a stranger, or by its own zombie that no parent collects (PID 1 of many a container does not). Nobody else can be at
 * work here: the directory is locked and the orphan has ended. Workers that still hold the old shared memory are found by
 * PostgreSQL without these files.
 */
function removeStaleLocks({ cluster, sockets }: Place): void {
  rmSync(join(cluster, "postmaster.pid"), { force: true });
  rmSync(join(sockets, ".s.PGSQL.5432.lock"), { force: true });
}

function send(pid: number, signal: NodeJS.Signals): boolean {
  try {
    process.kill(pid, signal);
    return true;
  } catch {
    return false;
  }
}

function isPostmasterOf(pid: number, cluster: string): boolean {
  const proc = `/proc/${pid}/cmdline`;
  if (existsSync("/proc/self/cmdline")) {
    // A zombie, ended and not yet collected by its parent, has an empty command line.
    return existsSync(proc) && readFileSync(proc, "utf8").split("\0").includes(cluster);
  }
  const found = Bun.spawnSync(["ps", "-o", "command=", "-p", String(pid)], { stdout: "pipe", stderr: "ignore" });
  return found.stdout.toString().includes(cluster);
}
