/** The REST API. */
export { createRestApp, type RestApp } from "./app.ts";
export type { Caller, RestDeps } from "./deps.ts";
export { type RestServer, type RestServerOptions, startRestServer } from "./server.ts";
