/** A server that answers a node exactly as the test says, and keeps what the node said. */
import { createServer, type Metadata, ServerError, Status } from "nice-grpc";
import {
  type DeepPartial,
  type HeartbeatRequest,
  type HeartbeatResponse,
  NodeServiceDefinition,
  type RegisterNodeRequest,
  type ReportCompletionRequest,
  type ReportProgressRequest,
  StatusCode,
} from "../../src/transport/grpc/protocol.ts";

interface Heard<Request> {
  readonly request: Request;
  readonly metadata: Metadata;
}

export class ScriptedServer {
  readonly registrations: Heard<RegisterNodeRequest>[] = [];
  readonly heartbeats: HeartbeatRequest[] = [];
  readonly progress: Heard<ReportProgressRequest>[] = [];
  readonly completions: Heard<ReportCompletionRequest>[] = [];
  /** The names of the calls, in the order in which they came. */
  readonly calls: string[] = [];

  onRegister: (request: RegisterNodeRequest) => Promise<string> = async ({ info }) => info?.nodeId ?? "";
  onHeartbeat: (request: HeartbeatRequest) => Promise<DeepPartial<HeartbeatResponse>> = async () => ({});
  /** True: go on. */
  onProgress: (attempt: number) => Promise<boolean> = async () => true;
  /** Percent-encoded, as it goes into the answer's metadata; "": none. */
  notice = "";
  onCompletion: () => Promise<StatusCode> = async () => StatusCode.STATUS_SUCCESS;

  readonly #server = createServer();
  port = 0;

  static async start(port = 0): Promise<ScriptedServer> {
    const server = new ScriptedServer();
    await server.#listen(port);
    return server;
  }

  get address(): string {
    return `127.0.0.1:${this.port}`;
  }

  stop(): void {
    this.#server.forceShutdown();
  }

  async #listen(port: number): Promise<void> {
    const status = StatusCode.STATUS_SUCCESS;
    this.#server.add(NodeServiceDefinition, {
      registerNode: async (request, { metadata }) => {
        this.calls.push("RegisterNode");
        this.registrations.push({ request, metadata });
        return { status, nodeId: await this.onRegister(request) };
      },
      heartbeat: async (request, { header }) => {
        this.calls.push("Heartbeat");
        this.heartbeats.push(request);
        if (this.notice !== "") header.set("cyxwiz-notice", this.notice);
        return { status, keepAlive: true, ...(await this.onHeartbeat(request)) };
      },
      reportProgress: async (request, { metadata }) => {
        this.calls.push("ReportProgress");
        this.progress.push({ request, metadata });
        return { status, continueJob: await this.onProgress(Number(metadata.get("cyxwiz-attempt"))) };
      },
      reportCompletion: async (request, { metadata }) => {
        this.calls.push("ReportCompletion");
        this.completions.push({ request, metadata });
        return { status: await this.onCompletion() };
      },
      assignJob: unserved,
      getNodeMetrics: unserved,
      notifyJobAccepted: unserved,
    });
    this.port = await this.#server.listen(`127.0.0.1:${port}`);
  }
}

const unserved = async (): Promise<never> => fail(Status.UNIMPLEMENTED);

export function fail(code: Status): never {
  throw new ServerError(code, "as the test wants it");
}
