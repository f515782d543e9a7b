/** A connection as the HTTP/2 server behind the gate sees it: what the gate lets pass. */
import type { Socket } from "node:net";
import { Duplex } from "node:stream";
import { ConnectionGate, type ConnectionGateOptions } from "./connection-gate.ts";

/** Bytes. A peer that does not read its refusals is not read either. */
const MOST_UNREAD = 1_000_000;

export class GatedSocket extends Duplex {
  readonly #socket: Socket;
  readonly #gate: ConnectionGate;
  /** Who calls; asked of the connection itself there is no answer after its end. */
  readonly remoteAddress: string | undefined;
  readonly remotePort: number | undefined;

  constructor(socket: Socket, options: Omit<ConnectionGateOptions, "toServer" | "toPeer">) {
    super({ allowHalfOpen: true });
    this.#socket = socket;
    this.remoteAddress = socket.remoteAddress;
    this.remotePort = socket.remotePort;
    this.#gate = new ConnectionGate({
      ...options,
      toServer: (bytes) => {
        if (!this.push(bytes)) socket.pause();
      },
      toPeer: (bytes) => {
        if (socket.writable) socket.write(bytes);
      },
    });
    socket.setNoDelay(true);
    socket.on("data", (chunk: Buffer) => {
      this.#gate.fromPeer(chunk);
      if (socket.writableLength > MOST_UNREAD) socket.pause();
    });
    socket.on("end", () => this.push(null));
    socket.on("error", (error) => this.destroy(error));
    socket.on("close", () => this.destroy());
    socket.on("drain", () => {
      socket.resume();
      this.emit("gate-drain");
    });
  }

  override _read(): void {
    this.#socket.resume();
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    this.#gate.fromServer(chunk);
    this.#whenDrained(done);
  }

  override _writev(chunks: { readonly chunk: Buffer }[], done: (error?: Error | null) => void): void {
    this.#gate.fromServer(Buffer.concat(chunks.map(({ chunk }) => chunk)));
    this.#whenDrained(done);
  }

  override _final(done: (error?: Error | null) => void): void {
    this.#socket.end(() => done());
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.#socket.destroy();
    done(error);
  }

  /** The server is told to go on when the connection has taken what it was given. */
  #whenDrained(done: () => void): void {
    if (!this.#socket.writableNeedDrain || this.#socket.destroyed) done();
    else this.once("gate-drain", done);
  }
}
