/** JobService over a real socket, a real core and a real PostgreSQL, call by call. */
import { afterAll, afterEach, beforeAll, describe, expect, test } from "bun:test";
import { createHmac, randomUUID } from "node:crypto";
import { Metadata } from "nice-grpc-common";
import {
  type DeepPartial,
  DeviceType,
  JobConfig,
  type JobPriority,
  JobType,
  type JobUpdateStream,
  StatusCode,
} from "../../../src/transport/grpc/protocol.ts";
import { administer, databaseServers, until } from "../../support/servers.ts";
import {
  as,
  bearer,
  type Clients,
  jobConfig,
  P2P_SECRET,
  refused,
  SECRET,
  TestServer,
  userToken,
} from "../../support/test-server.ts";

const INT64_MAX = 2n ** 63n - 1n;
const INT64_MIN = -(2n ** 63n);

for (const { name, url } of await databaseServers()) {
  describe(`JobService on the ${name} PostgreSQL`, () => {
    let server: TestServer;
    let clients: Clients;

    beforeAll(async () => {
      server = await TestServer.start(url);
      clients = server.clients();
    });
    afterEach(() => server.clear());
    afterAll(() => server.stop());

    const submit = async (config: DeepPartial<JobConfig> = {}, options = {}): Promise<string> =>
      (await clients.jobs.submitJob({ config: jobConfig(config) }, options)).jobId;
    const status = async (jobId: string, options = {}) => clients.jobs.getJobStatus({ jobId }, options);
    /** A job that no node of this test can run. */
    const waiting = (config: DeepPartial<JobConfig> = {}, options = {}) =>
      submit({ requiredDevice: DeviceType.DEVICE_VULKAN, ...config }, options);

    const count = async () => ({ total: await server.queries.jobs.count({}) });

    describe("SubmitJob", () => {
      test("stores the job and answers with its id and STATUS_SUCCESS", async () => {
        const reply = await clients.jobs.submitJob({ config: jobConfig({ requiredDevice: DeviceType.DEVICE_VULKAN }) });
        expect(reply.status).toBe(StatusCode.STATUS_SUCCESS);
        expect(reply.jobId).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-/);
        expect(reply.error).toBeUndefined();
        expect(reply.nodeAssignment).toBeUndefined();
        const row = await server.queries.jobs.find(reply.jobId);
        expect(row).toMatchObject({ status: "pending", job_type: "training", user_wallet: "", user_id: "anonymous" });
        expect(row?.metadata).toMatchObject({ epochs: 3, hyperparameters: { learning_rate: "0.01" } });
      });

      test("takes what a client leaves out for the original's defaults", async () => {
        const id = await waiting({ batchSize: 0, epochs: 0, estimatedDuration: 0n, paymentAmount: 0 });
        expect((await server.queries.jobs.find(id))?.metadata).toMatchObject({ batch_size: 32, epochs: 10 });
        expect((await server.queries.jobs.find(id))?.estimated_duration_seconds).toBe(3600n);
      });

      const bad: readonly (readonly [string, string, DeepPartial<JobConfig>])[] = [
        ["job_id", "no UUID", { jobId: "42" }],
        ["job_id", "a UUID and more", { jobId: `${randomUUID()}_1700000000` }],
        ["job_id", "U+0000", { jobId: "\u0000" }],
        ["job_type", "unknown", { jobType: JobType.JOB_TYPE_UNKNOWN }],
        ["job_type", "a number that means nothing", { jobType: 99 as JobType }],
        ["job_type", "negative", { jobType: -1 as JobType }],
        ["priority", "a number that means nothing", { priority: 4 as JobPriority }],
        ["priority", "negative", { priority: -2147483648 as JobPriority }],
        ["model_definition", "U+0000", { modelDefinition: "a\u0000b" }],
        ["model_definition", "too long", { modelDefinition: "m".repeat(4_000_001) }],
        ["dataset_uri", "empty", { datasetUri: "" }],
        ["dataset_uri", "blank", { datasetUri: " \t" }],
        ["dataset_uri", "too long", { datasetUri: "d".repeat(8193) }],
        ["dataset_uri", "U+0000", { datasetUri: "\u0000" }],
        ["hyperparameters name", "empty", { hyperparameters: { "": "1" } }],
        ["hyperparameters name", "too long", { hyperparameters: { ["n".repeat(201)]: "1" } }],
        ["hyperparameters name", "U+0000", { hyperparameters: { "a\u0000": "1" } }],
        ['hyperparameters["lr"]', "U+0000", { hyperparameters: { lr: "\u0000" } }],
        ['hyperparameters["lr"]', "too long", { hyperparameters: { lr: "1".repeat(65_537) } }],
        [
          "hyperparameters",
          "too many",
          { hyperparameters: Object.fromEntries(Array.from({ length: 1001 }, (_, index) => [`h${index}`, "1"])) },
        ],
        ["batch_size", "negative", { batchSize: -1 }],
        ["batch_size", "huge", { batchSize: 65_537 }],
        ["batch_size", "smallest int32", { batchSize: -2147483648 }],
        ["epochs", "negative", { epochs: -1 }],
        ["epochs", "largest int32", { epochs: 2147483647 }],
        ["required_device", "a number that means nothing", { requiredDevice: 6 as DeviceType }],
        ["required_device", "negative", { requiredDevice: -1 as DeviceType }],
        ["estimated_memory", "negative", { estimatedMemory: -1n }],
        ["estimated_memory", "largest int64", { estimatedMemory: INT64_MAX }],
        ["estimated_memory", "smallest int64", { estimatedMemory: INT64_MIN }],
        ["estimated_duration", "negative", { estimatedDuration: -1n }],
        ["estimated_duration", "longer than any run may be", { estimatedDuration: 86_401n }],
        ["estimated_duration", "largest int64", { estimatedDuration: INT64_MAX }],
        ["payment_amount", "negative", { paymentAmount: -0.1 }],
        ["payment_amount", "NaN", { paymentAmount: Number.NaN }],
        ["payment_amount", "infinite", { paymentAmount: Number.POSITIVE_INFINITY }],
        ["payment_amount", "negatively infinite", { paymentAmount: Number.NEGATIVE_INFINITY }],
        ["payment_amount", "more than there is", { paymentAmount: 1e300 }],
        ["payment_address", "too long", { paymentAddress: "w".repeat(129) }],
        ["payment_address", "U+0000", { paymentAddress: "w\u0000" }],
        ["escrow_tx_hash", "too long", { escrowTxHash: "h".repeat(129) }],
        ["reservation_duration_minutes", "negative", { reservationDurationMinutes: -1 }],
        ["reservation_duration_minutes", "huge", { reservationDurationMinutes: 2147483647 }],
      ];

      test("refuses every bad field by name, and stores nothing", async () => {
        const before = await count();
        for (const [field, what, config] of bad) {
          const refusal = await refused((options) => clients.jobs.submitJob({ config: jobConfig(config) }, options));
          expect({ ...refusal, what: `${field}: ${what}` }).toMatchObject({
            field: `config.${field}`,
            code: "INVALID_ARGUMENT",
          });
          expect(refusal.message).toStartWith(`config.${field}: `);
          // A hostile value may be shown, but not at length.
          expect(refusal.message.length).toBeLessThan(300);
        }
        expect(await count()).toEqual(before);
      });

      test("refuses a call without a config", async () => {
        expect(await refused((options) => clients.jobs.submitJob({}, options))).toMatchObject({
          code: "INVALID_ARGUMENT",
          field: "config",
        });
      });

      test("names a hyperparameter whose name no header can carry", async () => {
        const hyperparameters = { "współczynnik\n💥": "\u0000" };
        const refusal = await refused((o) => clients.jobs.submitJob({ config: jobConfig({ hyperparameters }) }, o));
        expect(refusal.code).toBe("INVALID_ARGUMENT");
        expect(refusal.message).toContain("współczynnik");
        expect(refusal.field).toStartWith('config.hyperparameters["wsp');
      });

      test("keeps a hyperparameter whatever its name, through a restart of its actor and to the node", async () => {
        const hyperparameters: Record<string, string> = JSON.parse(
          '{"__proto__":"p","constructor":"c","toString":"t","7":"seven","ą 💥":"\\n"}',
        );
        const node = await server.fakeNode({ answer: "hang" });
        const id = await submit({ hyperparameters });
        const { request } = await node.offered(id);
        expect(Object.entries(request.job?.hyperparameters ?? {}).sort()).toEqual(
          Object.entries(hyperparameters).sort(),
        );
        const row = await server.queries.jobs.find(id);
        expect(Object.entries(Object(row?.metadata).hyperparameters).sort()).toEqual(
          Object.entries(hyperparameters).sort(),
        );
        await clients.jobs.cancelJob({ jobId: id });
      });

      test("takes every value at its limit", async () => {
        const id = await waiting({
          jobId: randomUUID().toUpperCase(),
          priority: 3,
          datasetUri: "d".repeat(8192),
          hyperparameters: { ["n".repeat(200)]: "v".repeat(65_536) },
          batchSize: 65_536,
          epochs: 100_000,
          estimatedMemory: 2n ** 50n,
          estimatedDuration: 86_400n,
          paymentAmount: 1e9,
          paymentAddress: "w".repeat(128),
          escrowTxHash: "h".repeat(128),
          reservationDurationMinutes: 1_000_000,
        });
        expect(id).toBe(id.toLowerCase());
        expect((await status(id)).status?.status).toBe(StatusCode.STATUS_PENDING);
      });

      test("the same id twice is one job", async () => {
        const jobId = randomUUID();
        const config = jobConfig({ jobId, hyperparameters: { a: "1", b: "2" }, requiredDevice: 5 });
        const reordered = { ...config, jobId: jobId.toUpperCase(), hyperparameters: { b: "2", a: "1" } };
        expect((await clients.jobs.submitJob({ config })).jobId).toBe(jobId);
        expect((await clients.jobs.submitJob({ config: reordered })).jobId).toBe(jobId);
        expect(await server.queries.jobs.transitionsAfter(jobId, 0, 10)).toHaveLength(1);
      });

      test("the same id fifty times at once is one job", async () => {
        const config = jobConfig({ jobId: randomUUID(), requiredDevice: 5 });
        const replies = await Promise.all(Array.from({ length: 50 }, () => clients.jobs.submitJob({ config })));
        expect(new Set(replies.map(({ jobId }) => jobId))).toEqual(new Set([config.jobId ?? ""]));
        expect(await server.queries.jobs.transitionsAfter(config.jobId ?? "", 0, 10)).toHaveLength(1);
      });

      test("another job under a taken id is refused, also by another user and after it has finished", async () => {
        const jobId = await waiting();
        const again = jobConfig({ jobId, epochs: 4 });
        const expected = { code: "ALREADY_EXISTS", field: "config.job_id" } as const;
        expect(await refused((o) => clients.jobs.submitJob({ config: again }, o))).toMatchObject(expected);
        const mine = jobConfig({ jobId, requiredDevice: 5 });
        expect(await refused((o) => clients.jobs.submitJob({ config: mine }, o), await as("mallory"))).toMatchObject(
          expected,
        );
        await clients.jobs.cancelJob({ jobId });
        await server.leavesMemory(jobId);
        expect(await refused((o) => clients.jobs.submitJob({ config: again }, o))).toMatchObject(expected);
        // The repeat of the finished one is still that one.
        expect((await clients.jobs.submitJob({ config: mine })).jobId).toBe(jobId);
        expect((await status(jobId)).status?.status).toBe(StatusCode.STATUS_CANCELLED);
      });

      test("an idempotency key stands for one job of its user", async () => {
        const key = `key-${randomUUID()}`;
        const keyed = async (user: string) => {
          return {
            metadata: Metadata({ authorization: `Bearer ${await userToken({ sub: user })}`, "idempotency-key": key }),
          };
        };
        const first = await waiting({}, await keyed("alice"));
        expect(await waiting({}, await keyed("alice"))).toBe(first);
        expect(await waiting({}, await keyed("bob"))).not.toBe(first);
        const other = jobConfig({ epochs: 77 });
        expect(await refused((o) => clients.jobs.submitJob({ config: other }, o), await keyed("alice"))).toMatchObject({
          code: "ALREADY_EXISTS",
        });
      });

      test("an empty payment_address falls back to the caller's wallet", async () => {
        const id = await waiting({}, await as("alice", { wallet_address: "alices-wallet" }));
        expect(await server.queries.jobs.find(id)).toMatchObject({ user_wallet: "alices-wallet", user_id: "alice" });
      });

      test("a message over the limit is refused and the server lives on", async () => {
        const config = jobConfig({ modelDefinition: "m".repeat(4_000_000), hyperparameters: fill(300_000) });
        expect(await refused((o) => clients.jobs.submitJob({ config }, o))).toMatchObject({
          code: "RESOURCE_EXHAUSTED",
        });
        expect(await waiting()).toBeString();
      });

      test("a job that fills the message is refused where no node could receive it, and else reaches its node", async () => {
        const tooBig = jobConfig({ modelDefinition: "m".repeat(4_000_000), hyperparameters: fill(180_000) });
        expect(JobConfig.encode(tooBig).length).toBeLessThan(4 * 2 ** 20 - 100);
        expect(await refused((o) => clients.jobs.submitJob({ config: tooBig }, o))).toMatchObject({
          code: "INVALID_ARGUMENT",
          field: "config",
        });
        const node = await server.fakeNode();
        const id = await submit({ modelDefinition: "m".repeat(4_000_000), hyperparameters: fill(140_000) });
        await server.reaches(id, "assigned.accepted");
        expect((await node.offered(id)).request.job?.modelDefinition).toHaveLength(4_000_000);
        await node.complete(id);
      });
    });

    describe("GetJobStatus", () => {
      test("refuses what is no id, and does not find what is not there", async () => {
        for (const jobId of ["", "42", "\u0000", "💥".repeat(5000), `${randomUUID()} `]) {
          const refusal = await refused((o) => clients.jobs.getJobStatus({ jobId }, o));
          expect(refusal).toMatchObject({ code: "INVALID_ARGUMENT", field: "job_id" });
          expect(refusal.message).toContain("Invalid job ID");
        }
        for (const jobId of [randomUUID(), `${randomUUID()}_1700000000`]) {
          expect(await refused((o) => clients.jobs.getJobStatus({ jobId }, o))).toMatchObject({ code: "NOT_FOUND" });
        }
      });

      test("follows a job from state to state, with an assignment only while a node has it", async () => {
        const jobId = randomUUID();
        await waiting({ jobId, requiredDevice: DeviceType.DEVICE_METAL });
        expect(await status(jobId)).toMatchObject({
          status: {
            jobId,
            status: StatusCode.STATUS_PENDING,
            progress: 0,
            startTime: 0n,
            endTime: 0n,
            currentNodeId: "",
          },
          nodeAssignment: undefined,
        });

        const metal = { deviceType: DeviceType.DEVICE_METAL, memoryTotal: 8n << 30n };
        const node = await server.fakeNode({ answer: "hang", info: { devices: [metal] } });
        await node.offered(jobId);
        const offering = await status(jobId);
        expect(offering.status).toMatchObject({ status: StatusCode.STATUS_IN_PROGRESS, currentNodeId: node.id });
        // It has not taken the job yet, and may refuse it: an engine that connected now would train on nobody's job.
        expect(offering.nodeAssignment).toBeUndefined();

        await node.progress(jobId, 0.25, { epoch: 1, loss: 0.5 });
        const running = await status(jobId);
        expect(running.status).toMatchObject({
          status: StatusCode.STATUS_IN_PROGRESS,
          progress: 0.25,
          currentEpoch: 1,
          metrics: { loss: 0.5 },
        });
        expect(Number(running.status?.startTime)).toBeWithin(Date.now() / 1000 - 60, Date.now() / 1000 + 1);
        expect(running.nodeAssignment).toMatchObject({ nodeId: node.id, nodeEndpoint: `127.0.0.1:${node.port}` });
        expectP2pToken(running.nodeAssignment?.authToken ?? "", {
          job_id: jobId,
          node_id: node.id,
          exp: Number(running.nodeAssignment?.tokenExpiresAt),
        });

        // Numbers between the journal's are seen all the same.
        await node.progress(jobId, 0.5, { epoch: 2, loss: 0.4 });
        expect((await status(jobId)).status?.progress).toBe(0.5);

        await node.complete(jobId);
        await server.leavesMemory(jobId);
        const done = await status(jobId);
        expect(done).toMatchObject({
          status: { status: StatusCode.STATUS_COMPLETED, progress: 1, currentNodeId: node.id, currentEpoch: 3 },
          nodeAssignment: undefined,
        });
        expect(done.status?.metrics).toEqual({ loss: 0.1 });
        expect(Number(done.status?.endTime)).toBeGreaterThanOrEqual(Number(done.status?.startTime));
        expect(done.status?.error).toBeUndefined();
      });

      test("says why a job waits, and nothing of the kind of one that runs", async () => {
        const jobId = await waiting();
        await server.reaches(jobId, "pending.queued");
        await server.fakeNode();
        const { error } = (await status(jobId)).status ?? {};
        expect(error).toMatchObject({ code: 107, details: "no_matching_node" });
        expect(error?.message).toContain("could take it now");
        const running = await submit();
        await server.reaches(running, "assigned.accepted");
        expect((await status(running)).status?.error).toBeUndefined();
      });

      test("says why a job failed and why it was cancelled", async () => {
        const node = await server.fakeNode({ answer: { code: 400, message: "no such layer" }, info: onlyOpenCl });
        const failed = await submit({ requiredDevice: DeviceType.DEVICE_OPENCL });
        await node.offered(failed);
        await server.fakeNode({ answer: { code: 400, message: "no such layer" }, info: onlyOpenCl });
        await server.reaches(failed, "failed");
        expect((await status(failed)).status).toMatchObject({
          status: StatusCode.STATUS_FAILED,
          error: { code: 13, message: "no such layer", details: "invalid_job" },
        });
        const cancelled = await waiting();
        await clients.jobs.cancelJob({ jobId: cancelled, reason: "changed my mind" });
        expect((await status(cancelled)).status).toMatchObject({
          status: StatusCode.STATUS_CANCELLED,
          error: { code: 2, message: "cancelled: changed my mind", details: "cancelled" },
        });
      });
    });

    describe("CancelJob", () => {
      test("refuses bad ids, unknown jobs and long reasons", async () => {
        expect(await refused((o) => clients.jobs.cancelJob({ jobId: "x" }, o))).toMatchObject({
          code: "INVALID_ARGUMENT",
          field: "job_id",
        });
        expect(await refused((o) => clients.jobs.cancelJob({ jobId: randomUUID() }, o))).toMatchObject({
          code: "NOT_FOUND",
        });
        const jobId = await waiting();
        for (const reason of ["r".repeat(1001), "\u0000"]) {
          expect(await refused((o) => clients.jobs.cancelJob({ jobId, reason }, o))).toMatchObject({
            code: "INVALID_ARGUMENT",
            field: "reason",
          });
        }
        expect((await status(jobId)).status?.status).toBe(StatusCode.STATUS_PENDING);
      });

      test("cancels a waiting, an offered and a running job, once each, and the node is told to stop", async () => {
        const queued = await waiting();
        const node = await server.fakeNode({
          answer: "hang",
          info: onlyOpenCl,
          metadata: { "cyxwiz-slots": "2", "cyxwiz-features": "attempts" },
        });
        const [offered, running] = [
          await submit({ requiredDevice: DeviceType.DEVICE_OPENCL }),
          await submit({ requiredDevice: DeviceType.DEVICE_OPENCL }),
        ];
        await node.offered(offered);
        await node.offered(running);
        await node.progress(running, 0.1);
        for (const jobId of [queued, offered, running]) {
          expect(await clients.jobs.cancelJob({ jobId, reason: "enough" })).toMatchObject({
            status: StatusCode.STATUS_SUCCESS,
            refundIssued: false,
          });
          expect((await status(jobId)).status?.status).toBe(StatusCode.STATUS_CANCELLED);
          expect((await status(jobId)).nodeAssignment).toBeUndefined();
          const again = await refused((o) => clients.jobs.cancelJob({ jobId }, o));
          expect(again).toMatchObject({ code: "FAILED_PRECONDITION", field: "job_id" });
          await server.leavesMemory(jobId);
          expect(await refused((o) => clients.jobs.cancelJob({ jobId }, o))).toMatchObject({
            code: "FAILED_PRECONDITION",
          });
        }
        expect((await node.heartbeat([running])).jobsToCancel).toEqual([running]);
        expect(await node.progress(running, 0.2)).toMatchObject({ continueJob: false, error: { code: 409 } });
      });

      test("of two at the same time one wins", async () => {
        const jobId = await waiting();
        const outcomes = await Promise.allSettled(
          Array.from({ length: 5 }, () => clients.jobs.cancelJob({ jobId, reason: "me" })),
        );
        expect(outcomes.filter(({ status }) => status === "fulfilled")).toHaveLength(1);
      });
    });

    describe("DeleteJob", () => {
      test("refuses an active job, deletes a finished one, and finds nothing to do for an unknown one", async () => {
        expect(await refused((o) => clients.jobs.deleteJob({ jobId: "x" }, o))).toMatchObject({
          code: "INVALID_ARGUMENT",
        });
        const jobId = await waiting();
        const active = await clients.jobs.deleteJob({ jobId });
        expect(active).toMatchObject({ status: StatusCode.STATUS_ERROR, error: { code: 2 } });
        expect(active.error?.message).toContain("cannot delete active job");
        await clients.jobs.cancelJob({ jobId });
        expect((await clients.jobs.deleteJob({ jobId })).status).toBe(StatusCode.STATUS_SUCCESS);
        expect(await refused((o) => clients.jobs.getJobStatus({ jobId }, o))).toMatchObject({ code: "NOT_FOUND" });
        expect((await clients.jobs.deleteJob({ jobId })).status).toBe(StatusCode.STATUS_SUCCESS);
        expect(await server.queries.jobs.transitionsAfter(jobId, 0, 10)).toEqual([]);
      });

      test("works the moment a run has ended, and frees the id", async () => {
        const node = await server.fakeNode({ info: onlyOpenCl });
        for (let round = 0; round < 5; round++) {
          const jobId = "11111111-2222-4333-8444-555555555555";
          await submit({ jobId, requiredDevice: DeviceType.DEVICE_OPENCL, epochs: round + 1 });
          await node.offered(jobId);
          await server.reaches(jobId, "assigned.accepted");
          await node.complete(jobId);
          // Its outcome is perhaps not recorded with the node yet.
          expect((await clients.jobs.deleteJob({ jobId })).status).toBe(StatusCode.STATUS_SUCCESS);
          expect(await server.queries.jobs.find(jobId)).toBeUndefined();
        }
        await until("the outcome to be counted", () => {
          return (server.core.nodes.peek(node.id)?.snapshot.context.jobsCompleted ?? 0) > 0;
        });
      });
    });

    describe("ListJobs", () => {
      test("pages through a user's jobs, newest first, while others are added", async () => {
        const carol = await as("carol");
        const ids: string[] = [];
        for (let index = 0; index < 7; index++) ids.unshift(await waiting({}, carol));
        const seen: string[] = [];
        let pageToken = "";
        do {
          const page = await clients.jobs.listJobs({ userId: "carol", pageSize: 3, pageToken }, carol);
          expect(page.jobs.length).toBeLessThanOrEqual(3);
          seen.push(...page.jobs.map(({ jobId }) => jobId));
          pageToken = page.nextPageToken;
          await waiting({}, carol);
        } while (pageToken !== "");
        expect(seen).toEqual(ids);
        expect((await clients.jobs.listJobs({}, carol)).totalCount).toBe(10);
      });

      test("filters by type and by status, as the wire numbers them", async () => {
        const dora = await as("dora");
        const [training, inference] = [await waiting({}, dora), await waiting({ jobType: 2 }, dora)];
        await clients.jobs.cancelJob({ jobId: training }, dora);
        const list = async (filter: { filterType?: JobType; filterStatus?: StatusCode }) =>
          (await clients.jobs.listJobs(filter, dora)).jobs.map(({ jobId }) => jobId);
        expect(await list({})).toEqual([inference, training]);
        expect(await list({ filterType: JobType.JOB_TYPE_TRAINING })).toEqual([training]);
        expect(await list({ filterType: JobType.JOB_TYPE_EVALUATION })).toEqual([]);
        expect(await list({ filterStatus: StatusCode.STATUS_PENDING })).toEqual([inference]);
        expect(await list({ filterStatus: StatusCode.STATUS_CANCELLED })).toEqual([training]);
        for (const filterStatus of [
          StatusCode.STATUS_IN_PROGRESS,
          StatusCode.STATUS_SUCCESS,
          StatusCode.STATUS_FAILED,
        ]) {
          expect(await list({ filterStatus })).toEqual([]);
        }
      });

      test("refuses bad arguments, tokens that are none, and other people's lists", async () => {
        const dora = await as("dora");
        const bad = async (request: Parameters<typeof clients.jobs.listJobs>[0]) =>
          (await refused((o) => clients.jobs.listJobs(request, o), dora)).field;
        expect(await bad({ pageSize: -1 })).toBe("page_size");
        expect(await bad({ pageSize: -2147483648 })).toBe("page_size");
        expect(await bad({ filterType: 9 as JobType })).toBe("filter_type");
        expect(await bad({ filterStatus: 77 as StatusCode })).toBe("filter_status");
        expect(await bad({ filterStatus: StatusCode.STATUS_ERROR })).toBe("filter_status");
        expect(await bad({ userId: "\u0000" })).toBe("user_id");
        const { nextPageToken } = await clients.jobs.listJobs({ pageSize: 1 }, dora);
        const tampered = nextPageToken.slice(0, -6) + nextPageToken.slice(-6).split("").reverse().join("");
        for (const pageToken of ["2", "💥", tampered, nextPageToken.slice(1), "x".repeat(1001)]) {
          expect([pageToken, await bad({ pageToken }).catch(String)]).toEqual([pageToken, "page_token"]);
        }
        expect(await refused((o) => clients.jobs.listJobs({ userId: "carol" }, o), dora)).toMatchObject({
          code: "PERMISSION_DENIED",
        });
        // The largest page that can be asked for is not the largest that is given.
        expect((await clients.jobs.listJobs({ pageSize: 2147483647 }, dora)).jobs.length).toBeLessThanOrEqual(1000);
      });
    });

    describe("StreamJobUpdates", () => {
      const collect = (jobId: string, into: JobUpdateStream[], options = {}) =>
        (async () => {
          for await (const update of clients.jobs.streamJobUpdates({ jobId }, options)) into.push(update);
        })();
      const statuses = (updates: readonly JobUpdateStream[]) =>
        updates.map(({ status }) => status?.status).filter((one, index, all) => one !== all[index - 1]);

      test("refuses bad ids and unknown jobs, and leaves no watcher", async () => {
        const first = async (jobId: string, o: object) => {
          for await (const _ of clients.jobs.streamJobUpdates({ jobId }, o)) return;
        };
        expect(await refused((o) => first("x", o))).toMatchObject({ code: "INVALID_ARGUMENT", field: "job_id" });
        expect(await refused((o) => first(randomUUID(), o))).toMatchObject({ code: "NOT_FOUND" });
        expect(server.core.feed.watchers).toBe(0);
      });

      test("shows the present state at once, each change in order, live numbers, and ends with the job", async () => {
        const jobId = await waiting({ requiredDevice: DeviceType.DEVICE_METAL, epochs: 9 });
        const updates: JobUpdateStream[] = [];
        const stream = collect(jobId, updates);
        await until("the first state", () => updates.length === 1);
        expect(updates[0]?.status?.status).toBe(StatusCode.STATUS_PENDING);
        const metal = { deviceType: DeviceType.DEVICE_METAL, memoryTotal: 8n << 30n };
        const node = await server.fakeNode({ info: { devices: [metal] } });
        await server.reaches(jobId, "assigned.accepted");
        for (let epoch = 1; epoch <= 8; epoch++) {
          const before = updates.length;
          await node.progress(jobId, epoch / 10, { epoch, loss: 1 / epoch });
          await until("the numbers to arrive", () => updates.length > before);
        }
        await node.complete(jobId);
        await stream;
        expect(statuses(updates)).toEqual([
          StatusCode.STATUS_PENDING,
          StatusCode.STATUS_IN_PROGRESS,
          StatusCode.STATUS_COMPLETED,
        ]);
        const progress = updates.map(({ status }) => status?.progress ?? -1);
        expect(progress).toEqual([...progress].sort((a, b) => a - b));
        const epochs = new Set(updates.map(({ status }) => status?.currentEpoch));
        expect([...epochs]).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
        expect(updates.find(({ status }) => status?.currentEpoch === 5)?.liveMetrics).toEqual({ loss: 0.2 });
        expect(updates.at(-1)?.status).toMatchObject({ progress: 1 });
        await until("the watcher to be gone", () => server.core.feed.watchers === 0);
      });

      test("of a finished job shows that and ends", async () => {
        const jobId = await waiting();
        await clients.jobs.cancelJob({ jobId });
        const updates: JobUpdateStream[] = [];
        await collect(jobId, updates);
        await server.leavesMemory(jobId);
        await collect(jobId, updates);
        expect(updates.map(({ status }) => status?.status)).toEqual([7, 7]);
      });

      test("two hundred watchers see the end, and a client that hangs up is let go", async () => {
        const jobId = await waiting();
        const abort = new AbortController();
        const left: JobUpdateStream[] = [];
        const leaver = collect(jobId, left, { signal: abort.signal }).catch((error: Error) => error.name);
        const seen = Array.from({ length: 200 }, () => [] as JobUpdateStream[]);
        const all = seen.map((updates) => collect(jobId, updates));
        await until("all to watch", () => left.length === 1 && seen.every(({ length }) => length === 1));
        abort.abort();
        expect(await leaver).toBe("AbortError");
        await until("the call to be closed", () => server.grpc.openCalls() === 200);
        await clients.jobs.cancelJob({ jobId });
        await Promise.all(all);
        expect(new Set(seen.map(({ length }) => length))).toEqual(new Set([2]));
        await until("no watcher to be left", () => server.core.feed.watchers === 0 && server.grpc.openCalls() === 0);
      });

      test("clients that hang up at once leave nothing behind", async () => {
        const jobId = await waiting();
        await Promise.all(
          Array.from({ length: 50 }, async (_, index) => {
            const abort = new AbortController();
            const stream = collect(jobId, [], { signal: abort.signal }).catch((error: Error) => error.name);
            // Bun's client forgets to tell the server when it hangs up in the very turn of the call; a foreign one, which
            // does tell, is in tests/e2e/foreign-python.test.ts.
            await Bun.sleep(1 + (index % 8));
            abort.abort();
            expect(await stream).toBe("AbortError");
          }),
        );
        await until("no watcher to be left", () => server.core.feed.watchers === 0 && server.grpc.openCalls() === 0);
      });

      test("ends with UNAVAILABLE when the server stops; watching again goes on where the job stands", async () => {
        const jobId = await waiting();
        const updates: JobUpdateStream[] = [];
        const stream = refused(() => collect(jobId, updates));
        await until("the first state", () => updates.length === 1);
        await server.restart();
        expect((await stream).code).toBe("UNAVAILABLE");
        const again = collect(jobId, updates);
        await until("the state after the restart", () => updates.length === 2);
        await clients.jobs.cancelJob({ jobId });
        await again;
        expect(updates.map(({ status }) => status?.status)).toEqual([3, 3, 7]);
      });
    });

    describe("callers", () => {
      test("with a bad token are refused everywhere, whatever they ask", async () => {
        const jobId = await waiting();
        const now = Math.floor(Date.now() / 1000);
        const p2p = { iss: "CyxWiz-Central-Server", sub: "alice", job_id: jobId, node_id: randomUUID() };
        const unsigned = `${base64({ alg: "none", typ: "JWT" })}.${base64({ sub: "alice", exp: now + 99 })}.`;
        const tokens = {
          expired: await userToken({ sub: "alice", exp: now - 1 }),
          forged: await userToken({ sub: "alice" }, { secret: "not the secret" }),
          otherAlgorithm: await userToken({ sub: "alice" }, { algorithm: "HS512" }),
          p2p: await userToken(p2p),
          nobody: await userToken({ sub: "" }),
          number: await userToken({ sub: 7 }),
          unstorable: await userToken({ sub: "a\u0000b" }),
          fromTheFuture: await userToken({ sub: "alice", nbf: now + 1000 }),
          unsigned,
          garbage: "a.b.c",
        };
        for (const [what, token] of Object.entries(tokens)) {
          const options = bearer(token);
          for (const call of [
            (o: object) => clients.jobs.submitJob({ config: jobConfig() }, o),
            (o: object) => clients.jobs.getJobStatus({ jobId }, o),
            (o: object) => clients.jobs.cancelJob({ jobId }, o),
            (o: object) => clients.jobs.deleteJob({ jobId }, o),
            (o: object) => clients.jobs.listJobs({}, o),
          ]) {
            const refusal = await refused(call, options);
            expect({ what, ...refusal }).toMatchObject({ what, code: "UNAUTHENTICATED", field: "authorization" });
            expect(refusal.message).not.toContain(SECRET);
          }
        }
        const basic = { metadata: Metadata({ authorization: "Basic YWxpY2U6eA==" }) };
        expect(await refused((o) => clients.jobs.listJobs({}, o), basic)).toMatchObject({
          code: "UNAUTHENTICATED",
          message: "authorization: Invalid authorization scheme, expected Bearer",
        });
        expect((await status(jobId)).status?.status).toBe(StatusCode.STATUS_PENDING);
      });

      test("touch only what is theirs", async () => {
        const [alice, bob] = [await as("alice"), await as("bob")];
        const jobId = await waiting({}, alice);
        const first = async (o: object) => {
          for await (const _ of clients.jobs.streamJobUpdates({ jobId }, o)) return;
        };
        for (const call of [
          (o: object) => clients.jobs.getJobStatus({ jobId }, o),
          (o: object) => clients.jobs.cancelJob({ jobId }, o),
          (o: object) => clients.jobs.deleteJob({ jobId }, o),
          first,
        ]) {
          expect(await refused(call, bob)).toMatchObject({ code: "PERMISSION_DENIED" });
        }
        expect((await status(jobId, alice)).status?.status).toBe(StatusCode.STATUS_PENDING);
        // The operator on this machine needs no token.
        expect((await status(jobId)).status?.status).toBe(StatusCode.STATUS_PENDING);
        await clients.jobs.cancelJob({ jobId }, alice);
        await server.leavesMemory(jobId);
        expect(await refused((o) => clients.jobs.getJobStatus({ jobId }, o), bob)).toMatchObject({
          code: "PERMISSION_DENIED",
        });
        expect(await refused((o) => clients.jobs.deleteJob({ jobId }, o), bob)).toMatchObject({
          code: "PERMISSION_DENIED",
        });
        expect((await clients.jobs.deleteJob({ jobId }, alice)).status).toBe(StatusCode.STATUS_SUCCESS);
      });
    });

    test("the transitions of every job lead to its row", async () => {
      await administer(
        server.databaseUrl,
        `do $$ begin
           assert (select count(*) from jobs) > 0;
           assert not exists (
             select from jobs j where j.version <> (select count(*) from transitions t where t.kind = 'job' and t.id = j.id::text));
         end $$`,
      );
      expect(server.core.system.quarantined()).toEqual([]);
    });
  });
}

const onlyOpenCl = { devices: [{ deviceType: DeviceType.DEVICE_OPENCL, memoryTotal: 8n << 30n }] };

/** Hyperparameters of this many characters in all. */
const fill = (characters: number): Record<string, string> =>
  Object.fromEntries(
    Array.from({ length: Math.ceil(characters / 20_000) }, (_, index) => [`h${index}`, "v".repeat(20_000)]),
  );

const base64 = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString("base64url");

/** Checked without the library that made it. */
function expectP2pToken(token: string, claims: Readonly<Record<string, unknown>>): void {
  const [header = "", payload = "", signature] = token.split(".");
  expect(createHmac("sha256", P2P_SECRET).update(`${header}.${payload}`).digest("base64url")).toBe(signature ?? "");
  expect(JSON.parse(Buffer.from(header, "base64url").toString())).toMatchObject({ alg: "HS256" });
  const read = JSON.parse(Buffer.from(payload, "base64url").toString());
  expect(read).toMatchObject({ iss: "CyxWiz-Central-Server", ...claims });
  expect(read.exp - read.iat).toBe(3600);
}
