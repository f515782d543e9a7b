/** The reference compute node: takes offers, runs jobs, keeps in touch. */
import { mkdirSync } from "node:fs";
import { createServer, ServerError, Status } from "nice-grpc";
import { GangServiceDefinition } from "../transport/grpc/generated/cyxwiz/gang.ts";
import { addHealth, HealthDefinition } from "../transport/grpc/health.ts";
import { NodeServiceDefinition } from "../transport/grpc/protocol.ts";
import { addReflection } from "../transport/grpc/reflection.ts";
import { Contact } from "./contact.ts";
import { Gangs } from "./gang/index.ts";
import { NodeIdentity } from "./identity.ts";
import { lockDataDir } from "./lock.ts";
import { reachableHost } from "./machine-facts.ts";
import { Offers } from "./offers.ts";
import { DEFAULT_TIMES, type NodeOptions, type NodeTimes } from "./options.ts";
import { Outbox } from "./outbox.ts";
import { Presence } from "./presence.ts";
import { pruneJobs } from "./prune.ts";
import type { Run } from "./run.ts";

export interface NodeAgent {
  readonly nodeId: string;
  readonly port: number;
  /** Resolves once the server has registered the node for the first time. */
  readonly registered: Promise<void>;
  /** Ids of the jobs that run now. */
  running(): readonly string[];
  /** Stops taking offers, ends all runs without a result, and tells the server: it gives the jobs to others. */
  stop(): Promise<void>;
}

/** A job's model definition may be large, and the server sends no more than it takes itself. */
const MAX_MESSAGE_BYTES = 64 * 1024 * 1024;

const SERVED = [NodeServiceDefinition, GangServiceDefinition];

class Agent {
  readonly #options: NodeOptions;
  readonly #times: NodeTimes;
  readonly #identity: NodeIdentity;
  readonly #contact: Contact;
  readonly #outbox: Outbox;
  readonly #presence: Presence;
  readonly #offers: Offers;
  readonly #runs = new Map<string, Run>();
  readonly #gangs: Gangs;
  readonly #server = createServer({
    "grpc.max_receive_message_length": MAX_MESSAGE_BYTES,
    // A member of a gang whose machine is gone would hold its stream for ever.
    "grpc.keepalive_time_ms": 30_000,
    "grpc.keepalive_timeout_ms": 10_000,
  });
  readonly #health = addHealth(this.#server, SERVED);
  #ended: Promise<void> | null = null;

  constructor(
    options: NodeOptions,
    private readonly lock: { release(): void },
  ) {
    const { dataDir, log, files = [], onRun, onProgress } = options;
    this.#options = options;
    this.#times = { ...DEFAULT_TIMES, ...options.times };
    const identity = NodeIdentity.load(dataDir);
    const contact = new Contact(options.server, options.token);
    const outbox = new Outbox(dataDir, identity, contact, this.#times, log);
    const parts = { options, times: this.#times, identity, contact, outbox, runs: this.#runs };
    this.#gangs = new Gangs(this.#times);
    this.#identity = identity;
    this.#contact = contact;
    this.#outbox = outbox;
    this.#presence = new Presence(parts);
    this.#offers = new Offers({
      ...parts,
      registered: this.#presence.registered,
      checkIn: () => this.#presence.checkIn(),
      onEnd: () => this.#prune(),
      context: {
        nodeId: () => identity.nodeId,
        contact,
        times: this.#times,
        gangs: this.#gangs,
        dataDir,
        files,
        log,
        onRun,
        onProgress,
        finish: (run) => outbox.put(run),
      },
    });
  }

  async start(): Promise<NodeAgent> {
    const { host, port: wanted } = this.#options.listenAddress;
    const unserved = async (): Promise<never> => {
      throw new ServerError(Status.UNIMPLEMENTED, "this is a node: of NodeService it serves AssignJob only");
    };
    this.#server.add(NodeServiceDefinition, {
      assignJob: (request, { metadata }) => this.#offers.answer(request, metadata.get("cyxwiz-attempt")),
      registerNode: unserved,
      heartbeat: unserved,
      reportProgress: unserved,
      reportCompletion: unserved,
      getNodeMetrics: unserved,
      notifyJobAccepted: unserved,
    });
    this.#server.add(GangServiceDefinition, { train: (frames, call) => this.#gangs.train(frames, call) });
    addReflection(this.#server, [...SERVED, HealthDefinition]);
    const port = await this.#server.listen(hostPort(host, wanted));
    this.#health.setAll(true);
    const reachable = reachableHost(host, this.#options.server);
    this.#presence.start(this.#options.advertiseAddress ?? hostPort(reachable, port));
    this.#prune();
    const identity = this.#identity;
    return {
      get nodeId() {
        return identity.nodeId;
      },
      port,
      registered: this.#presence.registered,
      running: () => [...this.#runs.keys()],
      stop: () => {
        this.#ended ??= this.#end();
        return this.#ended;
      },
    };
  }

  /** What runs is ended without a report: failing it would cost the job one of its retries for nothing it did. */
  async #end(): Promise<void> {
    this.#health.close();
    this.#offers.close();
    const runs = [...this.#runs.values()];
    for (const run of runs) run.stop();
    await Promise.all([this.#presence.stop(), ...runs.map((run) => run.done)]);
    if (runs.length > 0) await this.#presence.farewell();
    await this.close();
    this.lock.release();
  }

  /** Ends everything but the runs and the presence. */
  async close(): Promise<void> {
    await this.#outbox.stop();
    this.#server.forceShutdown();
    this.#contact.close();
  }

  #prune(): void {
    try {
      const wanted = new Set([...this.#runs.keys(), ...this.#outbox.jobIds]);
      pruneJobs(this.#options.dataDir, wanted, Date.now());
    } catch (error) {
      this.#options.log.warn("old results could not be removed", { error });
    }
  }
}

const hostPort = (host: string, port: number): string => (host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`);

/**
 * Starts a node. It runs until stopped, whatever the server does.
 * @throws when another process uses `dataDir`, its identity is damaged, or the address cannot be listened on
 */
export async function startNodeAgent(options: NodeOptions): Promise<NodeAgent> {
  mkdirSync(options.dataDir, { recursive: true, mode: 0o700 });
  const lock = lockDataDir(options.dataDir);
  let agent: Agent | null = null;
  try {
    agent = new Agent(options, lock);
    return await agent.start();
  } catch (error) {
    await agent?.close();
    lock.release();
    throw error;
  }
}
