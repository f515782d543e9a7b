/**
 * The node's line to the server: one channel, deadlines on every call, and when the server was last heard. An answer of any
 * kind is contact; only silence is not.
 */
import { ChannelCredentials } from "@grpc/grpc-js";
import {
  type CallOptions,
  type Channel,
  type Client,
  ClientError,
  createChannel,
  createClient,
  Metadata,
  Status,
} from "nice-grpc";
import { NodeServiceDefinition } from "../transport/grpc/protocol.ts";

/** Codes by which the call did not reach the server, or its answer did not reach us. */
const SILENCE: ReadonlySet<Status> = new Set([
  Status.UNAVAILABLE,
  Status.DEADLINE_EXCEEDED,
  Status.CANCELLED,
  Status.UNKNOWN,
]);

export class Contact {
  #channel: Channel | null = null;
  #client: Client<typeof NodeServiceDefinition> | null = null;
  #heardAt = performance.now();

  constructor(
    private readonly server: string,
    private readonly token: string | undefined,
  ) {}

  /** Milliseconds since the server last answered anything. */
  get silentFor(): number {
    return performance.now() - this.#heardAt;
  }

  /** Makes one call. A failed connection is made anew for the next. @throws ClientError */
  async call<T>(
    deadline: number,
    make: (client: Client<typeof NodeServiceDefinition>, options: CallOptions) => Promise<T>,
    extra: Readonly<Record<string, string>> = {},
    signal?: AbortSignal,
  ): Promise<T> {
    const metadata = Metadata({ ...extra, ...(this.token ? { authorization: `Bearer ${this.token}` } : {}) });
    const timeout = AbortSignal.timeout(deadline);
    try {
      const reply = await make(this.#connected(), {
        metadata,
        signal: signal ? AbortSignal.any([signal, timeout]) : timeout,
      });
      this.#heardAt = performance.now();
      return reply;
    } catch (error) {
      // Called off by us: says nothing about the server.
      if (signal?.aborted) throw error;
      if (isSilence(error)) this.#drop();
      else if (error instanceof ClientError) this.#heardAt = performance.now();
      throw error;
    }
  }

  close(): void {
    this.#drop();
  }

  #connected(): Client<typeof NodeServiceDefinition> {
    if (!this.#client) {
      this.#channel = createChannel(this.server, ChannelCredentials.createInsecure(), {
        "grpc.keepalive_time_ms": 20_000,
        "grpc.keepalive_timeout_ms": 5000,
        "grpc.use_local_subchannel_pool": 1,
      });
      this.#client = createClient(NodeServiceDefinition, this.#channel);
    }
    return this.#client;
  }

  #drop(): void {
    this.#channel?.close();
    this.#channel = null;
    this.#client = null;
  }
}

/** Whether the server may simply not have been there: worth trying again. */
export const isSilence = (error: unknown): boolean =>
  !(error instanceof ClientError) || SILENCE.has(error.code) || error.code === Status.RESOURCE_EXHAUSTED;
