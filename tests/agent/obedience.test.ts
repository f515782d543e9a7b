/** What keeps a job from running twice and a result from being lost, on the node's side, each against a scripted server. */
import { afterEach, describe, expect, test } from "bun:test";
import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { ChannelCredentials } from "@grpc/grpc-js";
import { sign } from "hono/jwt";
import { type Channel, createChannel, createClient, Metadata, Status } from "nice-grpc";
import { type NodeOptions, type RunEvent, startNodeAgent } from "../../src/agent/index.ts";
import { HealthDefinition, ServingStatus } from "../../src/transport/grpc/health.ts";
import { NodeServiceDefinition, StatusCode } from "../../src/transport/grpc/protocol.ts";
import { smallJob } from "../support/engine.ts";
import { quietLog, rememberingLog } from "../support/quiet.ts";
import { freePort, temporaryDirectory, until } from "../support/servers.ts";
import { fail, ScriptedServer } from "./scripted-server.ts";

/** Never ends by itself within a test. */
const endless = { ...smallJob, epochs: 100_000 };
const times = { heartbeat: 50, stopAfter: 20_000, firstRetry: 20, slowestRetry: 100 };

const undo: (() => unknown)[] = [];
afterEach(async () => {
  for (const step of undo.splice(0).reverse()) await step();
});

async function scripted(port = 0): Promise<ScriptedServer> {
  const server = await ScriptedServer.start(port);
  undo.push(() => server.stop());
  return server;
}

type Node = Awaited<ReturnType<typeof node>>;

async function node(server: { readonly address: string }, options: Partial<NodeOptions> = {}) {
  const dataDir = options.dataDir ?? temporaryDirectory("obedience");
  const events: RunEvent[] = [];
  const agent = await startNodeAgent({
    server: server.address,
    listenAddress: { host: "127.0.0.1", port: 0 },
    maxJobs: 1,
    log: quietLog,
    onRun: (event) => void events.push(event),
    ...options,
    dataDir,
    times: { ...times, ...options.times },
  });
  const channel: Channel = createChannel(`127.0.0.1:${agent.port}`, ChannelCredentials.createInsecure());
  undo.push(
    () => agent.stop(),
    () => channel.close(),
  );
  const client = createClient(NodeServiceDefinition, channel);
  const offer = (jobId: string, attempt: number | string = 1, job: object = endless, authorizationToken = "") =>
    client.assignJob(
      { nodeId: agent.nodeId, job: { ...job, jobId }, authorizationToken },
      { metadata: Metadata({ "cyxwiz-attempt": String(attempt) }) },
    );
  return { agent, channel, client, dataDir, events, offer };
}

const started = ({ events }: Node, attempt: number): boolean =>
  events.some((event) => event.type === "started" && event.attempt === attempt);

const outboxOf = (dataDir: string): readonly string[] => readdirSync(join(dataDir, "outbox"));

describe("a node's registration", () => {
  test("says who it is, what it has, where it takes offers, and what it can", async () => {
    const server = await scripted();
    const { agent } = await node(server, { name: "one", region: "mars", walletAddress: "w", token: "t", maxJobs: 3 });
    await agent.registered;
    const { request, metadata } = server.registrations[0]!;
    expect(request.info).toMatchObject({ nodeId: agent.nodeId, name: "one", region: "mars", walletAddress: "w" });
    expect(request.info).toMatchObject({ ipAddress: "127.0.0.1", port: agent.port, isOnline: true });
    expect(request.info?.devices[0]).toMatchObject({ deviceType: 1, memoryTotal: request.info?.ramTotal });
    expect(request.info?.ramTotal).toBeGreaterThan(0n);
    expect(request.publicKey).toHaveLength(32);
    expect(metadata.get("authorization")).toBe("Bearer t");
    expect(metadata.get("cyxwiz-features")).toBe("attempts");
    expect(metadata.get("cyxwiz-slots")).toBe("3");
    expect(metadata.get("cyxwiz-assign-endpoint")).toBe(`127.0.0.1:${agent.port}`);
    expect(metadata.get("cyxwiz-boot-id")).toMatch(/^[0-9a-f-]{36}$/);
  });

  test("gives it the id that the server answers, for good; key and id outlive the process, its boot id does not", async () => {
    const server = await scripted();
    const adopted = crypto.randomUUID();
    server.onRegister = async () => adopted;
    const first = await node(server);
    await first.agent.registered;
    expect(first.agent.nodeId).toBe(adopted);
    await first.agent.stop();
    const second = await node(server, { dataDir: first.dataDir });
    await second.agent.registered;
    const [before, after] = [server.registrations[0]!, server.registrations.at(-1)!];
    expect(after.request.info?.nodeId).toBe(adopted);
    expect(after.request.publicKey).toEqual(before.request.publicKey);
    expect(after.metadata.get("cyxwiz-boot-id")).not.toBe(before.metadata.get("cyxwiz-boot-id"));
    expect(statSync(join(first.dataDir, "identity.json")).mode & 0o777).toBe(0o600);
  });

  test("is tried again until there is a server", async () => {
    const port = await freePort();
    const { agent } = await node({ address: `127.0.0.1:${port}` });
    await Bun.sleep(200);
    await scripted(port);
    await agent.registered;
  });
});

test("two nodes never share a data directory at the same time", async () => {
  const server = await scripted();
  const { agent, dataDir } = await node(server);
  const refused = await node(server, { dataDir }).catch((error: unknown) => String(error));
  expect(refused).toMatch(/another node process is using .*node\.data_dir/);
  await agent.stop();
  await (await node(server, { dataDir })).agent.registered;
});

test("a node serves health, and of NodeService nothing but AssignJob", async () => {
  const { channel, client } = await node(await scripted());
  const health = createClient(HealthDefinition, channel);
  expect((await health.check({ service: "cyxwiz.protocol.NodeService" })).status).toBe(ServingStatus.SERVING);
  const refused = await client.heartbeat({ nodeId: "" }).catch((error: unknown) => error);
  expect(refused).toMatchObject({ code: Status.UNIMPLEMENTED });
});

describe("an offer", () => {
  test("that comes before the node is registered is answered when it is", async () => {
    const server = await scripted();
    const gate = Promise.withResolvers<void>();
    server.onRegister = async ({ info }) => gate.promise.then(() => info?.nodeId ?? "");
    const one = await node(server);
    const answer = one.offer(crypto.randomUUID());
    await until("the registration to arrive", () => server.registrations.length > 0);
    expect(one.agent.running()).toEqual([]);
    gate.resolve();
    expect(await answer).toMatchObject({ accepted: true, status: StatusCode.STATUS_SUCCESS });
  });

  test("of a new attempt ends the run of the old one first, also when it comes twice at once", async () => {
    const one = await node(await scripted());
    const jobId = crypto.randomUUID();
    await one.offer(jobId, 1);
    await until("the first attempt to run", () => started(one, 1));
    const answers = await Promise.all([one.offer(jobId, 2), one.offer(jobId, 2)]);
    expect(answers.map(({ accepted }) => accepted)).toEqual([true, true]);
    await until("the second attempt to run", () => started(one, 2));
    expect(one.events.map(({ type, attempt }) => `${type} ${attempt}`)).toEqual(["started 1", "ended 1", "started 2"]);
    expect((await one.offer(jobId, 1)).error).toMatchObject({ code: 409 });
    expect(one.agent.running()).toEqual([jobId]);
  });

  test("for a node that is full makes it ask whether a run has been cancelled, and takes that one's place", async () => {
    const server = await scripted();
    // It would not hear of the cancellation by itself.
    const one = await node(server, { times: { heartbeat: 3_600_000 } });
    const [cancelled, next] = [crypto.randomUUID(), crypto.randomUUID()];
    await one.offer(cancelled);
    await until("it to run", () => started(one, 1));
    expect((await one.offer(next)).error).toMatchObject({ code: 429 });
    server.onHeartbeat = async () => ({ jobsToCancel: [cancelled] });
    expect((await one.offer(next)).accepted).toBe(true);
    expect(one.agent.running()).toEqual([next]);
    expect(one.events.at(-1)).toMatchObject({ type: "ended", jobId: cancelled });
  });

  test("with an attempt that is no number is refused without blaming the job", async () => {
    const one = await node(await scripted());
    for (const attempt of ["0", "-1", "1.5", "x"])
      expect((await one.offer(crypto.randomUUID(), attempt)).error?.code).toBe(409);
  });

  test("must carry the server's token where the node knows the secret", async () => {
    const p2pSecret = "a secret that both were given, 32 bytes or more";
    const one = await node(await scripted(), { p2pSecret });
    const jobId = crypto.randomUUID();
    const token = (claims: object, secret = p2pSecret) =>
      sign(
        {
          iss: "CyxWiz-Central-Server",
          job_id: jobId,
          node_id: one.agent.nodeId,
          exp: Math.floor(Date.now() / 1000) + 60,
          ...claims,
        },
        secret,
        "HS256",
      );
    const bad = [
      "",
      "nonsense",
      await token({}, "another secret of at least thirty-two bytes"),
      await token({ exp: 1 }),
      await token({ iss: "somebody" }),
      await token({ job_id: crypto.randomUUID() }),
      await token({ node_id: crypto.randomUUID() }),
    ];
    for (const one401 of bad) expect((await one.offer(jobId, 1, endless, one401)).error).toMatchObject({ code: 401 });
    expect((await one.offer(jobId, 1, endless, await token({}))).accepted).toBe(true);
  });
});

describe("before it begins, a run", () => {
  test("waits for the server's word while there is none", async () => {
    const server = await scripted();
    server.onProgress = async () => fail(Status.UNAVAILABLE);
    const one = await node(server);
    await one.offer(crypto.randomUUID());
    await until("the node to have asked again and again", () => server.progress.length >= 3);
    expect(one.events).toEqual([]);
    expect(server.progress[0]?.request.status).toMatchObject({ progress: 0, status: StatusCode.STATUS_IN_PROGRESS });
    server.onProgress = async () => true;
    await until("the run to begin", () => started(one, 1));
  });

  for (const code of [Status.NOT_FOUND, Status.PERMISSION_DENIED]) {
    test(`is dropped on ${Status[code]}`, async () => {
      const server = await scripted();
      server.onProgress = async () => fail(code);
      const one = await node(server);
      await one.offer(crypto.randomUUID());
      await until("the run to be dropped", () => one.agent.running().length === 0);
      expect(one.events).toEqual([]);
    });
  }

  test("is dropped when the server stays away", async () => {
    const server = await scripted();
    server.onProgress = async () => fail(Status.UNAVAILABLE);
    const one = await node(server, { times: { stopAfter: 300 } });
    await one.agent.registered;
    server.onHeartbeat = async () => fail(Status.UNAVAILABLE);
    await one.offer(crypto.randomUUID());
    await until("the run to be dropped", () => one.agent.running().length === 0);
    expect(one.events).toEqual([]);
  });
});

describe("a run", () => {
  test("ends when the server stops answering with success: refusals are no contact", async () => {
    const server = await scripted();
    const one = await node(server, { times: { stopAfter: 400 } });
    await one.offer(crypto.randomUUID());
    await until("the run to begin", () => started(one, 1));
    // As with a token that has been revoked: the server no longer counts this node as there.
    server.onHeartbeat = async () => fail(Status.UNAUTHENTICATED);
    server.onProgress = async () => fail(Status.UNAUTHENTICATED);
    await until("the run to stop", () => one.agent.running().length === 0);
    expect(one.events.at(-1)).toMatchObject({ type: "ended", outcome: "cancelled" });
    expect(outboxOf(one.dataDir)).toEqual([]);
    expect(server.completions).toEqual([]);
  });

  test("outlives refused reports for as long as heartbeats succeed", async () => {
    const server = await scripted();
    const one = await node(server);
    await one.offer(crypto.randomUUID(), 1, { ...smallJob, epochs: 300 });
    await until("the run to begin", () => started(one, 1));
    server.onProgress = async () => fail(Status.INTERNAL);
    await until("its result to be reported", () => server.completions.length > 0);
    expect(server.completions[0]?.request.result?.status).toBe(StatusCode.STATUS_COMPLETED);
  });

  test("stops when a report is answered with continue_job = false", async () => {
    const server = await scripted();
    const one = await node(server);
    await one.offer(crypto.randomUUID());
    await until("the run to begin", () => started(one, 1));
    server.onProgress = async () => false;
    await until("the run to stop", () => one.agent.running().length === 0);
    expect(server.completions).toEqual([]);
  });

  test("is not stopped by a heartbeat's answer that meant the attempt before it", async () => {
    const server = await scripted();
    const one = await node(server);
    const jobId = crypto.randomUUID();
    await one.offer(jobId, 1);
    await until("the first attempt to run", () => started(one, 1));
    const gate = Promise.withResolvers<void>();
    let held = false;
    server.onHeartbeat = async ({ activeJobs }) => {
      if (held || !activeJobs.includes(jobId)) return {};
      held = true;
      await gate.promise;
      return { jobsToCancel: [jobId] };
    };
    await until("a heartbeat to list the job", () => held);
    await one.offer(jobId, 2);
    await until("the second attempt to run", () => started(one, 2));
    const before = server.heartbeats.length;
    gate.resolve();
    await until("more heartbeats", () => server.heartbeats.length > before + 2);
    expect(one.agent.running()).toEqual([jobId]);
    expect(one.events.at(-1)).toMatchObject({ type: "started", attempt: 2 });
  });

  test("reports fewer times than it has epochs when they are fast, in order, and the last one always", async () => {
    const server = await scripted();
    const epochs: number[] = [];
    const one = await node(server, { onProgress: ({ epoch }) => void epochs.push(epoch) });
    await one.offer(crypto.randomUUID(), 4, { ...smallJob, epochs: 500 });
    await until("the result to be reported", () => server.completions.length > 0);
    const reported = server.progress.map(({ request }) => request.status?.currentEpoch ?? -1);
    expect(reported).toEqual([...reported].sort((a, b) => a - b));
    expect(reported.length).toBeLessThan(250);
    expect(reported.at(-1)).toBe(500);
    expect(epochs).toEqual(Array.from({ length: 500 }, (_, index) => index + 1));
    expect(server.progress.map(({ metadata }) => metadata.get("cyxwiz-attempt"))).toEqual(reported.map(() => "4"));
    expect(server.completions[0]?.metadata.get("cyxwiz-attempt")).toBe("4");
  });
});

describe("my job's own word on how long it goes on without the server (cyxwiz.stop_after)", () => {
  /** The job runs, and from then on the server is not there. */
  async function cutOff(stopAfter: string, times: object) {
    const server = await scripted();
    const one = await node(server, { times: { ...times } });
    const hyperparameters = { "cyxwiz.stop_after": stopAfter };
    await one.offer(crypto.randomUUID(), 1, { ...endless, hyperparameters });
    await until("the run to begin", () => started(one, 1));
    server.onHeartbeat = async () => fail(Status.UNAVAILABLE);
    server.onProgress = async () => fail(Status.UNAVAILABLE);
    return { server, one };
  }

  test("stops the run though the node's own time has not come, and reports nothing wrong", async () => {
    const { server, one } = await cutOff("0.4", { stopAfter: 3_600_000 });
    await until("the run to stop", () => one.agent.running().length === 0);
    expect(one.events.at(-1)).toMatchObject({ type: "ended", outcome: "cancelled" });
    expect(outboxOf(one.dataDir)).toEqual([]);
    expect(server.completions).toEqual([]);
    server.onHeartbeat = async () => ({});
    const seen = server.heartbeats.length;
    await until("the server to be reached again", () => server.heartbeats.length > seen + 1);
    expect(server.heartbeats.at(-1)?.activeJobs).toEqual([]);
  });

  for (const stopAfter of ["3600", "0"]) {
    test(`of ${stopAfter} s keeps my job alive through a longer blink of the network than the node allows`, async () => {
      const { server, one } = await cutOff(stopAfter, { stopAfter: 100 });
      const seen = server.heartbeats.length;
      await until("several heartbeats in vain", () => server.heartbeats.length > seen + 8);
      await Bun.sleep(500);
      expect(one.agent.running()).toHaveLength(1);
    });
  }
});

describe("what the server has to say to a node's owner", () => {
  test("is in the log once, and again only when it changes", async () => {
    const server = await scripted();
    const log = rememberingLog();
    await node(server, { log });
    const notices = () => log.lines.filter(({ message }) => message.includes("notice"));
    const beats = async () => {
      const seen = server.heartbeats.length;
      await until("some heartbeats", () => server.heartbeats.length > seen + 2);
    };
    await beats();
    expect(notices()).toEqual([]);
    server.notice = encodeURIComponent("cordoned: the cable is being replaced – until noon");
    await beats();
    await beats();
    expect(notices()).toMatchObject([
      { level: "warn", fields: { notice: "cordoned: the cable is being replaced – until noon" } },
    ]);
    // Not percent-encoded after all, and with something that would clear a terminal.
    server.notice = "100 % banned%1B[2J";
    await beats();
    expect(notices().at(-1)?.fields).toEqual({ notice: "100 % banned%1B[2J" });
    server.notice = encodeURIComponent("banned\u001b[2J");
    await beats();
    expect(notices().at(-1)?.fields).toEqual({ notice: "banned [2J" });
    server.notice = "";
    await beats();
    expect(notices()).toHaveLength(4);
    expect(notices().at(-1)?.level).toBe("info");
  });
});

describe("a result", () => {
  test("that the server cannot take yet stays on disk and in the heartbeats until it can", async () => {
    const server = await scripted();
    server.onCompletion = async () => fail(server.completions.length % 2 ? Status.UNAUTHENTICATED : Status.INTERNAL);
    const one = await node(server);
    const jobId = crypto.randomUUID();
    await one.offer(jobId, 2, smallJob);
    await until("some attempts to deliver it", () => server.completions.length >= 4);
    expect(outboxOf(one.dataDir)).toEqual([`${jobId}-2.json`]);
    expect(one.agent.running()).toEqual([]);
    const seen = server.heartbeats.length;
    await until("another heartbeat", () => server.heartbeats.length > seen);
    expect(server.heartbeats.at(-1)?.activeJobs).toEqual([jobId]);
    // The answer to the offer got lost: there is nothing to run any more.
    expect((await one.offer(jobId, 2, smallJob)).accepted).toBe(true);
    expect(one.agent.running()).toEqual([]);
    server.onCompletion = async () => StatusCode.STATUS_SUCCESS;
    await until("it to be delivered", () => outboxOf(one.dataDir).length === 0);
    const delivered = server.heartbeats.length;
    await until("further heartbeats", () => server.heartbeats.length > delivered + 1);
    expect(server.heartbeats.at(-1)?.activeJobs).toEqual([]);
  });

  for (const [name, answer] of [
    ["the attempt is superseded", async () => StatusCode.STATUS_CANCELLED],
    ["NOT_FOUND", async () => fail(Status.NOT_FOUND)],
    ["PERMISSION_DENIED", async () => fail(Status.PERMISSION_DENIED)],
    ["INVALID_ARGUMENT", async () => fail(Status.INVALID_ARGUMENT)],
  ] as const) {
    test(`is given up on the answer: ${name}`, async () => {
      const server = await scripted();
      server.onCompletion = answer;
      const one = await node(server);
      await one.offer(crypto.randomUUID(), 1, smallJob);
      await until("it to be given up", () => server.completions.length > 0 && outboxOf(one.dataDir).length === 0);
      expect(server.completions).toHaveLength(1);
    });
  }

  test("left by an earlier process is delivered before the new one registers, however late the server comes", async () => {
    const server = await scripted();
    server.onCompletion = async () => fail(Status.UNAVAILABLE);
    const first = await node(server);
    await first.offer(crypto.randomUUID(), 1, smallJob);
    await until("an attempt to deliver it", () => server.completions.length > 0);
    await first.agent.stop();
    server.stop();
    const second = await node(server, { dataDir: first.dataDir });
    await Bun.sleep(200);
    const later = await scripted(server.port);
    await second.agent.registered;
    expect(later.calls.slice(0, 2)).toEqual(["ReportCompletion", "RegisterNode"]);
    expect(outboxOf(first.dataDir)).toEqual([]);
  });

  test("that is a failure names its reason", async () => {
    const server = await scripted();
    const one = await node(server);
    await one.offer(crypto.randomUUID(), 1, { ...smallJob, datasetUri: "file:///etc/passwd" });
    await until("it to be reported", () => server.completions.length > 0);
    const { result } = server.completions[0]!.request;
    expect(result?.status).toBe(StatusCode.STATUS_FAILED);
    expect(result?.proofOfCompute).toContain("file:///etc/passwd");
  });
});

describe("a node that stops", () => {
  test("tells the server which runs are gone, and reports none of them as failed", async () => {
    const server = await scripted();
    // Only its last words count here.
    const one = await node(server, { times: { heartbeat: 3_600_000 } });
    const jobId = crypto.randomUUID();
    await one.offer(jobId);
    await until("the run to begin", () => started(one, 1));
    const before = server.heartbeats.length;
    await one.agent.stop();
    expect(server.heartbeats.slice(before).map(({ activeJobs }) => activeJobs)).toEqual([[], []]);
    expect(server.completions).toEqual([]);
  });

  test("stops also when there is no server, and twice is as once", async () => {
    const server = await scripted();
    const one = await node(server);
    await one.offer(crypto.randomUUID());
    await until("the run to begin", () => started(one, 1));
    server.stop();
    await Promise.all([one.agent.stop(), one.agent.stop()]);
    expect(one.agent.running()).toEqual([]);
  });
});
