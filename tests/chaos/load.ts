/**
 * A steady stream of submissions at a fixed rate, whatever becomes of the earlier ones. Each is repeated under its own id until
 * the server acknowledges it, as an engine does; what was acknowledged is what must not be lost.
 */
import { ChannelCredentials } from "@grpc/grpc-js";
import { type Channel, type Client, ClientError, createChannel, createClient, Status } from "nice-grpc";
import { JobServiceDefinition } from "../../src/transport/grpc/protocol.ts";
import { smallJob } from "../support/engine.ts";

const CALL_DEADLINE = 12_000;

export class Load {
  /** Job → when it was acknowledged, in milliseconds of `performance.now()`. */
  readonly acknowledged = new Map<string, number>();
  /** Refusals that no repetition would change: a fault of the harness, or of the server. */
  readonly refusals: string[] = [];
  /** Calls that failed and were repeated. */
  repeats = 0;
  inFlight = 0;
  #channel: Channel;
  #client: Client<typeof JobServiceDefinition>;
  #madeAt = 0;
  #rate: number;
  #modelBytes = 0;
  #timer: ReturnType<typeof setInterval> | null = null;
  #closed = false;

  constructor(
    private readonly server: string,
    rate: number,
  ) {
    this.#rate = rate;
    [this.#channel, this.#client] = this.#connect();
  }

  /** Submitted, and not yet done by a node. */
  backlog(runs: readonly { readonly acceptedAt?: number }[]): number {
    return this.inFlight + this.acknowledged.size - runs.filter(({ acceptedAt }) => acceptedAt !== undefined).length;
  }

  start(): void {
    let last = performance.now();
    let due = 0;
    this.#timer = setInterval(() => {
      const now = performance.now();
      due += ((now - last) / 1000) * this.#rate;
      last = now;
      for (; due >= 1; due--) void this.#submit();
    }, 10);
  }

  /** Submissions per second, from now on. */
  set rate(perSecond: number) {
    this.#rate = perSecond;
  }

  get rate(): number {
    return this.#rate;
  }

  /** Every job from now on carries a model definition of about this size, and of its own: equal ones would be stored once. */
  set modelBytes(bytes: number) {
    this.#modelBytes = bytes;
  }

  /** No new submissions; those under way go on. */
  stop(): void {
    if (this.#timer) clearInterval(this.#timer);
    this.#timer = null;
  }

  close(): void {
    this.stop();
    this.#closed = true;
    this.#channel.close();
  }

  async #submit(): Promise<void> {
    const jobId = crypto.randomUUID();
    const padding = this.#modelBytes > 0 ? { comment: `${jobId} ${"x".repeat(this.#modelBytes)}` } : {};
    const modelDefinition = JSON.stringify({ ...JSON.parse(smallJob.modelDefinition ?? "{}"), ...padding });
    this.inFlight += 1;
    while (!this.#closed) {
      const channel = this.#channel;
      try {
        await this.#client.submitJob(
          { config: { ...smallJob, modelDefinition, jobId } },
          { signal: AbortSignal.timeout(CALL_DEADLINE) },
        );
        this.acknowledged.set(jobId, performance.now());
        break;
      } catch (error) {
        if (this.#closed) break;
        if (error instanceof ClientError && !passing.has(error.code)) {
          this.refusals.push(error.message);
          break;
        }
        this.repeats += 1;
        if (channel === this.#channel && performance.now() - this.#madeAt > 500) {
          channel.close();
          [this.#channel, this.#client] = this.#connect();
        }
        await Bun.sleep(200 + Math.random() * 600);
      }
    }
    this.inFlight -= 1;
  }

  #connect(): [Channel, Client<typeof JobServiceDefinition>] {
    this.#madeAt = performance.now();
    const channel = createChannel(this.server, ChannelCredentials.createInsecure(), {
      "grpc.use_local_subchannel_pool": 1,
      "grpc.initial_reconnect_backoff_ms": 100,
      "grpc.max_reconnect_backoff_ms": 500,
    });
    return [channel, createClient(JobServiceDefinition, channel)];
  }
}

/** Codes after which an engine tries again. */
const passing: ReadonlySet<Status> = new Set([
  Status.UNAVAILABLE,
  Status.CANCELLED,
  Status.UNKNOWN,
  Status.DEADLINE_EXCEEDED,
  Status.RESOURCE_EXHAUSTED,
  Status.INTERNAL,
  Status.ABORTED,
]);
