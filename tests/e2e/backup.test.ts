/**
 * The drill: a server with live jobs is backed up while it runs and is then lost for good; what the backup holds is restored into
 * a place of its own, a server is started there, and the jobs go on to their ends. On the real processes, with both databases.
 */

import { afterAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { Redis } from "ioredis";
import { readBackup } from "../../src/store/backup/index.ts";
import { startEmbeddedPostgres } from "../../src/store/embedded/index.ts";
import { StatusCode } from "../../src/transport/grpc/protocol.ts";
import { TestNodes } from "../support/agents.ts";
import { audit } from "../support/audit.ts";
import { Engine, smallJob } from "../support/engine.ts";
import { ServerProcess } from "../support/server-process.ts";
import {
  freshDatabase,
  rowsOf,
  silentLog,
  startPostgresServer,
  startRedisServer,
  temporaryDirectory,
  until,
} from "../support/servers.ts";

const postgres = await startPostgresServer();
const redis = await startRedisServer();
const QUEUED = 4;
/** Kept apart from its job, as all of more than 8 kB are. White space means nothing in a model. */
const bigModel = `${smallJob.modelDefinition}${" ".repeat(1_000_000)}`;

/** Stopping processes takes as long as starting them. */
setDefaultTimeout(120_000);

const databases: Awaited<ReturnType<typeof freshDatabase>>[] = [];
afterAll(async () => {
  for (const database of databases) await database.drop();
});

interface Setup {
  readonly name: string;
  readonly available: boolean;
  /** Settings of a database that nobody has used, a new one with each call. */
  readonly place: () => Promise<Record<string, string>>;
  /** What else the server is given. */
  readonly more: Readonly<Record<string, string>>;
}

const setups: readonly Setup[] = [
  {
    name: "the embedded database",
    available: true,
    place: async () => ({ "server.data_dir": join(temporaryDirectory("drill"), "data") }),
    more: {},
  },
  {
    name: "a separate PostgreSQL and Redis",
    available: postgres !== undefined && redis !== undefined,
    place: async () => {
      const database = await freshDatabase(postgres?.url ?? "");
      databases.push(database);
      return { "database.url": database.url };
    },
    more: { "redis.url": redis?.url ?? "" },
  },
];

/** The command line as a process of its own. */
function cyxwiz(words: readonly string[], settings: Readonly<Record<string, string>>) {
  const flags = Object.entries(settings).map(([key, value]) => `--${key}=${value}`);
  const main = join(import.meta.dir, "../../src/main.ts");
  const { status, stdout, stderr } = spawnSync(process.execPath, [main, ...words, ...flags], { encoding: "utf8" });
  return { status, stdout, stderr };
}

/** The database as it lies, with nobody at work on it. */
async function inspect<T>(settings: Readonly<Record<string, string>>, use: (url: string) => Promise<T>): Promise<T> {
  const url = settings["database.url"];
  if (url !== undefined) return use(url);
  const embedded = await startEmbeddedPostgres({ dataDir: settings["server.data_dir"] ?? "", log: silentLog });
  try {
    return await use(embedded.url);
  } finally {
    await embedded.stop();
  }
}

async function transitionsIn(file: string): Promise<string[]> {
  const lines: string[] = [];
  let table = "";
  for await (const entry of readBackup(file)) {
    if (entry.type === "table") table = entry.name;
    else if (entry.type === "row" && table === "transitions") lines.push(entry.line);
  }
  return lines.sort();
}

for (const { name, available, place, more } of setups) {
  describe.skipIf(!available)(`with ${name}`, () => {
    const undo: (() => unknown)[] = [];
    afterAll(async () => {
      for (const step of undo.reverse()) await step();
    });

    test("live jobs outlive their server: backed up in mid-run, restored elsewhere, they go on to their ends", async () => {
      const first = await place();
      const settings: Record<string, string> = {
        ...first,
        ...more,
        "scheduler.heartbeat_interval_ms": "300",
        "scheduler.node_heartbeat_timeout_ms": "5000",
        "scheduler.grace_period_ms": "120000",
        "node_link.probe_interval_ms": "300",
      };
      const server = await ServerProcess.prepare({ settings });
      await server.start();
      const engine = new Engine(server.address);
      const nodes = new TestNodes();
      let nodesStopped = false;
      undo.push(
        () => server.kill(),
        () => engine.close(),
        // Before the server goes: a node that stops waits for its last words to be heard.
        () => (nodesStopped ? undefined : nodes.stop()),
      );
      await nodes.start(1, server.address, { heartbeat: 300, stopAfter: 120_000, firstRetry: 50, slowestRetry: 500 });

      const done = await engine.submit(smallJob);
      const isDone = async (id: string) => (await engine.status(id)).status >= StatusCode.STATUS_COMPLETED;
      await until("a job to end before the backup", () => isDone(done), 60_000);
      // Long enough to be at it still when the restored server is up; the others wait behind it for the node's one slot.
      const running = await engine.submit({ ...smallJob, epochs: 100_000, estimatedDuration: 3600n });
      await until("it to run", async () => (await engine.status(running)).metrics.loss !== undefined, 60_000);
      const queued: string[] = [];
      for (let index = 0; index < QUEUED; index++) {
        queued.push(await engine.submit(index === 0 ? { ...smallJob, modelDefinition: bigModel } : smallJob));
      }

      const file = join(temporaryDirectory("backups"), "drill.backup");
      const backup = cyxwiz(["backup", file], first);
      expect(backup).toMatchObject({ status: 0, stderr: "" });
      expect(backup.stdout).toContain(`${2 + QUEUED} jobs, 1 node`);
      // What comes after the backup is lost with the server.
      const late = await engine.submit(smallJob);
      expect(cyxwiz(["restore", file, "--force"], first)).toMatchObject({ status: 1 });
      await server.kill();

      const second = await place();
      const restore = cyxwiz(["restore", file], second);
      expect(restore).toMatchObject({ status: 0, stderr: "" });
      // To the letter what was backed up: a backup of the restored database has the same log.
      const again = `${file}.again`;
      expect(cyxwiz(["backup", again], second)).toMatchObject({ status: 0 });
      expect(await transitionsIn(again)).toEqual(await transitionsIn(file));

      for (const key of Object.keys(first)) delete settings[key];
      Object.assign(settings, second);
      await server.start();
      const back = await engine.status(running);
      expect(back.status).toBe(StatusCode.STATUS_IN_PROGRESS);
      // The node still runs it, and its reports are taken: the very same attempt.
      await until("the run to be heard of again", async () => (await engine.status(running)).currentEpoch > 0, 60_000);
      expect(nodes.agents.every((agent) => agent.running().includes(running))).toBe(true);
      expect((await engine.client.cancelJob({ jobId: running, reason: "seen enough" })).status).toBe(
        StatusCode.STATUS_SUCCESS,
      );
      for (const id of queued) await until(`queued job ${id} to end`, () => isDone(id), 120_000);
      if (redis && more["redis.url"]) {
        const mirror = new Redis(redis.url);
        undo.push(() => mirror.disconnect());
        await until("the mirror to forget what came after the backup", async () => {
          const [lost, kept] = await Promise.all([
            mirror.exists(`cyxwiz:job:${late}`),
            mirror.exists(`cyxwiz:job:${running}`),
          ]);
          return lost === 0 && kept === 1;
        });
      }
      await Bun.sleep(500);
      await nodes.stop();
      nodesStopped = true;
      await server.stop();

      await inspect(second, async (url) => {
        const { faults, jobs } = await audit(url);
        expect(faults).toEqual([]);
        expect([...jobs.keys()].sort()).toEqual([done, running, ...queued].sort());
        expect(jobs.get(running)).toEqual({ state: "cancelled", attempts: 1 });
        for (const id of [done, ...queued]) expect(jobs.get(id)?.state).toBe("completed");
        const texts = await rowsOf<{ bytes: number; uses: string }>(
          url,
          "select length(content) as bytes, uses from texts",
        );
        expect(texts).toEqual([{ bytes: bigModel.length, uses: "1" }]);
        // What went on is written behind what was there, and by a leader of a later epoch.
        const [log] = await rowsOf<{ later: boolean; many: string }>(
          url,
          `select bool_and(epoch > 1) as later, count(*)::text as many from transitions where seq > ${(await transitionsIn(file)).length}`,
        );
        expect(Number(log?.many)).toBeGreaterThan(QUEUED);
        expect(log?.later).toBe(true);
      });
      expect(nodes.runs.filter((run) => run.jobId === running)).toHaveLength(1);
    }, 400_000);
  });
}
