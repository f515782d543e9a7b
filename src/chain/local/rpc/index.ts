/** The local chain's JSON-RPC: over HTTP and WebSocket, or within the process. */
export { inProcessConnection, inProcessFetch } from "./in-process.ts";
export type { RpcWorld } from "./method.ts";
export { type RpcServer, type ServeOptions, serveRpc } from "./serve.ts";
