/** Calling nodes: what each way of not answering is taken for, and what the server makes of it when times are short. */
import { afterAll, afterEach, beforeAll, describe, expect, test } from "bun:test";
import { createHmac, randomUUID } from "node:crypto";
import { createServer as createTcpServer, type Server as TcpServer } from "node:net";
import { createServer, type Server, type ServiceImplementation } from "nice-grpc";
import { ServerError, Status } from "nice-grpc-common";
import type { NodeTarget, Offer } from "../../../src/actors/node-link.ts";
import {
  type NodeServiceDefinition as Definition,
  NodeServiceDefinition,
} from "../../../src/transport/grpc/protocol.ts";
import { createNodeLink, type NodeLinkOptions } from "../../../src/transport/node-link.ts";
import { quietLog } from "../../support/quiet.ts";
import { databaseServers, freePort, until } from "../../support/servers.ts";
import { type Clients, jobConfig, TestServer } from "../../support/test-server.ts";

type AssignJob = ServiceImplementation<typeof Definition>["assignJob"];

describe("an offer", () => {
  const open: { close(): void }[] = [];
  afterEach(() => {
    for (const one of open.splice(0)) one.close();
  });

  const link = (options: Partial<NodeLinkOptions> = {}) => {
    const created = createNodeLink({
      portOffset: 3,
      connectTimeout: 300,
      probeTimeout: 300,
      answerTimeout: 300,
      issueP2pToken: async ({ user, jobId, nodeId }) => ({ token: [user, jobId, nodeId].join("."), expiresAt: 0 }),
      gangSecret: "secret",
      log: quietLog,
      ...options,
    });
    open.push(created);
    return created;
  };

  const serve = async (assignJob: AssignJob, address = "127.0.0.1:0"): Promise<number> => {
    const unserved = async () => {
      throw new ServerError(Status.UNIMPLEMENTED, "");
    };
    const server: Server = createServer();
    server.add(NodeServiceDefinition, {
      registerNode: unserved,
      heartbeat: unserved,
      reportProgress: unserved,
      reportCompletion: unserved,
      getNodeMetrics: unserved,
      notifyJobAccepted: unserved,
      assignJob,
    });
    const port = await server.listen(address);
    open.push({ close: () => server.forceShutdown() });
    return port;
  };

  const tcp = (onConnection: (server: TcpServer) => void = () => {}): Promise<number> =>
    new Promise((resolve) => {
      const server = createTcpServer((socket) => socket.on("error", () => {}));
      onConnection(server);
      server.listen(0, "127.0.0.1", () => resolve((server.address() as { port: number }).port));
      open.push({ close: () => server.close() });
    });

  const target = (at: { ip?: string; port?: number; endpoint?: string | null }): NodeTarget => ({
    nodeId: "node",
    profile: {
      name: "",
      wallet: "",
      userId: null,
      softwareVersion: "",
      devices: [],
      cpuCores: 1,
      ramBytes: 0,
      region: "",
      ipAddress: at.ip ?? "127.0.0.1",
      port: at.port ?? 1,
      assignEndpoint: at.endpoint ?? null,
      stakeUnits: "0",
      formats: [],
      runtimes: [],
      maxModelBytes: 0,
      terminalAccess: false,
      pricing: null,
      publicKey: null,
      slots: 1,
      reportsAttempts: false,
    },
  });
  const offerTo = (to: NodeTarget): Offer => ({
    target: to,
    jobId: randomUUID(),
    attempt: 7,
    userWallet: "user",
    price: "1500000000",
    gang: null,
    stopAfter: null,
    spec: {
      type: "training",
      priority: "high",
      modelDefinition: "m",
      hyperparameters: {},
      datasetUri: "d",
      batchSize: 1,
      epochs: 1,
      device: null,
      memoryBytes: 0,
      estimatedSeconds: 90,
      offered: "0",
      escrowTxHash: "",
      reservationMinutes: 0,
    },
  });
  const never = new AbortController().signal;

  test("carries the whole job, the token and the attempt", async () => {
    let seen: unknown;
    const port = await serve(async (request, { metadata }) => {
      seen = { ...request, attempt: metadata.get("cyxwiz-attempt") };
      return { accepted: true };
    });
    const offer = offerTo(target({ port: port - 3 }));
    expect(await link().offer(offer, never)).toEqual({ accepted: true });
    expect(seen).toMatchObject({
      nodeId: "node",
      attempt: "7",
      authorizationToken: `user.${offer.jobId}.node`,
      job: {
        jobId: offer.jobId,
        jobType: 1,
        priority: 2,
        requiredDevice: 1,
        paymentAmount: 1.5,
        reservationDurationMinutes: 2,
      },
    });
  });

  describe("tells the node", () => {
    const told = async (
      overrides: Partial<Offer>,
      hyperparameters: Record<string, string> = {},
      secret?: string,
      profile: Partial<NodeTarget["profile"]> = {},
    ) => {
      let seen: Readonly<Record<string, string>> = {};
      const port = await serve(async ({ job }) => {
        seen = job?.hyperparameters ?? {};
        return { accepted: true };
      });
      const node = target({ port: port - 3 });
      const offer = offerTo({ ...node, profile: { ...node.profile, ...profile } });
      const sent = { ...offer, jobId: "job", ...overrides, spec: { ...offer.spec, hyperparameters } };
      expect(await link(secret === undefined ? {} : { gangSecret: secret }).offer(sent, never)).toEqual({
        accepted: true,
      });
      return seen;
    };
    const gang = { rank: 1, size: 3, rendezvous: target({ ip: "10.1.2.3", port: 5000 }) };

    test("what its own job is set to, and not the terms that the server keeps", async () => {
      const own = { lr: "0.1", cyxwiz: "mine" };
      expect(await told({}, { ...own, "cyxwiz.region": "eu", "cyxwiz.gang.key": "forged" })).toEqual(own);
    });

    test("when to stop by itself, in seconds, if it is of a build that can; 0: never", async () => {
      const able = (overrides: Partial<Offer>, own = {}) => told(overrides, own, undefined, { reportsAttempts: true });
      expect(await able({ stopAfter: 90_000 })).toEqual({ "cyxwiz.stop_after": "90" });
      expect(await able({ stopAfter: 1500 }, { "cyxwiz.stop_after": "7" })).toEqual({ "cyxwiz.stop_after": "1.5" });
      expect(await able({ stopAfter: null })).toEqual({ "cyxwiz.stop_after": "0" });
      expect(await told({ stopAfter: 90_000 })).toEqual({});
    });

    test("its place in the gang, where the members meet, and the key by which they know each other", async () => {
      const seen = await told({ gang });
      expect(seen).toEqual({
        "cyxwiz.gang.rank": "1",
        "cyxwiz.gang.size": "3",
        "cyxwiz.gang.rendezvous": "10.1.2.3:5003",
        "cyxwiz.gang.key": createHmac("sha256", "secret").update("gang/job/7").digest("hex"),
      });
      const named = target({ endpoint: "first.example:7000" });
      expect(await told({ gang: { ...gang, rendezvous: named } })).toMatchObject({
        "cyxwiz.gang.rendezvous": "first.example:7000",
      });
    });

    test("a key that is the same for every member and after a restart, and no other gang's", async () => {
      const key = async (overrides: Partial<Offer>, secret?: string) =>
        (await told({ gang, ...overrides }, {}, secret))["cyxwiz.gang.key"];
      const mine = await key({});
      expect(await key({ gang: { ...gang, rank: 2 } })).toBe(mine as string);
      for (const other of [await key({ attempt: 8 }), await key({ jobId: "other" }), await key({}, "another secret")]) {
        expect(other).not.toBe(mine as string);
      }
    });
  });

  test("is refused by the node for the reason it gives, or for none", async () => {
    const replies = [
      [{ accepted: false, error: { code: 400, message: "no epochs" } }, "invalid", "no epochs"],
      [{ accepted: false, error: { code: 429, message: "busy" } }, "rejected", "busy"],
      [{ accepted: false }, "rejected", "the node gave no reason"],
      [{}, "rejected", "the node gave no reason"],
    ] as const;
    for (const [reply, outcome, message] of replies) {
      const port = await serve(async () => reply);
      const answer = await link().offer(offerTo(target({ port: port - 3 })), never);
      expect(answer).toEqual({ accepted: false, outcome, message });
    }
  });

  test("an error is taken for a refusal only where the node surely did not take the job", async () => {
    const codes = {
      [Status.INTERNAL]: "rejected",
      [Status.UNAUTHENTICATED]: "rejected",
      [Status.RESOURCE_EXHAUSTED]: "rejected",
      [Status.UNAVAILABLE]: "no_answer",
      [Status.DEADLINE_EXCEEDED]: "no_answer",
      [Status.UNKNOWN]: "no_answer",
      [Status.CANCELLED]: "no_answer",
    };
    for (const [code, outcome] of Object.entries(codes)) {
      const port = await serve(async () => {
        throw new ServerError(Number(code), "so it is");
      });
      const answer = await link().offer(offerTo(target({ port: port - 3 })), never);
      expect([code, answer]).toMatchObject([code, { accepted: false, outcome }]);
    }
  });

  test("to a port where nothing listens, or nothing that speaks gRPC, is surely not received", async () => {
    const deaf = await tcp();
    const rude = await tcp((server) => server.on("connection", (socket) => socket.destroy()));
    for (const port of [await freePort(), deaf, rude]) {
      expect(await link().offer(offerTo(target({ port: port - 3 })), never)).toMatchObject({ outcome: "unreachable" });
    }
  });

  test("to an address that is none is answered, not thrown", async () => {
    for (const to of [
      target({ ip: "10.0.0.1/evil" }),
      target({ ip: "unix" }),
      target({ ip: "unix:/tmp/socket" }),
      target({ ip: "a b" }),
      target({ port: 65_535 }),
      target({ endpoint: "nonsense" }),
      target({ endpoint: "unix:50055" }),
    ]) {
      expect(await link().offer(offerTo(to), never)).toMatchObject({ outcome: "unreachable" });
      expect(await link().probe(to, never)).toBe(false);
    }
  });

  test("reaches a node on IPv6", async () => {
    const port = await serve(async () => ({ accepted: true }), "[::1]:0").catch(() => 0);
    if (port === 0) return; // a machine without IPv6
    for (const to of [target({ ip: "::1", port: port - 3 }), target({ endpoint: `[::1]:${port}` })]) {
      expect(await link().offer(offerTo(to), never)).toEqual({ accepted: true });
      expect(await link().probe(to, never)).toBe(true);
    }
  });

  test("that hangs ends with no answer, and one that is called off ends at once", async () => {
    const port = await serve(() => new Promise(() => {}));
    const to = target({ port: port - 3 });
    expect(await link().offer(offerTo(to), never)).toMatchObject({ outcome: "no_answer" });
    const abort = new AbortController();
    const offer = link({ answerTimeout: 60_000 }).offer(offerTo(to), abort.signal);
    setTimeout(() => abort.abort(), 50);
    expect(await offer.catch((error: Error) => error.name)).toBe("AbortError");
  });

  test("goes to a node that has been started again, over the link that broke", async () => {
    const reused = link();
    const port = await serve(async () => ({ accepted: true }));
    expect(await reused.offer(offerTo(target({ port: port - 3 })), never)).toEqual({ accepted: true });
    for (const one of open.splice(1)) one.close();
    expect(await reused.offer(offerTo(target({ port: port - 3 })), never)).toMatchObject({ accepted: false });
    await serve(async () => ({ accepted: true }), `127.0.0.1:${port}`);
    expect(await reused.offer(offerTo(target({ port: port - 3 })), never)).toEqual({ accepted: true });
  });

  test("a probe finds out whether something listens, and gives up when called off", async () => {
    const listening = await tcp();
    expect(await link().probe(target({ port: listening - 3 }), never)).toBe(true);
    expect(await link().probe(target({ port: (await freePort()) - 3 }), never)).toBe(false);
    const abort = new AbortController();
    abort.abort();
    expect(await link().probe(target({ port: listening - 3 }), abort.signal)).toBe(false);
  });
});

describe("with short times", () => {
  let server: TestServer;
  let clients: Clients;

  beforeAll(async () => {
    server = await TestServer.start((await databaseServers()).at(-1)?.url ?? "", {
      "scheduler.heartbeat_interval_ms": "100",
      "scheduler.node_heartbeat_timeout_ms": "400",
      "scheduler.offer_timeout_ms": "400",
      "scheduler.offer_exclusion_ms": "300",
      "scheduler.start_timeout_ms": "1000",
      "scheduler.grace_period_ms": "300",
    });
    clients = server.clients();
  });
  afterEach(() => server.clear());
  afterAll(() => server.stop());

  const submit = async () => (await clients.jobs.submitJob({ config: jobConfig() })).jobId;
  const reachability = async (nodeId: string) => (await server.queries.nodes.find(nodeId))?.row.reachability;
  /** Heartbeats like a real node, until the test is over. */
  const beating = (node: { heartbeat(): Promise<unknown> }) => {
    const timer = setInterval(() => void node.heartbeat().catch(() => {}), 50);
    return () => clearInterval(timer);
  };

  test("a node that hangs loses the offer, and gets it again after a while", async () => {
    const node = await server.fakeNode({ answer: "hang" });
    const stop = beating(node);
    const jobId = await submit();
    await until("a second offer", () => node.offersOf(jobId).length === 2);
    const context = server.core.jobs.peek(jobId)?.snapshot.context;
    expect(context?.history[0]).toMatchObject({ outcome: "no_answer", number: 1 });
    expect(node.offersOf(jobId).map(({ attempt }) => attempt)).toEqual([1, 2]);
    expect(await reachability(node.id)).not.toBe("uncallable");
    stop();
  });

  test("a node that cannot be called is not offered jobs until it can", async () => {
    const node = await server.fakeNode({ build: "none" });
    const stop = beating(node);
    const jobId = await submit();
    await until("the node to be uncallable", async () => (await reachability(node.id)) === "uncallable");
    await node.becomeDaemon();
    await server.reaches(jobId, "assigned.accepted");
    expect(await reachability(node.id)).toBe("callable");
    expect(server.nodeState(node.id)).toStartWith("online");
    await node.complete(jobId);
    stop();
  });

  test("a silent node becomes suspect and then offline, and its heartbeat brings it back", async () => {
    const node = await server.fakeNode();
    await until("the node to be suspect", () => server.nodeState(node.id) === "suspect");
    expect((await server.queries.nodes.find(node.id))?.row.status).toBe("offline");
    await node.heartbeat();
    expect(server.nodeState(node.id)).toBe("online.idle");
    await until("the node to be offline", () => server.nodeState(node.id) === "offline");
    await node.heartbeat();
    expect(server.nodeState(node.id)).toBe("online.idle");
  });

  test("the job of a node that went silent runs on another; the old one is told to stop when it comes back", async () => {
    const first = await server.fakeNode();
    const jobId = await submit();
    await server.reaches(jobId, "assigned.accepted");
    await first.progress(jobId, 0.5, { attempt: 1 });
    const second = await server.fakeNode();
    const stop = beating(second);
    await second.offered(jobId);
    await server.reaches(jobId, "assigned.accepted");
    await second.progress(jobId, 0.1, { attempt: 2 });
    expect((await first.heartbeat([jobId])).jobsToCancel).toEqual([jobId]);
    expect((await first.progress(jobId, 0.9, { attempt: 1 })).continueJob).toBe(false);
    await second.complete(jobId);
    expect(await server.queries.jobs.find(jobId)).toMatchObject({ status: "completed", assigned_node_id: second.id });
    stop();
  });

  test("a node back within the grace period goes on with its attempt", async () => {
    const node = await server.fakeNode();
    const jobId = await submit();
    await server.reaches(jobId, "assigned.accepted");
    await node.progress(jobId, 0.5);
    await server.reaches(jobId, "running.orphaned");
    expect((await node.progress(jobId, 0.6)).continueJob).toBe(true);
    await server.reaches(jobId, "running.active");
    expect(server.core.jobs.peek(jobId)?.snapshot.context.attempt).toBe(1);
    await node.complete(jobId);
  });
});
