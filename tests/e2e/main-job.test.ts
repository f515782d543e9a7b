/** The main job through everything real: the server as a process, real nodes, real training, both kinds of database. */
import { afterAll, describe, expect, test } from "bun:test";
import { Redis } from "ioredis";
import { StatusCode } from "../../src/transport/grpc/protocol.ts";
import { TestNodes } from "../support/agents.ts";
import { Engine, smallJob } from "../support/engine.ts";
import { ServerProcess } from "../support/server-process.ts";
import { freshDatabase, startPostgresServer, startRedisServer, temporaryDirectory, until } from "../support/servers.ts";

const postgres = await startPostgresServer();
const redis = await startRedisServer();

interface Setup {
  readonly name: string;
  readonly available: boolean;
  readonly settings: () => Promise<Record<string, string>>;
}

const setups: readonly Setup[] = [
  {
    name: "the embedded database",
    available: true,
    settings: async () => ({ "server.data_dir": temporaryDirectory("e2e") }),
  },
  {
    name: "a separate PostgreSQL and Redis",
    available: postgres !== undefined && redis !== undefined,
    settings: async () => ({
      "database.url": (await freshDatabase(postgres?.url ?? "")).url,
      "redis.url": redis?.url ?? "",
    }),
  },
];

for (const { name, available, settings } of setups) {
  describe.skipIf(!available)(`with ${name}`, async () => {
    if (!available) return;
    const server = await ServerProcess.prepare({
      settings: {
        ...(await settings()),
        "scheduler.heartbeat_interval_ms": "300",
        "scheduler.node_heartbeat_timeout_ms": "3000",
        "node_link.probe_interval_ms": "300",
      },
    });
    await server.start();
    const engine = new Engine(server.address);
    const nodes = new TestNodes();
    const get = async (path: string) =>
      (await fetch(`${server.restUrl}${path}`)).json() as Promise<Record<string, unknown>>;
    const ended = async (id: string): Promise<StatusCode> => {
      await until(
        `job ${id} to end`,
        async () => (await engine.status(id)).status >= StatusCode.STATUS_COMPLETED,
        30_000,
      );
      return (await engine.status(id)).status;
    };
    afterAll(async () => {
      await nodes.stop();
      engine.close();
      await server.stop();
    });

    test("a job submitted before any node exists waits, and is trained when one comes", async () => {
      const id = await engine.submit(smallJob);
      expect((await engine.status(id)).status).toBe(StatusCode.STATUS_PENDING);
      await nodes.start(2, server.address, { heartbeat: 300, firstRetry: 50, slowestRetry: 500 });
      expect(await ended(id)).toBe(StatusCode.STATUS_COMPLETED);
      const status = await engine.status(id);
      expect(status.metrics.accuracy).toBeGreaterThan(0);
      expect(status.currentEpoch).toBe(3);
      const shown = await get(`/api/jobs/${id}`);
      expect(shown).toMatchObject({ id, status: "Completed", retry_count: 0 });
      expect(shown.result_hash).toMatch(/^[0-9a-f]{64}$/);
    });

    test("its updates are streamed with live metrics until the end", async () => {
      const id = await engine.submit({ ...smallJob, epochs: 400 });
      const seen: { status: number | undefined; epoch: number | undefined; metrics: number }[] = [];
      for await (const update of engine.client.streamJobUpdates({ jobId: id })) {
        seen.push({
          status: update.status?.status,
          epoch: update.status?.currentEpoch,
          metrics: Object.keys(update.liveMetrics).length,
        });
      }
      expect(seen.at(-1)?.status).toBe(StatusCode.STATUS_COMPLETED);
      expect(seen.some(({ status, metrics }) => status === StatusCode.STATUS_IN_PROGRESS && metrics > 0)).toBe(true);
    });

    test("a running job is cancelled, and its node stops and takes another", async () => {
      const id = await engine.submit({ ...smallJob, epochs: 100_000, estimatedDuration: 3600n });
      await until("the job to run", async () => (await engine.status(id)).status === StatusCode.STATUS_IN_PROGRESS);
      const reply = await engine.client.cancelJob({ jobId: id, reason: "changed my mind" });
      expect(reply.status).toBe(StatusCode.STATUS_SUCCESS);
      expect((await engine.status(id)).status).toBe(StatusCode.STATUS_CANCELLED);
      await until("the node to stop", () => nodes.agents.every((agent) => !agent.running().includes(id)));
    });

    test("a restart in mid-run loses nothing: the same attempt goes on", async () => {
      const id = await engine.submit({ ...smallJob, epochs: 3000, estimatedDuration: 600n });
      await until("the job to run", async () => (await engine.status(id)).metrics.loss !== undefined, 20_000);
      await server.kill();
      await server.start();
      expect(await ended(id)).toBe(StatusCode.STATUS_COMPLETED);
      expect(nodes.runs.filter((run) => run.jobId === id)).toHaveLength(1);
    });

    if (name.includes("Redis")) {
      test("Redis flushed in mid-run changes nothing and is filled again", async () => {
        const client = new Redis(redis?.url ?? "");
        try {
          await until("the mirror to be filled", async () => (await client.scard("cyxwiz:nodes:online")) === 2);
          await client.flushall();
          const id = await engine.submit(smallJob);
          expect(await ended(id)).toBe(StatusCode.STATUS_COMPLETED);
          await until(
            "the mirror to be filled again",
            async () => (await client.scard("cyxwiz:nodes:online")) === 2,
            20_000,
          );
          await until(
            "the job to be in the mirror",
            async () => (await client.hget(`cyxwiz:job:${id}`, "status")) === "completed",
          );
        } finally {
          client.disconnect();
        }
      });
    }

    test("health tells what there is", async () => {
      const health = await get("/api/health");
      expect(health).toMatchObject({ status: "ok", service: "cyxwiz-central-server" });
      expect(health.services).toMatchObject({ database: "up", redis: name.includes("Redis") ? "up" : "off" });
    });
  });
}
