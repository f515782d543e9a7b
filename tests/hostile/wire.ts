/** One gRPC call by hand, over node:http2, so that nothing on our side refuses to send what must be sent. */
import { type ClientHttp2Session, connect, constants } from "node:http2";

export interface RawCall {
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  /** Data as it goes out, frames and all. */
  readonly chunks: readonly Uint8Array[];
  /** "end": as a client does. "open": the stream is left open until the patience is over. "reset": cut in the middle. */
  readonly close: "end" | "open" | "reset";
}

export interface RawReply {
  readonly http: number | null;
  /** Null: the server sent none, because the stream was broken or is still open. */
  readonly grpc: number | null;
  readonly message: string;
  /** Header, trailers and body: everything that came back, as text. */
  readonly everything: string;
  readonly trailers: Readonly<Record<string, string>>;
  readonly body: Buffer;
}

/** Milliseconds that a call may take until we hang up: long, so that a busy machine's answers are judged too. */
const PATIENCE = 5000;

/** gRPC's five bytes before each message. */
export function frame(message: Uint8Array, { flag = 0, length = message.length } = {}): Buffer {
  const framed = Buffer.alloc(5 + message.length);
  framed[0] = flag;
  framed.writeUInt32BE(length >>> 0, 1);
  framed.set(message, 5);
  return framed;
}

export class Wire {
  #session: ClientHttp2Session | null = null;

  constructor(private readonly address: string) {}

  #connected(): ClientHttp2Session {
    if (this.#session === null || this.#session.closed || this.#session.destroyed) {
      this.#session = connect(`http://${this.address}`);
      this.#session.on("error", () => {});
    }
    return this.#session;
  }

  /** Never rejects: a broken connection is an answer too, and the next call opens another. */
  send({ path, headers, chunks, close }: RawCall, patience = PATIENCE): Promise<RawReply> {
    return new Promise((resolve) => {
      const received: Record<string, string> = {};
      const body: Buffer[] = [];
      let timer: ReturnType<typeof setTimeout> | undefined;
      const settle = () => {
        clearTimeout(timer);
        const grpc = received["grpc-status"];
        const http = received[":status"];
        const whole = Buffer.concat(body);
        resolve({
          http: http === undefined ? null : Number(http),
          grpc: grpc === undefined ? null : Number(grpc),
          message: unescaped(received["grpc-message"] ?? ""),
          everything: unescaped(JSON.stringify(received)) + whole.toString("utf8"),
          trailers: received,
          body: whole,
        });
      };
      try {
        const stream = this.#connected().request({
          [constants.HTTP2_HEADER_METHOD]: "POST",
          [constants.HTTP2_HEADER_PATH]: path,
          te: "trailers",
          ...headers,
        });
        const take = (given: object) => {
          for (const [name, value] of Object.entries(given)) received[name] = String(value);
        };
        stream.on("response", take);
        stream.on("trailers", take);
        stream.on("data", (chunk: Buffer) => body.push(chunk));
        stream.on("error", () => {});
        stream.on("close", settle);
        timer = setTimeout(() => stream.close(constants.NGHTTP2_CANCEL), patience);
        for (const chunk of chunks) stream.write(chunk);
        if (close === "end") stream.end();
        if (close === "reset") stream.close(constants.NGHTTP2_CANCEL);
      } catch {
        // Headers that node:http2 will not send: nothing reached the server.
        settle();
      }
    });
  }

  close(): void {
    this.#session?.destroy();
  }
}

/** gRPC percent-encodes what a header cannot hold. */
function unescaped(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
