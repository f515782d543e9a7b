/**
 * The node's line to the server: one channel, deadlines on every call, and for how long the server has been silent.
 *
 * Safety: only a call that succeeded counts, and from the moment it was sent. The server renews its view of a node no earlier
 * than that, and not at all when it refuses a call, so this node never thinks the server patient for longer than it is.
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

/** Codes by which the call did not reach the server, or its answer did not reach us, or the server cannot act now. */
const SILENCE: ReadonlySet<Status> = new Set([
  Status.UNAVAILABLE,
  Status.DEADLINE_EXCEEDED,
  Status.CANCELLED,
  Status.UNKNOWN,
]);

interface Link {
  readonly channel: Channel;
  readonly client: Client<typeof NodeServiceDefinition>;
}

export class Contact {
  #link: Link | null = null;
  #heardAt = performance.now();

  constructor(
    private readonly server: string,
    private readonly token: string | undefined,
  ) {}

  /** Milliseconds since the newest call that succeeded was sent; since the start, when there was none. */
  get silentFor(): number {
    return performance.now() - this.#heardAt;
  }

  /** Makes one call. A failed connection is made anew for the next. @throws ClientError, or an AbortError when time is up */
  async call<T>(
    deadline: number,
    make: (client: Client<typeof NodeServiceDefinition>, options: CallOptions) => Promise<T>,
    extra: Readonly<Record<string, string>> = {},
    signal?: AbortSignal,
  ): Promise<T> {
    const metadata = Metadata({ ...extra, ...(this.token ? { authorization: `Bearer ${this.token}` } : {}) });
    const timeout = AbortSignal.timeout(deadline);
    const link = this.#connected();
    const sentAt = performance.now();
    try {
      const reply = await make(link.client, {
        metadata,
        signal: signal ? AbortSignal.any([signal, timeout]) : timeout,
      });
      this.#heardAt = Math.max(this.#heardAt, sentAt);
      return reply;
    } catch (error) {
      // Called off by us: says nothing about the connection.
      if (!signal?.aborted && isSilence(error)) this.#drop(link);
      throw error;
    }
  }

  close(): void {
    if (this.#link) this.#drop(this.#link);
  }

  #connected(): Link {
    if (!this.#link) {
      const channel = createChannel(this.server, ChannelCredentials.createInsecure(), {
        "grpc.keepalive_time_ms": 20_000,
        "grpc.keepalive_timeout_ms": 5000,
        "grpc.use_local_subchannel_pool": 1,
      });
      this.#link = { channel, client: createClient(NodeServiceDefinition, channel) };
    }
    return this.#link;
  }

  /** Only the connection that failed: by now another call may have made a new one. */
  #drop(link: Link): void {
    if (this.#link === link) this.#link = null;
    link.channel.close();
  }
}

/** Whether the server may simply not have been there. */
export const isSilence = (error: unknown): boolean => !(error instanceof ClientError) || SILENCE.has(error.code);

export const isCode = (error: unknown, ...codes: readonly Status[]): boolean =>
  error instanceof ClientError && codes.includes(error.code);
