/** Why a job waits, what would become of one, and what its owner has to say of a node. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { randomUUID } from "node:crypto";
import { GANG_RUNTIME } from "../../../src/domain/job-terms.ts";
import { FAILURE_CODES, NODE_REASONS, WAIT_CODES } from "../../../src/transport/reason-codes.ts";
import { ref } from "../../../src/transport/rest/openapi/schema.ts";
import { userToken } from "../../support/test-server.ts";
import { complete, eventually, type Harness, MIB, register, run, startHarness, submit, waitFor } from "./harness.ts";
import { misfits } from "./schema-check.ts";

const GIB = 1024 * MIB;

let harness: Harness;
let nodeId: string;
beforeAll(async () => {
  harness = await startHarness();
  nodeId = await register(harness, { slots: 1, ramBytes: 16 * GIB, runtimes: [GANG_RUNTIME] });
});
afterAll(() => harness.stop());

const explain = async (id: string, headers: Record<string, string> = {}) => {
  const answer = await harness.get(`/api/v1/jobs/${id}/explain`, headers);
  if (answer.status === 200) expect(misfits(answer.body, ref("Explanation"))).toEqual([]);
  return answer;
};
const bearer = async (claims: Record<string, unknown>) => ({ authorization: `Bearer ${await userToken(claims)}` });
const cancel = (id: string) => harness.post(`/api/v1/jobs/${id}/cancel`);

describe("explaining a job", () => {
  test("I am told why my job waits and what would help", async () => {
    const running = await submit(harness);
    await run(harness, running);
    const waiting = await submit(harness);
    await waitFor(harness, waiting, "pending.queued");
    const { body } = await explain(waiting);
    expect(body).toMatchObject({
      job_id: waiting,
      state: "pending.queued",
      reason: "no_capacity",
      nodes: { total: 1, fitting: 0, ruled_out: [{ reason: "full", nodes: 1 }] },
      queue: { position: 1, length: 1 },
      last_attempt: null,
      failure: null,
    });
    expect(body.summary).toContain("1 has no free slot");
    expect(body.would_help.length).toBeGreaterThan(0);
    expect(Date.parse(body.until)).toBeGreaterThan(Date.now());
    await cancel(waiting);
    await cancel(running);
  });

  test("I see which nodes come first, and the four terms of their score", async () => {
    const { body } = await explain(await queuedWhilePaused());
    expect(body.reason).toBe("paused");
    expect(body.candidates).toMatchObject([{ node_id: nodeId, name: "CyxWiz-Node-test", region: "eu" }]);
    const [{ score, terms }] = body.candidates;
    expect(score).toBeCloseTo(
      0.4 * terms.reputation + 0.3 * terms.availability + 0.2 * terms.capability + 0.1 * terms.uptime,
      9,
    );
    await harness.post("/api/v1/scheduler/resume");
    await cancel(body.job_id);
  });

  test("I am told how the last attempt ended", async () => {
    const id = await submit(harness);
    const { nodeId: on, attempt } = await run(harness, id);
    await harness.core.reports.failed({ nodeId: on, jobId: id, attempt }, "out of memory", false);
    await waitFor(harness, id, "pending.backoff");
    const { body } = await explain(id);
    expect(body).toMatchObject({ state: "pending.backoff", reason: "retry_backoff" });
    expect(body.last_attempt).toMatchObject({ number: 1, node_ids: [on], outcome: "failed", message: "out of memory" });
    await cancel(id);
  });

  test("a running job does not wait, and says so", async () => {
    const id = await submit(harness);
    await run(harness, id);
    expect((await explain(id)).body).toMatchObject({ state: "running.active", reason: null, queue: null });
    await cancel(id);
  });

  test("a job that has ended is answered with how it ended, in memory or not", async () => {
    const done = await submit(harness);
    await complete(harness, done);
    await eventually("the job to leave memory", () => harness.core.jobs.peek(done) === undefined);
    expect((await explain(done)).body).toMatchObject({
      state: "completed",
      reason: null,
      nodes: null,
      summary: "it is completed",
      failure: null,
    });
    const gone = await submit(harness);
    await harness.post(`/api/v1/jobs/${gone}/cancel`, { reason: "not needed" });
    expect((await explain(gone)).body).toMatchObject({
      state: "cancelled",
      failure: { code: "cancelled", message: "cancelled: not needed" },
    });
  });

  test("a stranger is not told about my job, and I am", async () => {
    const id = await submit(harness, { owner: "alice" });
    expect((await explain(id, await bearer({ sub: "mallory" }))).status).toBe(403);
    expect((await explain(id, await bearer({ sub: "alice" }))).status).toBe(200);
    expect((await explain(id, { authorization: "Bearer nonsense" })).status).toBe(401);
    await cancel(id);
  });

  test("a job nobody knows is not found, and an id that is none is refused", async () => {
    expect((await explain(randomUUID())).status).toBe(404);
    expect((await explain("7")).body).toMatchObject({ status: 400, field: "id" });
  });
});

describe("planning a job", () => {
  const job = { job_type: "training", dataset_uri: "builtin:iris", estimated_duration: 3600 };
  const plan = (body: unknown, headers = {}) => harness.post("/api/v1/jobs/plan", body, headers);

  test("I learn the price, the matching nodes and the start before I submit", async () => {
    const { status, body } = await plan(job);
    expect(status).toBe(200);
    expect(misfits(body, ref("Plan"))).toEqual([]);
    expect(body).toMatchObject({
      price: 36_360_000,
      nodes_needed: 1,
      nodes: { total: 1, fitting: 1, ruled_out: [] },
      candidates: [{ node_id: nodeId }],
      reason: null,
      expected_start: { kind: "now" },
    });
  });

  test("nothing is stored", async () => {
    const before = await harness.queries.jobs.count({});
    await plan({ ...job, job_id: randomUUID() });
    expect(await harness.queries.jobs.count({})).toBe(before);
  });

  test("a gang costs its size, and says how many nodes it needs", async () => {
    const { body } = await plan({ ...job, hyperparameters: { "cyxwiz.gang.size": 3 } });
    expect(body).toMatchObject({ price: 3 * 36_360_000, nodes_needed: 3, reason: "gang_incomplete" });
    expect(body.would_help.length).toBeGreaterThan(0);
  });

  test("a job that fits nowhere is told so, and what it would take", async () => {
    const { body } = await plan({ ...job, required_device: "cpu", estimated_memory: 64 * GIB });
    expect(body).toMatchObject({ reason: "no_matching_node", nodes: { ruled_out: [{ reason: "ram", nodes: 1 }] } });
    expect(body.would_help.join()).toContain("16 GB");
    expect(body.expected_start.kind).toBe("unknown");
  });

  const bad: readonly (readonly [string, Record<string, unknown>])[] = [
    ["epoch", { ...job, epoch: 3 }],
    ["job_type", { ...job, job_type: "trainig" }],
    ["job_type", { dataset_uri: "builtin:iris" }],
    ["dataset_uri", { job_type: "training" }],
    ["epochs", { ...job, epochs: -1 }],
    ["epochs", { ...job, epochs: 1e9 }],
    ["estimated_memory", { ...job, estimated_memory: "9223372036854775807" }],
    ["estimated_duration", { ...job, estimated_duration: 1e15 }],
    ["payment_amount", { ...job, payment_amount: -1 }],
    ['hyperparameters["cyxwiz.gang.size"]', { ...job, hyperparameters: { "cyxwiz.gang.size": 65 } }],
    ['hyperparameters["cyxwiz.gang.sise"]', { ...job, hyperparameters: { "cyxwiz.gang.sise": 2 } }],
  ];
  test.each(bad)("a wrong %s is refused by name", async (field, body) => {
    const answer = await plan(body);
    expect([answer.status, answer.body.field]).toEqual([400, field]);
    expect(answer.body.detail).not.toContain("config.");
  });

  test("every mistake is told at once", async () => {
    const { body } = await plan({ job_type: "trainig", epoch: 3 });
    expect(body.detail).toContain('did you mean "training"?');
    expect(body.detail).toContain("did you mean epochs?");
  });
});

describe("a complaint", () => {
  const complain = async (id: string, body: unknown, by: string | null = "alice") =>
    harness.post(`/api/v1/jobs/${id}/complaint`, body, by === null ? {} : await bearer({ sub: by }));
  const reputation = async () => (await harness.get(`/api/v1/nodes/${nodeId}/reputation`)).body;

  let done: string;
  beforeAll(async () => {
    done = await submit(harness, { owner: "alice" });
    await complete(harness, done);
    await eventually("the job to leave memory", () => harness.core.jobs.peek(done) === undefined);
  });

  test("a stranger cannot complain about my node", async () => {
    expect((await complain(done, { reason: "bad" }, "mallory")).status).toBe(403);
  });

  test("counts once per attempt, also for a job that has left memory, and is kept with its words", async () => {
    const before = (await reputation()).reputation;
    const first = await complain(done, { reason: "the weights are zero" });
    expect(first.status).toBe(200);
    expect(misfits(first.body, ref("Complaint"))).toEqual([]);
    expect(first.body).toMatchObject({ job_id: done, attempt: 1, node_id: nodeId });
    const second = await complain(done, { reason: "again" });
    expect(second.status).toBe(409);
    expect(second.body.detail).toContain("has been complained about already");
    const record = await reputation();
    expect(misfits(record, ref("NodeReputation"))).toEqual([]);
    expect(record.reputation).toBe(before - 10);
    expect(record.changes[0]).toMatchObject({
      reason: "complaint",
      delta: -10,
      job_id: done,
      attempt: 1,
      detail: "the weights are zero",
    });
  });

  test("the changes of a reputation come in pages", async () => {
    const all = (await reputation()).changes;
    expect(all.length).toBeGreaterThan(1);
    const first = (await harness.get(`/api/v1/nodes/${nodeId}/reputation?limit=1`)).body.changes;
    const next = (await harness.get(`/api/v1/nodes/${nodeId}/reputation?limit=1&before=${first[0].number}`)).body;
    expect([...first, ...next.changes]).toEqual(all.slice(0, 2));
    expect((await harness.get(`/api/v1/nodes/${nodeId}/reputation?limit=0`)).body.field).toBe("limit");
    expect((await harness.get(`/api/v1/nodes/${nodeId}/reputation?before=-1`)).body.field).toBe("before");
    expect((await harness.get(`/api/v1/nodes/${randomUUID()}/reputation`)).status).toBe(404);
  });

  test("needs an attempt that began and has ended", async () => {
    const id = await submit(harness, { owner: "alice" });
    await run(harness, id);
    const { status, body } = await complain(id, { reason: "slow" });
    expect([status, body.detail]).toEqual([409, `job ${id} has no attempt that began and has ended yet`]);
    await cancel(id);
  });

  test("about a gang says which of its nodes did badly", async () => {
    const other = await register(harness, { slots: 1 });
    const id = await submit(harness, { owner: "alice", spec: { gang: { size: 2, topology: "any" } } });
    await waitFor(harness, id, "assigned.accepted");
    const live = harness.core.jobs.peek(id)?.snapshot.context.live;
    const from = (node: string) => ({ nodeId: node, jobId: id, attempt: live?.number ?? 0 });
    for (const node of [nodeId, other]) await harness.core.reports.started(from(node));
    await harness.core.reports.failed(from(live?.nodeId ?? ""), "diverged", false);
    await waitFor(harness, id, "pending.backoff");
    const guess = await complain(id, { reason: "bad" });
    expect(guess.body).toMatchObject({ status: 400, field: "node_id" });
    expect(guess.body.detail).toContain(nodeId);
    expect(guess.body.detail).toContain(other);
    expect((await complain(id, { reason: "bad", node_id: randomUUID() })).body.field).toBe("node_id");
    expect((await complain(id, { reason: "bad", node_id: other })).body).toMatchObject({ attempt: 1, node_id: other });
    await cancel(id);
    await harness.post(`/api/v1/nodes/${other}/ban`, { reason: "the test is over" });
  });

  test("needs a reason, a known job, and no field that means nothing", async () => {
    expect((await complain(done, {})).body).toMatchObject({ status: 400, field: "reason" });
    expect((await complain(done, { reason: "x".repeat(501) })).body).toMatchObject({ status: 400, field: "reason" });
    expect((await complain(done, { reason: "x", because: 1 })).body).toMatchObject({ status: 400, field: "because" });
    expect((await complain(randomUUID(), { reason: "x" })).status).toBe(404);
  });
});

test("no two reasons have one number, and the documents list them all", async () => {
  const numbers = [...Object.values(FAILURE_CODES), ...Object.values(WAIT_CODES)];
  expect(new Set(numbers).size).toBe(numbers.length);
  const text = await Bun.file("docs/rest-api.md").text();
  for (const [reason, code] of Object.entries({ ...FAILURE_CODES, ...WAIT_CODES })) {
    expect([reason, text.includes(`| ${code} | \`${reason}\` |`)]).toEqual([reason, true]);
  }
  const scheduling = await Bun.file("docs/scheduling.md").text();
  for (const reason of [...Object.keys(WAIT_CODES), ...Object.keys(NODE_REASONS)]) {
    expect([reason, scheduling.includes(`\`${reason}\``)]).toEqual([reason, true]);
  }
});

async function queuedWhilePaused(): Promise<string> {
  await harness.post("/api/v1/scheduler/pause");
  return submit(harness);
}
