/**
 * The real REST app over HTTP, on a real PostgreSQL and a real core. Only the nodes are played: `link` answers offers as a
 * test says, and reports come in through `core.reports` as the gRPC side would send them.
 */
import { randomUUID } from "node:crypto";
import { type Core, createCore } from "../../../src/actors/core.ts";
import type { JobPolicy } from "../../../src/actors/job/state.ts";
import type { NodeLink, OfferReply } from "../../../src/actors/node-link.ts";
import type { Log } from "../../../src/actors/runtime/index.ts";
import { loadConfig } from "../../../src/config/index.ts";
import type { JobSpec } from "../../../src/domain/job-spec.ts";
import type { NodeProfile } from "../../../src/domain/node-profile.ts";
import { systemClock } from "../../../src/observability/index.ts";
import { submissionRules } from "../../../src/settings.ts";
import { type OpenDatabase, openDatabase } from "../../../src/store/database.ts";
import { PostgresJournal } from "../../../src/store/journal.ts";
import { Leadership } from "../../../src/store/leadership.ts";
import { migrate } from "../../../src/store/migrations/migrate.ts";
import { createQueries, type Queries } from "../../../src/store/queries/index.ts";
import { CachedTexts, databaseTexts } from "../../../src/store/texts.ts";
import {
  createRestApp,
  type RestApp,
  type RestDeps,
  type RestServer,
  startRestServer,
} from "../../../src/transport/rest/index.ts";
import { type LogLine, rememberingLog } from "../../support/quiet.ts";
import { freshDatabase, startPostgresServer, startSharedEmbedded } from "../../support/servers.ts";

export const USER_SECRET = "the-secret-of-the-tests-which-is-32-bytes-long";
export const ADMIN_SECRET = "the-operators-secret-also-32-bytes-long-or-more";

export const MIB = 2 ** 20;

export class FakeLink implements NodeLink {
  /** What the next offers are answered; the default is to take them. */
  reply: OfferReply = { accepted: true };
  offer(): Promise<OfferReply> {
    return Promise.resolve(this.reply);
  }
  probe(): Promise<boolean> {
    return Promise.resolve(true);
  }
}

export interface Harness {
  readonly core: Core;
  readonly queries: Queries;
  readonly database: OpenDatabase;
  readonly link: FakeLink;
  readonly app: RestApp;
  readonly server: RestServer;
  readonly log: Log & { readonly lines: LogLine[] };
  readonly mirror: { state: RestDeps["mirror"]["state"] };
  readonly rules: RestDeps["rules"];
  /** What the app is told of the database; a test may make it lie. */
  readonly ping: { answer: () => Promise<boolean> };
  url(path: string): string;
  get(path: string, headers?: Record<string, string>): Promise<Answer>;
  post(path: string, body?: unknown, headers?: Record<string, string>): Promise<Answer>;
  stop(): Promise<void>;
}

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  // biome-ignore lint/suspicious/noExplicitAny: tests look into bodies of every shape
  readonly body: any;
}

export async function startHarness(
  overrides: Partial<RestDeps> = {},
  money?: Parameters<typeof createCore>[0]["money"],
): Promise<Harness> {
  const postgres = (await startPostgresServer()) ?? (await startSharedEmbedded());
  const fresh = await freshDatabase(postgres.url);
  await migrate({ url: fresh.url });
  const log = rememberingLog();
  const database = await openDatabase({ url: fresh.url, log });
  const leadership = await Leadership.take({ url: fresh.url, holder: "test", onDeposed: () => {} });
  const link = new FakeLink();
  const core = createCore({
    clock: systemClock,
    journal: new PostgresJournal(database.writer, leadership.epoch),
    texts: new CachedTexts(databaseTexts(database.reads)),
    log,
    link,
    heartbeatInterval: 10_000,
    heartbeatTimeout: 30_000,
    probeDelay: { first: 1000, slowest: 10_000 },
    maxPending: 10_000,
    onDeposed: () => {},
    ...(money && { money }),
  });
  await core.start();
  const queries = createQueries(database.reads);
  const mirror: { state: RestDeps["mirror"]["state"] } = { state: "off" };
  const rules = submissionRules(loadConfig({ args: [] }).config);
  const ping = { answer: () => database.ping() };
  const app = createRestApp({
    core,
    queries,
    clock: systemClock,
    log,
    version: "9.9.9",
    startedAt: Date.now() - 5000,
    database: { ping: () => ping.answer() },
    mirror,
    access: { userSecret: USER_SECRET, adminSecret: undefined, loopback: true },
    rules,
    limits: { maxBodyBytes: 64 * 1024, maxEventStreams: 50 },
    ...overrides,
  });
  const server = startRestServer({ app, hostname: "127.0.0.1", port: 0 });
  const url = (path: string) => server.url + path;
  return {
    core,
    queries,
    database,
    link,
    app,
    server,
    log,
    mirror,
    rules,
    ping,
    url,
    get: async (path, headers = {}) => toAnswer(await fetch(url(path), { headers })),
    post: async (path, body, headers = {}) =>
      toAnswer(
        await fetch(url(path), {
          method: "POST",
          ...(body === undefined ? {} : { body: typeof body === "string" ? body : JSON.stringify(body) }),
          headers: { ...(body === undefined ? {} : { "content-type": "application/json" }), ...headers },
        }),
      ),
    stop: async () => {
      await server.stop(500);
      await core.stop();
      await leadership.release();
      await database.close();
      await fresh.drop();
    },
  };
}

async function toAnswer(response: Response): Promise<Answer> {
  const text = await response.text();
  const isJson = (response.headers.get("content-type") ?? "").includes("json");
  return { status: response.status, headers: response.headers, body: isJson ? JSON.parse(text) : text };
}

const policy: JobPolicy = {
  fundsTimeout: 60_000,
  queueTimeout: 600_000,
  offerTimeout: 10_000,
  exclusion: 30_000,
  startTimeout: 60_000,
  gracePeriod: 30_000,
  runTimeout: 3_600_000,
  maxRetries: 2,
  maxLosses: 5,
  backoff: 60_000,
  maxBackoff: 60_000,
};

export const spec = (overrides: Partial<JobSpec> = {}): JobSpec => ({
  type: "training",
  priority: "normal",
  modelDefinition: "mlp",
  hyperparameters: { learning_rate: "0.01" },
  datasetUri: "iris",
  batchSize: 32,
  epochs: 10,
  device: null,
  memoryBytes: 512 * MIB,
  estimatedSeconds: 3600,
  offered: "38880000",
  escrowTxHash: "",
  reservationMinutes: 0,
  ...overrides,
});

export interface SubmitOptions {
  readonly id?: string;
  readonly owner?: string;
  readonly wallet?: string;
  readonly price?: string;
  readonly spec?: Partial<JobSpec>;
  readonly awaitsFunds?: boolean;
  /** Paid through escrow. */
  readonly isPaid?: boolean;
}

/** A job, committed. */
export async function submit({ core }: Harness, options: SubmitOptions = {}): Promise<string> {
  const id = options.id ?? randomUUID();
  await core.jobs.create(id, {
    id,
    spec: spec(options.spec),
    owner: options.owner ?? "alice",
    userWallet: options.wallet ?? "wallet-of-alice",
    fingerprint: id,
    price: options.price ?? "38880000",
    policy,
    awaitsFunds: options.awaitsFunds ?? options.isPaid ?? false,
    ...(options.isPaid && { payment: { feeBps: 1000 } }),
  });
  return id;
}

export const profile = (overrides: Partial<NodeProfile> = {}): NodeProfile => ({
  name: "CyxWiz-Node-test",
  wallet: "wallet-of-node",
  userId: "bob",
  softwareVersion: "0.2.0",
  devices: [],
  cpuCores: 8,
  ramBytes: 16 * 1024 * MIB,
  region: "eu",
  ipAddress: "10.0.0.7",
  port: 50052,
  assignEndpoint: null,
  stakeUnits: "9007199254740993",
  formats: ["ONNX"],
  runtimes: ["bun"],
  maxModelBytes: 0,
  terminalAccess: false,
  pricing: null,
  publicKey: null,
  slots: 1,
  reportsAttempts: true,
  ...overrides,
});

/** A node, committed and online. */
export async function register({ core }: Harness, overrides: Partial<NodeProfile> = {}): Promise<string> {
  const id = randomUUID();
  await core.nodes.create(id, {
    id,
    profile: profile(overrides),
    policy: { heartbeatTimeout: 30_000, gracePeriod: 30_000 },
    bootId: "boot",
    reputation: 75,
  });
  return id;
}

/** Plays the node's part until the job is running on it. */
export async function run(
  harness: Harness,
  jobId: string,
): Promise<{ readonly nodeId: string; readonly attempt: number }> {
  await waitFor(harness, jobId, "assigned.accepted");
  const live = harness.core.jobs.peek(jobId)?.snapshot.context.live;
  if (!live) throw new Error("no live attempt");
  await harness.core.reports.started({ nodeId: live.nodeId, jobId, attempt: live.number });
  return { nodeId: live.nodeId, attempt: live.number };
}

/** ... and until it is completed. */
export async function complete(harness: Harness, jobId: string): Promise<void> {
  const { nodeId, attempt } = await run(harness, jobId);
  await harness.core.reports.completed(
    { nodeId, jobId, attempt },
    {
      weightsUri: "file:///w",
      weightsHash: "ab",
      weightsSize: 12,
      metrics: { loss: 0.1 },
      computeSeconds: 2,
      signature: "",
    },
  );
}

export async function waitFor(harness: Harness, jobId: string, state: string): Promise<void> {
  await eventually(`job to be ${state}`, async () => {
    const peeked = harness.core.jobs.peek(jobId)?.state ?? (await harness.queries.jobs.find(jobId))?.state;
    return peeked === state;
  });
}

export async function eventually(what: string, check: () => boolean | Promise<boolean>, timeout = 5000): Promise<void> {
  const giveUpAt = performance.now() + timeout;
  while (!(await check())) {
    if (performance.now() > giveUpAt) throw new Error(`waited ${timeout} ms in vain for ${what}`);
    await Bun.sleep(5);
  }
}
