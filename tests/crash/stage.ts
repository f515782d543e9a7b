/** Everything a crash run needs, all of it real: a database, a server program to be killed, node processes, and clients. */
import { spawn } from "node:child_process";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import pg from "pg";
import { cleanUp } from "../support/cleanup.ts";
import { seeded } from "../support/seeded.ts";
import { QUICK_TIMES, ServerProcess } from "../support/server-process.ts";
import { freshDatabase, temporaryDirectory, until } from "../support/servers.ts";
import { check, type Fault } from "./checker.ts";
import { Client } from "./client.ts";
import type { Death } from "./deaths.ts";
import { type ClientCall, type Evidence, type NodeLine, readLines, readStored } from "./evidence.ts";

export interface StageOptions {
  readonly postgresUrl: string;
  readonly redisUrl?: string | undefined;
  readonly seed: number;
  /** The program to kill; default: the server from source. */
  readonly program?: string | undefined;
}

/** How many jobs each node takes at a time. */
const NODE_SLOTS = [1, 1, 2];
const CLIENTS = 2;
/** A server that has not come by its fail point after this long gets more to do. */
const MORE_LOAD = 5000;
/** Generous: this only tells "never" from "late" on a busy machine. */
const PATIENCE = 60_000;

/** The nodes stop well before the server gives up on them. */
const NODE_TIMES = { heartbeat: 300, stopAfter: 4000, firstRetry: 50, slowestRetry: 500 };

export class Stage {
  /** How the jobs of all loads ended. */
  readonly endings: string[] = [];
  deaths = 0;
  readonly #undo: (() => Promise<unknown>)[] = [];

  private constructor(
    private readonly databaseUrl: string,
    private readonly server: ServerProcess,
    /** Where the histories lie. */
    readonly home: string,
    private readonly clients: readonly Client[],
    readonly random: () => number,
    private readonly output: { text: string },
  ) {}

  static async open({ postgresUrl, redisUrl, seed, program }: StageOptions): Promise<Stage> {
    const random = seeded(seed);
    const database = await freshDatabase(postgresUrl);
    const home = temporaryDirectory("crash");
    const output = { text: "" };
    const server = await ServerProcess.prepare({
      settings: { "database.url": database.url, ...(redisUrl && { "redis.url": redisUrl }), ...QUICK_TIMES },
      ...(program && { command: [program] }),
      onOutput: (text) => {
        output.text = (output.text + text).slice(-100_000);
      },
    });
    const clients = Array.from(
      { length: CLIENTS },
      (_, index) => new Client(`client-${index}`, server.address, join(home, `client-${index}.jsonl`), random),
    );
    // Should this process be ended in the middle, the server must not stay behind.
    cleanUp(() => void server.kill());
    const stage = new Stage(database.url, server, home, clients, random, output);
    stage.#undo.push(
      () => database.drop(),
      async () => {
        for (const client of clients) client.close();
      },
      () => server.kill(),
    );
    await server.start();
    await Promise.all(NODE_SLOTS.map((slots, index) => stage.#startNode(index, slots)));
    return stage;
  }

  /** The newest output of the server, for people who have to find out. */
  get log(): string {
    return this.output.text;
  }

  /**
   * The server dies the deaths in turn, each under a further load of `jobs`, is started again, and all of them end. Then
   * everything ever seen on this stage is checked. Resolves to the faults.
   */
  async survive(deaths: readonly Death[], jobs: number): Promise<readonly Fault[]> {
    await this.server.kill();
    const loads: Promise<void>[] = [];
    for (const death of deaths) await this.#die(death, () => loads.push(this.#load(jobs)));
    await this.server.start();
    await Promise.all(loads);
    return this.judge();
  }

  /** Nobody dies, but things fail and take long as `orders` say; the jobs end all the same. */
  async surviveErrors(orders: string, jobs: number): Promise<readonly Fault[]> {
    await this.server.kill();
    await this.server.start({ CYXWIZ_FAILPOINT: orders, CYXWIZ_FAILPOINTS_ENABLED: "1" });
    await this.#load(jobs);
    return this.judge();
  }

  /** Kills the server at random moments until all of `jobs` have ended. */
  async surviveRandomKills(jobs: number, maxKills: number): Promise<readonly Fault[]> {
    await this.server.kill();
    let loading = true;
    const over = () => {
      loading = false;
    };
    const load = this.#load(jobs);
    load.then(over, over);
    for (let kills = 0; loading && kills < maxKills; kills++) {
      await this.#startToRun(100 + this.random() * 1500);
      await this.server.kill();
      this.deaths += 1;
    }
    await this.server.kill();
    await this.server.start();
    await load;
    return this.judge();
  }

  /** Waits until every job is settled, and holds all evidence against the promises. */
  async judge(): Promise<readonly Fault[]> {
    const client = new pg.Client({ connectionString: this.databaseUrl });
    await client.connect();
    try {
      const open = "select count(*)::int as open from actors where kind = 'job' and not finished";
      const isSettled = async () => (await client.query<{ open: number }>(open)).rows[0]?.open === 0;
      await until("every job to be settled", isSettled, PATIENCE);
    } finally {
      await client.end();
    }
    return check(await this.evidence());
  }

  async evidence(): Promise<Evidence> {
    const calls = this.clients.flatMap(({ name }) => readLines<ClientCall>(join(this.home, `${name}.jsonl`)));
    const runs = NODE_SLOTS.flatMap((_, index) => readLines<NodeLine>(join(this.home, `node-${index}.jsonl`)));
    return { ...(await readStored(this.databaseUrl)), calls, runs };
  }

  async close(): Promise<void> {
    for (const undo of this.#undo.splice(0).reverse()) await undo();
  }

  /** Its failure is for whoever awaits it, which may be many deaths later. */
  #load(jobs: number): Promise<void> {
    const load = this.#runJobs(jobs);
    load.catch(() => {});
    return load;
  }

  async #runJobs(jobs: number): Promise<void> {
    const share = (index: number) => Math.floor((jobs + index) / CLIENTS);
    const all = this.clients.flatMap((client, index) => Array.from({ length: share(index) }, () => client.job()));
    this.endings.push(...(await Promise.all(all)));
  }

  async #startToRun(time: number): Promise<void> {
    await this.server.start();
    await Bun.sleep(time);
  }

  async #die({ place, nth, when }: Death, addLoad: () => void): Promise<void> {
    const orders = { CYXWIZ_FAILPOINT: `${place}:kill@${nth}`, CYXWIZ_FAILPOINTS_ENABLED: "1" };
    if (when !== "start") addLoad();
    if (when === "stop") {
      await this.server.start(orders);
      await Bun.sleep(this.random() * 400);
      await this.server.stop();
    } else {
      // The fail point may lie on the way of the start itself, so that the server never serves.
      await this.server.start(orders).catch(() => {});
      const { ended } = this.server;
      const giveUpAt = performance.now() + PATIENCE;
      // A load may be over before the place has been passed often enough; then there is more of it.
      while (!(await Promise.race([ended.then(() => true), Bun.sleep(MORE_LOAD).then(() => false)]))) {
        if (performance.now() > giveUpAt) throw new Error(`the server never came by ${place}`);
        addLoad();
      }
    }
    // Dead of something else would prove nothing.
    const { code, signal } = this.server.lastEnd;
    if (signal !== "SIGKILL")
      throw new Error(`it did not die at ${place} but ended with ${code ?? signal}:\n${this.log}`);
    this.deaths += 1;
  }

  async #startNode(index: number, slots: number): Promise<void> {
    const dataDir = join(this.home, `node-${index}`);
    mkdirSync(dataDir);
    const options = {
      server: this.server.address,
      name: `node-${index}`,
      listenAddress: { host: "127.0.0.1", port: 0 },
      dataDir,
      maxJobs: slots,
      times: NODE_TIMES,
      history: join(this.home, `node-${index}.jsonl`),
    };
    const child = spawn(process.execPath, [join(import.meta.dir, "node-main.ts"), JSON.stringify(options)], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    cleanUp(() => child.kill("SIGKILL"));
    const gone = new Promise<void>((resolve) => child.once("exit", () => resolve()));
    this.#undo.push(async () => {
      child.kill("SIGKILL");
      await gone;
    });
    const registered = new Promise<true>((resolve) => child.stdout?.once("data", () => resolve(true)));
    if (!(await Promise.race([registered, gone]))) throw new Error(`node ${index} ended before it was registered`);
  }
}
