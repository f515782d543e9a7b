/**
 * A TCP proxy that can be made as bad as a network gets: slow, stalled, half-open, cut. It stands between the server and
 * PostgreSQL, Redis or the nodes, so the fault strikes real connections of the real drivers.
 */
import { connect, createServer, type Server, type Socket } from "node:net";

/** One direction of one connection: what was read waits here for its time. Order is kept when the delay changes. */
class Lane {
  #waiting: { readonly chunk: Buffer; readonly due: number }[] = [];
  #timer: ReturnType<typeof setTimeout> | null = null;

  constructor(
    private readonly to: Socket,
    private readonly delay: () => number,
  ) {}

  push(chunk: Buffer): void {
    const due = Math.max(performance.now() + this.delay(), this.#waiting.at(-1)?.due ?? 0);
    this.#waiting.push({ chunk, due });
    if (this.#timer === null) this.#flush();
  }

  #flush(): void {
    this.#timer = null;
    for (let next = this.#waiting[0]; next; next = this.#waiting[0]) {
      const left = next.due - performance.now();
      if (left > 0.5) {
        this.#timer = setTimeout(() => this.#flush(), left);
        return;
      }
      this.#waiting.shift();
      if (!this.to.destroyed) this.to.write(next.chunk);
    }
  }
}

interface Pair {
  readonly near: Socket;
  readonly far: Socket;
  /** Half-open for good: what comes is thrown away, and neither side learns that the other has gone. */
  deaf: boolean;
}

export class FaultyProxy {
  readonly #server: Server;
  readonly #pairs = new Set<Pair>();
  #delay = 0;
  #stalled = false;
  #cut = false;

  private constructor(
    private readonly target: { readonly host: string; readonly port: number },
    readonly port: number,
    server: Server,
  ) {
    this.#server = server;
    server.on("connection", (socket) => this.#join(socket));
  }

  static start(port: number, host = "127.0.0.1"): Promise<FaultyProxy> {
    return new Promise((resolve, reject) => {
      const server = createServer().once("error", reject);
      server.listen(0, "127.0.0.1", () => {
        const address = server.address();
        if (typeof address !== "object" || address === null) return reject(new Error("the proxy has no port"));
        resolve(new FaultyProxy({ host, port }, address.port, server));
      });
    });
  }

  get connections(): number {
    return this.#pairs.size;
  }

  /** Each piece from the far side (the answers) comes so many milliseconds late. */
  delayAnswers(milliseconds: number): void {
    this.#delay = milliseconds;
  }

  /** Nothing passes in either direction, new connections included; nobody is told. `flow` lets go of what has piled up. */
  stall(): void {
    this.#stalled = true;
    for (const { near, far } of this.#pairs) {
      near.pause();
      far.pause();
    }
  }

  flow(): void {
    this.#stalled = false;
    for (const { near, far } of this.#pairs) {
      near.resume();
      far.resume();
    }
  }

  /** The connections there are go silent for ever, as after a firewall forgot them. New ones work. */
  deafen(): void {
    for (const pair of this.#pairs) pair.deaf = true;
  }

  /** Every connection is reset, and every new one at once, until `mend`. */
  cut(): void {
    this.#cut = true;
    for (const pair of this.#pairs) this.#end(pair);
  }

  mend(): void {
    this.#cut = false;
  }

  stop(): void {
    for (const pair of this.#pairs) this.#end(pair);
    this.#server.close();
  }

  #join(near: Socket): void {
    near.on("error", () => {});
    if (this.#cut) {
      near.resetAndDestroy();
      return;
    }
    const far = connect(this.target.port, this.target.host);
    far.on("error", () => {});
    near.setNoDelay(true);
    far.setNoDelay(true);
    const pair: Pair = { near, far, deaf: false };
    this.#pairs.add(pair);
    const there = new Lane(far, () => 0);
    const back = new Lane(near, () => this.#delay);
    near.on("data", (chunk: Buffer) => pair.deaf || there.push(chunk));
    far.on("data", (chunk: Buffer) => pair.deaf || back.push(chunk));
    near.on("close", () => this.#closed(pair, far));
    far.on("close", () => this.#closed(pair, near));
    if (this.#stalled) {
      near.pause();
      far.pause();
    }
  }

  #closed(pair: Pair, other: Socket): void {
    // The other side of a half-open connection hears nothing; `stop` clears it away.
    if (pair.deaf) return;
    this.#pairs.delete(pair);
    other.destroy();
  }

  #end(pair: Pair): void {
    this.#pairs.delete(pair);
    pair.near.resetAndDestroy();
    pair.far.resetAndDestroy();
  }
}
