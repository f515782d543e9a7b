/**
 * The real server as a process of its own, for tests that kill it and for benchmarks: started on fixed ports, killed
 * without warning, started again on the same ones.
 */
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { freePort } from "./servers.ts";

const root = join(import.meta.dir, "../..");
const hasTaskset = spawnSync("taskset", ["-p", String(process.pid)]).status === 0;

/** Settings with which a loss is noticed and made good within seconds. */
export const QUICK_TIMES = {
  "scheduler.heartbeat_interval_ms": "300",
  "scheduler.node_heartbeat_timeout_ms": "1500",
  "scheduler.grace_period_ms": "4000",
  "scheduler.offer_exclusion_ms": "1000",
  "scheduler.offer_timeout_ms": "3000",
  "node_link.probe_interval_ms": "500",
} as const;

export interface ServerProcessOptions {
  /** `section.key` → value. */
  readonly settings: Readonly<Record<string, string>>;
  /** Pins the server to this processor core, where the system can. */
  readonly core?: number;
  /** How to run the command line; default: from source. */
  readonly command?: readonly string[];
  /** Told what the server writes to its log. */
  readonly onOutput?: (text: string) => void;
}

export interface ProcessEnd {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

export class ServerProcess {
  #child: ChildProcess | null = null;
  #ended: Promise<void> = Promise.resolve();
  #lastEnd: ProcessEnd = { code: null, signal: null };

  private constructor(
    private readonly options: ServerProcessOptions,
    private readonly grpcPort: number,
    private readonly restPort: number,
  ) {}

  /** Chooses ports; `start` starts it. */
  static async prepare(options: ServerProcessOptions): Promise<ServerProcess> {
    return new ServerProcess(options, await freePort(), await freePort());
  }

  get address(): string {
    return `127.0.0.1:${this.grpcPort}`;
  }

  get restUrl(): string {
    return `http://127.0.0.1:${this.restPort}`;
  }

  get pid(): number {
    return this.#child?.pid ?? 0;
  }

  /** Settles when the process that runs now has ended, by whatever cause. */
  get ended(): Promise<void> {
    return this.#ended;
  }

  /** How the process before ended. */
  get lastEnd(): ProcessEnd {
    return this.#lastEnd;
  }

  /** Starts it, with these variables besides our own, and waits until it serves. Returns how many milliseconds that took. */
  async start(environment: Readonly<Record<string, string>> = {}): Promise<number> {
    // A second one would stand by behind the first, and what is killed later would be the wrong one.
    if (this.#child && this.#child.exitCode === null && this.#child.signalCode === null)
      throw new Error("the server runs already: end it before it is started again");
    const flags = Object.entries({
      "server.grpc_address": this.address,
      "server.rest_address": `127.0.0.1:${this.restPort}`,
      "logging.level": "warn",
      ...this.options.settings,
    }).map(([key, value]) => `--${key}=${value}`);
    const command = this.options.command ?? [process.execPath, join(root, "src/main.ts")];
    const pinned = this.options.core !== undefined && hasTaskset ? ["taskset", "-c", String(this.options.core)] : [];
    const [file, ...args] = [...pinned, ...command, "serve", ...flags] as [string, ...string[]];
    const started = performance.now();
    const child = spawn(file, args, { stdio: ["ignore", "pipe", "pipe"], env: { ...process.env, ...environment } });
    this.#child = child;
    this.#ended = new Promise((resolve) =>
      child.once("exit", (code, signal) => {
        this.#lastEnd = { code, signal };
        resolve();
      }),
    );
    let output = "";
    const take = (chunk: Buffer) => {
      output = (output + chunk.toString()).slice(-20_000);
      this.options.onOutput?.(chunk.toString());
    };
    child.stdout?.on("data", take);
    child.stderr?.on("data", take);
    while (!(await this.#answers())) {
      const how = child.exitCode ?? child.signalCode;
      if (how !== null) throw new Error(`the server ended with ${how}:\n${output}`);
      if (performance.now() - started > 60_000) throw new Error(`the server did not answer within 60 s:\n${output}`);
      await Bun.sleep(5);
    }
    return performance.now() - started;
  }

  /** SIGKILL, as a crash would be. Resolves when the process is gone. */
  kill(): Promise<void> {
    return this.#end("SIGKILL");
  }

  /** SIGTERM, as a supervisor would. */
  stop(): Promise<void> {
    return this.#end("SIGTERM");
  }

  /** Resident memory in megabytes. */
  memory(): number {
    const status = readFileSync(`/proc/${this.pid}/status`, "utf8");
    return Number(/VmRSS:\s+(\d+)/.exec(status)?.[1] ?? Number.NaN) / 1024;
  }

  /** Seconds of processor time used so far. */
  cpu(): number {
    const fields = readFileSync(`/proc/${this.pid}/stat`, "utf8").split(") ")[1]?.split(" ") ?? [];
    return (Number(fields[11]) + Number(fields[12])) / 100;
  }

  async #answers(): Promise<boolean> {
    return fetch(`${this.restUrl}/api/health`).then(
      (reply) => reply.ok,
      () => false,
    );
  }

  #end(signal: "SIGKILL" | "SIGTERM"): Promise<void> {
    const child = this.#child;
    this.#child = null;
    if (!child || child.exitCode !== null || child.signalCode !== null) return Promise.resolve();
    return new Promise((resolve) => {
      child.once("exit", () => resolve());
      child.kill(signal);
    });
  }
}
