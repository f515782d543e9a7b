/**
 * Everything a cell of the chaos matrix runs on: PostgreSQL and Redis of its own, the real server process behind proxies, two
 * groups of light nodes behind theirs, and a steady load. The server and PostgreSQL are started again when they end by
 * themselves, as a supervisor would.
 */
import { mkdirSync, readFileSync, rmdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { cleanUp } from "../support/cleanup.ts";
import { ServerProcess } from "../support/server-process.ts";
import { administer, freshDatabase, temporaryDirectory } from "../support/servers.ts";
import { Postgres, Redis } from "./databases.ts";
import type { LightRun } from "./light-node.ts";
import { Load } from "./load.ts";
import { NodeGroup } from "./node-group.ts";
import { FaultyProxy } from "./proxy.ts";

export interface Scale {
  /** In each of the two groups. */
  readonly nodes: number;
  readonly slots: number;
  /** Jobs submitted per second, well below what the nodes and the server can do. */
  readonly rate: number;
  /** Milliseconds. */
  readonly runTime: number;
}

/** What a cell wants beyond the usual. */
export interface Needs {
  /** PostgreSQL's data on a file system of this size. */
  readonly diskMegabytes?: number;
  /** The server's wall clock can be set. */
  readonly clock?: boolean;
  /** The server runs in a control group whose memory can be limited. */
  readonly memoryLimit?: boolean;
}

const LIBFAKETIME = "/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1";
const CGROUPS = "/sys/fs/cgroup/memory";
/** Milliseconds: `server.shutdown_timeout_ms`, and as long again for a busy machine. */
const STOP_PATIENCE = 20_000;
const root = join(import.meta.dir, "../..");

/** Short times, so that a cell shows within seconds what the defaults show within minutes. */
const settings = {
  "scheduler.heartbeat_interval_ms": "500",
  "scheduler.node_heartbeat_timeout_ms": "2000",
  "scheduler.grace_period_ms": "4000",
  "scheduler.stop_after_ms": "5000",
  "scheduler.offer_timeout_ms": "3000",
  "scheduler.offer_exclusion_ms": "1000",
  "scheduler.start_timeout_ms": "5000",
  "scheduler.node_set_aside_ms": "2000",
  "node_link.connect_timeout_ms": "1000",
  "node_link.probe_interval_ms": "500",
  "node_link.probe_timeout_ms": "1000",
};

export class World {
  /** How often the server's process ended without being told to. */
  serverDeaths = 0;
  /** It did not end within `STOP_PATIENCE` of SIGTERM. */
  stoppedByForce = false;
  #wanted = false;
  #supervisor: Promise<void> = Promise.resolve();
  #clockFile = "";
  #cgroup = "";

  private constructor(
    readonly postgres: Postgres,
    readonly redis: Redis | undefined,
    readonly databaseUrl: string,
    readonly toPostgres: FaultyProxy,
    readonly toRedis: FaultyProxy | undefined,
    readonly server: ServerProcess,
    /** Faults of nodes strike the second group. */
    readonly groups: readonly [NodeGroup, NodeGroup],
    readonly load: Load,
    readonly runs: readonly LightRun[],
  ) {}

  /** Undefined when this machine has no PostgreSQL. */
  static async build(scale: Scale, needs: Needs, onLog: (text: string) => void): Promise<World | undefined> {
    const postgres = await Postgres.start(needs.diskMegabytes);
    if (!postgres) return undefined;
    const redis = await Redis.start();
    const database = await freshDatabase(postgres.url());
    const toPostgres = await FaultyProxy.start(postgres.port);
    const toRedis = redis && (await FaultyProxy.start(redis.port));
    const clockFile = needs.clock ? join(temporaryDirectory("chaos-clock"), "offset") : "";
    const cgroup = needs.memoryLimit ? join(CGROUPS, `cyxwiz-chaos-${process.pid}`) : "";
    const server = await ServerProcess.prepare({
      settings: {
        "database.url": database.url.replace(`:${postgres.port}/`, `:${toPostgres.port}/`),
        ...(toRedis ? { "redis.url": `redis://127.0.0.1:${toRedis.port}` } : {}),
        ...settings,
      },
      command: commandOf(clockFile, cgroup),
      onOutput: onLog,
    });
    cleanUp(() => void server.kill());
    await server.start();
    const runs: LightRun[] = [];
    const options = {
      slots: scale.slots,
      runTime: scale.runTime,
      heartbeat: 500,
      stopAfter: 5000,
      onRun: (run: LightRun) => void runs.push(run),
    };
    const port = Number(server.address.split(":")[1]);
    const groups = [
      await NodeGroup.start(scale.nodes, port, options),
      await NodeGroup.start(scale.nodes, port, options),
    ] as const;
    const load = new Load(server.address, scale.rate);
    const world = new World(postgres, redis, database.url, toPostgres, toRedis, server, groups, load, runs);
    world.#clockFile = clockFile;
    world.#cgroup = cgroup;
    world.#wanted = true;
    world.#supervisor = world.#supervise();
    return world;
  }

  /** SIGKILL, and started again only by `startServer`. */
  async killServer(): Promise<void> {
    this.#wanted = false;
    await this.#supervisor;
    await this.server.kill();
  }

  async startServer(): Promise<void> {
    await this.server.start();
    this.#wanted = true;
    this.#supervisor = this.#supervise();
  }

  /** One statement at the database itself, past the proxy. */
  sql(statement: string): Promise<void> {
    return administer(this.databaseUrl, statement);
  }

  /** Sets the server's wall clock off by so many seconds; its monotonic clock goes on. */
  setClock(offsetSeconds: number): void {
    writeFileSync(this.#clockFile, `${offsetSeconds < 0 ? "-" : "+"}${Math.abs(offsetSeconds)}`);
  }

  /** The most memory the server may have, in megabytes; beyond it the kernel kills it. -1: no limit. */
  limitMemory(megabytes: number): void {
    writeFileSync(join(this.#cgroup, "memory.limit_in_bytes"), String(megabytes < 0 ? -1 : megabytes * 2 ** 20));
  }

  /** SIGTERM, and SIGKILL when that is not heeded. */
  async stopServer(): Promise<void> {
    this.#wanted = false;
    await this.#supervisor;
    const { pid } = this.server;
    const stopped = this.server.stop().then(() => true);
    if (await Promise.race([stopped, Bun.sleep(STOP_PATIENCE).then(() => false)])) return;
    this.stoppedByForce = true;
    process.kill(pid, "SIGKILL");
    await stopped;
  }

  async tearDown(): Promise<void> {
    this.load.close();
    for (const group of this.groups) group.stop();
    this.#wanted = false;
    await this.#supervisor;
    await this.server.kill();
    this.toPostgres.stop();
    this.toRedis?.stop();
    await this.redis?.kill();
    await this.postgres.end("SIGQUIT");
  }

  async #supervise(): Promise<void> {
    while (this.#wanted) {
      await Bun.sleep(100);
      if (!this.#wanted || isAlive(this.server.pid)) continue;
      this.serverDeaths += 1;
      // It may end again at once, with the database away: then once more, as a supervisor would.
      await this.server.start().catch(() => Bun.sleep(500));
    }
  }
}

function commandOf(clockFile: string, cgroup: string): readonly string[] {
  const main = [process.execPath, join(root, "src/main.ts")];
  if (clockFile !== "") {
    writeFileSync(clockFile, "+0");
    const environment = [
      `LD_PRELOAD=${LIBFAKETIME}`,
      `FAKETIME_TIMESTAMP_FILE=${clockFile}`,
      "FAKETIME_NO_CACHE=1",
      "FAKETIME_DONT_FAKE_MONOTONIC=1",
    ];
    return ["env", ...environment, ...main];
  }
  if (cgroup !== "") {
    mkdirSync(cgroup, { recursive: true });
    cleanUp(() => rmdirSync(cgroup));
    return ["sh", "-c", `echo $$ > ${cgroup}/cgroup.procs && exec "$@"`, "sh", ...main];
  }
  return main;
}

function isAlive(pid: number): boolean {
  try {
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, "utf8"));
  } catch {
    return false;
  }
}
