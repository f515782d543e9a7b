/**
 * A route and its documentation in one value, so that neither exists without the other: the app registers these, and
 * `/api/openapi.json` is made from them.
 */
import type { RestContext, RestServices } from "./deps.ts";
import type { Schema } from "./openapi/schema.ts";

export interface Parameter {
  readonly name: string;
  readonly in: "path" | "query" | "header";
  readonly description: string;
  readonly schema: Schema;
}

export interface Reply {
  readonly description: string;
  /** Media type; JSON by default. */
  readonly type?: string;
  /** Absent: no body is described. */
  readonly schema?: Schema;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface Route {
  readonly method: "GET" | "POST";
  /** In OpenAPI's spelling: `/api/jobs/{id}`. */
  readonly path: string;
  readonly id: string;
  readonly tag: "Health" | "Jobs" | "Nodes" | "Scheduler" | "Actors" | "About";
  readonly summary: string;
  readonly description?: string;
  readonly parameters?: readonly Parameter[];
  /** Schema of the JSON request body; it may be left out by the caller. */
  readonly body?: Schema;
  readonly reply: Reply;
  /** HTTP statuses of the problems it may answer with, besides those every route has. */
  readonly problems?: readonly number[];
  handle(context: RestContext, services: RestServices): Response | Promise<Response>;
}
