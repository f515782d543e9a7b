/**
 * A gRPC client that costs as little as one can, straight on HTTP/2: the benchmarks measure the server, and the load
 * generator shares the machine with it. (grpc-js as a client costs more than the server's side of the same call.)
 */
import { type ClientHttp2Session, connect, constants } from "node:http2";

/** Any status but OK. */
export class GrpcStatusError extends Error {
  override readonly name = "GrpcStatusError";
  constructor(
    readonly status: number,
    readonly trailers: Readonly<Record<string, unknown>>,
  ) {
    super(`gRPC status ${status}`);
  }
}

export class RawClient {
  readonly #session: ClientHttp2Session;

  constructor(address: string) {
    this.#session = connect(`http://${address}`);
    this.#session.on("error", () => {});
  }

  /** The reply's message; rejects for any gRPC status but OK. */
  call(path: string, request: Uint8Array): Promise<Uint8Array> {
    return new Promise((resolve, reject) => {
      const stream = this.#session.request({
        [constants.HTTP2_HEADER_METHOD]: "POST",
        [constants.HTTP2_HEADER_PATH]: path,
        "content-type": "application/grpc",
        te: "trailers",
      });
      let reply: Uint8Array = new Uint8Array();
      let status: unknown;
      let trailers: Readonly<Record<string, unknown>> = {};
      stream.on("response", (headers) => {
        status = headers["grpc-status"];
        trailers = headers;
      });
      stream.on("data", (chunk: Buffer) => {
        reply = reply.length === 0 ? chunk : Buffer.concat([reply, chunk]);
      });
      stream.on("trailers", (headers) => {
        status = headers["grpc-status"];
        trailers = headers;
      });
      stream.on("end", () => {
        if (status === "0") resolve(reply.subarray(5));
        else reject(new GrpcStatusError(Number(status), trailers));
      });
      stream.on("error", reject);
      stream.end(frame(request));
    });
  }

  close(): void {
    this.#session.close();
  }
}

/** gRPC's five bytes before each message: not compressed, and its length. */
function frame(message: Uint8Array): Buffer {
  const framed = Buffer.allocUnsafe(5 + message.length);
  framed[0] = 0;
  framed.writeUInt32BE(message.length, 1);
  framed.set(message, 5);
  return framed;
}

export interface Drive {
  readonly perSecond: number;
  /** Sorted, in milliseconds. */
  readonly latencies: readonly number[];
  readonly errors: number;
}

/** Keeps `width` calls under way until `seconds` have passed. */
export async function drive(width: number, seconds: number, once: (index: number) => Promise<unknown>): Promise<Drive> {
  const latencies: number[] = [];
  let errors = 0;
  let index = 0;
  const started = performance.now();
  const until = started + seconds * 1000;
  const worker = async () => {
    while (performance.now() < until) {
      const at = performance.now();
      try {
        await once(index++);
        latencies.push(performance.now() - at);
      } catch {
        errors += 1;
      }
    }
  };
  await Promise.all(Array.from({ length: width }, worker));
  const elapsed = (performance.now() - started) / 1000;
  return { perSecond: latencies.length / elapsed, latencies: latencies.sort((a, b) => a - b), errors };
}

export const percentile = (sorted: readonly number[], share: number): number =>
  sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
