/** The reference node against a real server: registers, trains, obeys, survives the server's absence and its own death. */
import { afterAll, afterEach, beforeAll, describe, expect, test } from "bun:test";
import { createHash, createPublicKey, verify } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { ChannelCredentials } from "@grpc/grpc-js";
import { createChannel, createClient, createServer, Metadata, ServerError, Status } from "nice-grpc";
import { type NodeAgent, type NodeOptions, type RunEvent, startNodeAgent } from "../../src/agent/index.ts";
import { resultStatement } from "../../src/domain/result-signature.ts";
import { NodeServiceDefinition, StatusCode } from "../../src/transport/grpc/protocol.ts";
import { smallJob } from "../support/engine.ts";
import { quietLog } from "../support/quiet.ts";
import { startSharedEmbedded, temporaryDirectory, until } from "../support/servers.ts";
import { type Clients, TestServer } from "../support/test-server.ts";

/** Never ends by itself within a test. */
const endless = { ...smallJob, epochs: 100_000, estimatedDuration: 3600n };

let server: TestServer;
let clients: Clients;
beforeAll(async () => {
  server = await TestServer.start((await startSharedEmbedded()).url, { "scheduler.offer_exclusion_ms": "200" });
  clients = server.clients();
});
afterAll(() => server.stop());

const agents: NodeAgent[] = [];
afterEach(async () => {
  await Promise.all(agents.splice(0).map((agent) => agent.stop()));
  await server.clear();
});

const times = { heartbeat: 100, stopAfter: 5000, firstRetry: 20, slowestRetry: 200 };

async function node(options: Partial<NodeOptions> = {}): Promise<NodeAgent & { readonly dataDir: string }> {
  const dataDir = options.dataDir ?? temporaryDirectory("agent");
  const agent = await startNodeAgent({
    server: server.address,
    listenAddress: { host: "127.0.0.1", port: 0 },
    maxJobs: 1,
    log: quietLog,
    ...options,
    dataDir,
    times: { ...times, ...options.times },
  });
  agents.push(agent);
  await agent.registered;
  return Object.assign(agent, { dataDir });
}

const submit = async (config: object = smallJob): Promise<string> => (await clients.jobs.submitJob({ config })).jobId;
const statusOf = async (jobId: string) => (await clients.jobs.getJobStatus({ jobId })).status;
const contextOf = (jobId: string) => server.core.jobs.peek(jobId)?.snapshot.context;

const assign = (agent: NodeAgent) => {
  const channel = createChannel(`127.0.0.1:${agent.port}`, ChannelCredentials.createInsecure());
  const client = createClient(NodeServiceDefinition, channel);
  return {
    call: (job: object, attempt = 1, nodeId = agent.nodeId) =>
      client.assignJob({ nodeId, job }, { metadata: Metadata({ "cyxwiz-attempt": String(attempt) }) }),
    close: () => channel.close(),
  };
};

describe("a job", () => {
  test("is trained, and its result is the file that was hashed, signed by the node's key", async () => {
    const agent = await node();
    const jobId = await submit();
    await server.reaches(jobId, "completed");
    const stored = await server.queries.jobs.detail(jobId);
    const result = stored?.context?.result;
    const profile = server.core.nodes.peek(agent.nodeId)?.snapshot.context.profile;
    expect(result?.nodeId).toBe(agent.nodeId);
    const file = readFileSync(fileURLToPath(result?.weightsUri ?? ""));
    expect(createHash("sha256").update(file).digest("hex")).toBe(result?.weightsHash ?? "");
    expect(file.length).toBe(result?.weightsSize ?? 0);
    const statement = resultStatement({
      nodeId: agent.nodeId,
      jobId,
      attempt: 1,
      outcome: "completed",
      weightsHash: result?.weightsHash ?? "",
      weightsSize: result?.weightsSize ?? 0,
    });
    const key = createPublicKey({
      key: Buffer.concat([
        Buffer.from("302a300506032b6570032100", "hex"),
        Buffer.from(profile?.publicKey ?? "", "hex"),
      ]),
      format: "der",
      type: "spki",
    });
    expect(verify(null, Buffer.from(statement), key, Buffer.from(result?.signature ?? "", "hex"))).toBe(true);
    await until(
      "the node to count it",
      () => server.core.nodes.peek(agent.nodeId)?.snapshot.context.jobsCompleted === 1,
    );
  });

  test("that is cancelled stops within a few heartbeats, and the node takes the next", async () => {
    const agent = await node();
    const jobId = await submit(endless);
    await server.reaches(jobId, "running.active");
    await clients.jobs.cancelJob({ jobId });
    await until("the run to stop", () => !agent.running().includes(jobId));
    const next = await submit();
    await server.reaches(next, "completed");
  });

  test("that cannot be run is refused with the reason, and fails as invalid within seconds", async () => {
    await node();
    const jobId = await submit({ ...smallJob, modelDefinition: '{"layers": 7}' });
    await until("the job to fail", async () => (await statusOf(jobId))?.status === StatusCode.STATUS_FAILED, 20_000);
    const status = await statusOf(jobId);
    expect(status?.error?.details).toBe("invalid_job");
    expect(status?.error?.message).toContain("model_definition.layers");
  });

  test("whose data cannot be had fails with the reason, after the retries", async () => {
    await node();
    const jobId = await submit({ ...smallJob, datasetUri: "file:///etc/passwd" });
    await until("the job to fail", async () => (await statusOf(jobId))?.status === StatusCode.STATUS_FAILED, 20_000);
    expect((await statusOf(jobId))?.error?.message).toContain("file:///etc/passwd");
  });
});

describe("an offer", () => {
  test("repeated for the same attempt is accepted again and runs once", async () => {
    const events: RunEvent[] = [];
    const agent = await node({ onRun: (event) => void events.push(event) });
    const jobId = await submit(endless);
    await until("the run to begin", () => events.length > 0);
    const line = assign(agent);
    const reply = await line.call({ ...endless, jobId }, 1);
    line.close();
    expect(reply.accepted).toBe(true);
    expect(events.filter(({ type }) => type === "started")).toHaveLength(1);
  });

  test("of a malformed job is 400, beyond the slots 429, for another node 409", async () => {
    const agent = await node();
    const line = assign(agent);
    const bad = async (job: object) => (await line.call(job)).error;
    const jobId = crypto.randomUUID();
    expect(await bad({ ...smallJob, jobId: "no-uuid" })).toMatchObject({ code: 400 });
    expect(await bad({ ...smallJob, jobId, jobType: 0 })).toMatchObject({
      code: 400,
      message: expect.stringContaining("job_type"),
    });
    expect(await bad({ ...smallJob, jobId, epochs: 0 })).toMatchObject({
      code: 400,
      message: expect.stringContaining("epochs"),
    });
    expect(await bad({ ...smallJob, jobId, datasetUri: "" })).toMatchObject({
      code: 400,
      message: expect.stringContaining("dataset_uri"),
    });
    expect((await line.call({ ...smallJob, jobId }, 1, crypto.randomUUID())).error?.code).toBe(409);
    const running = await submit(endless);
    await server.reaches(running, "running.active");
    expect((await line.call({ ...smallJob, jobId })).error).toMatchObject({ code: 429 });
    line.close();
  });

  test("the server knows nothing of is accepted and never started: the node asks first", async () => {
    const events: RunEvent[] = [];
    const agent = await node({ onRun: (event) => void events.push(event) });
    const line = assign(agent);
    const stray = crypto.randomUUID();
    expect((await line.call({ ...smallJob, jobId: stray })).accepted).toBe(true);
    line.close();
    await until("the node to drop it", () => !agent.running().includes(stray));
    expect(events).toEqual([]);
  });

  test("of an attempt that is over by now is never started", async () => {
    const events: RunEvent[] = [];
    const agent = await node({ onRun: (event) => void events.push(event) });
    const jobId = await submit();
    await server.reaches(jobId, "completed");
    const line = assign(agent);
    await line.call({ ...smallJob, jobId }, 1);
    line.close();
    await until("the node to drop it", () => agent.running().length === 0);
    expect(events.filter(({ type }) => type === "started")).toHaveLength(1);
  });
});

describe("the server's absence", () => {
  test("in mid-run is sat out: the same attempt goes on and completes", async () => {
    const events: RunEvent[] = [];
    await node({ onRun: (event) => void events.push(event) });
    const jobId = await submit({ ...smallJob, epochs: 4000, estimatedDuration: 600n });
    await server.reaches(jobId, "running.active");
    await server.restart();
    clients = server.clients();
    await server.reaches(jobId, "completed");
    expect(events.filter(({ type }) => type === "started")).toHaveLength(1);
  });

  test("for too long stops the run: somebody else will have the job", async () => {
    const events: RunEvent[] = [];
    const agent = await node({ onRun: (event) => void events.push(event) });
    // What the server tells holds, and not the node's own time.
    const jobId = await submit({ ...endless, hyperparameters: { "cyxwiz.stop_after": "1" } });
    await server.reaches(jobId, "running.active");
    // The server has stored that it runs a moment before the node hears that it may.
    await until("the run to begin", () => events.length > 0);
    const port = server.port;
    await server.core.stop();
    await server.grpc.stop(0);
    await until("the run to stop", () => agent.running().length === 0);
    expect(events.at(-1)).toMatchObject({ type: "ended", outcome: "cancelled" });
    await server.restart();
    expect(server.port).toBe(port);
    clients = server.clients();
  });
});

describe("a node", () => {
  test("is the same node after a restart, and what it ran before is given out again", async () => {
    const first = await node();
    const { nodeId, dataDir } = first;
    const jobId = await submit(endless);
    await server.reaches(jobId, "running.active");
    await first.stop();
    const second = await node({ dataDir });
    expect(second.nodeId).toBe(nodeId);
    await until("the attempt to be lost", () => contextOf(jobId)?.history[0]?.outcome === "lost");
    expect(contextOf(jobId)?.history[0]?.message).toContain("came back without it");
    await until("the job to be offered again", () => (contextOf(jobId)?.attempt ?? 0) >= 2, 20_000);
  });

  test("registers again when a server does not know it any more", async () => {
    let registrations = 0;
    let heartbeats = 0;
    const forgetful = createServer();
    const unused = async (): Promise<never> => {
      throw new ServerError(Status.UNIMPLEMENTED, "");
    };
    forgetful.add(NodeServiceDefinition, {
      registerNode: async ({ info }) => {
        registrations += 1;
        return { status: StatusCode.STATUS_SUCCESS, nodeId: info?.nodeId ?? "" };
      },
      heartbeat: async () => {
        heartbeats += 1;
        if (heartbeats === 2) throw new ServerError(Status.NOT_FOUND, "never heard of it");
        return { status: StatusCode.STATUS_SUCCESS, keepAlive: true };
      },
      assignJob: unused,
      reportProgress: unused,
      reportCompletion: unused,
      getNodeMetrics: unused,
      notifyJobAccepted: unused,
    });
    const port = await forgetful.listen("127.0.0.1:0");
    await node({ server: `127.0.0.1:${port}` });
    await until("the node to come back", () => registrations === 2 && heartbeats >= 3);
    await agents.pop()?.stop();
    forgetful.forceShutdown();
  });

  test("with a damaged identity says which file, and does not become another node", async () => {
    const dataDir = temporaryDirectory("agent");
    await Bun.write(join(dataDir, "identity.json"), "{");
    expect(node({ dataDir })).rejects.toThrow(/identity\.json is damaged/);
  });
});
