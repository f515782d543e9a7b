/**
 * A gRPC client for one method and one message, frame by frame on a bare socket. Whoever offers a server twice what it can take
 * from the same two cores must not need one of them: a call costs a tenth of what node:http2 takes for it (raw-client.ts).
 */
import { connect, type Socket } from "node:net";
import {
  ACK,
  credit,
  DATA,
  END_HEADERS,
  END_STREAM,
  flagsAt,
  frame,
  HEAD,
  HEADERS,
  lengthAt,
  PREFACE,
  SETTINGS,
  streamAt,
  typeAt,
  WINDOW_UPDATE,
} from "../src/transport/http2/frames.ts";
import { spellings } from "../src/transport/http2/headers.ts";
import { HeaderReader } from "./header-reader.ts";

export interface Answer {
  readonly status: number;
  /** It said when to come again. */
  readonly hinted: boolean;
  /** Null: none came. */
  readonly message: Buffer | null;
}

const RST_STREAM = 3;
const PING = 6;
const GOAWAY = 7;
const HEADER_TABLE_SIZE = 1;
const MAX_CONCURRENT_STREAMS = 3;
const FIRST_WINDOW = 65_535;
const UNAVAILABLE = 14;
const UNKNOWN = 2;

/** "The table is of size 0 from here on": what the server has asked for (gate/connection-gate.ts). */
const AGREED = Buffer.of(0x20);

interface Call {
  readonly done: (answer: Answer) => void;
  message: Buffer | null;
}

export class FrameClient {
  readonly #socket: Socket;
  readonly #block: Buffer;
  readonly #data: Buffer;
  readonly #open = new Map<number, Call>();
  /** Calls for which the server has no room yet. */
  readonly #queue: Call[] = [];
  #nextStream = 1;
  #window = FIRST_WINDOW;
  #mostOpen = Number.POSITIVE_INFINITY;
  #out: Buffer[] = [];
  #held: Buffer | null = null;
  readonly #reader = new HeaderReader();
  /** Whether the server's wish for no table of headers, if it has one, has been answered. */
  #agreed = true;
  #closed = false;

  constructor(address: string, path: string, message: Uint8Array) {
    const port = address.lastIndexOf(":");
    this.#socket = connect(Number(address.slice(port + 1)), address.slice(0, port));
    this.#socket.setNoDelay(true);
    this.#socket.on("data", (chunk: Buffer) => this.#take(chunk));
    this.#socket.on("error", () => {});
    this.#socket.on("close", () => this.#end());
    this.#block = requestBlock(path, address);
    this.#data = Buffer.concat([Buffer.of(0, 0, 0, 0, 0), message]);
    this.#data.writeUInt32BE(message.length, 1);
    this.#write(PREFACE);
    this.#write(frame(SETTINGS, 0, 0, Buffer.alloc(0)));
    // The server may say as much as it likes.
    this.#write(credit(0x7fff_ffff - FIRST_WINDOW));
  }

  /** `done` is called once; a broken connection is UNAVAILABLE. */
  call(done: (answer: Answer) => void): void {
    const call: Call = { done, message: null };
    if (this.#closed) done({ status: UNAVAILABLE, hinted: false, message: null });
    else if (this.#hasRoom()) this.#send(call);
    else this.#queue.push(call);
  }

  close(): void {
    this.#socket.destroy();
  }

  #hasRoom(): boolean {
    return this.#open.size < this.#mostOpen && this.#window >= this.#data.length;
  }

  #send(call: Call): void {
    const stream = this.#nextStream;
    this.#nextStream += 2;
    this.#open.set(stream, call);
    this.#window -= this.#data.length;
    const block = this.#agreed ? this.#block : Buffer.concat([AGREED, this.#block]);
    this.#agreed = true;
    this.#write(frame(HEADERS, END_HEADERS, stream, block));
    this.#write(frame(DATA, END_STREAM, stream, this.#data));
  }

  /** What is written in one go leaves as one piece. */
  #write(bytes: Buffer): void {
    if (this.#out.push(bytes) > 1) return;
    queueMicrotask(() => {
      const out = this.#out;
      this.#out = [];
      if (this.#socket.writable) this.#socket.write(Buffer.concat(out));
    });
  }

  #take(chunk: Buffer): void {
    const bytes = this.#held === null ? chunk : Buffer.concat([this.#held, chunk]);
    let at = 0;
    while (bytes.length - at >= HEAD && bytes.length - at >= HEAD + lengthAt(bytes, at)) {
      const end = at + HEAD + lengthAt(bytes, at);
      this.#frame(typeAt(bytes, at), flagsAt(bytes, at), streamAt(bytes, at), bytes.subarray(at + HEAD, end));
      at = end;
    }
    this.#held = at === bytes.length ? null : Buffer.from(bytes.subarray(at));
    while (this.#queue.length > 0 && this.#hasRoom()) this.#send(this.#queue.shift() as Call);
  }

  #frame(type: number, flags: number, stream: number, payload: Buffer): void {
    switch (type) {
      case DATA: {
        const call = this.#open.get(stream);
        // Copied: the whole chunk would live as long as one small message of it.
        if (call) call.message = Buffer.from(payload.subarray(5));
        return;
      }
      case HEADERS:
        this.#headers(stream, (flags & END_STREAM) !== 0, this.#reader.read(payload));
        return;
      case RST_STREAM:
        this.#done(stream, UNAVAILABLE, false);
        return;
      case SETTINGS:
        if ((flags & ACK) !== 0) return;
        for (let at = 0; at + 6 <= payload.length; at += 6) {
          const setting = payload.readUInt16BE(at);
          if (setting === MAX_CONCURRENT_STREAMS) this.#mostOpen = payload.readUInt32BE(at + 2);
          if (setting === HEADER_TABLE_SIZE) this.#agreed = false;
        }
        this.#write(frame(SETTINGS, ACK, 0, Buffer.alloc(0)));
        return;
      case PING:
        if ((flags & ACK) === 0) this.#write(frame(PING, ACK, 0, payload));
        return;
      case WINDOW_UPDATE:
        if (stream === 0) this.#window += payload.readUInt32BE(0);
        return;
      case GOAWAY:
        this.#socket.destroy();
        return;
    }
  }

  #headers(stream: number, last: boolean, fields: ReadonlyMap<string, string>): void {
    if (last) this.#done(stream, Number(fields.get("grpc-status") ?? UNKNOWN), fields.has("grpc-retry-pushback-ms"));
  }

  #done(stream: number, status: number, hinted: boolean): void {
    const call = this.#open.get(stream);
    if (!call) return;
    this.#open.delete(stream);
    call.done({ status, hinted, message: call.message });
  }

  #end(): void {
    this.#closed = true;
    for (const { done } of [...this.#open.values(), ...this.#queue.splice(0)])
      done({ status: UNAVAILABLE, hinted: false, message: null });
    this.#open.clear();
  }
}

/** ":method: POST", ":scheme: http" by number, everything else spelled out. */
function requestBlock(path: string, authority: string): Buffer {
  const text = (value: string) => spellings(value)[0] as Buffer;
  const field = (name: string, value: string) => Buffer.concat([Buffer.of(0), text(name), text(value)]);
  return Buffer.concat([
    Buffer.of(0x83, 0x86, 0x04),
    text(path),
    Buffer.of(0x01),
    text(authority),
    field("content-type", "application/grpc"),
    field("te", "trailers"),
  ]);
}
