/**
 * The server's gRPC side, whole, in this process: migrations, leadership, core and services over a real PostgreSQL, behind
 * a real socket on a port of its own. The way to the database leads through a proxy that a test can cut.
 *
 * `fakeNode` is a node as the server sees one: a gRPC server on loopback that answers AssignJob as the test says,
 * registered through RegisterNode.
 */
import {
  connect as connectTcp,
  createServer as createTcpServer,
  type Socket,
  type Server as TcpServer,
} from "node:net";
import { sign } from "hono/jwt";
import {
  type CallOptions,
  type Channel,
  type Client,
  createChannel,
  createClient,
  createServer,
  type Server,
  type ServiceImplementation,
} from "nice-grpc";
import { ClientError, Metadata, ServerError, Status } from "nice-grpc-common";
import { type Core, createCore } from "../../src/actors/core.ts";
import { type Config, type KeyName, loadConfig } from "../../src/config/index.ts";
import { systemClock } from "../../src/observability/index.ts";
import { startServices } from "../../src/services.ts";
import { fairness, nodeLinkTimes } from "../../src/settings.ts";
import { openDatabase } from "../../src/store/database.ts";
import { PostgresJournal } from "../../src/store/journal.ts";
import { Leadership } from "../../src/store/leadership.ts";
import { migrate } from "../../src/store/migrations/migrate.ts";
import { createQueries, type Queries } from "../../src/store/queries/index.ts";
import { CachedTexts, databaseTexts } from "../../src/store/texts.ts";
import { callerLimits } from "../../src/transport/caller-limits.ts";
import {
  type AssignJobRequest,
  type AssignJobResponse,
  type DeepPartial,
  DeviceType,
  type JobConfig,
  JobServiceDefinition,
  JobStatusServiceDefinition,
  JobType,
  type NodeInfo,
  NodeServiceDefinition,
  StatusCode,
} from "../../src/transport/grpc/protocol.ts";
import type { GrpcServer } from "../../src/transport/grpc/server.ts";
import { createNodeLink } from "../../src/transport/node-link.ts";
import { NodeTelemetry } from "../../src/transport/node-telemetry.ts";
import { p2pTokens } from "../../src/transport/p2p-token.ts";
import { type LogLine, rememberingLog } from "./quiet.ts";
import { freshDatabase, until } from "./servers.ts";

export const SECRET = "the-secret-of-the-tests-which-is-32-bytes-long";
export const P2P_SECRET = "another-secret-of-the-tests-also-32-bytes-long";

export type Settings = Partial<Record<KeyName, string>>;

/** Quick where a test would wait, long where a deadline would disturb one. */
const testSettings: Settings = {
  "jwt.secret": SECRET,
  "jwt.p2p_secret": P2P_SECRET,
  "node_link.connect_timeout_ms": "300",
  "node_link.probe_interval_ms": "100",
  "node_link.probe_timeout_ms": "300",
  "scheduler.retry_backoff_ms": "50",
  "scheduler.retry_backoff_max_ms": "100",
  "scheduler.max_retries": "1",
};

/** How long the journal waits for a database that is away: a test has not the eight seconds of the product. */
const JOURNAL_PATIENCE = 300;

export class TestServer {
  #running: Running | null = null;
  readonly #nodes: FakeNode[] = [];
  readonly #channels: Channel[] = [];

  private constructor(
    readonly config: Config,
    readonly databaseUrl: string,
    readonly database: DatabaseProxy,
    private readonly dropDatabase: () => Promise<void>,
  ) {}

  /** On a database of its own at this PostgreSQL server. */
  static async start(postgresUrl: string, settings: Settings = {}): Promise<TestServer> {
    const fresh = await freshDatabase(postgresUrl);
    const args = Object.entries({ ...testSettings, ...settings }).map(([key, value]) => `--${key}=${value}`);
    const { config } = loadConfig({ args });
    const server = new TestServer(config, fresh.url, await DatabaseProxy.start(fresh.url), fresh.drop);
    await migrate({ url: fresh.url });
    server.#running = await run(config, server.database.url, 0);
    return server;
  }

  /** Stops and starts the server, as an update would, on the same port and database. */
  async restart(): Promise<void> {
    const port = this.port;
    await this.#now.stop();
    this.#running = await run(this.config, this.database.url, port);
  }

  async stop(): Promise<void> {
    for (const node of this.#nodes) await node.stop();
    for (const channel of this.#channels) channel.close();
    await this.#running?.stop();
    this.#running = null;
    await this.database.stop();
    await this.dropDatabase();
  }

  get #now(): Running {
    if (!this.#running) throw new Error("the test server is not running");
    return this.#running;
  }

  get port(): number {
    return this.#now.grpc.port;
  }

  get address(): string {
    return `127.0.0.1:${this.port}`;
  }

  get core(): Core {
    return this.#now.core;
  }

  get queries(): Queries {
    return this.#now.queries;
  }

  get grpc(): GrpcServer {
    return this.#now.grpc;
  }

  get telemetry(): NodeTelemetry {
    return this.#now.telemetry;
  }

  get logged(): readonly LogLine[] {
    return this.#now.logged;
  }

  /** A connection of its own, closed with the server. */
  channel(): Channel {
    const channel = createChannel(this.address, undefined, {
      "grpc.initial_reconnect_backoff_ms": 20,
      "grpc.max_reconnect_backoff_ms": 100,
      "grpc.max_receive_message_length": -1,
      "grpc.max_send_message_length": -1,
    });
    this.#channels.push(channel);
    return channel;
  }

  clients(channel = this.channel()): Clients {
    return {
      jobs: createClient(JobServiceDefinition, channel),
      nodes: createClient(NodeServiceDefinition, channel),
      jobStatus: createClient(JobStatusServiceDefinition, channel),
    };
  }

  async fakeNode(options: FakeNodeOptions = {}): Promise<FakeNode> {
    const node = await FakeNode.start(this, options);
    this.#nodes.push(node);
    return node;
  }

  /** Cancels every job and takes every node out of service, so that the next test has the server to itself. */
  async clear(): Promise<void> {
    for (const node of [...this.core.nodes.live()]) {
      if (node.state !== "banned")
        await this.core.nodes.ask(node.ref.id, {
          type: "BAN",
          reason: "the test is over",
          by: "operator",
          until: null,
          evict: false,
        });
    }
    for (const job of [...this.core.jobs.live()]) this.core.jobs.tell(job.ref.id, { type: "CANCEL", reason: "" });
    for (const node of this.#nodes.splice(0)) await node.stop();
    await until("every job to have left", () => this.core.jobs.size === 0);
  }

  /** Waits until the job is in this state, in memory or stored. */
  async reaches(jobId: string, state: string): Promise<void> {
    let seen: string | undefined;
    await until(`job ${jobId} to be ${state}`, async () => {
      seen = this.core.jobs.peek(jobId)?.state ?? (await this.queries.jobs.find(jobId))?.state;
      return seen === state;
    }).catch((error: Error) => {
      throw new Error(`${error.message}; it is ${seen}`);
    });
  }

  /** Waits until a finished job has left memory, as it soon does. */
  async leavesMemory(jobId: string): Promise<void> {
    await until(`job ${jobId} to leave memory`, () => this.core.jobs.peek(jobId) === undefined);
  }

  nodeState(nodeId: string): string | undefined {
    return this.core.nodes.peek(nodeId)?.state;
  }
}

export interface Clients {
  readonly jobs: Client<typeof JobServiceDefinition>;
  readonly nodes: Client<typeof NodeServiceDefinition>;
  readonly jobStatus: Client<typeof JobStatusServiceDefinition>;
}

interface Running {
  readonly core: Core;
  readonly queries: Queries;
  readonly grpc: GrpcServer;
  readonly telemetry: NodeTelemetry;
  readonly logged: readonly LogLine[];
  stop(): Promise<void>;
}

/** What `src/server.ts` does, without the faces that these tests do not look at. */
async function run(config: Config, url: string, port: number): Promise<Running> {
  const log = rememberingLog();
  const database = await openDatabase({ url, readers: 8, patience: JOURNAL_PATIENCE, log });
  const leadership = await Leadership.take({ url, holder: "test", pollInterval: 20, onDeposed: () => {}, log });
  const journal = new PostgresJournal(database.writer, leadership.epoch);
  const queries = createQueries(database.reads);
  const issueP2pToken = p2pTokens(config.jwt.p2pSecret, config.jwt.p2pTokenExpirationSeconds, systemClock.now);
  const link = createNodeLink({ ...nodeLinkTimes(config), issueP2pToken, gangSecret: config.jwt.p2pSecret, log });
  const core = createCore({
    clock: systemClock,
    journal,
    texts: new CachedTexts(databaseTexts(database.reads)),
    log,
    link,
    heartbeatInterval: config.scheduler.heartbeatIntervalMs,
    heartbeatTimeout: config.scheduler.nodeHeartbeatTimeoutMs,
    probeDelay: { first: config.nodeLink.probeIntervalMs, slowest: config.nodeLink.probeIntervalMs * 20 },
    maxPending: config.limits.maxQueueDepth,
    fairness: fairness(config),
    onDeposed: () => {},
  });
  await core.start();
  const telemetry = new NodeTelemetry(core, queries, systemClock, log);
  const grpc = await startServices({
    config: { ...config, server: { ...config.server, grpcAddress: { host: "127.0.0.1", port } } },
    core,
    journal,
    queries,
    telemetry,
    issueP2pToken,
    callers: callerLimits(config.limits, systemClock.now),
    log,
  });
  grpc.setServing(true);
  return {
    core,
    queries,
    grpc,
    telemetry,
    logged: log.lines,
    stop: async () => {
      grpc.closeStreams();
      await grpc.stop(1000);
      await telemetry.stop();
      await core.stop();
      link.close();
      await leadership.release();
      await database.close();
    },
  };
}

/** A stretch of the way to the database, which can be cut: connections break, new ones are refused, until it is mended. */
export class DatabaseProxy {
  readonly #sockets = new Set<Socket>();
  #down = false;

  private constructor(
    readonly url: string,
    private readonly server: TcpServer,
  ) {}

  static async start(target: string): Promise<DatabaseProxy> {
    const { hostname, port } = new URL(target);
    const server = createTcpServer();
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const own = (server.address() as { port: number }).port;
    const proxy = new DatabaseProxy(target.replace(`${hostname}:${port}`, `127.0.0.1:${own}`), server);
    server.on("connection", (client) => proxy.#carry(client, hostname, Number(port)));
    return proxy;
  }

  #carry(client: Socket, host: string, port: number): void {
    if (this.#down) {
      client.destroy();
      return;
    }
    const upstream = connectTcp(port, host);
    for (const [one, other] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      this.#sockets.add(one);
      one.pipe(other);
      one.on("error", () => other.destroy());
      one.on("close", () => {
        this.#sockets.delete(one);
        other.destroy();
      });
    }
  }

  cut(): void {
    this.#down = true;
    for (const socket of this.#sockets) socket.destroy();
  }

  mend(): void {
    this.#down = false;
  }

  async stop(): Promise<void> {
    this.cut();
    await new Promise((resolve) => this.server.close(resolve));
  }
}

/** How a fake node answers an offer. */
export type Answer =
  | "accept"
  /** Never answers. */
  | "hang"
  /** Breaks the connection in mid-call. */
  | "drop"
  | { readonly code: number; readonly message: string };

export interface FakeNodeOptions {
  readonly answer?: Answer;
  readonly info?: DeepPartial<NodeInfo>;
  readonly publicKey?: Uint8Array;
  readonly metadata?: Readonly<Record<string, string>>;
  /** "daemon": NodeService at port + 3. "headless": at port + 2, with another service at + 3. "none": nothing listens. */
  readonly build?: "daemon" | "headless" | "none";
  /** False: the node is not registered yet. */
  readonly register?: boolean;
}

export interface ReceivedOffer {
  readonly request: AssignJobRequest;
  readonly attempt: number;
}

export class FakeNode {
  id = "";
  answer: Answer;
  readonly received: ReceivedOffer[] = [];
  #servers: Server[] = [];

  private constructor(
    private readonly clients: Clients,
    readonly options: FakeNodeOptions,
    /** The peer-to-peer port it registers; nothing listens there. */
    readonly port: number,
    servers: Server[],
  ) {
    this.answer = options.answer ?? "accept";
    this.#servers = servers;
  }

  static async start(server: TestServer, options: FakeNodeOptions): Promise<FakeNode> {
    const build = options.build ?? "daemon";
    const service: { node: FakeNode | null } = { node: null };
    const { port, servers } = await listen(build, {
      assignJob: (request, { metadata }) => {
        if (!service.node) throw new ServerError(Status.UNAVAILABLE, "still starting");
        return service.node.#take(request, Number(metadata.get("cyxwiz-attempt")));
      },
    });
    const node = new FakeNode(server.clients(), options, port, servers);
    service.node = node;
    if (options.register !== false) await node.register();
    return node;
  }

  /** Registers, as a first run or again under the id it has. Returns the id. */
  async register(
    overrides: DeepPartial<NodeInfo> = {},
    publicKey = this.options.publicKey ?? new Uint8Array(),
  ): Promise<string> {
    const reply = await this.clients.nodes.registerNode(
      { info: nodeInfo({ nodeId: this.id, port: this.port, ...this.options.info, ...overrides }), publicKey },
      { metadata: Metadata(this.options.metadata ?? {}) },
    );
    this.id = reply.nodeId;
    return this.id;
  }

  heartbeat(activeJobs: readonly string[] = []) {
    return this.clients.nodes.heartbeat({
      nodeId: this.id,
      activeJobs,
      currentStatus: { nodeId: this.id, isOnline: true, ramAvailable: 8n << 30n, lastHeartbeat: 1_700_000_000n },
    });
  }

  progress(jobId: string, progress: number, options: { attempt?: number; epoch?: number; loss?: number } = {}) {
    const { attempt, epoch = 0, loss } = options;
    return this.clients.nodes.reportProgress(
      {
        nodeId: this.id,
        jobId,
        status: { jobId, status: StatusCode.STATUS_IN_PROGRESS, progress, currentEpoch: epoch },
        currentMetrics: loss === undefined ? {} : { loss },
      },
      attempt === undefined ? {} : { metadata: Metadata({ "cyxwiz-attempt": String(attempt) }) },
    );
  }

  complete(jobId: string, options: { attempt?: number; status?: StatusCode; signature?: Uint8Array } = {}) {
    const { attempt, status = StatusCode.STATUS_SUCCESS, signature = new Uint8Array() } = options;
    return this.clients.nodes.reportCompletion(
      { nodeId: this.id, jobId, signature, result: { jobId, status, ...WEIGHTS, finalMetrics: { loss: 0.1 } } },
      attempt === undefined ? {} : { metadata: Metadata({ "cyxwiz-attempt": String(attempt) }) },
    );
  }

  /** Waits for an offer of this job. */
  async offered(jobId: string): Promise<ReceivedOffer> {
    await until(`node ${this.id} to be offered ${jobId}`, () => this.offersOf(jobId).length > 0);
    return this.offersOf(jobId).at(-1)!;
  }

  offersOf(jobId: string): readonly ReceivedOffer[] {
    return this.received.filter(({ request }) => request.job?.jobId === jobId);
  }

  /** The headless build is replaced by the daemon: NodeService moves one port up. */
  async becomeDaemon(): Promise<void> {
    await this.stop();
    const server = nodeServer({
      assignJob: (request, { metadata }) => this.#take(request, Number(metadata.get("cyxwiz-attempt"))),
    });
    await server.listen(`127.0.0.1:${this.port + 3}`);
    this.#servers = [server];
  }

  /** The process dies: nothing listens any more, connections break. It stays registered. */
  async stop(): Promise<void> {
    for (const server of this.#servers.splice(0)) server.forceShutdown();
  }

  async #take(request: AssignJobRequest, attempt: number): Promise<DeepPartial<AssignJobResponse>> {
    this.received.push({ request, attempt });
    const jobId = request.job?.jobId ?? "";
    const { answer } = this;
    if (answer === "accept") return { status: StatusCode.STATUS_SUCCESS, jobId, accepted: true };
    if (answer === "hang") return new Promise(() => {});
    if (answer === "drop") {
      await this.stop();
      return new Promise(() => {});
    }
    return { status: StatusCode.STATUS_FAILED, jobId, accepted: false, error: { ...answer } };
  }
}

export const WEIGHTS = { modelWeightsUri: "file:///weights", modelWeightsHash: "ab12", modelSize: 1234n };

const notServed = async () => {
  throw new ServerError(Status.UNIMPLEMENTED, "not served here");
};

/** The C++ node's services, which serve nothing but AssignJob. */
function nodeServer(implementation: Pick<ServiceImplementation<typeof NodeServiceDefinition>, "assignJob">): Server {
  const server = createServer();
  server.add(NodeServiceDefinition, {
    registerNode: notServed,
    heartbeat: notServed,
    reportProgress: notServed,
    reportCompletion: notServed,
    getNodeMetrics: notServed,
    notifyJobAccepted: notServed,
    ...implementation,
  });
  return server;
}

async function listen(
  build: "daemon" | "headless" | "none",
  implementation: Pick<ServiceImplementation<typeof NodeServiceDefinition>, "assignJob">,
): Promise<{ port: number; servers: Server[] }> {
  for (let attempt = 0; ; attempt++) {
    const server = nodeServer(implementation);
    const listening = await server.listen("127.0.0.1:0");
    if (build === "none") {
      server.forceShutdown();
      return { port: listening - 3, servers: [] };
    }
    if (build === "daemon") return { port: listening - 3, servers: [server] };
    // Its deployment service sits where the daemon has NodeService.
    const other = createServer();
    other.add(JobStatusServiceDefinition, { updateJobStatus: notServed, reportJobResult: notServed });
    try {
      await other.listen(`127.0.0.1:${listening + 1}`);
      return { port: listening - 2, servers: [server, other] };
    } catch (error) {
      server.forceShutdown();
      if (attempt > 20) throw error;
    }
  }
}

/** What the C++ GUI node sends. */
export const nodeInfo = (overrides: DeepPartial<NodeInfo> = {}): DeepPartial<NodeInfo> => ({
  nodeId: `node_${Math.floor(Date.now() / 1000)}`,
  name: "CyxWiz-Node-test",
  version: { major: 0, minor: 1, patch: 0 },
  devices: [{ deviceType: DeviceType.DEVICE_CPU, deviceName: "CPU", memoryTotal: 16n << 30n, computeUnits: 8 }],
  cpuCores: 8,
  ramTotal: 16n << 30n,
  ramAvailable: 8n << 30n,
  ipAddress: "127.0.0.1",
  port: 50052,
  region: "unknown",
  walletAddress: "",
  uptimePercentage: 0,
  reputationScore: 0.5,
  isOnline: true,
  supportedFormats: ["ONNX", "GGUF", "PyTorch"],
  ...overrides,
});

/** A job that every check lets through. */
export const jobConfig = (overrides: DeepPartial<JobConfig> = {}): DeepPartial<JobConfig> => ({
  jobType: JobType.JOB_TYPE_TRAINING,
  modelDefinition: '{"layers":[]}',
  hyperparameters: { learning_rate: "0.01" },
  datasetUri: "iris",
  batchSize: 32,
  epochs: 3,
  estimatedDuration: 60n,
  paymentAmount: 1.5,
  ...overrides,
});

/** A user's token, as the website issues it. */
export function userToken(
  claims: Readonly<Record<string, unknown>>,
  options: { secret?: string; algorithm?: "HS256" | "HS512" } = {},
): Promise<string> {
  const now = Math.floor(Date.now() / 1000);
  const payload = { email: "someone@example.org", role: "user", iat: now, exp: now + 600, ...claims };
  return sign(payload, options.secret ?? SECRET, options.algorithm ?? "HS256");
}

export const bearer = (token: string): CallOptions => ({ metadata: Metadata({ authorization: `Bearer ${token}` }) });
export const as = async (userId: string, claims: Readonly<Record<string, unknown>> = {}): Promise<CallOptions> =>
  bearer(await userToken({ sub: userId, ...claims }));

export interface RefusedCall {
  readonly code: keyof typeof Status;
  readonly message: string;
  /** The `cyxwiz-field` trailer. */
  readonly field: string | undefined;
  /** The `grpc-retry-pushback-ms` trailer. */
  readonly retryAfter: string | undefined;
}

/** Makes a call that must be refused, and says how it was. */
export async function refused(
  call: (options: CallOptions) => Promise<unknown>,
  options: CallOptions = {},
): Promise<RefusedCall> {
  let trailer: Metadata | undefined;
  try {
    const reply = await call({
      ...options,
      onTrailer: (given) => {
        trailer = given;
      },
    });
    throw new Error(`the call was not refused: ${Bun.inspect(reply)}`);
  } catch (error) {
    if (!(error instanceof ClientError)) throw error;
    return {
      code: Status[error.code] as keyof typeof Status,
      message: error.details,
      field: trailer?.get("cyxwiz-field"),
      retryAfter: trailer?.get("grpc-retry-pushback-ms"),
    };
  }
}
