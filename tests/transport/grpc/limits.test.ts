/** What the gRPC side does under pressure: too much, too many, nonsense, and a database that is away. */
import { afterAll, afterEach, beforeAll, describe, expect, test } from "bun:test";
import { randomUUID } from "node:crypto";
import { connect } from "node:net";
import { credentials, makeGenericClientConstructor } from "@grpc/grpc-js";
import { createClient } from "nice-grpc";
import { Status } from "nice-grpc-common";
import {
  HealthDefinition,
  HealthCheckResponse_ServingStatus as ServingStatus,
} from "../../../src/transport/grpc/generated/grpc/health/v1/health.ts";
import { JobConfig, SubmitJobRequest } from "../../../src/transport/grpc/protocol.ts";
import { databaseServers, until } from "../../support/servers.ts";
import { type Clients, jobConfig, refused, TestServer } from "../../support/test-server.ts";

const servers = await databaseServers();
const url = servers.at(-1)?.url ?? "";

describe("limits", () => {
  let server: TestServer;
  let clients: Clients;

  beforeAll(async () => {
    server = await TestServer.start(url, {
      "server.max_connections": "10",
      "limits.max_queue_depth": "5",
      "limits.max_message_bytes": "65536",
    });
    clients = server.clients();
  });
  afterEach(() => server.clear());
  afterAll(() => server.stop());

  const parked = (overrides = {}) => jobConfig({ requiredDevice: 5, ...overrides });

  test("a message at the limit passes, one byte more does not", async () => {
    const submission = (length: number) => ({ config: parked({ modelDefinition: "m".repeat(length) }) });
    const overhead = SubmitJobRequest.encode(submission(60_000)).length - 60_000;
    const { jobId } = await clients.jobs.submitJob(submission(65_536 - overhead));
    expect(jobId).toBeString();
    const tooLong = submission(65_537 - overhead);
    expect(SubmitJobRequest.encode(tooLong).length).toBe(65_537);
    expect(await refused((o) => clients.jobs.submitJob(tooLong, o))).toMatchObject({ code: "RESOURCE_EXHAUSTED" });
    expect(await refused((o) => clients.jobs.submitJob(submission(30_000_000), o))).toMatchObject({
      code: "RESOURCE_EXHAUSTED",
    });
    expect((await clients.jobs.getJobStatus({ jobId })).status?.jobId).toBe(jobId);
  });

  test("beyond the open calls more are refused, with when to come again; a probe gets its answer", async () => {
    const { jobId } = await clients.jobs.submitJob({ config: parked() });
    const streams = Array.from({ length: 10 }, async () => {
      for await (const _ of clients.jobs.streamJobUpdates({ jobId }));
    });
    await until("ten calls to be open", () => server.grpc.openCalls() === 10);
    expect(await refused((o) => clients.jobs.getJobStatus({ jobId }, o))).toMatchObject({
      code: "RESOURCE_EXHAUSTED",
      retryAfter: "1000",
      message: "10 calls are open already; try again later",
    });
    const health = createClient(HealthDefinition, server.channel());
    expect((await health.check({ service: "" })).status as ServingStatus).toBe(ServingStatus.SERVING);
    await server.core.jobs.ask(jobId, { type: "CANCEL", reason: "" });
    await Promise.all(streams);
    await until("the calls to be closed", () => server.grpc.openCalls() === 0);
    expect((await clients.jobs.getJobStatus({ jobId })).status?.jobId).toBe(jobId);
  });

  test("beyond the queue's depth new jobs are refused, with when to come again; repeats of queued ones are not", async () => {
    const ids: string[] = [];
    for (let index = 0; index < 5; index++) ids.push((await clients.jobs.submitJob({ config: parked() })).jobId);
    expect(await refused((o) => clients.jobs.submitJob({ config: parked() }, o))).toMatchObject({
      code: "RESOURCE_EXHAUSTED",
      retryAfter: "5000",
    });
    const jobId = ids[0] ?? "";
    expect((await clients.jobs.submitJob({ config: parked({ jobId }) })).jobId).toBe(jobId);
    await clients.jobs.cancelJob({ jobId });
    await clients.jobs.submitJob({ config: parked() });
  });

  test("frames that are no messages are refused one by one, and nobody else notices", async () => {
    const Raw = makeGenericClientConstructor({}, "raw");
    const caller = new Raw(server.address, credentials.createInsecure());
    const same = (bytes: Buffer) => bytes;
    const raw = (method: string, body: Buffer) =>
      new Promise<{ code?: Status }>((resolve) => {
        caller.makeUnaryRequest(`/cyxwiz.protocol.${method}`, same, same, body, (error: unknown, reply: unknown) =>
          resolve((error ?? reply) as { code?: Status }),
        );
      });
    const valid = Buffer.from(JobConfig.encode(jobConfig()));
    const bodies = [
      Buffer.from([0x0a, 0xff, 0xff, 0xff, 0xff, 0x0f]), // longer than a message can be
      Buffer.from([0x0a, 5, 0x61]), // ends too early
      Buffer.from([0x0a, 1, 0xff]), // not UTF-8
      Buffer.from([0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]), // no tag
      Buffer.from([0x0f]), // a wire type there is not
      Buffer.concat([Buffer.from([0x0a, valid.length]), valid.subarray(0, -3)]),
      Buffer.concat([Buffer.from([0x0a, 3]), Buffer.from([0x52, 0x7f, 0x01])]),
    ];
    for (const method of ["JobService/SubmitJob", "NodeService/RegisterNode", "JobStatusService/UpdateJobStatus"]) {
      for (const body of bodies) {
        const { code } = await raw(method, body);
        expect([Status.INTERNAL, Status.INVALID_ARGUMENT]).toContain(code ?? Status.OK);
      }
    }
    expect(await raw("JobService/Nothing", Buffer.alloc(0))).toMatchObject({ code: Status.UNIMPLEMENTED });
    caller.close();
    await nonsense(server.port, "GET / HTTP/1.1\r\nhost: x\r\n\r\n");
    await nonsense(server.port, Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\u00ff\u00ff\u00ff\u00ff", "latin1"));
    await nonsense(server.port, Buffer.alloc(100_000, 0xaa));
    expect((await clients.jobs.submitJob({ config: parked() })).jobId).toBeString();
  });
});

describe("a database that is away", () => {
  let server: TestServer;
  let clients: Clients;

  beforeAll(async () => {
    server = await TestServer.start(url);
    clients = server.clients();
  });
  afterAll(() => server.stop());

  test("makes every call that needs it UNAVAILABLE, with when to come again, and no other; then all is as before", async () => {
    const node = await server.fakeNode();
    const config = jobConfig({ jobId: randomUUID(), requiredDevice: 5 });
    const { jobId: waiting } = await clients.jobs.submitJob({ config: jobConfig({ requiredDevice: 5 }) });
    const { jobId: finished } = await clients.jobs.submitJob({ config: jobConfig() });
    await server.reaches(finished, "assigned.accepted");
    await node.complete(finished);
    await server.leavesMemory(finished);
    const { jobId: running } = await clients.jobs.submitJob({ config: jobConfig() });
    await server.reaches(running, "assigned.accepted");
    await node.progress(running, 0.1);

    server.database.cut();
    const needs = {
      submit: (o: object) => clients.jobs.submitJob({ config }, o),
      status: (o: object) => clients.jobs.getJobStatus({ jobId: finished }, o),
      list: (o: object) => clients.jobs.listJobs({}, o),
      delete: (o: object) => clients.jobs.deleteJob({ jobId: finished }, o),
      register: (o: object) =>
        clients.nodes.registerNode({ info: { ipAddress: "10.0.0.1", port: 1, nodeId: randomUUID() } }, o),
      metrics: (o: object) => clients.nodes.getNodeMetrics({ nodeId: node.id }, o),
      late: (o: object) => clients.jobStatus.updateJobStatus({ nodeId: node.id, jobId: finished, progress: 1 }, o),
      complete: (o: object) =>
        clients.nodes.reportCompletion({ nodeId: node.id, jobId: running, result: { status: 1 } }, o),
      cancel: (o: object) => clients.jobs.cancelJob({ jobId: waiting }, o),
    };
    const refusals = await Promise.all(
      Object.entries(needs).map(async ([what, call]) => ({ what, ...(await refused(call)) })),
    );
    for (const refusal of refusals) {
      expect(refusal).toMatchObject({ what: refusal.what, code: "UNAVAILABLE" });
      expect(Number(refusal.retryAfter)).toBeGreaterThan(0);
      // What is wrong inside, and where, is for the log.
      expect(refusal.message).not.toMatch(/127\.0\.0\.1|ECONN|postgres/i);
    }
    // Memory answers without it.
    expect((await clients.jobs.getJobStatus({ jobId: waiting })).status?.jobId).toBe(waiting);
    expect((await node.heartbeat()).keepAlive).toBe(true);
    expect((await node.progress(running, 0.2)).continueJob).toBe(true);

    server.database.mend();
    const again = async (call: (o: object) => Promise<unknown>) =>
      until("the server to work again", () =>
        call({}).then(
          () => true,
          ({ code }: { code: Status }) => {
            if (code !== Status.UNAVAILABLE) throw new Error(`refused with ${Status[code]}`);
            return false;
          },
        ),
      );
    for (const call of [needs.submit, needs.status, needs.list, needs.register, needs.metrics, needs.late]) {
      await again(call);
    }
    // The same submission again is the same job, whether or not the first got through.
    expect((await clients.jobs.submitJob({ config })).jobId).toBe(config.jobId ?? "");
    await again(needs.complete);
    await server.reaches(running, "completed");
    const cancelled = await clients.jobs.cancelJob({ jobId: waiting }).catch(({ code }: { code: Status }) => code);
    expect([Status.FAILED_PRECONDITION, { status: 1, refundIssued: false, error: undefined }]).toContainEqual(
      cancelled as never,
    );
    await again(needs.delete);
    expect(server.core.system.quarantined()).toEqual([]);
    expect(server.logged.filter(({ level }) => level === "error")).toEqual([]);
  });

  test("a node that comes back meanwhile is told to try again", async () => {
    const node = await server.fakeNode();
    await server.core.nodes.ask(node.id, { type: "DEADLINE" });
    server.database.cut();
    expect(await refused(() => node.heartbeat())).toMatchObject({ code: "UNAVAILABLE" });
    server.database.mend();
    await until("the heartbeat to be heard", () =>
      node.heartbeat().then(
        () => true,
        () => false,
      ),
    );
    expect(server.nodeState(node.id)).toBe("online.idle");
  });
});

/** Sends bytes that are no gRPC and waits until the server has hung up, or has had time to. */
function nonsense(port: number, bytes: string | Buffer): Promise<void> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1", () => socket.write(bytes));
    socket.setTimeout(200, () => socket.destroy());
    socket.on("data", () => {});
    socket.on("error", () => {});
    socket.on("close", () => resolve());
  });
}
