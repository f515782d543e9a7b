/** PostgreSQL and Redis that a test may stop, kill, fill up and start again: the shared ones of tests/support may not be. */
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { chmodSync, chownSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { cleanUp } from "../support/cleanup.ts";
import { administer, findPostgres, findRedis, temporaryDirectory, unprivileged, until } from "../support/servers.ts";

export class Postgres {
  #child: ChildProcess | null = null;
  #wanted = true;
  /** How often it was started again because it had ended by itself. */
  revivals = 0;

  private constructor(
    private readonly bin: string,
    private readonly home: string,
    readonly port: number,
  ) {}

  /** Undefined when this machine has none. @param diskMegabytes puts its data on a file system of that size (needs root) */
  static async start(diskMegabytes?: number): Promise<Postgres | undefined> {
    const bin = findPostgres();
    if (bin === undefined) return undefined;
    const home = temporaryDirectory("chaos-postgres");
    if (diskMegabytes !== undefined) mountSmallDisk(home, diskMegabytes);
    const user = unprivileged();
    if (user.uid !== undefined && user.gid !== undefined) chownSync(home, user.uid, user.gid);
    chmodSync(home, 0o700);
    const data = join(home, "data");
    const init = spawnSync(
      join(bin, "initdb"),
      ["-D", data, "-U", "postgres", "-A", "trust", "--no-sync", "-E", "UTF8", "--wal-segsize=4"],
      { ...user, cwd: home, encoding: "utf8" },
    );
    if (init.status !== 0) throw new Error(`initdb failed: ${init.stderr}`);
    const port = await quietPort();
    writeFileSync(
      join(data, "postgresql.auto.conf"),
      `port = ${port}\nlisten_addresses = '127.0.0.1'\nunix_socket_directories = ''\nmax_connections = 100\n` +
        "shared_buffers = 64MB\nmax_wal_size = 64MB\n",
    );
    const postgres = new Postgres(bin, home, port);
    await postgres.run();
    return postgres;
  }

  url(database = "postgres"): string {
    return `postgres://postgres@127.0.0.1:${this.port}/${database}`;
  }

  get disk(): string {
    return this.home;
  }

  get answers(): Promise<boolean> {
    return administer(this.url(), "select 1").then(
      () => true,
      () => false,
    );
  }

  /** Starts it and waits until it accepts connections. Started again, as by a supervisor, whenever it ends by itself. */
  async run(): Promise<void> {
    this.#wanted = true;
    this.#spawn();
    await until("PostgreSQL to accept connections", () => this.answers, 60_000);
  }

  /** @param signal SIGINT: fast, connections are ended; SIGQUIT: immediate, as after a crash, recovery on the next start */
  async end(signal: "SIGINT" | "SIGQUIT"): Promise<void> {
    this.#wanted = false;
    const child = this.#child;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    await new Promise<void>((resolve) => {
      child.once("exit", () => resolve());
      child.kill(signal);
    });
  }

  #spawn(): void {
    const child = spawn(join(this.bin, "postgres"), ["-D", join(this.home, "data")], {
      ...unprivileged(),
      cwd: this.home,
      stdio: "ignore",
      detached: true,
    });
    this.#child = child;
    child.unref();
    cleanUp(() => {
      this.#wanted = false;
      child.kill("SIGQUIT");
    });
    child.once("exit", () => {
      if (!this.#wanted || this.#child !== child) return;
      this.revivals += 1;
      setTimeout(() => this.#wanted && this.#spawn(), 500);
    });
  }
}

/** A tmpfs: the one way to a disk that is really full without filling the machine's. */
function mountSmallDisk(directory: string, megabytes: number): void {
  const mounted = spawnSync("mount", ["-t", "tmpfs", "-o", `size=${megabytes}m,mode=0755`, "tmpfs", directory], {
    encoding: "utf8",
  });
  if (mounted.status !== 0) throw new Error(`a small disk needs root and tmpfs: ${mounted.stderr}`);
  cleanUp(() => void spawnSync("umount", ["-l", directory]));
}

export class Redis {
  #child: ChildProcess | null = null;

  private constructor(
    private readonly program: string,
    readonly port: number,
  ) {}

  static async start(): Promise<Redis | undefined> {
    const program = findRedis();
    if (program === undefined) return undefined;
    const redis = new Redis(program, await quietPort());
    await redis.run();
    return redis;
  }

  async run(): Promise<void> {
    const child = spawn(
      this.program,
      ["--port", `${this.port}`, "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"],
      { cwd: temporaryDirectory("chaos-redis"), stdio: "ignore", detached: true },
    );
    this.#child = child;
    child.unref();
    cleanUp(() => child.kill("SIGKILL"));
    await until("Redis to answer", () => this.command("PING").then((reply) => reply.startsWith("+PONG")), 20_000);
  }

  /** SIGKILL. */
  async kill(): Promise<void> {
    const child = this.#child;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    await new Promise<void>((resolve) => {
      child.once("exit", () => resolve());
      child.kill("SIGKILL");
    });
  }

  /** One command on a connection of its own; "" when nobody answers. */
  async command(line: string): Promise<string> {
    const answered = Promise.withResolvers<string>();
    try {
      const socket = await Bun.connect({
        hostname: "127.0.0.1",
        port: this.port,
        socket: {
          data: (_, chunk) => answered.resolve(chunk.toString()),
          close: () => answered.resolve(""),
          error: () => answered.resolve(""),
        },
      });
      socket.write(`${line}\r\n`);
      const reply = await Promise.race([answered.promise, Bun.sleep(2000).then(() => "")]);
      socket.end();
      return reply;
    } catch {
      return "";
    }
  }
}

/**
 * A free port below the range that the system takes for outgoing calls: what is stopped and started again must find its port
 * free, and the machine makes many calls meanwhile.
 */
export async function quietPort(): Promise<number> {
  for (;;) {
    const port = 20_000 + Math.floor(Math.random() * 12_000);
    const free = await new Promise<boolean>((resolve) => {
      const server = createServer().once("error", () => resolve(false));
      server.listen(port, "127.0.0.1", () => server.close(() => resolve(true)));
    });
    if (free) return port;
  }
}

/** Fills a file system to the last byte. Returns how to free it. */
export function fillDisk(directory: string): () => void {
  const filler = join(directory, "filler");
  // Ends with "no space left on device", which is the point.
  spawnSync("dd", ["if=/dev/zero", `of=${filler}`, "bs=64k"], { stdio: "ignore" });
  return () => rmSync(filler, { force: true });
}
