/**
 * The wires of a group of light nodes: a proxy towards the server, and one from the server to where the group takes offers.
 * A fault of the network strikes the whole group in both directions, as the loss of a data centre would.
 */
import { ChannelCredentials } from "@grpc/grpc-js";
import {
  type Channel,
  type Client,
  ClientError,
  createChannel,
  createClient,
  createServer,
  type Server,
  ServerError,
  Status,
} from "nice-grpc";
import {
  type AssignJobRequest,
  type AssignJobResponse,
  type DeepPartial,
  NodeServiceDefinition,
} from "../../src/transport/grpc/protocol.ts";
import { quietPort } from "./databases.ts";
import { FaultyProxy } from "./proxy.ts";

/** Shorter than the server's own patience with a node, so that a call into a dead connection costs the node no more than that. */
const CALL_DEADLINE = 2500;

export type OfferTaker = (request: AssignJobRequest, attempt: number) => DeepPartial<AssignJobResponse>;

export class NodeLine {
  #channel: Channel;
  #client: Client<typeof NodeServiceDefinition>;
  #madeAt = 0;
  #offers: Server | null = null;

  private constructor(
    readonly toServer: FaultyProxy,
    readonly toNodes: FaultyProxy,
    private readonly offerPort: number,
    private readonly take: OfferTaker,
  ) {
    [this.#channel, this.#client] = this.#connect();
  }

  static async open(serverPort: number, take: OfferTaker): Promise<NodeLine> {
    const offerPort = await quietPort();
    const line = new NodeLine(await FaultyProxy.start(serverPort), await FaultyProxy.start(offerPort), offerPort, take);
    await line.listen();
    return line;
  }

  get client(): Client<typeof NodeServiceDefinition> {
    return this.#client;
  }

  /** What a node says of itself in the metadata of its registration. */
  facts(slots: number): Readonly<Record<string, string>> {
    return {
      "cyxwiz-features": "attempts",
      "cyxwiz-slots": String(slots),
      "cyxwiz-assign-endpoint": `127.0.0.1:${this.toNodes.port}`,
    };
  }

  async call<T>(make: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const channel = this.#channel;
    try {
      return await make(AbortSignal.timeout(CALL_DEADLINE));
    } catch (error) {
      const answered =
        error instanceof ClientError &&
        ![Status.UNAVAILABLE, Status.CANCELLED, Status.UNKNOWN, Status.DEADLINE_EXCEEDED].includes(error.code);
      // Many calls fail together when a connection dies; the first of them makes the next one.
      if (!answered && channel === this.#channel && performance.now() - this.#madeAt > 300) {
        channel.close();
        [this.#channel, this.#client] = this.#connect();
      }
      throw error;
    }
  }

  /** Takes offers on the port it had before. */
  async listen(): Promise<void> {
    const server = createServer();
    const unserved = async (): Promise<never> => {
      throw new ServerError(Status.UNIMPLEMENTED, "a light node serves AssignJob alone");
    };
    server.add(NodeServiceDefinition, {
      assignJob: async (request, { metadata }) => this.take(request, Number(metadata.get("cyxwiz-attempt") ?? 1)),
      registerNode: unserved,
      heartbeat: unserved,
      reportProgress: unserved,
      reportCompletion: unserved,
      getNodeMetrics: unserved,
      notifyJobAccepted: unserved,
    });
    await server.listen(`127.0.0.1:${this.offerPort}`);
    this.#offers = server;
  }

  /** Nobody listens any more, as after the machine was switched off. */
  hangUp(): void {
    this.#offers?.forceShutdown();
    this.#offers = null;
  }

  close(): void {
    this.hangUp();
    this.#channel.close();
    this.toServer.stop();
    this.toNodes.stop();
  }

  #connect(): [Channel, Client<typeof NodeServiceDefinition>] {
    this.#madeAt = performance.now();
    const channel = createChannel(`127.0.0.1:${this.toServer.port}`, ChannelCredentials.createInsecure(), {
      "grpc.use_local_subchannel_pool": 1,
      "grpc.initial_reconnect_backoff_ms": 100,
      "grpc.max_reconnect_backoff_ms": 500,
    });
    return [channel, createClient(NodeServiceDefinition, channel)];
  }
}
