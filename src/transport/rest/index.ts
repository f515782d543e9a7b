/** The REST API. */

export type { Access } from "./access.ts";
export { createRestApp, type RestApp } from "./app.ts";
export type { BlockchainFacts, RestDeps } from "./deps.ts";
export { type RestServer, type RestServerOptions, startRestServer } from "./server.ts";
