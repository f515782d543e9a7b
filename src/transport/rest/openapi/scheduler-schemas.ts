/** The shapes of the scheduler, and of its answers to "why is my job waiting?". */
import { NODE_REASONS, WAIT_REASONS } from "../../reason-codes.ts";
import { attemptFields } from "./job-schemas.ts";
import {
  body,
  described,
  flag,
  float,
  integer,
  listOf,
  nullable,
  object,
  oneOf,
  ref,
  type Schema,
  text,
  time,
  uuid,
  wide,
} from "./schema.ts";

const orNull = (schema: Schema): Schema => ({ ...schema, type: ["object", "null"] });

const waitReason = described(
  nullable({ type: "string", enum: [...WAIT_REASONS, null] }),
  "null: it does not wait. docs/scheduling.md says what each means.",
);

const counts = object({
  total: integer,
  fitting: described(integer, "Ruled out by nothing. With the counts of `ruled_out` it adds up to `total`."),
  ruled_out: listOf(
    object({
      reason: described(oneOf(...Object.keys(NODE_REASONS)), "docs/scheduling.md says what each means."),
      nodes: integer,
    }),
  ),
});

const candidates = listOf(
  object({
    node_id: uuid,
    name: text,
    region: text,
    score: described(float, "0.4 reputation + 0.3 availability + 0.2 capability + 0.1 uptime."),
    terms: object({ reputation: float, availability: float, capability: float, uptime: float }),
  }),
);

export const schedulerSchemas: Readonly<Record<string, Schema>> = {
  Explanation: object({
    job_id: uuid,
    state: text,
    reason: waitReason,
    summary: text,
    nodes: described(orNull(counts), "null: it has ended."),
    candidates: described(candidates, "The best first, five at most."),
    queue: orNull(
      object({
        position: described(nullable(integer), "1: next. null: too far back to be counted."),
        length: integer,
      }),
    ),
    would_help: described(listOf(text), "What would have to change, the most promising first."),
    last_attempt: orNull(object(attemptFields)),
    until: described(nullable(time), "When the present state ends by itself."),
    failure: described(orNull(object({ code: text, message: text })), "How it ended badly; null: it did not."),
  }),
  Plan: object({
    price: described(wide, "Base units, for the whole job; 1 token is 10^9 of them."),
    nodes_needed: integer,
    nodes: counts,
    candidates,
    reason: waitReason,
    summary: text,
    would_help: listOf(text),
    expected_start: object({
      kind: described(
        oneOf("now", "after_others", "unknown"),
        "now: a node is free. after_others: when work that runs at present ends. unknown: nothing tells when.",
      ),
      at: nullable(time),
    }),
  }),
  JobFile: described({ type: "object" }, "The fields of JobConfig in snake_case; docs/cli.md describes them."),
  ComplaintRequest: body(
    {
      reason: { type: "string", maxLength: 500, description: "Kept with the node's record." },
      node_id: described(uuid, "Which of a gang's nodes did badly; needed for a gang only."),
    },
    ["reason"],
  ),
  Complaint: object({ job_id: uuid, attempt: integer, node_id: uuid, reason: text }),
  PauseRequest: body({
    reason: {
      type: "string",
      maxLength: 500,
      description: "Kept in the log, and shown to whoever asks why jobs wait.",
    },
  }),
  SchedulerStatus: object({
    running: described(flag, "Whether it offers jobs to nodes now."),
    state: described(text, '"brokering", "paused", "reconciling" or "stopped".'),
    pause_reason: described(nullable(text), "Why an operator has paused it; null: nobody has."),
    jobs_in_queue: described(integer, "Pending jobs."),
    active_assignments: described(integer, "Assigned and running jobs."),
    waiting_for_node: described(integer, "Pending jobs that want a node now: not those awaiting funds or backing off."),
    parked: described(integer, "Of those, jobs that fit on no node at the moment."),
    uptime_seconds: integer,
  }),
  SchedulerQueue: object({
    jobs: listOf(
      object({
        id: uuid,
        job_type: text,
        status: oneOf("pending"),
        state: text,
        priority: described(integer, "0 low, 1 normal, 2 high, 3 critical."),
        user_wallet: text,
        estimated_cost: described(float, "Tokens."),
        created_at: time,
        required_gpu: flag,
        required_ram_gb: integer,
        retry_count: integer,
        waiting: ref("Waiting"),
      }),
    ),
    total: integer,
  }),
};
