/** SchedulingService over a real socket: the same answers, refusals and owners' rules as REST's. */
import { afterAll, afterEach, beforeAll, describe, expect, test } from "bun:test";
import { randomUUID } from "node:crypto";
import { type Client, createClient } from "nice-grpc";
import { SchedulingServiceDefinition } from "../../../src/transport/grpc/generated/cyxwiz/scheduling.ts";
import { ServerReflectionDefinition } from "../../../src/transport/grpc/generated/grpc/reflection/v1/reflection.ts";
import { DeviceType } from "../../../src/transport/grpc/protocol.ts";
import { startPostgresServer, startSharedEmbedded } from "../../support/servers.ts";
import { as, type Clients, jobConfig, refused, TestServer } from "../../support/test-server.ts";

let server: TestServer;
let clients: Clients;
let scheduling: Client<typeof SchedulingServiceDefinition>;

beforeAll(async () => {
  server = await TestServer.start(((await startPostgresServer()) ?? (await startSharedEmbedded())).url);
  const channel = server.channel();
  clients = server.clients(channel);
  scheduling = createClient(SchedulingServiceDefinition, channel);
});
afterEach(() => server.clear());
afterAll(() => server.stop());

const submit = async (overrides = {}, options = {}) =>
  (await clients.jobs.submitJob({ config: jobConfig(overrides) }, options)).jobId;

describe("ExplainJob", () => {
  test("I am told why my job waits and what would help", async () => {
    const jobId = await submit({ requiredDevice: DeviceType.DEVICE_VULKAN });
    await server.reaches(jobId, "pending.queued");
    const node = await server.fakeNode();
    const explanation = await scheduling.explainJob({ jobId });
    expect(explanation).toMatchObject({
      jobId,
      state: "pending.queued",
      reason: "no_matching_node",
      queue: { position: 1, length: 1 },
      lastAttempt: undefined,
      failure: undefined,
    });
    const { nodes } = explanation;
    expect(nodes?.fitting).toBe(0);
    expect(nodes?.ruledOut).toContainEqual({ reason: "device", nodes: 1 });
    expect((nodes?.ruledOut ?? []).reduce((sum, one) => sum + one.nodes, 0)).toBe(nodes?.total ?? -1);
    expect(explanation.wouldHelp.length).toBeGreaterThan(0);
    expect(Number(explanation.untilMs)).toBeGreaterThan(Date.now());
    expect(node.id).toBeString();
  });

  test("a finished job is answered with how it ended", async () => {
    const jobId = await submit({ requiredDevice: DeviceType.DEVICE_VULKAN });
    await clients.jobs.cancelJob({ jobId, reason: "not needed" });
    await server.leavesMemory(jobId);
    expect(await scheduling.explainJob({ jobId })).toMatchObject({
      state: "cancelled",
      reason: "",
      nodes: undefined,
      failure: { code: "cancelled", message: "cancelled: not needed" },
    });
  });

  test("a stranger is not told about my job", async () => {
    const jobId = await submit({ requiredDevice: DeviceType.DEVICE_VULKAN }, await as("alice"));
    const stranger = await refused((o) => scheduling.explainJob({ jobId }, o), await as("mallory"));
    expect(stranger.code).toBe("PERMISSION_DENIED");
    expect((await scheduling.explainJob({ jobId }, await as("alice"))).jobId).toBe(jobId);
  });

  test("bad and unknown ids are refused as JobService refuses them", async () => {
    expect(await refused((o) => scheduling.explainJob({ jobId: "x" }, o))).toMatchObject({
      code: "INVALID_ARGUMENT",
      field: "job_id",
    });
    expect(await refused((o) => scheduling.explainJob({ jobId: randomUUID() }, o))).toMatchObject({
      code: "NOT_FOUND",
    });
  });
});

describe("PlanJob", () => {
  test("tells price, nodes and start, and stores nothing", async () => {
    const node = await server.fakeNode();
    const before = await server.queries.jobs.count({});
    const plan = await scheduling.planJob({ config: jobConfig({ estimatedDuration: 3600n }) });
    expect(plan).toMatchObject({ priceUnits: "36360000", nodesNeeded: 1, reason: "", expectedStart: "now" });
    expect(plan.candidates[0]?.nodeId).toBe(node.id);
    const { score, terms } = plan.candidates[0] ?? { score: 0, terms: undefined };
    const { reputation = 0, availability = 0, capability = 0, uptime = 0 } = terms ?? {};
    expect(score).toBeCloseTo(0.4 * reputation + 0.3 * availability + 0.2 * capability + 0.1 * uptime, 9);
    expect(await server.queries.jobs.count({})).toBe(before);
  });

  test("is checked field by field, as a submission is", async () => {
    expect(await refused((o) => scheduling.planJob({}, o))).toMatchObject({
      code: "INVALID_ARGUMENT",
      field: "config",
    });
    expect(await refused((o) => scheduling.planJob({ config: jobConfig({ epochs: -1 }) }, o))).toMatchObject({
      code: "INVALID_ARGUMENT",
      field: "config.epochs",
    });
    const gang = { config: jobConfig({ hyperparameters: { "cyxwiz.gang.size": "65" } }) };
    expect(await refused((o) => scheduling.planJob(gang, o))).toMatchObject({
      code: "INVALID_ARGUMENT",
      field: 'config.hyperparameters["cyxwiz.gang.size"]',
    });
  });
});

test("reflection lists the service and its file, so that grpcurl can call it", async () => {
  const reflection = createClient(ServerReflectionDefinition, server.channel());
  async function* requests() {
    yield { messageRequest: { case: "listServices" as const, value: "" } };
    yield {
      messageRequest: { case: "fileContainingSymbol" as const, value: "cyxwiz.scheduling.v1.SchedulingService" },
    };
  }
  const answers = [];
  for await (const { messageResponse } of reflection.serverReflectionInfo(requests())) answers.push(messageResponse);
  const [list, file] = answers;
  if (list?.case !== "listServicesResponse" || file?.case !== "fileDescriptorResponse") throw new Error("refused");
  expect(list.value.service.map(({ name }) => name)).toContain("cyxwiz.scheduling.v1.SchedulingService");
  expect(file.value.fileDescriptorProto.length).toBeGreaterThan(1);
});
