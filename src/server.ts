/**
 * The composition root: builds every part of the server, wires them, starts them in order and stops them in reverse.
 *
 * Start: database (embedded or not) → migrations → leadership → actors recovered → Redis mirror → gRPC and REST → serving.
 * Stop: not serving → brokering stops → open calls end → what is under way commits → leadership is released → database.
 */
import { hostname } from "node:os";
import { type Core, createCore } from "./actors/core.ts";
import { failpoints, type Log } from "./actors/runtime/index.ts";
import type { Config } from "./config/index.ts";
import { openMoney } from "./money.ts";
import { systemClock, wallTime } from "./observability/index.ts";
import { startServices } from "./services.ts";
import { fairness, nodeLinkTimes, restAccess, submissionRules } from "./settings.ts";
import { type OpenDatabase, openDatabase } from "./store/database.ts";
import { startEmbeddedPostgres } from "./store/embedded/index.ts";
import { PostgresJournal } from "./store/journal.ts";
import { Leadership } from "./store/leadership.ts";
import { migrate } from "./store/migrations/migrate.ts";
import { createMirror } from "./store/mirror/index.ts";
import { createQueries } from "./store/queries/index.ts";
import { CachedTexts, databaseTexts } from "./store/texts.ts";
import { callerLimits } from "./transport/caller-limits.ts";
import { createNodeLink } from "./transport/node-link.ts";
import { NodeTelemetry } from "./transport/node-telemetry.ts";
import { p2pTokens } from "./transport/p2p-token.ts";
import { createRestApp, startRestServer } from "./transport/rest/index.ts";

export interface ServerOptions {
  readonly config: Config;
  readonly log: Log;
  readonly version: string;
  /** Another server leads; this one stands by. */
  readonly onWaitingForLeader?: (leader: string) => void;
  /** Ends the waiting for leadership. */
  readonly signal?: AbortSignal;
}

export interface Stopped {
  readonly reason: "stopped" | "deposed" | "failed";
  readonly error?: unknown;
}

export interface RunningServer {
  readonly grpcPort: number;
  readonly restUrl: string;
  /** For people: which database holds the truth. */
  readonly database: string;
  readonly core: Core;
  stop(): Promise<void>;
  /** Settles when the server has stopped, by whatever cause. */
  readonly stopped: Promise<Stopped>;
}

/** What has been started, so that a failure half-way leaves nothing behind. */
class Stack {
  readonly #undo: { readonly what: string; readonly undo: () => unknown }[] = [];

  constructor(private readonly log: Log) {}

  push(what: string, undo: () => unknown): void {
    this.#undo.push({ what, undo });
  }

  /** Undoes everything, newest first. Never throws: one part that fails to stop must not keep the others running. */
  async unwind(): Promise<void> {
    for (const { what, undo } of this.#undo.splice(0).reverse()) {
      try {
        await undo();
      } catch (error) {
        this.log.error("a part of the server failed to stop", { part: what, error });
      }
    }
  }
}

export async function startServer(options: ServerOptions): Promise<RunningServer> {
  const { log } = options;
  const stack = new Stack(log);
  const ended = Promise.withResolvers<Stopped>();
  let stopping: Promise<void> | null = null;
  const stop = (reason: Stopped): Promise<void> => {
    stopping ??= stack.unwind().then(() => ended.resolve(reason));
    return stopping;
  };
  try {
    const started = await start(options, stack, (why) => {
      log.error("another server leads now; this one stops", { why });
      void stop({ reason: "deposed" });
    });
    return { ...started, stop: () => stop({ reason: "stopped" }), stopped: ended.promise };
  } catch (error) {
    await stack.unwind();
    throw error;
  }
}

async function start(
  { config, log, version, onWaitingForLeader, signal }: ServerOptions,
  stack: Stack,
  onDeposed: (why: string) => void,
): Promise<Omit<RunningServer, "stop" | "stopped">> {
  const clock = systemClock;
  const startedAt = clock.now();
  const { database, url, description } = await openStore(config, log, stack);

  const leadership = await Leadership.take({
    url,
    holder: `${hostname()}/${process.pid}`,
    onDeposed,
    log,
    ...(onWaitingForLeader ? { onWaiting: onWaitingForLeader } : {}),
    ...(signal ? { signal } : {}),
  });
  stack.push("leadership", () => leadership.release());
  if (failpoints.armed) await failpoints.hit("leadership.taken");

  const journal = new PostgresJournal(database.writer, leadership.epoch);
  const queries = createQueries(database.reads);
  const issueP2pToken = p2pTokens(config.jwt.p2pSecret, config.jwt.p2pTokenExpirationSeconds, wallTime);
  const link = createNodeLink({ ...nodeLinkTimes(config), issueP2pToken, gangSecret: config.jwt.p2pSecret, log });
  stack.push("links to nodes", () => link.close());

  const money = await openMoney(config, clock, log);
  if (money) stack.push("local chain", () => money.close());

  const core = createCore({
    ...(money && { money: money.money }),
    clock,
    journal,
    texts: new CachedTexts(databaseTexts(database.reads)),
    log,
    link,
    heartbeatInterval: config.scheduler.heartbeatIntervalMs,
    heartbeatTimeout: config.scheduler.nodeHeartbeatTimeoutMs,
    probeDelay: { first: config.nodeLink.probeIntervalMs, slowest: config.nodeLink.probeIntervalMs * 20 },
    maxPending: config.limits.maxQueueDepth,
    fairness: fairness(config),
    onDeposed: (error) => onDeposed(error.message),
  });
  stack.push("actors", async () => {
    await core.stop();
    if (failpoints.armed) await failpoints.hit("shutdown.before_release");
  });
  await core.start();

  const mirror = createMirror({
    url: config.redis.url,
    epoch: leadership.epoch,
    clock,
    log,
    jobs: core.jobs,
    nodes: core.nodes,
    feed: core.feed,
    rollCall: core.rollCall,
  });
  stack.push("Redis mirror", () => mirror.stop());
  mirror.start();

  const telemetry = new NodeTelemetry(core, queries, clock, log);
  stack.push("node telemetry", () => telemetry.stop());
  telemetry.start();

  const callers = callerLimits(config.limits, clock.now);
  const grpc = await startServices({ config, core, journal, queries, telemetry, issueP2pToken, callers, log });
  stack.push("gRPC", () => grpc.stop(config.server.shutdownTimeoutMs));

  const app = createRestApp({
    core,
    queries,
    clock,
    log,
    version,
    startedAt,
    database,
    mirror: {
      get state() {
        return mirror.state === "connecting" ? "down" : mirror.state;
      },
    },
    ...(money && { blockchain: money.facts }),
    access: restAccess(config),
    rules: submissionRules(config),
    callers,
    limits: { maxBodyBytes: config.limits.maxMessageBytes, maxEventStreams: config.server.maxConnections },
  });
  const { host, port } = config.server.restAddress;
  const rest = startRestServer({ app, hostname: host, port });
  stack.push("REST", () => rest.stop());
  stack.push("serving", async () => {
    if (failpoints.armed) await failpoints.hit("shutdown.begun");
    grpc.setServing(false);
    core.broker.setOpen(false);
    grpc.closeStreams();
  });

  if (failpoints.armed) await failpoints.hit("start.before_serving");
  grpc.setServing(true);
  log.info("serving", {
    grpc: grpc.port,
    rest: rest.url,
    database: description,
    epoch: leadership.epoch.toString(),
    after: clock.now() - startedAt,
  });
  return { grpcPort: grpc.port, restUrl: rest.url, database: description, core };
}

/** The database, migrated and open: the one that is configured, or an embedded one of our own. */
async function openStore(
  config: Config,
  log: Log,
  stack: Stack,
): Promise<{ readonly database: OpenDatabase; readonly url: string; readonly description: string }> {
  let url = config.database.url;
  let description = "PostgreSQL at database.url";
  if (url === undefined) {
    const embedded = await startEmbeddedPostgres({ dataDir: config.server.dataDir, log });
    stack.push("embedded PostgreSQL", () => embedded.stop());
    url = embedded.url;
    description = `embedded PostgreSQL in ${config.server.dataDir}`;
  }
  for (const step of await migrate({ url })) log.info("migrated the database", { step });
  // The journal and the leadership have a connection each.
  const database = await openDatabase({
    url,
    readers: Math.max(1, config.database.maxConnections - 2),
    idleReaders: Math.max(0, config.database.minConnections - 2),
    acquireTimeout: config.database.acquireTimeoutMs,
    log,
  });
  stack.push("database", () => database.close());
  return { database, url, description };
}
