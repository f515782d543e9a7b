/** The reference compute node: takes offers, runs jobs, keeps in touch. */
import { randomUUID } from "node:crypto";
import { mkdirSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { createServer, ServerError, Status } from "nice-grpc";
import { parseJobId } from "../domain/ids.ts";
import { addHealth, HealthDefinition } from "../transport/grpc/health.ts";
import {
  type AssignJobRequest,
  type AssignJobResponse,
  type DeepPartial,
  NodeServiceDefinition,
  StatusCode,
} from "../transport/grpc/protocol.ts";
import { addReflection } from "../transport/grpc/reflection.ts";
import { Contact } from "./contact.ts";
import { NodeIdentity } from "./identity.ts";
import { cpuCores, devices, machineName, ramAvailable, ramTotal } from "./machine-facts.ts";
import { DEFAULT_TIMES, type NodeOptions, type NodeTimes } from "./options.ts";
import { Outbox } from "./outbox.ts";
import { pruneJobs } from "./prune.ts";
import { Run, type RunContext } from "./run.ts";
import { checkJob, type JobSpec, jobKindFromWire, TrainingError } from "./training/index.ts";

export interface NodeAgent {
  readonly nodeId: string;
  readonly port: number;
  /** Resolves once the server has registered the node for the first time. */
  readonly registered: Promise<void>;
  /** Ids of the jobs that run now. */
  running(): readonly string[];
  /** Stops taking offers and ends all runs without a result: the server gives the jobs to others. */
  stop(): Promise<void>;
}

const REGISTER_DEADLINE = 10_000;
const HEARTBEAT_DEADLINE = 5000;
/** How long stored results may hold up the registration. */
const OUTBOX_FIRST = 30_000;

type Answer = DeepPartial<AssignJobResponse>;

class Agent {
  readonly #options: NodeOptions;
  readonly #times: NodeTimes;
  readonly #identity: NodeIdentity;
  readonly #contact: Contact;
  readonly #outbox: Outbox;
  readonly #runs = new Map<string, Run>();
  /** Names this process: the server takes another one for a restart, and what ran before for gone. */
  readonly #bootId = randomUUID();
  readonly #stop = new AbortController();
  readonly #registered = Promise.withResolvers<void>();
  #endpoint = "";
  #port = 0;
  #loop: Promise<void> = Promise.resolve();
  readonly #server = createServer({ "grpc.max_receive_message_length": 64 * 1024 * 1024 });

  constructor(options: NodeOptions) {
    this.#options = options;
    this.#times = { ...DEFAULT_TIMES, ...options.times };
    mkdirSync(options.dataDir, { recursive: true, mode: 0o700 });
    this.#identity = NodeIdentity.load(options.dataDir);
    this.#contact = new Contact(options.server, options.token);
    this.#outbox = new Outbox(options.dataDir, this.#identity, this.#contact, this.#times, options.log);
  }

  async start(): Promise<NodeAgent> {
    pruneJobs(this.#options.dataDir);
    const { host, port } = this.#options.listenAddress;
    const refuse = async (): Promise<never> => {
      throw new ServerError(Status.UNIMPLEMENTED, "this is a node: it serves AssignJob only");
    };
    this.#server.add(NodeServiceDefinition, {
      assignJob: (request, { metadata }) => this.#assign(request, metadata.get("cyxwiz-attempt")),
      registerNode: refuse,
      heartbeat: refuse,
      reportProgress: refuse,
      reportCompletion: refuse,
      getNodeMetrics: refuse,
      notifyJobAccepted: refuse,
    });
    const health = addHealth(this.#server, [NodeServiceDefinition]);
    addReflection(this.#server, [NodeServiceDefinition, HealthDefinition]);
    const shown = host.includes(":") ? `[${host}]` : host;
    this.#port = await this.#server.listen(`${shown}:${port}`);
    const reachable = host === "0.0.0.0" || host === "::" ? "127.0.0.1" : shown;
    this.#endpoint = this.#options.advertiseAddress ?? `${reachable}:${this.#port}`;
    health.setAll(true);
    this.#loop = this.#keepInTouch();
    const identity = this.#identity;
    return {
      get nodeId() {
        return identity.nodeId;
      },
      port: this.#port,
      registered: this.#registered.promise,
      running: () => [...this.#runs.keys()],
      stop: () => this.#end(),
    };
  }

  async #end(): Promise<void> {
    this.#stop.abort();
    const runs = [...this.#runs.values()];
    for (const run of runs) run.stop();
    await Promise.all([this.#loop, ...runs.map((run) => run.done)]);
    await this.#outbox.stop();
    this.#server.forceShutdown();
    this.#contact.close();
  }

  /** Registers, then heartbeats for ever; registers again when the server does not know the node. Never throws. */
  async #keepInTouch(): Promise<void> {
    // Results first: once this process is registered, what an earlier one ran counts as gone, finished or not.
    await Promise.race([this.#outbox.resume(), this.#sleep(OUTBOX_FIRST)]);
    let pause = this.#times.firstRetry;
    let known = false;
    while (!this.#stop.signal.aborted) {
      try {
        if (!known) {
          await this.#register();
          known = true;
          this.#registered.resolve();
        }
        await this.#heartbeat();
        pause = this.#times.firstRetry;
        await this.#sleep(this.#times.heartbeat);
      } catch (error) {
        if (this.#stop.signal.aborted) return;
        if (isCode(error, Status.NOT_FOUND)) {
          known = false;
        } else if (!known && (isCode(error, Status.PERMISSION_DENIED) || isCode(error, Status.INVALID_ARGUMENT))) {
          this.#options.log.error("the server refuses to register this node", { error });
          pause = this.#times.slowestRetry;
        } else {
          this.#options.log.warn("the server does not answer; trying again", {
            server: this.#options.server,
            error: String(error),
          });
        }
        await this.#sleep(pause * (0.5 + Math.random() / 2));
        pause = Math.min(pause * 2, this.#times.slowestRetry);
      }
    }
  }

  async #register(): Promise<void> {
    const options = this.#options;
    const colon = this.#endpoint.lastIndexOf(":");
    const info = {
      nodeId: this.#identity.nodeId,
      name: options.name ?? machineName(),
      version: { major: 0, minor: 2, patch: 0, build: "" },
      devices: devices(),
      cpuCores: cpuCores(),
      ramTotal: ramTotal(),
      ramAvailable: ramAvailable(),
      ipAddress: this.#endpoint.slice(0, colon).replace(/^\[|\]$/g, ""),
      port: Number(this.#endpoint.slice(colon + 1)),
      region: options.region ?? "",
      walletAddress: options.walletAddress ?? "",
      isOnline: true,
      supportedFormats: ["SAFETENSORS"],
      availableRuntimes: ["cyxwiz-dense"],
    };
    const reply = await this.#contact.call(
      REGISTER_DEADLINE,
      (client, call) =>
        client.registerNode(
          { info, authenticationToken: options.token ?? "", publicKey: this.#identity.publicKey },
          call,
        ),
      {
        "cyxwiz-boot-id": this.#bootId,
        "cyxwiz-features": "attempts",
        "cyxwiz-slots": String(options.maxJobs),
        "cyxwiz-assign-endpoint": this.#endpoint,
      },
      this.#stop.signal,
    );
    if (reply.status !== StatusCode.STATUS_SUCCESS)
      throw new Error(`the server refused to register this node: ${reply.error?.message ?? "no reason given"}`);
    this.#identity.adopt(reply.nodeId);
    options.log.info("registered with the server", {
      node: reply.nodeId,
      server: options.server,
      endpoint: this.#endpoint,
    });
  }

  async #heartbeat(): Promise<void> {
    const { nodeId } = this.#identity;
    const activeJobs = [...this.#runs.keys()];
    const currentStatus = {
      nodeId,
      isOnline: true,
      ramAvailable: ramAvailable(),
      lastHeartbeat: BigInt(Math.floor(Date.now() / 1000)),
    };
    const reply = await this.#contact.call(
      HEARTBEAT_DEADLINE,
      (client, call) => client.heartbeat({ nodeId, currentStatus, activeJobs }, call),
      {},
      this.#stop.signal,
    );
    for (const jobId of reply.jobsToCancel) {
      // Only what the heartbeat listed: a job accepted meanwhile is not meant.
      if (!activeJobs.includes(jobId)) continue;
      this.#options.log.info("the server wants a job stopped", { job: jobId });
      this.#runs.get(jobId)?.stop();
    }
  }

  async #assign({ nodeId, job }: AssignJobRequest, attemptText: string | undefined): Promise<Answer> {
    if (!job || parseJobId(job.jobId) === null) return refusal(job?.jobId ?? "", 400, "job.job_id: must be a UUID");
    if (nodeId !== this.#identity.nodeId)
      return refusal(job.jobId, 409, `this is node ${this.#identity.nodeId}, not ${nodeId}`);
    if (this.#stop.signal.aborted) return refusal(job.jobId, 429, "this node is stopping");
    const attempt = Number(attemptText ?? 1);
    const current = this.#runs.get(job.jobId);
    if (current?.attempt === attempt) return accepted(job.jobId);
    let spec: JobSpec;
    try {
      spec = {
        jobId: job.jobId,
        kind: jobKindFromWire(job.jobType),
        modelDefinition: job.modelDefinition,
        hyperparameters: job.hyperparameters,
        datasetUri: job.datasetUri,
        batchSize: job.batchSize,
        epochs: job.epochs,
      };
      const problem = checkJob(spec);
      if (problem) return refusal(job.jobId, 400, problem.message);
    } catch (error) {
      if (!(error instanceof TrainingError)) throw error;
      return refusal(job.jobId, 400, error.message);
    }
    if (current) {
      // The server has given the job a new attempt: the old one is over, and must be before the new one begins.
      current.stop();
      await current.done;
    }
    if (this.#runs.size >= this.#options.maxJobs)
      return refusal(job.jobId, 429, `busy: ${this.#runs.size} of ${this.#options.maxJobs} jobs run already`);
    const run = new Run(spec, attempt, this.#context());
    this.#runs.set(job.jobId, run);
    void run.done.then(() => {
      if (this.#runs.get(job.jobId) === run) this.#runs.delete(job.jobId);
    });
    return accepted(job.jobId);
  }

  #context(): RunContext {
    const { dataDir, files = [], log, onRun } = this.#options;
    return {
      nodeId: () => this.#identity.nodeId,
      contact: this.#contact,
      times: this.#times,
      dataDir,
      files,
      log,
      onRun,
      finish: (run) => this.#outbox.put(run),
    };
  }

  async #sleep(time: number): Promise<void> {
    await sleep(time, undefined, { signal: this.#stop.signal }).catch(() => {});
  }
}

const isCode = (error: unknown, code: Status): boolean =>
  typeof error === "object" && error !== null && "code" in error && error.code === code;

const accepted = (jobId: string): Answer => ({
  status: StatusCode.STATUS_SUCCESS,
  jobId,
  accepted: true,
  estimatedStartTime: "immediate",
});

const refusal = (jobId: string, code: number, message: string): Answer => ({
  status: StatusCode.STATUS_FAILED,
  jobId,
  accepted: false,
  error: { code, message },
});

/** Starts a node. It runs until stopped, whatever the server does. */
export function startNodeAgent(options: NodeOptions): Promise<NodeAgent> {
  return new Agent(options).start();
}
