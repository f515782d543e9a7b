/** The limits that one caller meets, each through the real transport: refused, with when to come again, and nobody else. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { connect } from "node:http2";
import { gzipSync } from "node:zlib";
import { createClient } from "nice-grpc";
import pg from "pg";
import { callerLimits } from "../../src/transport/caller-limits.ts";
import { HealthDefinition } from "../../src/transport/grpc/health.ts";
import { SubmitJobRequest } from "../../src/transport/grpc/protocol.ts";
import { startPostgresServer, startSharedEmbedded, until } from "../support/servers.ts";
import {
  as,
  type Clients,
  jobConfig,
  type RefusedCall,
  refused,
  TestServer,
  userToken,
} from "../support/test-server.ts";
import { type Harness, register, startHarness, submit } from "../transport/rest/harness.ts";
import { frame, Wire } from "./wire.ts";

const url = ((await startPostgresServer()) ?? (await startSharedEmbedded())).url;
const parked = () => jobConfig({ requiredDevice: 5 });

describe("over gRPC", () => {
  let server: TestServer;
  let clients: Clients;
  beforeAll(async () => {
    server = await TestServer.start(url, {
      "limits.requests_per_second": "5",
      "limits.reports_per_second": "100",
      "limits.max_streams_per_caller": "2",
      "limits.max_calls_per_connection": "77",
      "limits.max_message_bytes": "16384",
    });
    clients = server.clients();
  });
  afterAll(() => server.stop());

  test("a caller's flood is refused and told when to come again; others, nodes at that address and probes are not", async () => {
    const node = await server.fakeNode();
    const flood = Array.from({ length: 60 }, () => clients.jobs.listJobs({}).catch(() => "refused"));
    expect((await Promise.all(flood)).filter((answer) => answer === "refused").length).toBeGreaterThan(20);
    const list = (options: object) => clients.jobs.listJobs({}, options);
    let refusal: RefusedCall | null = null;
    await until("a refusal", async () => {
      refusal = await refused(list).catch(() => null);
      return refusal !== null;
    });
    expect(refusal).toMatchObject({
      code: "RESOURCE_EXHAUSTED",
      message: "more than 5 calls a second (limits.requests_per_second); slow down and try again",
    });
    expect(Number((refusal as RefusedCall | null)?.retryAfter)).toBeGreaterThan(0);
    // Somebody else at the same address.
    expect((await clients.jobs.listJobs({}, await as("bob"))).totalCount).toBe(0);
    const beats = Array.from({ length: 40 }, () => node.heartbeat());
    for (const { keepAlive } of await Promise.all(beats)) expect(keepAlive).toBe(true);
    const health = createClient(HealthDefinition, server.channel());
    for (let probe = 0; probe < 30; probe++) expect((await health.check({ service: "" })).status as number).toBe(1);
  });

  test("a forged token opens no fresh share", async () => {
    const forged = await userToken({ sub: "mallory" }, { secret: "not the secret of this server, at all" });
    const wire = new Wire(server.address);
    const call = {
      path: "/cyxwiz.protocol.JobService/ListJobs",
      headers: { "content-type": "application/grpc", authorization: `Bearer ${forged}` },
      chunks: [frame(Buffer.alloc(0))],
      close: "end",
    } as const;
    // The address has its share back after what the test before took of it.
    await until("a call to be looked at", async () => (await wire.send(call, 10_000)).grpc === 16);
    const replies = await Promise.all(Array.from({ length: 60 }, () => wire.send(call, 10_000)));
    wire.close();
    const exhausted = replies.filter(({ grpc }) => grpc === 8);
    expect(exhausted.length).toBeGreaterThan(20);
    for (const { trailers } of exhausted) expect(Number(trailers["retry-after"])).toBeGreaterThanOrEqual(1);
    for (const { grpc } of replies) expect([8, 16]).toContain(grpc as number);
  });

  test("a caller's streams are bounded, and one that ends makes room", async () => {
    const carol = await as("carol");
    const { jobId } = await clients.jobs.submitJob({ config: parked() }, carol);
    const open = () => {
      const abort = new AbortController();
      const stream = clients.jobs
        .streamJobUpdates({ jobId }, { ...carol, signal: abort.signal })
        [Symbol.asyncIterator]();
      return { first: stream.next(), end: () => abort.abort(), stream };
    };
    const streams = [open(), open()];
    for (const { first } of streams) expect((await first).value?.jobId).toBe(jobId);
    expect(await refused((options) => open2(options))).toMatchObject({
      code: "RESOURCE_EXHAUSTED",
      retryAfter: "10000",
      message: expect.stringContaining("limits.max_streams_per_caller"),
    });
    async function open2(options: object): Promise<void> {
      for await (const _ of clients.jobs.streamJobUpdates({ jobId }, { ...carol, ...options })) return;
    }
    streams[0]?.end();
    await streams[0]?.stream.next().catch(() => {});
    await until("there to be room", () =>
      open2({}).then(
        () => true,
        () => false,
      ),
    );
    streams[1]?.end();
    await streams[1]?.stream.next().catch(() => {});
  });

  test("a message beyond the limit is refused as such, and so is one that decompresses beyond it", async () => {
    const wire = new Wire(server.address);
    const submit = (message: Uint8Array, more: { flag?: number; encoding?: string } = {}) =>
      wire.send(
        {
          path: "/cyxwiz.protocol.JobService/SubmitJob",
          headers: { "content-type": "application/grpc", ...(more.encoding && { "grpc-encoding": more.encoding }) },
          chunks: [frame(message, { flag: more.flag ?? 0 })],
          close: "end",
        },
        10_000,
      );
    const large = SubmitJobRequest.encode({ config: { ...parked(), modelDefinition: "m".repeat(10_000_000) } });
    for (const reply of [
      await submit(large.subarray(0, 20_000)),
      await submit(large),
      await submit(gzipSync(Buffer.alloc(1_000_000)), { flag: 1, encoding: "gzip" }),
    ]) {
      expect(reply).toMatchObject({ grpc: 8, message: expect.stringContaining("limits.max_message_bytes") });
      // gRFC A6: do not try again.
      expect(reply.trailers["grpc-retry-pushback-ms"]).toBe("-1");
    }
    wire.close();
  });

  test("what is no message is the caller's mistake, not the server's", async () => {
    const wire = new Wire(server.address);
    const send = (chunks: readonly Buffer[], headers: Record<string, string> = {}) =>
      wire.send(
        {
          path: "/cyxwiz.protocol.NodeService/Heartbeat",
          headers: { "content-type": "application/grpc", ...headers },
          chunks,
          close: "end",
        },
        10_000,
      );
    const empty = frame(Buffer.alloc(0));
    for (const reply of [
      await send([frame(Buffer.from([0x0a, 1, 0xff]))]),
      await send([frame(Buffer.from("not gzip"), { flag: 1 })], { "grpc-encoding": "gzip" }),
      await send([empty], { "grpc-timeout": "soon" }),
      await send([empty.subarray(0, 3)]),
      await send([empty, empty]),
    ]) {
      expect(reply).toMatchObject({ grpc: 3, http: 200 });
    }
    wire.close();
  });

  test("a connection is told how many calls it may have open", async () => {
    const session = connect(`http://${server.address}`);
    const { maxConcurrentStreams } = await new Promise<{ maxConcurrentStreams?: number }>((resolve) =>
      session.once("remoteSettings", resolve),
    );
    session.destroy();
    expect(maxConcurrentStreams).toBe(77);
  });
});

const behind = [
  { setting: "limits.max_commit_backlog", settings: { "limits.max_commit_backlog": "5" }, jobs: 5 },
  { setting: "limits.max_commit_wait_ms", settings: { "limits.max_commit_wait_ms": "50" }, jobs: 1 },
] as const;

test.each(behind)(
  "beyond $setting new jobs are refused at once; heartbeats, cancellations and repeats pass",
  async (limit) => {
    const server = await TestServer.start(url, limit.settings);
    const { jobs } = server.clients();
    const node = await server.fakeNode();
    const { jobId: waiting } = await jobs.submitJob({ config: parked() });
    const locker = new pg.Client({ connectionString: server.databaseUrl });
    await locker.connect();
    // Nothing is stored until this lock is given back.
    await locker.query("begin");
    await locker.query("lock table actors in access exclusive mode");
    const ids = Array.from({ length: limit.jobs }, () => crypto.randomUUID());
    const taken = ids.map((jobId) => jobs.submitJob({ config: { ...parked(), jobId } }));
    let refusal: RefusedCall | null = null;
    await until("the backlog to be full", async () => {
      refusal = await Promise.race([
        refused((options) => jobs.submitJob({ config: parked() }, options)),
        Bun.sleep(300).then(() => null),
      ]);
      return refusal !== null;
    });
    expect(refusal).toMatchObject({
      code: "RESOURCE_EXHAUSTED",
      retryAfter: "1000",
      message: expect.stringContaining(limit.setting),
    });
    expect((await node.heartbeat()).keepAlive).toBe(true);
    const cancelled = jobs.cancelJob({ jobId: waiting });
    const repeated = jobs.submitJob({ config: { ...parked(), jobId: ids[0] ?? "" } });
    await locker.query("commit");
    await locker.end();
    expect((await Promise.all(taken)).map(({ jobId }) => jobId)).toEqual(ids);
    expect((await repeated).jobId).toBe(ids[0] ?? "");
    expect((await cancelled).status as number).toBe(1);
    expect((await jobs.submitJob({ config: parked() })).jobId).toBeString();
    await server.stop();
  },
);

describe("over REST", () => {
  let harness: Harness;
  beforeAll(async () => {
    const limits = callerLimits({ requestsPerSecond: 5, reportsPerSecond: 5, maxStreamsPerCaller: 2 }, Date.now);
    harness = await startHarness({ callers: limits });
  });
  afterAll(() => harness.stop());

  const refill = () => Bun.sleep(2100);

  test("a flood is 429 with Retry-After, in the header and in the problem; health is not counted", async () => {
    const answers = await Promise.all(Array.from({ length: 40 }, () => harness.get("/api/v1/scheduler/status")));
    const refusals = answers.filter(({ status }) => status === 429);
    expect(refusals.length).toBeGreaterThan(10);
    for (const { headers, body } of refusals) {
      expect(Number(headers.get("retry-after"))).toBeGreaterThanOrEqual(1);
      expect(body).toMatchObject({ status: 429, retry_after: Number(headers.get("retry-after")) });
      expect(body.detail).toContain("limits.requests_per_second");
    }
    for (let probe = 0; probe < 20; probe++) expect((await harness.get("/api/health")).status).toBe(200);
  });

  test("the third stream of a caller is 429, and room is made by one that ends", async () => {
    await refill();
    const id = await submit(harness, { awaitsFunds: true });
    const open = () => {
      const abort = new AbortController();
      return { abort, response: fetch(harness.url(`/api/v1/jobs/${id}/events`), { signal: abort.signal }) };
    };
    const streams = [open(), open()];
    for (const { response } of streams) expect((await response).status).toBe(200);
    const third = await harness.get(`/api/v1/jobs/${id}/events`);
    expect([third.status, third.headers.get("retry-after")]).toEqual([429, "10"]);
    expect(third.body.detail).toContain("limits.max_streams_per_caller");
    streams[0]?.abort.abort();
    await until("the stream to be gone", () => harness.app.streams.size === 1);
    await refill();
    const fourth = open();
    expect((await fourth.response).status).toBe(200);
    fourth.abort.abort();
    streams[1]?.abort.abort();
  });

  test("a user's token reads that user's jobs and no others", async () => {
    await refill();
    const id = await submit(harness, { awaitsFunds: true, owner: "alice" });
    const bearer = { authorization: `Bearer ${await userToken({ sub: "bob" })}` };
    for (const path of [
      `/api/v1/jobs/${id}`,
      `/api/jobs/${id}`,
      `/api/v1/jobs/${id}/events`,
      "/api/v1/jobs?owner=alice",
    ]) {
      const { status, body } = await harness.get(path, bearer);
      expect([path, status]).toEqual([path, 403]);
      expect(JSON.stringify(body)).not.toContain("wallet-of-alice");
    }
    expect((await harness.get("/api/v1/jobs", bearer)).body).toMatchObject({ jobs: [], total: 0 });
    expect((await harness.get("/api/jobs", bearer)).body).toEqual([]);
    expect((await harness.get("/api/v1/scheduler/queue", bearer)).body).toMatchObject({ jobs: [], total: 0 });
  });

  test("the user behind a node is shown to that user, and not to others", async () => {
    await refill();
    const id = await register(harness, { userId: "alice" });
    const ownerSeenBy = async (sub: string) => {
      const bearer = { authorization: `Bearer ${await userToken({ sub })}` };
      const { body } = await harness.get(`/api/v1/nodes/${id}`, bearer);
      return (body as { owner: string | null }).owner;
    };
    expect([await ownerSeenBy("alice"), await ownerSeenBy("bob")]).toEqual(["alice", null]);
    const bob = { authorization: `Bearer ${await userToken({ sub: "bob" })}` };
    expect((await harness.get("/api/v1/nodes?owner=alice", bob)).status).toBe(403);
  });
});
