/** What a job says beyond the wire's fields, from SubmitJob to the committed job; and how many jobs of one owner may wait. */
import { afterAll, afterEach, beforeAll, describe, expect, test } from "bun:test";
import { randomUUID } from "node:crypto";
import { Metadata } from "nice-grpc-common";
import { startPostgresServer, startSharedEmbedded } from "../../support/servers.ts";
import { as, bearer, type Clients, jobConfig, refused, TestServer, userToken } from "../../support/test-server.ts";

const LIMIT = 3;

let server: TestServer;
let clients: Clients;

beforeAll(async () => {
  server = await TestServer.start(((await startPostgresServer()) ?? (await startSharedEmbedded())).url, {
    "scheduler.max_queued_per_owner": String(LIMIT),
    "scheduler.queue_timeout_ms": "600000",
    "scheduler.max_duration_ms": "3600000",
    "scheduler.grace_period_ms": "60000",
  });
  clients = server.clients();
});
afterEach(() => server.clear());
afterAll(() => server.stop());

describe("terms", () => {
  const submit = async (hyperparameters: Record<string, string>, overrides = {}) => {
    const { jobId } = await clients.jobs.submitJob({ config: jobConfig({ hyperparameters, ...overrides }) });
    const job = server.core.jobs.peek(jobId);
    if (!job) throw new Error("the job is not in memory");
    return job.snapshot.context;
  };

  test("what I ask of a node is what the scheduler filters by", async () => {
    const { spec } = await submit({
      learning_rate: "0.1",
      "cyxwiz.region": "EU, us",
      "cyxwiz.format": "ONNX",
      "cyxwiz.min_reputation": "60",
      "cyxwiz.max_price_per_hour": "1.5",
    });
    expect(spec.requirements).toEqual({
      regions: ["eu", "us"],
      format: "onnx",
      minReputation: 60,
      maxPricePerHour: "1500000000",
    });
    expect(spec.gang).toBeUndefined();
  });

  test("a job without terms has none", async () => {
    const { spec, policy } = await submit({ learning_rate: "0.1" });
    expect("requirements" in spec || "gang" in spec).toBe(false);
    expect(policy).toMatchObject({ gracePeriod: 60_000, queueTimeout: 600_000, maxDuration: 3_600_000 });
  });

  test("my gang costs its size times the price of one", async () => {
    const alone = await submit({});
    const gang = await submit({ "cyxwiz.gang.size": "4", "cyxwiz.gang.topology": "region" });
    expect(gang.spec.gang).toEqual({ size: 4, topology: "region" });
    expect(BigInt(gang.price)).toBe(4n * BigInt(alone.price));
    expect((await submit({ "cyxwiz.gang.size": "1" })).spec.gang).toBeUndefined();
  });

  test("I may wait and live for less than the operator allows, and never for more", async () => {
    const less = await submit({ "cyxwiz.queue_timeout": "30", "cyxwiz.max_duration": "120", "cyxwiz.lost_after": "5" });
    expect(less.policy).toMatchObject({ queueTimeout: 30_000, maxDuration: 120_000, gracePeriod: 5000 });
    const more = await submit({ "cyxwiz.queue_timeout": "6000", "cyxwiz.max_duration": "7200" });
    expect(more.policy).toMatchObject({ queueTimeout: 600_000, maxDuration: 3_600_000 });
  });

  test("my partition policy is the job's", async () => {
    const { policy } = await submit({ "cyxwiz.stop_after": "45", "cyxwiz.reconcile": "keep_original" });
    expect(policy).toMatchObject({ stopAfter: 45_000, reconcile: "keep_original" });
  });

  const bad: readonly (readonly [string, string])[] = [
    ["cyxwiz.gang.size", "0"],
    ["cyxwiz.gang.size", "-2"],
    ["cyxwiz.gang.size", "65"],
    ["cyxwiz.gang.size", "2.5"],
    ["cyxwiz.gang.topology", "ring"],
    ["cyxwiz.gang.rank", "1"],
    ["cyxwiz.min_reputation", "101"],
    ["cyxwiz.max_price_per_hour", "-1"],
    ["cyxwiz.max_price_per_hour", "1e9"],
    ["cyxwiz.lost_after", "99999999999999999"],
    ["cyxwiz.max_duration", "0"],
    ["cyxwiz.reconcile", "both"],
    ["cyxwiz.regoin", "eu"],
  ];
  test.each(bad)("%s = %s is refused by name, and no job is made", async (name, value) => {
    const jobId = randomUUID();
    const config = jobConfig({ jobId, hyperparameters: { [name]: value } });
    expect(await refused((o) => clients.jobs.submitJob({ config }, o))).toMatchObject({
      code: "INVALID_ARGUMENT",
      field: `config.hyperparameters["${name}"]`,
    });
    expect(server.core.jobs.peek(jobId)).toBeUndefined();
  });

  test("the same id with other terms is another job", async () => {
    const jobId = randomUUID();
    await submit({ "cyxwiz.lost_after": "5" }, { jobId });
    const config = jobConfig({ jobId, hyperparameters: { "cyxwiz.lost_after": "6" } });
    expect(await refused((o) => clients.jobs.submitJob({ config }, o))).toMatchObject({ code: "ALREADY_EXISTS" });
  });
});

describe("one owner's queue", () => {
  const submit = async (owner: string, overrides = {}) =>
    (await clients.jobs.submitJob({ config: jobConfig(overrides) }, await as(owner))).jobId;
  const refusal = async (owner: string, overrides = {}) =>
    refused((o) => clients.jobs.submitJob({ config: jobConfig(overrides) }, o), await as(owner));

  test("my neighbour's jobs do not fill the queue for me", async () => {
    for (let n = 0; n < LIMIT; n++) await submit("alice");
    const over = await refusal("alice");
    expect(over).toMatchObject({ code: "RESOURCE_EXHAUSTED" });
    expect(over.message).toContain(`${LIMIT} of your jobs wait already (scheduler.max_queued_per_owner)`);
    expect(Number(over.retryAfter)).toBeGreaterThan(0);
    expect(await submit("bob")).toBeString();
  });

  test("my accepted job, sent again, is never refused: by id, by key, waiting or done", async () => {
    const jobId = randomUUID();
    await submit("alice", { jobId });
    const key = { metadata: Metadata({ "idempotency-key": "nightly" }) };
    key.metadata.set("authorization", bearerOf(await userToken({ sub: "alice" })));
    const keyed = await clients.jobs.submitJob({ config: jobConfig() }, key);
    const done = randomUUID();
    await submit("alice", { jobId: done });
    await clients.jobs.cancelJob({ jobId: done }, await as("alice"));
    await server.leavesMemory(done);
    await submit("alice");
    expect((await refusal("alice")).code).toBe("RESOURCE_EXHAUSTED");
    expect(await submit("alice", { jobId })).toBe(jobId);
    expect((await clients.jobs.submitJob({ config: jobConfig() }, key)).jobId).toBe(keyed.jobId);
    expect(await submit("alice", { jobId: done })).toBe(done);
  });

  test("a hundred jobs sent at once do not slip past the limit", async () => {
    const options = await as("alice");
    const answers = await Promise.allSettled(
      Array.from({ length: 100 }, () => clients.jobs.submitJob({ config: jobConfig() }, options)),
    );
    expect(answers.filter(({ status }) => status === "fulfilled")).toHaveLength(LIMIT);
    expect(server.core.broker.queuedOf("alice")).toBe(LIMIT);
  });

  test("there is room again when a job has started", async () => {
    const ids = [];
    for (let n = 0; n < LIMIT; n++) ids.push(await submit("alice"));
    expect((await refusal("alice")).code).toBe("RESOURCE_EXHAUSTED");
    await clients.jobs.cancelJob({ jobId: ids[0] ?? "" }, await as("alice"));
    expect(await submit("alice")).toBeString();
  });
});

const bearerOf = (token: string): string => bearer(token).metadata?.get("authorization") ?? "";
