/** The shapes of the API's answers. The tests hold every real answer against them. */
import { jobSchemas } from "./job-schemas.ts";
import { nodeSchemas } from "./node-schemas.ts";
import { paymentSchemas } from "./payment-schemas.ts";
import { schedulerSchemas } from "./scheduler-schemas.ts";
import { described, float, integer, listOf, object, oneOf, type Schema, text, time } from "./schema.ts";

const HEALTH = oneOf("healthy", "degraded", "disconnected", "off");

export const schemas: Readonly<Record<string, Schema>> = {
  Problem: {
    type: "object",
    description: "RFC 9457 problem details.",
    properties: {
      type: described(text, "urn:cyxwiz:problem: and a code that does not change."),
      title: text,
      status: integer,
      detail: described(text, "What was wrong, and what would be right."),
      field: described(text, "The parameter or field at fault."),
      retry_after: described(integer, "Seconds after which trying again may help."),
      request_id: text,
      error: described(text, "The legacy routes only: the words of the original server."),
    },
    required: ["type", "title", "status", "detail", "request_id"],
    additionalProperties: false,
  },
  LegacyHealth: object({
    status: oneOf("ok", "degraded"),
    version: text,
    service: oneOf("cyxwiz-central-server"),
    services: object({
      database: oneOf("up", "down"),
      redis: oneOf("off", "up", "down", "filling"),
      blockchain: oneOf("off", "up", "slow", "down"),
      scheduler: described(text, '"brokering", "paused", "reconciling" or "stopped".'),
    }),
  }),
  Health: object({
    status: oneOf("healthy", "degraded", "disconnected"),
    version: text,
    uptime_seconds: integer,
    timestamp: time,
    services: object({ database: HEALTH, redis: HEALTH, blockchain: HEALTH, scheduler: HEALTH }),
  }),
  QuarantinedActors: object({ actors: listOf(object({ kind: text, id: text, reason: text })) }),
  LegacyStats: object({
    total_nodes: integer,
    online_nodes: described(integer, "Nodes that are heard from, busy ones included."),
    total_jobs: integer,
    pending_jobs: integer,
    running_jobs: integer,
    completed_jobs: integer,
    total_compute_hours: described(float, "The time completed jobs really ran."),
  }),
  InfrastructureStats: object({
    nodes: object({ total: integer, online: integer, offline: integer, busy: integer, maintenance: integer }),
    jobs: object({
      total: integer,
      pending: integer,
      assigned: integer,
      running: integer,
      completed: integer,
      failed: integer,
      cancelled: integer,
    }),
    compute: object({ total_hours: float, average_utilization: described(float, "Busy nodes by all nodes.") }),
    payments: object({ total_transactions: integer, total_volume_sol: float, pending_escrows: integer }),
  }),
  ...jobSchemas,
  ...nodeSchemas,
  ...paymentSchemas,
  ...schedulerSchemas,
};
