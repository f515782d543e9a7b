/** NodeService over a real socket, a real core and a real PostgreSQL: registering, being offered work, reporting it. */
import { afterAll, afterEach, beforeAll, describe, expect, test } from "bun:test";
import { generateKeyPairSync, type KeyObject, randomUUID, sign } from "node:crypto";
import { Metadata } from "nice-grpc-common";
import { resultStatement } from "../../../src/domain/result-signature.ts";
import {
  type DeepPartial,
  type DeviceCaps,
  DeviceType,
  type JobConfig,
  type NodeInfo,
  StatusCode,
} from "../../../src/transport/grpc/protocol.ts";
import { databaseServers, until } from "../../support/servers.ts";
import {
  as,
  bearer,
  type Clients,
  jobConfig,
  nodeInfo,
  refused,
  TestServer,
  userToken,
  WEIGHTS,
} from "../../support/test-server.ts";

const INT64_MAX = 2n ** 63n - 1n;
const GIB = 1n << 30n;
const cuda = (memory: bigint, overrides: DeepPartial<DeviceCaps> = {}): DeepPartial<DeviceCaps> => ({
  deviceType: DeviceType.DEVICE_CUDA,
  deviceName: "RTX",
  memoryTotal: memory,
  memoryAvailable: memory,
  ...overrides,
});

for (const { name, url } of await databaseServers()) {
  describe(`NodeService on the ${name} PostgreSQL`, () => {
    let server: TestServer;
    let clients: Clients;

    beforeAll(async () => {
      server = await TestServer.start(url, { "node_link.assign_port_offset": "3" });
      clients = server.clients();
    });
    afterEach(() => server.clear());
    afterAll(() => server.stop());

    const submit = async (config: DeepPartial<JobConfig> = {}): Promise<string> =>
      (await clients.jobs.submitJob({ config: jobConfig(config) })).jobId;
    const register = (info: DeepPartial<NodeInfo> = {}, options = {}, publicKey: Uint8Array = new Uint8Array()) =>
      clients.nodes.registerNode({ info: nodeInfo({ ipAddress: "10.9.8.7", ...info }), publicKey }, options);
    const row = async (nodeId: string) => (await server.queries.nodes.find(nodeId))?.row;
    const devices = async (nodeId: string) => (await server.queries.nodes.find(nodeId))?.devices ?? [];
    const profile = (nodeId: string) => server.core.nodes.peek(nodeId)?.snapshot.context.profile;
    const jobContext = (jobId: string) => server.core.jobs.peek(jobId)?.snapshot.context;
    /** Silence, without waiting for it. */
    const silence = async (nodeId: string) => {
      await server.core.nodes.ask(nodeId, { type: "DEADLINE" });
      expect(server.nodeState(nodeId)).toBe("suspect");
    };

    describe("RegisterNode", () => {
      test("gives a first run an id, and all of what the GUI node sends is stored", async () => {
        const reply = await register({ devices: [cuda(8n * GIB)], port: 50052 });
        expect(reply).toMatchObject({ status: StatusCode.STATUS_SUCCESS, error: undefined });
        expect(reply.nodeId).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4/);
        expect(reply.sessionToken).toStartWith("session_");
        expect(reply.sessionToken).not.toContain(reply.nodeId);
        expect(await row(reply.nodeId)).toMatchObject({
          name: "CyxWiz-Node-test",
          status: "online",
          wallet_address: "",
          region: "unknown",
          ip_address: "10.9.8.7",
          port: 50052,
          cpu_cores: 8,
          ram_gb: 16,
          gpu_model: "RTX",
          gpu_memory_gb: 8,
          has_cuda: true,
          // Ours to judge, whatever a node says of itself.
          reputation_score: 75,
          supported_formats: ["ONNX", "GGUF", "PyTorch"],
        });
      });

      test("recognises a node by its id, also in capitals, and takes what it says now", async () => {
        const { nodeId } = await register({ devices: [cuda(8n * GIB), cuda(4n * GIB)] });
        const again = await register({
          nodeId: nodeId.toUpperCase(),
          name: "renamed",
          ipAddress: "10.0.0.99",
          devices: [{ deviceType: DeviceType.DEVICE_CPU, memoryTotal: GIB }],
        });
        expect(again.nodeId).toBe(nodeId);
        expect(await row(nodeId)).toMatchObject({
          name: "renamed",
          ip_address: "10.0.0.99",
          gpu_model: null,
          has_cuda: false,
        });
        expect((await devices(nodeId)).map(({ device_type }) => device_type)).toEqual(["cpu"]);
      });

      test("an empty list of devices leaves the old ones in place", async () => {
        const { nodeId } = await register({ devices: [cuda(8n * GIB)] });
        await register({ nodeId, devices: [] });
        expect(await devices(nodeId)).toHaveLength(1);
        expect(profile(nodeId)?.devices).toHaveLength(1);
        expect(await row(nodeId)).toMatchObject({ gpu_model: "RTX", has_cuda: true });
      });

      test("adopts a UUID that we do not know: its database may be older than ours", async () => {
        const nodeId = randomUUID();
        expect((await register({ nodeId })).nodeId).toBe(nodeId);
        expect(await row(nodeId)).toMatchObject({ status: "online" });
      });

      test("a first run from a known address is another node, unless the other has fallen silent", async () => {
        const address = { ipAddress: "10.1.1.1", port: 50052 };
        const first = (await register(address)).nodeId;
        const second = (await register(address)).nodeId;
        expect(second).not.toBe(first);
        await silence(first);
        expect((await register(address)).nodeId).toBe(first);
        expect(server.nodeState(first)).toBe("online.idle");
        await silence(first);
        // Another user's machine at that address is not it.
        expect((await register(address, await as("mallory"))).nodeId).not.toBe(first);
      });

      test("recognises a key, refuses another one under a known id, and asks a keyed node for its key", async () => {
        const [key, other] = [ed25519().raw, ed25519().raw];
        const { nodeId } = await register({}, {}, key);
        expect(await row(nodeId)).toMatchObject({ public_key: Buffer.from(key).toString("hex") });
        expect((await register({ ipAddress: "10.3.3.3" }, {}, key)).nodeId).toBe(nodeId);
        for (const wrong of [other, new Uint8Array()]) {
          const attempt = (o: object) => register({ nodeId, name: "thief" }, o, wrong);
          expect(await refused(attempt)).toMatchObject({ code: "PERMISSION_DENIED", field: "public_key" });
        }
        expect((await row(nodeId))?.name).toBe("CyxWiz-Node-test");
        expect((await register({}, {}, other)).nodeId).not.toBe(nodeId);
        expect(await refused((o) => register({}, o, new Uint8Array(31)))).toMatchObject({
          code: "INVALID_ARGUMENT",
          field: "public_key",
        });
      });

      test("a user's node is nobody else's, and stays his when the operator registers it without a token", async () => {
        const { nodeId } = await register({}, await as("alice", { wallet_address: "alices" }));
        expect(await row(nodeId)).toMatchObject({ user_id: "alice", wallet_address: "alices" });
        expect(await refused((o) => register({ nodeId }, o), await as("bob"))).toMatchObject({
          code: "PERMISSION_DENIED",
        });
        // Claiming the wallet finds nobody.
        expect((await register({ walletAddress: "alices" }, await as("bob"))).nodeId).not.toBe(nodeId);
        expect((await register({ nodeId })).nodeId).toBe(nodeId);
        expect(await row(nodeId)).toMatchObject({ user_id: "alice" });
        expect(await refused((o) => register({ nodeId }, o), await as("bob"))).toMatchObject({
          code: "PERMISSION_DENIED",
        });
      });

      test("a token in the message counts where none came with the call; one that is no good is passed over", async () => {
        const authenticationToken = await userToken({ sub: "alice" });
        const withToken = (token: string, options = {}) =>
          clients.nodes.registerNode(
            { info: nodeInfo({ ipAddress: "10.4.4.4" }), authenticationToken: token },
            options,
          );
        expect((await row((await withToken(authenticationToken)).nodeId))?.user_id).toBe("alice");
        expect((await row((await withToken(authenticationToken, await as("bob"))).nodeId))?.user_id).toBe("bob");
        expect((await row((await withToken("old-style-token")).nodeId))?.user_id).toBeNull();
      });

      test("an expired or forged token is refused", async () => {
        const expired = bearer(await userToken({ sub: "alice", exp: 1_600_000_000 }));
        expect(await refused((o) => register({}, o), expired)).toMatchObject({ code: "UNAUTHENTICATED" });
        const forged = bearer(await userToken({ sub: "alice" }, { secret: "x" }));
        expect(await refused((o) => register({}, o), forged)).toMatchObject({ code: "UNAUTHENTICATED" });
      });

      const hostile: readonly (readonly [string, DeepPartial<NodeInfo>])[] = [
        ["info.node_id", { nodeId: "n".repeat(65) }],
        ["info.node_id", { nodeId: "\u0000" }],
        ["info.name", { name: "n".repeat(201) }],
        ["info.name", { name: "\u0000" }],
        ["info.wallet_address", { walletAddress: "w\u0000" }],
        ["info.region", { region: "r".repeat(101) }],
        ["info.ip_address", { ipAddress: "" }],
        ["info.ip_address", { ipAddress: "\u0000" }],
        ["info.ip_address", { ipAddress: "10.0.0.1/evil" }],
        ["info.ip_address", { ipAddress: "unix:/run/docker.sock" }],
        ["info.ip_address", { ipAddress: "dns://8.8.8.8/x" }],
        ["info.ip_address", { ipAddress: "a b" }],
        ["info.ip_address", { ipAddress: "user@host" }],
        ["info.ip_address", { ipAddress: "h".repeat(256) }],
        ["info.port", { port: 0 }],
        ["info.port", { port: -1 }],
        ["info.port", { port: 65_536 }],
        ["info.cpu_cores", { cpuCores: -1 }],
        ["info.cpu_cores", { cpuCores: 2147483647 }],
        ["info.ram_total", { ramTotal: -1n }],
        ["info.ram_total", { ramTotal: INT64_MAX }],
        ["info.max_model_size", { maxModelSize: -1n }],
        ["info.staked_amount", { stakedAmount: Number.NaN }],
        ["info.staked_amount", { stakedAmount: -1 }],
        ["info.staked_amount", { stakedAmount: Number.POSITIVE_INFINITY }],
        ["info.supported_formats", { supportedFormats: Array.from({ length: 101 }, () => "x") }],
        ["info.supported_formats[0]", { supportedFormats: ["\u0000"] }],
        ["info.available_runtimes[1]", { availableRuntimes: ["ok", "r".repeat(101)] }],
        ["info.pricing.pricePerHour", { pricing: { pricePerHour: Number.NaN } }],
        ["info.pricing.pricePerHour", { pricing: { pricePerHour: -1 } }],
        ["info.devices", { devices: Array.from({ length: 65 }, () => cuda(GIB)) }],
        ["info.devices[0].memory_total", { devices: [cuda(-1n)] }],
        ["info.devices[1].vram_total", { devices: [cuda(GIB), cuda(GIB, { vramTotal: INT64_MAX })] }],
        ["info.devices[0].device_name", { devices: [cuda(GIB, { deviceName: "\u0000" })] }],
        ["info.devices[0].compute_units", { devices: [cuda(GIB, { computeUnits: -5 })] }],
        ["info.devices[0].compute_capability", { devices: [cuda(GIB, { computeCapability: Number.NaN })] }],
      ];

      test("refuses hostile values by name, and stores nothing", async () => {
        const before = await server.queries.nodes.count({});
        for (const [field, info] of hostile) {
          const refusal = await refused((o) => register(info, o)).catch((error: Error) => ({ error: error.message }));
          expect({ ...refusal, info: Bun.inspect(info).slice(0, 60) }).toMatchObject({
            code: "INVALID_ARGUMENT",
            field,
          });
        }
        expect(await refused((o) => clients.nodes.registerNode({}, o))).toMatchObject({
          code: "INVALID_ARGUMENT",
          message: "info: Node info is required",
        });
        for (const [key, value] of [
          ["cyxwiz-assign-endpoint", "http://10.0.0.1:5/"],
          ["cyxwiz-assign-endpoint", "10.0.0.1"],
          ["cyxwiz-assign-endpoint", "10.0.0.1:99999"],
          ["cyxwiz-assign-endpoint", "a/b:50055"],
          ["cyxwiz-slots", "0"],
          ["cyxwiz-slots", "1025"],
          ["cyxwiz-slots", "many"],
          ["cyxwiz-boot-id", "b".repeat(65)],
        ] as const) {
          const refusal = await refused((o) => register({}, o), { metadata: Metadata({ [key]: value }) }).catch(String);
          expect([value, refusal]).toMatchObject([value, { code: "INVALID_ARGUMENT", field: key }]);
        }
        expect(await server.queries.nodes.count({})).toBe(before);
      });

      test("takes odd values that harm nobody", async () => {
        const { nodeId } = await register({
          nodeId: "",
          name: "",
          version: undefined as never,
          devices: [{ deviceType: 77 as DeviceType }, cuda(0n), { deviceType: DeviceType.DEVICE_UNKNOWN }],
          ramTotal: 0n,
          reputationScore: Number.NaN,
          uptimePercentage: Number.POSITIVE_INFINITY,
          lastHeartbeat: -INT64_MAX,
          totalJobsCompleted: INT64_MAX,
          ipAddress: "node-7.example.org",
          port: 65_535,
        });
        expect((await devices(nodeId)).map(({ device_type, device_index }) => [device_type, device_index])).toEqual([
          ["cuda", 0],
        ]);
        const { nodeId: v6 } = await register({ ipAddress: "2001:db8::7" });
        expect((await row(v6))?.ip_address).toBe("2001:db8::7");
      });

      test("the same node many times at once is one node", async () => {
        const nodeId = randomUUID();
        const replies = await Promise.all(Array.from({ length: 30 }, () => register({ nodeId })));
        expect(new Set(replies.map((reply) => reply.nodeId))).toEqual(new Set([nodeId]));
      });
    });

    describe("Heartbeat", () => {
      const heartbeat = (nodeId: string, activeJobs: string[] = [], options = {}) =>
        clients.nodes.heartbeat({ nodeId, activeJobs }, options);

      test("answers keep_alive; refuses what is no id and who is not registered", async () => {
        const { nodeId } = await register();
        expect(await heartbeat(nodeId.toUpperCase())).toMatchObject({
          status: StatusCode.STATUS_SUCCESS,
          keepAlive: true,
          jobsToCancel: [],
          error: undefined,
        });
        const bad = await refused((o) => heartbeat("node_1700000000", [], o));
        expect(bad).toMatchObject({ code: "INVALID_ARGUMENT", field: "node_id" });
        expect(bad.message).toContain("Invalid ID");
        const unknown = await refused((o) => heartbeat(randomUUID(), [], o));
        expect(unknown).toMatchObject({ code: "NOT_FOUND", field: "node_id" });
        expect(unknown.message).toContain("RegisterNode");
        expect(await refused((o) => heartbeat(nodeId, Array(10_001).fill("x"), o))).toMatchObject({
          code: "INVALID_ARGUMENT",
          field: "active_jobs",
        });
      });

      test("takes hostile numbers without harm", async () => {
        const { nodeId } = await register({ devices: [cuda(8n * GIB)] });
        for (const currentStatus of [
          { ramAvailable: -INT64_MAX },
          { ramAvailable: INT64_MAX },
          { devices: [cuda(0n, { vramTotal: 1n, vramAvailable: INT64_MAX })] },
          { name: "\u0000", reputationScore: Number.NaN },
        ]) {
          expect((await clients.nodes.heartbeat({ nodeId, currentStatus })).keepAlive).toBe(true);
        }
      });

      test("brings back who was thought gone, and nobody who is banned or drained", async () => {
        const { nodeId } = await register();
        await silence(nodeId);
        await heartbeat(nodeId);
        expect(server.nodeState(nodeId)).toBe("online.idle");
        await silence(nodeId);
        await server.core.nodes.ask(nodeId, { type: "DEADLINE" });
        expect(server.nodeState(nodeId)).toBe("offline");
        await heartbeat(nodeId);
        expect(await row(nodeId)).toMatchObject({ status: "online" });

        await server.core.nodes.ask(nodeId, { type: "DRAIN", reason: "update", by: "operator", until: null });
        await heartbeat(nodeId);
        expect(await row(nodeId)).toMatchObject({ status: "maintenance", state: "draining" });
        await server.core.nodes.ask(nodeId, {
          type: "BAN",
          reason: "fraud",
          by: "operator",
          until: null,
          evict: false,
        });
        await heartbeat(nodeId);
        await register({ nodeId });
        expect(await row(nodeId)).toMatchObject({ state: "banned" });
      });

      test("my node is told why it gets no jobs, in whatever letters", async () => {
        const { nodeId } = await register();
        const notice = async () => {
          let header: Metadata | undefined;
          const onHeader = (given: Metadata) => {
            header = given;
          };
          await clients.nodes.heartbeat({ nodeId }, { onHeader });
          return header?.get("cyxwiz-notice");
        };
        expect(await notice()).toBeUndefined();
        await server.core.nodes.ask(nodeId, { type: "CORDON", reason: "Wartung für 100 % heute 🛠", by: "operator" });
        const told = (await notice()) ?? "";
        expect(told).toMatch(/^[ -~]+$/);
        expect(decodeURIComponent(told)).toContain("cordoned and gets no new jobs");
        expect(decodeURIComponent(told)).toContain("Wartung für 100 % heute 🛠");
        await server.core.nodes.ask(nodeId, { type: "UNCORDON", reason: "", by: "operator" });
        expect(await notice()).toBeUndefined();
      });

      test("does not make a busy node idle", async () => {
        const node = await server.fakeNode();
        const jobId = await submit();
        await until("the node to be busy", () => server.nodeState(node.id) === "online.busy");
        await node.heartbeat();
        expect(await row(node.id)).toMatchObject({ status: "busy" });
        await node.complete(jobId);
        await until("the node to be idle", () => server.nodeState(node.id) === "online.idle");
      });

      test("an expired token still proves whose node it is; a stranger's does not", async () => {
        const { nodeId } = await register({}, await as("alice"));
        const expired = bearer(await userToken({ sub: "alice", exp: 1_600_000_000 }));
        expect((await heartbeat(nodeId, [], expired)).keepAlive).toBe(true);
        expect(await refused((o) => heartbeat(nodeId, [], o), await as("bob"))).toMatchObject({
          code: "PERMISSION_DENIED",
        });
      });

      test("names the jobs to stop, as the node spelled them", async () => {
        const node = await server.fakeNode();
        const mine = await submit();
        await server.reaches(mine, "assigned.accepted");
        const stranger = randomUUID().toUpperCase();
        const { jobsToCancel } = await node.heartbeat([mine.toUpperCase(), stranger, mine]);
        expect(jobsToCancel).toEqual([stranger]);
        await node.complete(mine);
        expect((await node.heartbeat([mine])).jobsToCancel).toEqual([mine]);
      });
    });

    describe("a job's way", () => {
      test("goes from the offer over progress to completion, as the wire asks for it", async () => {
        const node = await server.fakeNode({ info: { devices: [cuda(8n * GIB)] } });
        const jobId = randomUUID();
        await submit({ jobId, requiredDevice: DeviceType.DEVICE_CUDA, estimatedMemory: GIB, paymentAddress: "wallet" });
        const { request, attempt } = await node.offered(jobId);
        expect(attempt).toBe(1);
        expect(request.nodeId).toBe(node.id);
        expect(request.authorizationToken.split(".")).toHaveLength(3);
        expect(request.job).toMatchObject({
          jobId,
          jobType: 1,
          modelDefinition: '{"layers":[]}',
          hyperparameters: { learning_rate: "0.01" },
          datasetUri: "iris",
          batchSize: 32,
          epochs: 3,
          requiredDevice: DeviceType.DEVICE_CUDA,
          estimatedMemory: GIB,
          estimatedDuration: 60n,
          paymentAddress: "wallet",
          reservationDurationMinutes: 1,
        });
        await server.reaches(jobId, "assigned.accepted");
        expect(await clients.nodes.notifyJobAccepted({ nodeId: node.id, jobId, acceptedAt: INT64_MAX })).toMatchObject({
          status: StatusCode.STATUS_SUCCESS,
          acknowledged: true,
        });
        expect(jobContext(jobId)?.live?.startedAt).toBeNumber();
        const startedAt = jobContext(jobId)?.startedAt;
        for (const progress of [0, 0.5, 0.5, 1]) {
          expect(await node.progress(jobId, progress, { epoch: 1 })).toMatchObject({
            status: StatusCode.STATUS_SUCCESS,
            continueJob: true,
          });
        }
        // A start told twice is no second start.
        expect((await clients.nodes.notifyJobAccepted({ nodeId: node.id, jobId })).acknowledged).toBe(true);
        expect(jobContext(jobId)?.startedAt ?? 0).toBe(startedAt ?? -1);
        for (let repeat = 0; repeat < 3; repeat++) {
          expect(await node.complete(jobId)).toMatchObject({
            status: StatusCode.STATUS_SUCCESS,
            paymentReleased: false,
            paymentTxHash: "",
          });
        }
        expect(await server.queries.jobs.find(jobId)).toMatchObject({
          status: "completed",
          assigned_node_id: node.id,
          result_hash: "ab12",
          result_uri: "file:///weights",
          result_size: 1234n,
          attempt: 1,
          retry_count: 0,
        });
        await until("the node's count", async () => (await row(node.id))?.total_jobs_completed === 1n);
        // What comes after the end changes nothing.
        expect(await node.progress(jobId, 0.1)).toMatchObject({ continueJob: false, error: { code: 409 } });
        expect(await node.complete(jobId, { status: StatusCode.STATUS_FAILED })).toMatchObject({
          status: StatusCode.STATUS_CANCELLED,
          error: { code: 409 },
        });
        expect((await server.queries.jobs.find(jobId))?.status).toBe("completed");
      });

      test("a report counts though the acceptance was never heard", async () => {
        const node = await server.fakeNode({ answer: "hang", metadata: { "cyxwiz-slots": "2" } });
        const [running, done] = [await submit(), await submit()];
        await node.offered(running);
        await node.offered(done);
        expect((await node.progress(running, 0.5)).continueJob).toBe(true);
        await server.reaches(running, "running.active");
        expect((await node.complete(done)).status).toBe(StatusCode.STATUS_SUCCESS);
        await server.reaches(done, "completed");
        await node.complete(running);
      });

      test("a failed run is tried again elsewhere, and fails for good when the tries are used up", async () => {
        const first = await server.fakeNode();
        const jobId = await submit();
        await server.reaches(jobId, "assigned.accepted");
        const second = await server.fakeNode();
        const fail = (node: typeof first) =>
          clients.nodes.reportCompletion({
            nodeId: node.id,
            jobId,
            result: { status: StatusCode.STATUS_FAILED, proofOfCompute: "out of memory" },
          });
        await fail(first);
        await second.offered(jobId);
        expect(first.offersOf(jobId)).toHaveLength(1);
        await server.reaches(jobId, "assigned.accepted");
        // The first one reports again: harmless, and not the second one's end.
        expect((await fail(first)).status).toBe(StatusCode.STATUS_SUCCESS);
        await server.reaches(jobId, "assigned.accepted");
        await fail(second);
        await server.reaches(jobId, "failed");
        expect(await server.queries.jobs.find(jobId)).toMatchObject({
          state_reason: "retries_exhausted",
          error_message: "out of memory (the last of 2 tries)",
          retry_count: 1,
          attempt: 2,
        });
      });

      test("400 is the job's fault: a retry, then invalid_job", async () => {
        const first = await server.fakeNode({ answer: { code: 400, message: "epochs must be positive" } });
        const jobId = await submit();
        await first.offered(jobId);
        const second = await server.fakeNode({ answer: { code: 400, message: "epochs must be positive" } });
        await server.reaches(jobId, "failed");
        expect([first.offersOf(jobId).length, second.offersOf(jobId).length]).toEqual([1, 1]);
        expect(await server.queries.jobs.find(jobId)).toMatchObject({
          state_reason: "invalid_job",
          error_message: "epochs must be positive",
        });
      });

      test("429 costs the job nothing and goes elsewhere", async () => {
        const busy = await server.fakeNode({ answer: { code: 429, message: "busy" } });
        const jobId = await submit();
        await busy.offered(jobId);
        await server.reaches(jobId, "pending.queued");
        expect(jobContext(jobId)).toMatchObject({ retries: 0, exclusions: [{ nodeId: busy.id }] });
        const free = await server.fakeNode();
        await server.reaches(jobId, "assigned.accepted");
        expect([busy.offersOf(jobId).length, free.offersOf(jobId).length]).toEqual([1, 1]);
        expect(jobContext(jobId)?.history).toMatchObject([{ nodeId: busy.id, outcome: "rejected", message: "busy" }]);
        await free.complete(jobId);
      });

      test("a connection that breaks in mid-call leaves open whether the node has it", async () => {
        const node = await server.fakeNode({ answer: "drop" });
        const jobId = await submit();
        await node.offered(jobId);
        await server.reaches(jobId, "pending.queued");
        expect(jobContext(jobId)?.history).toMatchObject([{ outcome: "no_answer" }]);
        await clients.jobs.cancelJob({ jobId });
      });

      test("a node that cannot be called is told apart from a dead one, and tried again when it can", async () => {
        const node = await server.fakeNode({ build: "none" });
        const jobId = await submit();
        await until("the node to be found uncallable", async () => (await row(node.id))?.reachability === "uncallable");
        await server.reaches(jobId, "pending.queued");
        await node.heartbeat();
        // It lives, as its heartbeats say.
        await until("the node to be idle", async () => (await row(node.id))?.status === "online");
        expect(await row(node.id)).toMatchObject({ state: "online.idle", reachability: "uncallable" });
        await clients.jobs.cancelJob({ jobId });
      });

      test("a headless build is found one port lower, and again after it has become a daemon", async () => {
        const node = await server.fakeNode({ build: "headless" });
        for (let round = 0; round < 2; round++) {
          const jobId = await submit();
          await server.reaches(jobId, "assigned.accepted");
          await node.complete(jobId);
        }
        expect(await row(node.id)).toMatchObject({ reachability: "callable" });
        await node.becomeDaemon();
        const jobId = await submit();
        await server.reaches(jobId, "assigned.accepted");
        await node.complete(jobId);
      });

      test("a node says itself where it is called", async () => {
        const listening = await server.fakeNode({ register: false });
        const reply = await clients.nodes.registerNode(
          { info: nodeInfo({ ipAddress: "192.0.2.1", port: 50052 }) },
          { metadata: Metadata({ "cyxwiz-assign-endpoint": `127.0.0.1:${listening.port + 3}` }) },
        );
        listening.id = reply.nodeId;
        const jobId = await submit();
        await server.reaches(jobId, "assigned.accepted");
        expect(await row(reply.nodeId)).toMatchObject({ assign_endpoint: `127.0.0.1:${listening.port + 3}` });
        await listening.complete(jobId);
      });
    });

    describe("reports", () => {
      test("of a node that is not there, about a job that is not there, with ids that are none", async () => {
        const node = await server.fakeNode();
        const calls = (nodeId: string, jobId: string) => [
          (o: object) => clients.nodes.reportProgress({ nodeId, jobId }, o),
          (o: object) =>
            clients.nodes.reportCompletion({ nodeId, jobId, result: { status: StatusCode.STATUS_SUCCESS } }, o),
          (o: object) => clients.nodes.notifyJobAccepted({ nodeId, jobId }, o),
        ];
        for (const call of calls("42", randomUUID())) {
          expect(await refused(call)).toMatchObject({ code: "INVALID_ARGUMENT", field: "node_id" });
        }
        for (const call of calls(node.id, "42")) {
          expect(await refused(call)).toMatchObject({ code: "INVALID_ARGUMENT", field: "job_id" });
        }
        for (const call of calls(node.id, `${randomUUID()}_1700000000`)) {
          expect(await refused(call)).toMatchObject({ code: "NOT_FOUND" });
        }
        for (const call of calls(randomUUID(), randomUUID())) {
          expect(await refused(call)).toMatchObject({ code: "NOT_FOUND", field: "node_id" });
        }
        const jobId = randomUUID();
        for (const call of calls(node.id, jobId)) {
          expect(await refused(call)).toMatchObject({ code: "NOT_FOUND", message: `Job not found: ${jobId}` });
        }
      });

      test("of a node that never had the job are refused, in every state of it", async () => {
        const [node, foreign] = [await server.fakeNode(), await server.fakeNode({ build: "none" })];
        await until(
          "the stranger to be uncallable",
          async () => (await row(foreign.id))?.reachability === "uncallable",
        );
        const jobId = await submit();
        await server.reaches(jobId, "assigned.accepted");
        const check = async () => {
          for (const call of [
            () => foreign.progress(jobId, 0.5),
            () => foreign.complete(jobId),
            () => foreign.complete(jobId, { attempt: 1 }),
            () => foreign.complete(jobId, { status: StatusCode.STATUS_FAILED }),
            () => clients.nodes.notifyJobAccepted({ nodeId: foreign.id, jobId }),
          ]) {
            expect(await refused(call)).toMatchObject({ code: "PERMISSION_DENIED" });
          }
        };
        await check();
        await node.progress(jobId, 0.5);
        await check();
        expect(jobContext(jobId)).toMatchObject({ progress: 0.5, live: { nodeId: node.id } });
        await node.complete(jobId);
        await server.leavesMemory(jobId);
        await check();
        expect((await server.queries.jobs.find(jobId))?.status).toBe("completed");
      });

      test("of a superseded attempt are told to stop and change nothing", async () => {
        const node = await server.fakeNode();
        const jobId = await submit();
        await server.reaches(jobId, "assigned.accepted");
        await node.progress(jobId, 0.5, { attempt: 1 });
        await server.core.jobs.ask(jobId, { type: "ATTEMPT_GONE", nodeId: node.id, attempt: 1 });
        const other = await server.fakeNode();
        await server.reaches(jobId, "assigned.accepted");
        expect(await node.progress(jobId, 0.9, { attempt: 1 })).toMatchObject({
          status: StatusCode.STATUS_CANCELLED,
          continueJob: false,
          error: { code: 409 },
        });
        expect(await node.progress(jobId, 0.9)).toMatchObject({ continueJob: false });
        expect(await node.complete(jobId)).toMatchObject({ error: { code: 409 } });
        expect(await other.progress(jobId, 0.9, { attempt: 1 }).catch(({ code }) => code)).toMatchObject({
          continueJob: false,
        });
        expect(jobContext(jobId)).toMatchObject({ progress: 0, live: { nodeId: other.id, number: 2 } });
        expect((await other.complete(jobId, { attempt: 2 })).error).toBeUndefined();
        await server.reaches(jobId, "completed");
      });

      test("after a cancellation are told to stop", async () => {
        const node = await server.fakeNode();
        const jobId = await submit();
        await server.reaches(jobId, "assigned.accepted");
        await clients.jobs.cancelJob({ jobId });
        const stop = { error: { code: 409 } };
        expect(await node.progress(jobId, 0.5)).toMatchObject({ continueJob: false, ...stop });
        expect(await node.complete(jobId)).toMatchObject(stop);
        expect(await clients.nodes.notifyJobAccepted({ nodeId: node.id, jobId })).toMatchObject({
          acknowledged: false,
          ...stop,
        });
        expect((await server.queries.jobs.find(jobId))?.status).toBe("cancelled");
      });

      test("with values out of range are refused by name; numbers that are none are left out", async () => {
        const node = await server.fakeNode();
        const jobId = await submit();
        await server.reaches(jobId, "assigned.accepted");
        const progress = (status: object, currentMetrics = {}, metadata = {}) =>
          refused((o) => clients.nodes.reportProgress({ nodeId: node.id, jobId, status, currentMetrics }, o), {
            metadata: Metadata(metadata),
          });
        for (const value of [-0.01, 1.01, Number.NaN, Number.POSITIVE_INFINITY, -1e300]) {
          expect(await progress({ progress: value })).toMatchObject({ field: "status.progress" });
        }
        expect(await progress({ currentEpoch: -1 })).toMatchObject({ field: "status.current_epoch" });
        expect(await progress({ currentEpoch: 2147483647 })).toMatchObject({ field: "status.current_epoch" });
        const many = Object.fromEntries(Array.from({ length: 257 }, (_, index) => [`m${index}`, 1]));
        expect(await progress({}, many)).toMatchObject({ field: "current_metrics" });
        expect(await progress({}, { "a\u0000": 1 })).toMatchObject({ field: "current_metrics name" });
        for (const attempt of ["0", "-1", "x", "1.5", "99999999999"]) {
          expect(await progress({}, {}, { "cyxwiz-attempt": attempt })).toMatchObject({ field: "cyxwiz-attempt" });
        }
        const complete = (result: object) =>
          refused((o) => clients.nodes.reportCompletion({ nodeId: node.id, jobId, result }, o));
        const ok = StatusCode.STATUS_SUCCESS;
        expect(await refused((o) => clients.nodes.reportCompletion({ nodeId: node.id, jobId }, o))).toMatchObject({
          code: "INVALID_ARGUMENT",
          field: "result",
        });
        for (const status of [0, 3, 4, 99, -1])
          expect(await complete({ status })).toMatchObject({ field: "result.status" });
        for (const [field, result] of [
          ["model_weights_uri", { modelWeightsUri: "u".repeat(8193) }],
          ["model_weights_uri", { modelWeightsUri: "\u0000" }],
          ["model_weights_hash", { modelWeightsHash: "h".repeat(201) }],
          ["model_size", { modelSize: -1n }],
          ["model_size", { modelSize: INT64_MAX }],
          ["total_compute_time", { totalComputeTime: -1n }],
        ] as const) {
          expect(await complete({ status: ok, ...result })).toMatchObject({
            code: "INVALID_ARGUMENT",
            field: `result.${field}`,
          });
        }
        expect(jobContext(jobId)?.live?.startedAt).toBeNull();
        await clients.nodes.reportProgress({
          nodeId: node.id,
          jobId,
          status: { progress: 0.5, metrics: JSON.parse('{"__proto__":1,"loss":9}') },
          currentMetrics: { loss: 0.5, nan: Number.NaN, inf: Number.NEGATIVE_INFINITY, "ą 💥": 2.5 },
        });
        const { status } = await clients.jobs.getJobStatus({ jobId });
        expect(Object.entries(status?.metrics ?? {}).sort()).toEqual(
          Object.entries(JSON.parse('{"__proto__":1,"loss":0.5,"ą 💥":2.5}')).sort() as [string, number][],
        );
        await node.complete(jobId);
      });

      test("need no fresh token, and no stranger's", async () => {
        const node = await server.fakeNode({
          metadata: { authorization: `Bearer ${await userToken({ sub: "alice" })}` },
        });
        const jobId = await submit();
        await server.reaches(jobId, "assigned.accepted");
        const report = (o: object) => clients.nodes.reportProgress({ nodeId: node.id, jobId }, o);
        expect(await refused(report, await as("bob"))).toMatchObject({ code: "PERMISSION_DENIED" });
        const forged = bearer(await userToken({ sub: "alice" }, { secret: "x" }));
        expect(await refused(report, forged)).toMatchObject({ code: "UNAUTHENTICATED" });
        // A long run outlives the token that its node signed in with.
        expect((await report(bearer(await userToken({ sub: "alice", exp: 1_600_000_000 })))).continueJob).toBe(true);
        await node.complete(jobId);
      });
    });

    describe("signatures", () => {
      const result = { status: StatusCode.STATUS_SUCCESS, ...WEIGHTS };
      const signed = (key: KeyObject, nodeId: string, jobId: string, attempt: number, outcome = "completed") =>
        sign(
          null,
          Buffer.from(resultStatement({ nodeId, jobId, attempt, outcome, weightsHash: "ab12", weightsSize: 1234 })),
          key,
        );

      test("a keyed node's result counts with its signature only", async () => {
        const { raw, privateKey } = ed25519();
        const stranger = ed25519().privateKey;
        const node = await server.fakeNode({ publicKey: raw });
        const jobId = await submit();
        await server.reaches(jobId, "assigned.accepted");
        const complete = (signature: Uint8Array, overrides = {}) =>
          refused((o) =>
            clients.nodes.reportCompletion(
              { nodeId: node.id, jobId, signature, result: { ...result, ...overrides } },
              o,
            ),
          );
        const good = signed(privateKey, node.id, jobId, 1);
        expect(await complete(new Uint8Array())).toMatchObject({ code: "INVALID_ARGUMENT", field: "signature" });
        for (const [signature, overrides] of [
          [signed(stranger, node.id, jobId, 1), {}],
          [signed(privateKey, node.id, jobId, 2), {}],
          [signed(privateKey, node.id, randomUUID(), 1), {}],
          [signed(privateKey, node.id, jobId, 1, "failed"), {}],
          [good, { modelWeightsHash: "cd34" }],
          [good, { modelSize: 1235n }],
          [good.subarray(1), {}],
          [Buffer.alloc(64), {}],
          [Buffer.alloc(100_000), {}],
        ] as const) {
          expect(await complete(signature, overrides)).toMatchObject({ code: "PERMISSION_DENIED", field: "signature" });
        }
        expect(jobContext(jobId)?.live).not.toBeNull();
        expect((await node.complete(jobId, { signature: good })).status).toBe(StatusCode.STATUS_SUCCESS);
        expect((await server.queries.jobs.detail(jobId))?.context?.result?.signature).toBe(good.toString("hex"));
        // Repeats are harmless, also once the job has left memory, with or without the attempt's number.
        await server.leavesMemory(jobId);
        for (const options of [{}, { attempt: 1 }]) {
          const repeat = await node.complete(jobId, { signature: good, ...options });
          expect(repeat).toMatchObject({ status: StatusCode.STATUS_SUCCESS, error: undefined });
        }
      });

      test("a late result of an earlier attempt is told to stop, not called a forgery", async () => {
        const { raw, privateKey } = ed25519();
        const node = await server.fakeNode({ publicKey: raw });
        const jobId = await submit();
        await server.reaches(jobId, "assigned.accepted");
        await server.core.jobs.ask(jobId, { type: "ATTEMPT_GONE", nodeId: node.id, attempt: 1 });
        const other = await server.fakeNode();
        await server.reaches(jobId, "assigned.accepted");
        for (const options of [{}, { attempt: 1 }]) {
          const late = await node.complete(jobId, { signature: signed(privateKey, node.id, jobId, 1), ...options });
          expect(late).toMatchObject({ error: { code: 409 } });
        }
        expect(jobContext(jobId)?.live?.nodeId).toBe(other.id);
        await other.complete(jobId);
      });

      test("a keyed node cannot use the calls that have no place for a signature", async () => {
        const { raw } = ed25519();
        const node = await server.fakeNode({ publicKey: raw });
        const jobId = await submit();
        await server.reaches(jobId, "assigned.accepted");
        for (const call of [
          (o: object) =>
            clients.jobStatus.updateJobStatus({ nodeId: node.id, jobId, status: StatusCode.STATUS_SUCCESS }, o),
          (o: object) =>
            clients.jobStatus.reportJobResult({ nodeId: node.id, jobId, finalStatus: StatusCode.STATUS_SUCCESS }, o),
        ]) {
          expect(await refused(call)).toMatchObject({ code: "FAILED_PRECONDITION" });
        }
        const progress = await clients.jobStatus.updateJobStatus({
          nodeId: node.id,
          jobId,
          status: StatusCode.STATUS_IN_PROGRESS,
          progress: 0.5,
        });
        expect(progress.shouldContinue).toBe(true);
        await clients.jobs.cancelJob({ jobId });
      });
    });

    describe("GetNodeMetrics", () => {
      test("gives the samples of a range, and takes any range", async () => {
        const node = await server.fakeNode();
        await node.heartbeat();
        await server.telemetry.stop();
        const metrics = async (startTime = 0n, endTime = 0n) =>
          (await clients.nodes.getNodeMetrics({ nodeId: node.id, startTime, endTime })).metrics;
        const [sample] = await metrics();
        expect(sample).toMatchObject({ memoryUsage: 50, cpuUsage: 0 });
        const at = sample?.timestamp ?? 0n;
        expect(await metrics(at - 5n, at + 5n)).toHaveLength(1);
        expect(await metrics(at + 5n)).toEqual([]);
        expect(await metrics(0n, at - 5n)).toEqual([]);
        expect(await metrics(1n, INT64_MAX)).toHaveLength(1);
        expect(await metrics(INT64_MAX, INT64_MAX)).toEqual([]);
        expect(await metrics(2n ** 53n - 1n)).toEqual([]);
        for (const [startTime, endTime, field] of [
          [-1n, 0n, "start_time"],
          [0n, -1n, "end_time"],
          [10n, 9n, "end_time"],
        ] as const) {
          const call = (o: object) => clients.nodes.getNodeMetrics({ nodeId: node.id, startTime, endTime }, o);
          expect(await refused(call)).toMatchObject({ code: "INVALID_ARGUMENT", field });
        }
        expect(await refused((o) => clients.nodes.getNodeMetrics({ nodeId: "x" }, o))).toMatchObject({
          code: "INVALID_ARGUMENT",
        });
        expect(await refused((o) => clients.nodes.getNodeMetrics({ nodeId: randomUUID() }, o))).toMatchObject({
          code: "NOT_FOUND",
        });
      });
    });

    test("AssignJob is for nodes to serve", async () => {
      expect(await refused((o) => clients.nodes.assignJob({}, o))).toMatchObject({ code: "UNIMPLEMENTED" });
    });

    test("nodes and jobs survive a restart, and a report right after it counts", async () => {
      const node = await server.fakeNode();
      const jobId = await submit();
      await server.reaches(jobId, "assigned.accepted");
      await server.restart();
      expect((await node.heartbeat()).keepAlive).toBe(true);
      expect((await node.progress(jobId, 0.5, { attempt: 1 })).continueJob).toBe(true);
      expect((await node.complete(jobId, { attempt: 1 })).status).toBe(StatusCode.STATUS_SUCCESS);
      expect((await register({ nodeId: node.id })).nodeId).toBe(node.id);
      expect(node.offersOf(jobId)).toHaveLength(1);
      expect(server.core.system.quarantined()).toEqual([]);
    });
  });
}

function ed25519(): { readonly raw: Uint8Array; readonly privateKey: KeyObject } {
  const { publicKey, privateKey } = generateKeyPairSync("ed25519");
  return { raw: new Uint8Array(publicKey.export({ format: "der", type: "spki" }).subarray(-32)), privateKey };
}
