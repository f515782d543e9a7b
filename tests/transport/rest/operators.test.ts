/** What operators tell nodes and the scheduler, and what becomes of it. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import { randomUUID } from "node:crypto";
import { ref } from "../../../src/transport/rest/openapi/schema.ts";
import { eventually, type Harness, register, run, startHarness, submit, waitFor } from "./harness.ts";
import { misfits } from "./schema-check.ts";

let harness: Harness;
let nodeId: string;
beforeAll(async () => {
  harness = await startHarness();
});
beforeEach(async () => {
  nodeId = await register(harness, { slots: 2 });
});
afterAll(() => harness.stop());

const order = (name: string, body?: unknown, id = nodeId) => harness.post(`/api/v1/nodes/${id}/${name}`, body);

/** Events in the node's log that operators gave. */
async function ordersTo(id: string) {
  const rows = await harness.database.reads
    .selectFrom("transitions")
    .select("event")
    .where("kind", "=", "node")
    .where("id", "=", id)
    .orderBy("version")
    .execute();
  return rows.map(({ event }) => event as Record<string, unknown>).filter(({ by }) => by !== undefined);
}

describe("orders to a node", () => {
  test("a cordoned node gets nothing new, says why, and is back when it is uncordoned", async () => {
    const { status, body } = await order("cordon", { reason: "new driver" });
    expect(status).toBe(200);
    expect(misfits(body, ref("NodeDetail"))).toEqual([]);
    expect(body).toMatchObject({ status: "maintenance", state: "cordoned", standing_reason: "new driver" });
    expect(body.notice).toContain("cordoned");
    const waiting = await submit(harness, { spec: { memoryBytes: 1 } });
    const explained = await harness.get(`/api/v1/jobs/${waiting}/explain`);
    expect(explained.body.nodes.ruled_out).toContainEqual({ reason: "cordoned", nodes: 1 });
    expect((await order("uncordon")).body).toMatchObject({ status: "online", standing_reason: null, notice: null });
    await waitFor(harness, waiting, "assigned.accepted");
    await harness.post(`/api/v1/jobs/${waiting}/cancel`);
  });

  test("what an operator did is in the log, with who and why", async () => {
    await order("cordon", { reason: "one" });
    await order("ban", { reason: "two", duration_seconds: 60 });
    expect(await ordersTo(nodeId)).toMatchObject([
      { type: "CORDON", reason: "one", by: "local operator" },
      { type: "BAN", reason: "two", by: "local operator", evict: false },
    ]);
  });

  test("an order sent twice is carried out once and answered twice", async () => {
    for (const [name, body] of [
      ["cordon", { reason: "again" }],
      ["drain", { reason: "again" }],
      ["uncordon", {}],
      ["ban", { reason: "again", evict: true }],
      ["unban", {}],
    ] as const) {
      const [first, second] = [await order(name, body), await order(name, body)];
      expect([name, first.status, second.status]).toEqual([name, 200, 200]);
      expect(second.body.state).toBe(first.body.state);
    }
    expect((await ordersTo(nodeId)).map(({ type }) => type)).toEqual(["CORDON", "DRAIN", "UNCORDON", "BAN", "UNBAN"]);
  });

  test("my draining node says when it is done", async () => {
    const job = await submit(harness);
    const { nodeId: mine } = await run(harness, job);
    const draining = await order("drain", { reason: "moving house" }, mine);
    expect(draining.body).toMatchObject({ state: "draining", drain_until: null });
    expect(draining.body.live_attempts).toMatchObject([{ job_id: job }]);
    await end(job);
    const done = (await harness.get(`/api/v1/nodes/${mine}`)).body;
    expect(done).toMatchObject({ state: "draining", live_attempts: [] });
  });

  test("a drain with a deadline that has come says drained", async () => {
    expect((await order("drain", { deadline_seconds: 0.05 })).body.drain_until).not.toBeNull();
    await eventually("the node to be drained", () => harness.core.nodes.peek(nodeId)?.state === "drained");
    expect((await harness.get(`/api/v1/nodes/${nodeId}`)).body).toMatchObject({
      status: "maintenance",
      state: "drained",
    });
  });

  test("a ban has an end, is shown with it, and is lifted", async () => {
    const { body } = await order("ban", { reason: "wrong results", duration_seconds: 3600 });
    expect(body).toMatchObject({ status: "offline", state: "banned", standing_reason: "wrong results" });
    expect(Date.parse(body.banned_until)).toBeGreaterThan(Date.now() + 3_500_000);
    expect((await order("unban", { reason: "mended" })).body).toMatchObject({ status: "online", banned_until: null });
  });

  test("I am not told that a node is back while something else keeps it out", async () => {
    await order("ban", { reason: "wrong results" });
    const uncordoned = await order("uncordon");
    expect(uncordoned.status).toBe(409);
    expect(uncordoned.body.detail).toBe(
      `node ${nodeId} is banned (wrong results), which unban ends and uncordon does not`,
    );
    await order("unban");
    await order("cordon", { reason: "new driver" });
    const unbanned = await order("unban");
    expect(unbanned.status).toBe(409);
    expect(unbanned.body.detail).toContain("which uncordon ends and unban does not");
  });

  test.each(["cordon", "drain", "uncordon", "ban", "unban"])("%s of a node nobody knows is not found", async (name) => {
    const { status, body } = await order(name, { reason: "x" }, randomUUID());
    expect(status).toBe(404);
    expect(body.detail).toContain("not found");
  });

  const bad: readonly (readonly [string, string, unknown])[] = [
    ["cordon", "reason", { reason: 7 }],
    ["cordon", "reason", { reason: "x".repeat(501) }],
    ["cordon", "reason", { reason: "a\0b" }],
    ["cordon", "deadline_seconds", { deadline_seconds: 5 }],
    ["drain", "deadline_seconds", { deadline_seconds: -1 }],
    ["drain", "deadline_seconds", { deadline_seconds: 1e18 }],
    ["drain", "deadline_seconds", { deadline_seconds: "10" }],
    ["drain", "evict", { evict: true }],
    ["ban", "reason", {}],
    ["ban", "reason", { reason: " " }],
    ["ban", "duration_seconds", { reason: "x", duration_seconds: 0 }],
    ["ban", "duration_seconds", { reason: "x", duration_seconds: -3600 }],
    ["ban", "duration_seconds", { reason: "x", duration_seconds: 1e12 }],
    ["ban", "evict", { reason: "x", evict: "yes" }],
    ["unban", "evict", { evict: true }],
  ];
  test.each(bad)("%s with a wrong %s is refused by name, and nothing happens: %j", async (name, field, body) => {
    const answer = await order(name, body);
    expect([answer.status, answer.body.field]).toEqual([400, field]);
    expect(await ordersTo(nodeId)).toEqual([]);
  });

  test("an id that is none is refused before anything else", async () => {
    expect((await harness.post("/api/v1/nodes/7/cordon")).body).toMatchObject({ status: 400, field: "id" });
  });
});

describe("the scheduler", () => {
  test("pauses and goes on, and says why it is paused", async () => {
    const paused = await harness.post("/api/v1/scheduler/pause", { reason: "moving the database" });
    expect(misfits(paused.body, ref("SchedulerStatus"))).toEqual([]);
    expect(paused.body).toMatchObject({ running: false, state: "paused", pause_reason: "moving the database" });
    const job = await submit(harness);
    const explained = (await harness.get(`/api/v1/jobs/${job}/explain`)).body;
    expect([explained.reason, explained.summary]).toEqual(["paused", expect.stringContaining(": moving the database")]);
    const resumed = await harness.post("/api/v1/scheduler/resume");
    expect(resumed.body).toMatchObject({ running: true, state: "brokering", pause_reason: null });
    await waitFor(harness, job, "assigned.accepted");
    expect((await harness.post("/api/v1/scheduler/resume")).status).toBe(200);
    await harness.post(`/api/v1/jobs/${job}/cancel`);
  });

  test("keeps in its log who paused it", async () => {
    const rows = await harness.database.reads
      .selectFrom("transitions")
      .select("event")
      .where("kind", "=", "scheduler")
      .orderBy("version")
      .execute();
    const orders = rows.map(({ event }) => event as Record<string, unknown>).filter(({ by }) => by !== undefined);
    expect(orders).toMatchObject([
      { type: "PAUSE", reason: "moving the database", by: "local operator" },
      { type: "RESUME", by: "local operator" },
    ]);
  });

  test("takes no field that it does not know", async () => {
    const { status, body } = await harness.post("/api/v1/scheduler/pause", { reasons: "x" });
    expect([status, body.field]).toEqual([400, "reasons"]);
  });
});

/** Reports the running job as completed. */
async function end(jobId: string): Promise<void> {
  const live = harness.core.jobs.peek(jobId)?.snapshot.context.live;
  if (!live) throw new Error("no live attempt");
  const result = { weightsUri: "file:///w", weightsHash: "ab", weightsSize: 1, metrics: {}, computeSeconds: 1 };
  await harness.core.reports.completed(
    { nodeId: live.nodeId, jobId, attempt: live.number },
    { ...result, signature: "" },
  );
}
