/** JobStatusService over a real socket: the way to report that names no attempt and carries no signature. */
import { afterAll, afterEach, beforeAll, describe, expect, test } from "bun:test";
import { randomUUID } from "node:crypto";
import { StatusCode } from "../../../src/transport/grpc/protocol.ts";
import { databaseServers } from "../../support/servers.ts";
import { as, type Clients, jobConfig, refused, TestServer } from "../../support/test-server.ts";

const [database] = await databaseServers();

describe("JobStatusService", () => {
  let server: TestServer;
  let clients: Clients;

  beforeAll(async () => {
    server = await TestServer.start(database?.url ?? "");
    clients = server.clients();
  });
  afterEach(() => server.clear());
  afterAll(() => server.stop());

  const accepted = async () => {
    const node = await server.fakeNode();
    const { jobId } = await clients.jobs.submitJob({ config: jobConfig() });
    await server.reaches(jobId, "assigned.accepted");
    return { node, jobId, nodeId: node.id };
  };
  const update = (request: Parameters<typeof clients.jobStatus.updateJobStatus>[0], options: object = {}) =>
    clients.jobStatus.updateJobStatus({ status: StatusCode.STATUS_IN_PROGRESS, ...request }, options);
  const report = (request: Parameters<typeof clients.jobStatus.reportJobResult>[0], options: object = {}) =>
    clients.jobStatus.reportJobResult({ finalStatus: StatusCode.STATUS_SUCCESS, ...request }, options);
  const both = [update, report] as const;

  test("refuses what is no job id, in the words of the original", async () => {
    for (const call of both) {
      for (const jobId of ["", "invalid-uuid", "\u0000", `${randomUUID()}x`]) {
        const refusal = await refused((o) => call({ jobId, nodeId: "whoever" }, o));
        expect(refusal).toMatchObject({ code: "INVALID_ARGUMENT", field: "job_id" });
        expect(refusal.message).toContain("Invalid job ID");
      }
    }
  });

  test("does not find an unknown job, in the words of the original, whoever reports", async () => {
    const node = await server.fakeNode();
    for (const call of both) {
      for (const nodeId of [node.id, randomUUID(), "test-node-1", ""]) {
        const jobId = randomUUID();
        expect(await refused((o) => call({ jobId, nodeId }, o))).toMatchObject({
          code: "NOT_FOUND",
          message: `Job not found: ${jobId}`,
        });
      }
    }
  });

  test("refuses unknown nodes and foreign ones, also about a finished job", async () => {
    const { node, jobId } = await accepted();
    const foreign = await server.fakeNode();
    for (const state of ["live", "finished"]) {
      for (const call of both) {
        expect(await refused((o) => call({ jobId, nodeId: "node-1" }, o))).toMatchObject({
          code: "INVALID_ARGUMENT",
          field: "node_id",
        });
        expect(await refused((o) => call({ jobId, nodeId: randomUUID() }, o))).toMatchObject({
          code: "NOT_FOUND",
          field: "node_id",
        });
        expect(await refused((o) => call({ jobId, nodeId: foreign.id }, o))).toMatchObject({
          code: "PERMISSION_DENIED",
        });
      }
      if (state === "live") {
        await node.complete(jobId);
        await server.leavesMemory(jobId);
      }
    }
    expect((await server.queries.jobs.find(jobId))?.status).toBe("completed");
  });

  test("takes progress and starts the job by it", async () => {
    const { jobId, nodeId } = await accepted();
    const reply = await update({
      jobId,
      nodeId,
      progress: 0.25,
      currentEpoch: 2,
      metrics: { loss: 0.5 },
      logMessage: "hm",
    });
    expect(reply).toMatchObject({ status: StatusCode.STATUS_SUCCESS, shouldContinue: true, error: undefined });
    expect(await server.queries.jobs.find(jobId)).toMatchObject({
      status: "running",
      progress: 0.25,
      current_epoch: 2,
      metrics: { loss: 0.5 },
    });
    const { status } = await clients.jobs.getJobStatus({ jobId });
    expect(status).toMatchObject({ progress: 0.25, currentEpoch: 2, metrics: { loss: 0.5 } });
  });

  test("a status that means nothing here is a sign of life", async () => {
    for (const status of [0, 3, 99, -1, 2147483647] as StatusCode[]) {
      const { jobId, nodeId } = await accepted();
      expect((await update({ jobId, nodeId, status })).shouldContinue).toBe(true);
      await server.reaches(jobId, "running.active");
      await server.clear();
    }
  });

  test("refuses values out of range by name, and changes nothing", async () => {
    const { jobId, nodeId } = await accepted();
    for (const progress of [1.0001, -0.1, Number.NaN, Number.POSITIVE_INFINITY, 100]) {
      expect(await refused((o) => update({ jobId, nodeId, progress }, o))).toMatchObject({ field: "progress" });
    }
    for (const [field, request] of [
      ["current_epoch", { currentEpoch: -1 }],
      ["current_epoch", { currentEpoch: 100_001 }],
      ["log_message", { logMessage: "l".repeat(10_001) }],
      ["log_message", { logMessage: "\u0000" }],
      ["metrics", { metrics: Object.fromEntries(Array.from({ length: 257 }, (_, index) => [`m${index}`, 1])) }],
    ] as const) {
      expect(await refused((o) => update({ jobId, nodeId, ...request }, o))).toMatchObject({
        code: "INVALID_ARGUMENT",
        field,
      });
    }
    for (const [field, request] of [
      ["model_weights_uri", { modelWeightsUri: "u".repeat(8193) }],
      ["model_weights_hash", { modelWeightsHash: "\u0000" }],
      ["model_size", { modelSize: -1n }],
      ["total_compute_time", { totalComputeTime: -(2n ** 63n) }],
      ["error_message", { errorMessage: "e".repeat(10_001) }],
    ] as const) {
      expect(await refused((o) => report({ jobId, nodeId, ...request }, o))).toMatchObject({
        code: "INVALID_ARGUMENT",
        field,
      });
    }
    expect(server.core.jobs.peek(jobId)?.state).toBe("assigned.accepted");
  });

  test("success completes the job, once, however it is told and repeated", async () => {
    for (const status of [StatusCode.STATUS_SUCCESS, StatusCode.STATUS_COMPLETED]) {
      const { jobId, nodeId } = await accepted();
      expect(await update({ jobId, nodeId, status, progress: 1, metrics: { loss: 0.1 } })).toMatchObject({
        status: StatusCode.STATUS_SUCCESS,
        shouldContinue: false,
        error: undefined,
      });
      // The result follows the last update, as the C++ node would send it.
      for (let repeat = 0; repeat < 2; repeat++) {
        expect(await report({ jobId, nodeId })).toMatchObject({ status: StatusCode.STATUS_SUCCESS, error: undefined });
      }
      expect(await server.queries.jobs.find(jobId)).toMatchObject({ status: "completed", progress: 1, attempt: 1 });
      expect(await server.queries.jobs.transitionsAfter(jobId, 0, 100)).toSatisfy(
        (all) => all.filter(({ to }) => to === "completed").length <= 2,
      );
      await server.clear();
    }
  });

  test("a result is stored with what it says; its time counts in milliseconds", async () => {
    const { jobId, nodeId } = await accepted();
    await report({
      jobId,
      nodeId,
      modelWeightsUri: "file:///w",
      modelWeightsHash: "ab12",
      modelSize: 77n,
      finalMetrics: { accuracy: 0.9, broken: Number.NaN },
      totalComputeTime: 12_345n,
    });
    await server.leavesMemory(jobId);
    const detail = await server.queries.jobs.detail(jobId);
    expect(detail?.row).toMatchObject({
      status: "completed",
      result_hash: "ab12",
      result_uri: "file:///w",
      result_size: 77n,
    });
    expect(detail?.context?.result).toMatchObject({ computeSeconds: 12, metrics: { accuracy: 0.9 } });
    expect(detail?.context?.result?.metrics).toEqual({ accuracy: 0.9 });
  });

  test("anything but success in a result is a failed run, which is tried again", async () => {
    const { jobId, nodeId, node } = await accepted();
    const second = await server.fakeNode();
    expect(await report({ jobId, nodeId, finalStatus: 0, errorMessage: "disk full" })).toMatchObject({
      status: StatusCode.STATUS_SUCCESS,
    });
    await second.offered(jobId);
    await server.reaches(jobId, "assigned.accepted");
    // Told again, and in the other words: it is not the second node's failure.
    await report({ jobId, nodeId, finalStatus: StatusCode.STATUS_FAILED });
    expect((await update({ jobId, nodeId, status: StatusCode.STATUS_IN_PROGRESS })).shouldContinue).toBe(false);
    expect(node.offersOf(jobId)).toHaveLength(1);
    await update({ jobId, nodeId: second.id, status: StatusCode.STATUS_FAILED, logMessage: "no memory" });
    await server.reaches(jobId, "failed");
    expect(await server.queries.jobs.find(jobId)).toMatchObject({ error_message: "no memory (the last of 2 tries)" });
  });

  test("a finished job is never reopened", async () => {
    for (const end of ["complete", "cancel"] as const) {
      const { jobId, nodeId, node } = await accepted();
      if (end === "complete") await node.complete(jobId);
      else await clients.jobs.cancelJob({ jobId });
      const before = await server.queries.jobs.find(jobId);
      for (const status of [
        StatusCode.STATUS_IN_PROGRESS,
        StatusCode.STATUS_FAILED,
        StatusCode.STATUS_PENDING,
        99 as StatusCode,
      ]) {
        const late = await update({ jobId, nodeId, status, progress: 0.5 });
        expect(late).toMatchObject({ shouldContinue: false, error: { code: 409 } });
      }
      expect(await report({ jobId, nodeId, finalStatus: StatusCode.STATUS_FAILED })).toMatchObject({
        error: { code: 409 },
      });
      const after = await server.queries.jobs.find(jobId);
      expect([after?.status, after?.started_at, after?.completed_at]).toEqual([
        before?.status,
        before?.started_at,
        before?.completed_at,
      ]);
      await server.clear();
    }
  });

  test("a token shown must be good, and the node's own user's", async () => {
    const { jobId, nodeId, node } = await accepted();
    await clients.nodes.registerNode(
      { info: { nodeId, name: "mine", ipAddress: "127.0.0.1", port: node.port } },
      await as("alice"),
    );
    expect(await refused((o) => update({ jobId, nodeId }, o), await as("bob"))).toMatchObject({
      code: "PERMISSION_DENIED",
    });
    expect((await update({ jobId, nodeId }, await as("alice"))).shouldContinue).toBe(true);
  });
});
