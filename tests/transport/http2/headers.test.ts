/** Blocks of headers against node:http2's own reading and writing of them. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { connect, createServer, type ServerHttp2Stream } from "node:http2";
import { type AddressInfo, connect as connectTcp, createServer as createTcpServer, type Server } from "node:net";
import { HeaderReader } from "../../../bench/header-reader.ts";
import {
  END_HEADERS,
  END_STREAM,
  frame,
  HEAD,
  HEADERS,
  lengthAt,
  PREFACE,
  SETTINGS,
  typeAt,
} from "../../../src/transport/http2/frames.ts";
import { pathMatcher, plainBlock, spellings } from "../../../src/transport/http2/headers.ts";

const PATH = "/cyxwiz.protocol.JobService/SubmitJob";
const FIELDS = {
  "grpc-status": "8",
  "grpc-message": `4000%20changes ${"x".repeat(300)}`,
  "grpc-retry-pushback-ms": "1000",
};
const settings = frame(SETTINGS, 0, 0, Buffer.alloc(0));

/** Hands over every block of headers that comes over a connection. */
function blocksOf(onBlock: (block: Buffer) => void): (chunk: Buffer) => void {
  let bytes = Buffer.alloc(0);
  return (chunk) => {
    bytes = Buffer.concat([bytes, chunk]);
    if (bytes.indexOf(PREFACE) === 0) bytes = bytes.subarray(PREFACE.length);
    while (bytes.length >= HEAD && bytes.length >= HEAD + lengthAt(bytes, 0)) {
      const end = HEAD + lengthAt(bytes, 0);
      if (typeAt(bytes, 0) === HEADERS) onBlock(bytes.subarray(HEAD, end));
      bytes = bytes.subarray(end);
    }
  };
}

let peer: Server;
const blocks: Buffer[] = [];
beforeAll(async () => {
  peer = createTcpServer((socket) => {
    socket.write(settings);
    socket.on("error", () => {});
    socket.on(
      "data",
      blocksOf((block) => {
        blocks.push(Buffer.from(block));
        socket.write(frame(HEADERS, END_STREAM | END_HEADERS, 2 * blocks.length - 1, plainBlock(FIELDS)));
      }),
    );
  });
  await new Promise<void>((resolve) => peer.listen(0, "127.0.0.1", resolve));
});
afterAll(() => {
  peer.close();
});

const portOf = (server: { address(): unknown }): number => (server.address() as AddressInfo).port;

test("a client reads the refusal as it was meant, and its own path is recognised", async () => {
  const session = connect(`http://127.0.0.1:${portOf(peer)}`);
  const ask = (path: string) =>
    new Promise<Record<string, unknown>>((resolve, reject) => {
      const stream = session.request({ ":method": "POST", ":path": path, "x-other": PATH });
      stream.on("response", resolve);
      stream.on("error", reject);
      stream.end();
    });
  const answer = await ask(PATH);
  expect(answer[":status"]).toBe(200);
  expect(answer).toMatchObject(FIELDS);
  await ask("/cyxwiz.protocol.JobService/GetJobStatus");
  session.destroy();
  const isSubmission = pathMatcher(PATH);
  expect(blocks.map(isSubmission)).toEqual([true, false]);
});

test("a path that is spelled out in any way of a literal field is recognised, elsewhere it is not", () => {
  const isSubmission = pathMatcher(PATH);
  for (const spelling of spellings(PATH)) {
    for (const name of [...[0x44, 0x04, 0x14].map((byte) => Buffer.of(byte)), ...spellings(":path")])
      expect(isSubmission(Buffer.concat([Buffer.of(0x83), name, spelling]))).toBe(true);
    expect(isSubmission(Buffer.concat([Buffer.of(0x83, 0x01), spelling]))).toBe(false);
    expect(isSubmission(spelling)).toBe(false);
  }
  expect(isSubmission(Buffer.alloc(0))).toBe(false);
});

test("the load generator reads what node:http2 writes, block after block", async () => {
  const said = Array.from({ length: 60 }, (_, index) => ({
    "grpc-status": String(index % 17),
    "grpc-message": `${"~!@#$^&*()_+{}|:\"<>?`-=[];',./ ".slice(index % 20)} Ab9${index}`.trim(),
    [`x-field-${index % 7}`]: "value".repeat(index),
  }));
  const server = createServer();
  let next = 0;
  server.on("stream", (stream: ServerHttp2Stream) =>
    stream.respond({ ":status": 200, ...said[next++] }, { endStream: true }),
  );
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const reader = new HeaderReader();
  const read: Record<string, string>[] = [];
  const socket = connectTcp(portOf(server), "127.0.0.1");
  const done = new Promise<void>((resolve) => {
    const take = blocksOf((block) => {
      read.push(Object.fromEntries(reader.read(block)));
      if (read.length === said.length) resolve();
    });
    socket.on("data", take);
  });
  socket.write(Buffer.concat([PREFACE, settings]));
  for (let index = 0; index < said.length; index++) {
    // GET, http, "/", and an authority, without which Bun resets the stream.
    const block = Buffer.of(0x82, 0x86, 0x84, 0x01, 1, 0x78);
    socket.write(frame(HEADERS, END_STREAM | END_HEADERS, 2 * index + 1, block));
    while (read.length <= index) await Bun.sleep(1);
  }
  await done;
  socket.destroy();
  server.close();
  for (const [index, fields] of said.entries()) expect(read[index]).toMatchObject(fields);
});
