/**
 * Stands before the gRPC server and refuses submissions unread when most of them would be refused anyway. A call that has come
 * as far as our own code has cost half of what an accepted one costs, by which a server under twice its load did half of
 * what it can; a refusal here costs a hundredth of that. docs/reliability.md has the figures.
 *
 * It only ever does what the server has just done itself: to whoever asks, when the server was short of something; to one connection,
 * when it was that connection's caller who asked too much.
 */
import http2, { type Http2Server } from "node:http2";
import type { Socket } from "node:net";
import type { CallContext, ServerMiddlewareCall } from "nice-grpc";
import type { Log, Millis } from "../../../actors/runtime/index.ts";
import { Refusal } from "../../../domain/refusal.ts";
import { pathMatcher, plainBlock } from "../../http2/headers.ts";
import { refusalTrailers } from "../errors.ts";
import { GatedSocket } from "./gated-socket.ts";
import { Shedding } from "./shedding.ts";

/** Whose submissions are refused: everybody's, or one connection's. */
interface Scope {
  readonly shedding: Shedding;
  /** The server's own last refusal, which the gate repeats. */
  refusal: Buffer;
}

/** An operator hears of it at most this often. */
const SAY_EVERY: Millis = 60_000;

/** While a server listens through its gate no other does: they share the one function that makes servers. */
let listening: Promise<unknown> = Promise.resolve();

export interface GateOptions {
  /** Of the method whose calls may be refused unread. */
  readonly path: string;
  readonly now: () => Millis;
  readonly log: Log;
}

export class Gate {
  readonly #everybody: Scope;
  readonly #connections = new Map<string, Scope>();
  readonly #isSubmission: (block: Buffer) => boolean;
  #refused = 0;
  #saidAt = Number.NEGATIVE_INFINITY;
  #saidOf = 0;

  constructor(private readonly options: GateOptions) {
    this.#isSubmission = pathMatcher(options.path);
    this.#everybody = this.#scope();
  }

  /** Calls refused unread since the server started. */
  get refused(): number {
    return this.#refused;
  }

  /** Tells the gate what became of the calls that passed it. */
  middleware() {
    const gate = this;
    return async function* <Request, Response>(call: ServerMiddlewareCall<Request, Response>, context: CallContext) {
      const connection = call.method.path === gate.options.path ? gate.#connections.get(context.peer) : undefined;
      if (connection === undefined) return yield* call.next(call.request, context);
      gate.#everybody.shedding.noteRead();
      connection.shedding.noteRead();
      try {
        return yield* call.next(call.request, context);
      } catch (error) {
        if (error instanceof Refusal && error.code === "resource_exhausted") {
          const scope = error.details.whoever ? gate.#everybody : connection;
          scope.shedding.noteRefused();
          scope.refusal = blockOf(error);
        }
        throw error;
      }
    };
  }

  /**
   * Runs `listen`, which makes the HTTP/2 server somewhere within a library that does not hand it out, and puts the gate
   * before that server.
   */
  before<T>(listen: () => Promise<T>): Promise<T> {
    const turn = listening.then(() => this.#listen(listen));
    listening = turn.catch(() => {});
    return turn;
  }

  async #listen<T>(listen: () => Promise<T>): Promise<T> {
    const { createServer } = http2;
    http2.createServer = ((...args: Parameters<typeof createServer>) => {
      const server = createServer(...args);
      this.#standBefore(server);
      return server;
    }) as typeof createServer;
    try {
      return await listen();
    } finally {
      http2.createServer = createServer;
    }
  }

  #standBefore(server: Http2Server): void {
    const accept = server.listeners("connection") as ((this: Http2Server, socket: unknown) => void)[];
    server.removeAllListeners("connection");
    server.on("connection", (socket: Socket) => {
      const gated = this.#open(socket);
      for (const one of accept) one.call(server, gated);
    });
  }

  #noteRefusal(): void {
    this.#refused += 1;
    const now = this.options.now();
    if (now - this.#saidAt < SAY_EVERY) return;
    this.options.log.warn("more submissions come than can be taken; some are refused unread", {
      unread: this.#refused - this.#saidOf,
    });
    this.#saidAt = now;
    this.#saidOf = this.#refused;
  }

  #scope(): Scope {
    return { shedding: new Shedding(this.options.now), refusal: Buffer.alloc(0) };
  }

  #open(socket: Socket): GatedSocket {
    const connection = this.#scope();
    const scopes = [this.#everybody, connection];
    let refusing = connection;
    const gated = new GatedSocket(socket, {
      active: () => scopes.some(({ shedding }) => shedding.active),
      isSubmission: this.#isSubmission,
      admits: () => {
        const refused = scopes.find(({ shedding }) => shedding.active && !shedding.admits());
        refusing = refused ?? connection;
        return refused === undefined;
      },
      refusal: () => {
        this.#noteRefusal();
        return refusing.refusal;
      },
    });
    const peer = `${gated.remoteAddress}:${gated.remotePort}`;
    this.#connections.set(peer, connection);
    gated.once("close", () => {
      if (this.#connections.get(peer) === connection) this.#connections.delete(peer);
    });
    return gated;
  }
}

function blockOf(refusal: Refusal): Buffer {
  return plainBlock({ "content-type": "application/grpc+proto", ...refusalTrailers(refusal) });
}
