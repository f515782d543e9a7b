/**
 * The chain on a loopback port, for other programs: HTTP there, WebSocket on the port after it, where web3.js v1 looks for it.
 * Both listen on both, for clients that expect one port.
 */
import type { Server, ServerWebSocket } from "bun";
import { LocalChainError, messageOf } from "../errors.ts";
import { SLOT_MS } from "../slot-clock.ts";
import { answer, errorAnswer, idOf, MOST_BODY_BYTES, requestOf } from "./dispatch.ts";
import type { RpcWorld } from "./method.ts";
import { isFields } from "./params.ts";
import { isSubscription, Subscriber, Subscriptions } from "./subscriptions.ts";

export interface ServeOptions {
  /** An address of the loopback interface: whoever reaches the port can use the faucet. */
  readonly host: string;
  /** 0 takes a free pair of ports. */
  readonly port: number;
}

export interface RpcServer {
  readonly url: string;
  readonly wsUrl: string;
  readonly port: number;
  stop(): Promise<void>;
}

/** Wallets in a browser ask from a page of another origin. */
const headers = {
  "content-type": "application/json",
  "access-control-allow-origin": "*",
  "access-control-allow-methods": "POST, GET, OPTIONS",
  "access-control-allow-headers": "*",
};

/** A client that does not read gets no more than this kept for it. */
const MOST_UNREAD_BYTES = 16 * 2 ** 20;
/** Pairs of ports to try for port 0: the second of a pair may be taken. */
const ATTEMPTS = 20;

type Socket = ServerWebSocket<Subscriber>;

/** @throws LocalChainError `not_loopback`, `port_in_use` */
export function serveRpc(world: RpcWorld, { host, port }: ServeOptions): RpcServer {
  if (!/^(127(\.\d{1,3}){3}|::1|localhost)$/.test(host)) {
    throw new LocalChainError(
      "not_loopback",
      `The local chain listens on 127.0.0.1, ::1 or localhost only, and not on "${host}": whoever reaches it can take from its faucet.`,
    );
  }
  const subscriptions = new Subscriptions(world.chain);
  const listeners = listenOnPair(host, port, (at) => listen(world, subscriptions, host, at));
  if (listeners instanceof LocalChainError) {
    subscriptions.close();
    throw listeners;
  }
  const [http, ws] = listeners;
  const stopPump = pump(world, subscriptions);
  const name = host === "::1" ? "[::1]" : host;
  return {
    url: `http://${name}:${http.port}`,
    wsUrl: `ws://${name}:${ws.port}`,
    port: http.port ?? port,
    async stop() {
      stopPump();
      subscriptions.close();
      await Promise.all([http.stop(true), ws.stop(true)]);
    },
  };
}

type Listener = Server<Subscriber>;

function listenOnPair(
  host: string,
  port: number,
  listenOn: (port: number) => Listener,
): readonly [Listener, Listener] | LocalChainError {
  const problems: string[] = [];
  for (let attempt = 0; attempt < (port === 0 ? ATTEMPTS : 1); attempt++) {
    let first: Listener | undefined;
    try {
      first = listenOn(port);
      return [first, listenOn((first.port ?? port) + 1)];
    } catch (error) {
      problems.push(messageOf(error));
      void first?.stop(true);
    }
  }
  return new LocalChainError(
    "port_in_use",
    `The local chain could not listen on ${host}, ports ${port} and ${port + 1}: ${problems.at(-1)}. ` +
      "Stop what uses them, or choose another port; the one after it must be free as well.",
  );
}

function listen(world: RpcWorld, subscriptions: Subscriptions, host: string, port: number): Listener {
  return Bun.serve<Subscriber>({
    hostname: host,
    port,
    maxRequestBodySize: MOST_BODY_BYTES,
    async fetch(request, server) {
      if (request.headers.get("upgrade")?.toLowerCase() === "websocket") {
        const subscriber: Subscriber = new Subscriber((text) => sockets.get(subscriber)?.send(text));
        return server.upgrade(request, { data: subscriber })
          ? undefined
          : new Response("upgrade failed", { status: 400 });
      }
      return respond(world, request);
    },
    error: (error) => Response.json(errorAnswer(null, error), { status: 500, headers }),
    websocket: {
      maxPayloadLength: MOST_BODY_BYTES,
      backpressureLimit: MOST_UNREAD_BYTES,
      closeOnBackpressureLimit: true,
      open(socket) {
        sockets.set(socket.data, socket);
        subscriptions.add(socket.data);
      },
      message(socket, message) {
        hear(world, subscriptions, socket, message.toString());
      },
      close(socket) {
        sockets.delete(socket.data);
        subscriptions.remove(socket.data);
      },
    },
  });
}

const sockets = new WeakMap<Subscriber, Socket>();

async function respond(world: RpcWorld, request: Request): Promise<Response> {
  switch (request.method) {
    case "POST":
      return new Response(answer(world, await request.text()), { headers });
    case "OPTIONS":
      return new Response(null, { status: 204, headers });
    case "GET":
      return new Response("ok", { headers: { ...headers, "content-type": "text/plain" } });
    default:
      return new Response("use POST", { status: 405, headers: { ...headers, allow: "POST, GET, OPTIONS" } });
  }
}

/** Does not throw: whatever comes, the connection lives. */
function hear(world: RpcWorld, subscriptions: Subscriptions, { data: subscriber }: Socket, text: string): void {
  const request = parsed(text);
  const method = isFields(request) ? request.method : undefined;
  // web3.js's sign of life; it has no number and wants no answer.
  if (method === "ping") return;
  if (!isSubscription(method)) {
    const reply = answer(world, text);
    if (reply !== null) subscriber.send(reply);
    return;
  }
  const id = idOf(request) ?? null;
  try {
    const result = subscriptions.request(subscriber, method, requestOf(request).params);
    subscriber.send(JSON.stringify({ jsonrpc: "2.0", result, id }));
    if (typeof result === "number") subscriptions.catchUp(subscriber, result);
  } catch (error) {
    subscriber.send(JSON.stringify(errorAnswer(id, error)));
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Nobody asks for the time while all wait to be told, so it is looked at once a slot; while nobody waits, next to nothing happens. */
function pump({ chain }: RpcWorld, subscriptions: Subscriptions): () => void {
  const timer = setInterval(() => {
    if (subscriptions.isWaiting) chain.slot("processed");
  }, SLOT_MS / 4);
  timer.unref();
  return () => clearInterval(timer);
}
