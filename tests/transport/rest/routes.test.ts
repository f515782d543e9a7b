import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { randomUUID } from "node:crypto";
import type { Schema } from "../../../src/transport/rest/openapi/schema.ts";
import { listOf, ref } from "../../../src/transport/rest/openapi/schema.ts";
import { complete, eventually, type Harness, MIB, register, run, startHarness, submit, waitFor } from "./harness.ts";
import { misfits } from "./schema-check.ts";

let harness: Harness;
let nodeId: string;
let doneId: string;
let runningId: string;
let waitingId: string;

/** One node with one slot: a completed job, a running one, and one that waits. */
beforeAll(async () => {
  harness = await startHarness();
  nodeId = await register(harness);
  doneId = await submit(harness);
  await complete(harness, doneId);
  runningId = await submit(harness, { price: "9007199254740993" });
  await run(harness, runningId);
  waitingId = await submit(harness, { owner: "carol", wallet: "wallet-of-carol", spec: { priority: "high" } });
  // The scheduler tells it so too; a second telling changes nothing.
  harness.core.nodes.tell(nodeId, { type: "LOAD", busy: true });
  await eventually(
    "the node to be busy",
    async () => (await harness.queries.nodes.find(nodeId))?.row.status === "busy",
  );
});
afterAll(() => harness.stop());

/** The body, which must fit its documented schema. */
async function get(path: string, schema: Schema) {
  const { status, body } = await harness.get(path);
  expect(status).toBe(200);
  expect(misfits(body, schema)).toEqual([]);
  return body;
}

describe("the legacy routes", () => {
  test("health names the service and its version, and a missing Redis is no fault", async () => {
    const body = await get("/api/health", ref("LegacyHealth"));
    expect(body).toMatchObject({ status: "ok", version: "9.9.9", service: "cyxwiz-central-server" });
    expect(body.services).toEqual({ database: "up", redis: "off", blockchain: "off", scheduler: "brokering" });
  });

  test("stats count what there is", async () => {
    const body = await get("/api/stats", ref("LegacyStats"));
    expect(body).toMatchObject({
      total_nodes: 1,
      online_nodes: 1,
      total_jobs: 3,
      pending_jobs: 1,
      running_jobs: 1,
      completed_jobs: 1,
    });
    expect(body.total_compute_hours).toBeGreaterThan(0);
    expect(body.total_compute_hours).toBeLessThan(0.01);
  });

  test("nodes are a bare array with capitalised statuses, busy nodes included", async () => {
    const body = await get("/api/nodes", listOf(ref("LegacyNode")));
    expect(body).toEqual([
      { id: nodeId, name: "CyxWiz-Node-test", status: "Busy", reputation: 76, jobs_completed: 1, current_load: 1 },
    ]);
  });

  test("a node's detail carries a stake beyond 2^53 as text, unrounded", async () => {
    const body = await get(`/api/nodes/${nodeId}`, ref("LegacyNodeDetail"));
    expect(body).toMatchObject({
      id: nodeId,
      wallet: "wallet-of-node",
      status: "Busy",
      stake: "9007199254740993",
      ram_gb: 16,
      gpu_model: null,
    });
  });

  test("jobs are a bare array, newest first, in every status", async () => {
    const body = await get("/api/jobs", listOf(ref("LegacyJob")));
    expect(body.map(({ id, status }: { id: string; status: string }) => [id, status])).toEqual([
      [waitingId, "Pending"],
      [runningId, "Running"],
      [doneId, "Completed"],
    ]);
  });

  test("a job's detail has numbers where they are exact and text where they are not", async () => {
    const done = await get(`/api/jobs/${doneId}`, ref("LegacyJobDetail"));
    expect(done).toMatchObject({
      status: "Completed",
      job_type: "training",
      estimated_cost: 38_880_000,
      actual_cost: 38_880_000,
      result_hash: "ab",
    });
    expect(done.metadata).toMatchObject({ epochs: 10, hyperparameters: { learning_rate: "0.01" } });
    expect((await get(`/api/jobs/${runningId}`, ref("LegacyJobDetail"))).estimated_cost).toBe("9007199254740993");
  });

  test("ids are accepted in capitals too", async () => {
    expect((await get(`/api/jobs/${doneId.toUpperCase()}`, ref("LegacyJobDetail"))).id).toBe(doneId);
  });
});

describe("health of the services", () => {
  test("everything well", async () => {
    const body = await get("/api/v1/health", ref("Health"));
    expect(body).toMatchObject({
      status: "healthy",
      services: { database: "healthy", redis: "off", blockchain: "off", scheduler: "healthy" },
    });
    expect(body.uptime_seconds).toBeGreaterThanOrEqual(5);
  });

  test("a Redis that is down is told, and the rest goes on", async () => {
    harness.mirror.state = "down";
    expect((await harness.get("/api/health")).body).toMatchObject({ status: "degraded", services: { redis: "down" } });
    expect((await harness.get("/api/v1/health")).body).toMatchObject({
      status: "healthy",
      services: { redis: "disconnected" },
    });
    harness.mirror.state = "filling";
    expect((await harness.get("/api/v1/health")).body.services.redis).toBe("degraded");
    harness.mirror.state = "off";
  });

  test("a database that does not answer is told within seconds, with status 200", async () => {
    harness.ping.answer = () => new Promise(() => {});
    const asked = performance.now();
    const [legacy, v1] = await Promise.all([harness.get("/api/health"), harness.get("/api/v1/health")]);
    harness.ping.answer = () => harness.database.ping();
    expect(performance.now() - asked).toBeLessThan(4000);
    expect([legacy.status, legacy.body.status, legacy.body.services.database]).toEqual([200, "degraded", "down"]);
    expect([v1.status, v1.body.status]).toEqual([200, "disconnected"]);
  });
});

describe("v1", () => {
  test("infrastructure stats", async () => {
    const body = await get("/api/v1/infrastructure/stats", ref("InfrastructureStats"));
    expect(body.nodes).toEqual({ total: 1, online: 0, offline: 0, busy: 1, maintenance: 0 });
    expect(body.jobs).toMatchObject({ total: 3, pending: 1, running: 1, completed: 1, failed: 0 });
    expect(body.compute.average_utilization).toBe(1);
    expect(body.payments).toEqual({ total_transactions: 0, total_volume_sol: 0, pending_escrows: 0 });
  });

  test("a completed job shows its attempt and its result", async () => {
    const body = await get(`/api/v1/jobs/${doneId}`, ref("JobDetail"));
    expect(body).toMatchObject({ status: "completed", progress: 1, waiting: null, deadline: null });
    expect(body.attempts).toMatchObject([{ number: 1, node_id: nodeId, outcome: "completed" }]);
    expect(body.result).toMatchObject({
      uri: "file:///w",
      hash: "ab",
      size: 12,
      compute_seconds: 2,
      node_id: nodeId,
      attempt: 1,
    });
  });

  test("a running job shows its live attempt and the newest progress, before it is committed", async () => {
    const report = { nodeId, jobId: runningId, attempt: 1, metrics: { loss: 0.5 }, log: "epoch 1" };
    await harness.core.reports.progress({ ...report, progress: 0.1, epoch: 1 });
    await harness.core.reports.progress({ ...report, progress: 0.25, epoch: 2 });
    expect((await harness.queries.jobs.find(runningId))?.progress).toBe(0.1);
    const body = await get(`/api/v1/jobs/${runningId}`, ref("JobDetail"));
    expect(body).toMatchObject({ status: "running", progress: 0.25, epoch: 2, metrics: { loss: 0.5 }, attempt: 1 });
    expect(body.attempts).toMatchObject([{ number: 1, node_id: nodeId, outcome: null, ended_at: null }]);
    expect(Date.parse(body.reported_at)).toBeGreaterThan(Date.now() - 10_000);
  });

  test("a waiting job says why, with counts and in words", async () => {
    const body = await get(`/api/v1/jobs/${waitingId}`, ref("JobDetail"));
    expect(body.waiting).toMatchObject({
      stage: "parked",
      fitting_nodes: 0,
      ruled_out: { full: 1 },
      reason: "no_capacity",
      summary: "0 of 1 node could take it now: 1 has no free slot",
    });
    expect(Date.parse(body.waiting.until)).toBeGreaterThan(Date.now());
  });

  test("a job that awaits its funds, and one that no node could ever run", async () => {
    const unpaid = await submit(harness, { awaitsFunds: true });
    expect((await get(`/api/v1/jobs/${unpaid}`, ref("JobDetail"))).waiting).toMatchObject({ stage: "awaiting_funds" });
    const huge = await submit(harness, { spec: { memoryBytes: 1024 * 1024 * MIB } });
    await waitFor(harness, huge, "pending.queued");
    const body = await get(`/api/v1/jobs/${huge}`, ref("JobDetail"));
    expect(body.waiting).toMatchObject({
      stage: "parked",
      ruled_out: { ram: 1 },
      reason: "no_matching_node",
      summary: "0 of 1 node could take it now: 1 has too little RAM",
    });
    for (const id of [unpaid, huge]) await harness.post(`/api/v1/jobs/${id}/cancel`);
  });

  test("jobs are filtered by owner, wallet, type, node and any of several statuses", async () => {
    const idsOf = async (query: string): Promise<string[]> => {
      const body = await get(`/api/v1/jobs?${query}`, ref("JobPage"));
      return body.jobs.map(({ id }: { id: string }) => id);
    };
    expect(await idsOf("owner=carol")).toEqual([waitingId]);
    expect(await idsOf("wallet=wallet-of-carol&status=pending")).toEqual([waitingId]);
    expect(await idsOf("status=running,completed")).toEqual([runningId, doneId]);
    expect(await idsOf("status=RUNNING&status=completed")).toEqual([runningId, doneId]);
    expect(await idsOf("type=inference")).toEqual([]);
    expect(await idsOf(`node=${nodeId}`)).toEqual([runningId, doneId]);
    expect(await idsOf(`node=${randomUUID()}`)).toEqual([]);
  });

  test("nodes are listed and shown in full, with what they run", async () => {
    const list = await get("/api/v1/nodes?status=busy&region=eu&owner=bob&has_gpu=false", ref("NodePage"));
    expect(list).toMatchObject({ total: 1, next_cursor: null, nodes: [{ id: nodeId, state: "online.busy" }] });
    expect((await get("/api/v1/nodes?has_gpu=true", ref("NodePage"))).total).toBe(0);
    const body = await get(`/api/v1/nodes/${nodeId}`, ref("NodeDetail"));
    expect(body).toMatchObject({
      presence: "online.busy",
      reachability: "callable",
      slots: 1,
      reports_attempts: true,
      supported_formats: ["ONNX"],
    });
    expect(body.live_attempts).toMatchObject([{ job_id: runningId, attempt: 1, state: "running.active" }]);
    expect(Date.now() - Date.parse(body.last_heartbeat)).toBeLessThan(60_000);
  });

  test("a node's metrics come newest first, within the range asked for", async () => {
    const at = (minute: number) => new Date(Date.UTC(2026, 0, 1, 0, minute));
    const sample = {
      node_id: nodeId,
      cpu_usage_percent: 50,
      ram_usage_percent: 25,
      network_rx_bytes: 2n ** 60n,
      active_jobs: 1,
    };
    await harness.queries.metrics.insert([0, 1, 2, 3].map((minute) => ({ ...sample, timestamp: at(minute) })));
    const all = await get(`/api/v1/nodes/${nodeId}/metrics`, ref("NodeMetrics"));
    expect(all.count).toBe(4);
    expect(all.metrics[0]).toMatchObject({
      timestamp: at(3).toISOString(),
      network_rx: (2n ** 60n).toString(),
      network_tx: 0,
    });
    const range = `from=${at(1).toISOString()}&to=${at(2).toISOString()}`;
    expect((await get(`/api/v1/nodes/${nodeId}/metrics?${range}`, ref("NodeMetrics"))).count).toBe(2);
    expect((await get(`/api/v1/nodes/${nodeId}/metrics?limit=1`, ref("NodeMetrics"))).count).toBe(1);
  });

  test("the scheduler's status and queue", async () => {
    const status = await get("/api/v1/scheduler/status", ref("SchedulerStatus"));
    expect(status).toMatchObject({
      running: true,
      state: "brokering",
      jobs_in_queue: 1,
      active_assignments: 1,
      waiting_for_node: 1,
      parked: 1,
    });
    const queue = await get("/api/v1/scheduler/queue", ref("SchedulerQueue"));
    expect(queue.total).toBe(1);
    expect(queue.jobs).toMatchObject([
      {
        id: waitingId,
        priority: 2,
        estimated_cost: 0.03888,
        user_wallet: "wallet-of-carol",
        waiting: { stage: "parked" },
      },
    ]);
  });

  test("a paused scheduler is said to be paused, and jobs say that they wait for it", async () => {
    await harness.core.scheduler.ask("main", { type: "PAUSE", reason: "test" });
    expect((await harness.get("/api/v1/scheduler/status")).body).toMatchObject({ running: false, state: "paused" });
    expect((await harness.get("/api/v1/health")).body.services.scheduler).toBe("degraded");
    const { waiting } = (await harness.get(`/api/v1/jobs/${waitingId}`)).body;
    expect(waiting.summary).toBe("an operator has paused brokering: test");
    await harness.core.scheduler.ask("main", { type: "RESUME" });
  });

  test("the start page lists every endpoint and loads nothing from elsewhere", async () => {
    const { status, headers, body } = await harness.get("/");
    expect(status).toBe(200);
    expect(headers.get("content-type")).toContain("text/html");
    expect(body).toContain("/api/v1/jobs/{id}/events");
    expect(body).not.toMatch(/https?:\/\//);
  });
});

describe("rows that other programs wrote", () => {
  test("are shown, with their type by name, and can not be cancelled", async () => {
    const id = randomUUID();
    await harness.database.reads
      .insertInto("jobs")
      .values({
        id,
        user_wallet: "w",
        job_type: "1",
        required_ram_gb: 8,
        estimated_duration_seconds: 60n,
        estimated_cost: 5n,
      })
      .execute();
    expect((await get(`/api/jobs/${id}`, ref("LegacyJobDetail"))).job_type).toBe("training");
    expect(await get(`/api/v1/jobs/${id}`, ref("JobDetail"))).toMatchObject({
      attempts: [],
      waiting: null,
      result: null,
    });
    expect((await get("/api/v1/jobs?type=training&wallet=w", ref("JobPage"))).total).toBe(1);
    expect((await harness.post(`/api/v1/jobs/${id}/cancel`)).status).toBe(404);
    await harness.database.reads.deleteFrom("jobs").where("id", "=", id).execute();
  });
});
