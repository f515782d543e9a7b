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
  /** Why the peer is not read: the server has enough for now, or the peer does not read itself. */
  #serverHasEnough = false;
  #peerIsDeaf = false;
  /** For the peer, not handed to the connection yet. */
  #said: Buffer[] = [];

  constructor(socket: Socket, options: Omit<ConnectionGateOptions, "toServer" | "toPeer">) {
    super({ allowHalfOpen: true });
    this.#socket = socket;
    this.remoteAddress = socket.remoteAddress;
    this.remotePort = socket.remotePort;
    this.#gate = new ConnectionGate({
      ...options,
      toServer: (bytes) => {
        if (!this.push(bytes)) this.#serverHasEnough = true;
      },
      toPeer: (bytes) => {
        // One piece for all that is said in this turn of the event loop: hundreds of commits are answered at once.
        if (this.#said.push(bytes) === 1) setImmediate(() => this.#speak());
      },
    });
    socket.setNoDelay(true);
    socket.on("data", (chunk: Buffer) => {
      this.#gate.fromPeer(chunk);
      if (socket.writableLength > MOST_UNREAD) this.#peerIsDeaf = true;
      if (!this.#mayBeRead()) socket.pause();
    });
    socket.on("end", () => this.push(null));
    socket.on("error", (error) => this.destroy(error));
    socket.on("close", () => this.destroy());
    socket.on("drain", () => {
      this.#peerIsDeaf = false;
      this.#readOn();
      this.emit("gate-drain");
    });
  }

  override _read(): void {
    this.#serverHasEnough = false;
    this.#readOn();
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
    this.#speak();
    this.#socket.end(() => done());
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.#socket.destroy();
    done(error);
  }

  #speak(): void {
    if (this.#said.length === 0) return;
    const said = this.#said;
    this.#said = [];
    if (this.#socket.writable) this.#socket.write(said.length === 1 ? (said[0] as Buffer) : Buffer.concat(said));
  }

  #mayBeRead(): boolean {
    return !this.#serverHasEnough && !this.#peerIsDeaf;
  }

  #readOn(): void {
    if (this.#mayBeRead() && this.#socket.isPaused()) this.#socket.resume();
  }

  /** The server is told to go on when the connection has taken what it was given. */
  #whenDrained(done: () => void): void {
    if (!this.#socket.writableNeedDrain || this.#socket.destroyed) done();
    else this.once("gate-drain", done);
  }
}
