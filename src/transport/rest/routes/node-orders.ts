/**
 * What operators tell nodes: cordon, drain, uncordon, ban, unban. Each is one event to the node's actor, kept in the log of
 * transitions with who gave it and why, and answered with the node once it is committed.
 */
import { type CommittedNode, standingReasonOf, unavailabilityOf } from "../../../actors/node/kind.ts";
import type { NodeEvent } from "../../../actors/node/state.ts";
import { EventRejected, type Millis, type Unstamped } from "../../../actors/runtime/index.ts";
import { Refusal } from "../../../domain/refusal.ts";
import { requireOperator } from "../access.ts";
import { flagField, jsonBody, MAX_REASON, onlyFields, secondsField, textField } from "../body.ts";
import type { RestContext, RestServices } from "../deps.ts";
import { ref } from "../openapi/schema.ts";
import { idOf } from "../request.ts";
import type { Route } from "../route.ts";
import { showNode } from "./nodes.ts";
import { idParameter } from "./parameters.ts";

type Body = Readonly<Record<string, unknown>>;
type Order = Unstamped<Extract<NodeEvent, { readonly by: string; readonly reason: string }>>;

interface OrderKind {
  readonly name: "cordon" | "drain" | "uncordon" | "ban" | "unban";
  readonly summary: string;
  readonly description: string;
  readonly schema: string;
  readonly fields: readonly string[];
  readonly event: (body: Body, by: string, now: Millis) => Order;
}

/** Ten years: beyond it whoever orders means "until I say otherwise", which is said by leaving the time out. */
const LONGEST_SECONDS = 10 * 365 * 86_400;

const optional = (body: Body): string => textField(body, "reason", { max: MAX_REASON });

function timeFrom(body: Body, field: string, now: Millis, min: number): Millis | null {
  const span = secondsField(body, field, { min, max: LONGEST_SECONDS });
  return span === null ? null : now + span;
}

const kinds: readonly OrderKind[] = [
  {
    name: "cordon",
    summary: "Offers the node nothing new; what it runs goes on",
    description: "Again with another reason: the reason is replaced. Again with the same: nothing changes.",
    schema: "CordonRequest",
    fields: ["reason"],
    event: (body, by) => ({ type: "CORDON", reason: optional(body), by }),
  },
  {
    name: "drain",
    summary: "Cordons the node and, at the deadline, moves what it still runs to other nodes",
    description:
      "Without deadline_seconds it may take its time. The node's state is `draining`, then `drained` once the deadline has passed; `live_attempts` empty says that it is done.",
    schema: "DrainRequest",
    fields: ["reason", "deadline_seconds"],
    event: (body, by, now) => ({
      type: "DRAIN",
      reason: optional(body),
      by,
      until: timeFrom(body, "deadline_seconds", now, 0),
    }),
  },
  {
    name: "uncordon",
    summary: "Ends a cordon or a drain",
    description: "A ban is another matter and stays; `unban` lifts it.",
    schema: "CordonRequest",
    fields: ["reason"],
    event: (body, by) => ({ type: "UNCORDON", reason: optional(body), by }),
  },
  {
    name: "ban",
    summary: "Keeps the node out of service, for a time or until an operator lifts it",
    description:
      "`evict` moves what it runs to other nodes at once; otherwise it may finish. The reason is shown to the node's owner.",
    schema: "BanRequest",
    fields: ["reason", "duration_seconds", "evict"],
    event: (body, by, now) => ({
      type: "BAN",
      reason: textField(body, "reason", { max: MAX_REASON, why: "the node's owner is told it" }),
      by,
      until: timeFrom(body, "duration_seconds", now, 1),
      evict: flagField(body, "evict"),
    }),
  },
  {
    name: "unban",
    summary: "Lifts a ban, and pardons what led to it",
    description:
      "Strikes are forgotten and the reputation is at least 25. Also ends a node's being set aside after failures.",
    schema: "CordonRequest",
    fields: ["reason"],
    event: (body, by) => ({ type: "UNBAN", reason: optional(body), by }),
  },
];

export const nodeOrders: readonly Route[] = kinds.map((kind) => ({
  method: "POST",
  path: `/api/v1/nodes/{id}/${kind.name}`,
  id: `${kind.name}Node`,
  tag: "Nodes",
  summary: kind.summary,
  description: `${kind.description} For operators.`,
  parameters: [idParameter("node")],
  body: ref(kind.schema),
  reply: { description: "The node as it is now.", schema: ref("NodeDetail") },
  problems: [400, 401, 403, 404, 409, 413, 415],
  handle: (context, services) => carryOut(kind, context, services),
}));

async function carryOut(kind: OrderKind, context: RestContext, services: RestServices): Promise<Response> {
  const id = idOf(context, "node");
  const by = await requireOperator(context, services);
  const body = await jsonBody(context, services.limits.maxBodyBytes);
  onlyFields(body, kind.fields);
  try {
    await services.core.nodes.ask(id, kind.event(body, by, services.clock.now()));
  } catch (error) {
    if (!(error instanceof EventRejected)) throw error;
    // The actor refuses what changes nothing: it was asked before, perhaps because the first answer was lost.
    if (kind.name === "uncordon" || kind.name === "unban")
      requireInService(kind.name, error.committed as unknown as CommittedNode);
  }
  return showNode(context, services, id);
}

/** Whoever puts a node back into service must not be told "done" while something else keeps it out. */
function requireInService(name: "uncordon" | "unban", { ref: { id }, state, snapshot }: CommittedNode): void {
  const against = unavailabilityOf(snapshot);
  const other = name === "uncordon" ? ["banned", "set_aside"] : ["cordoned", "draining"];
  if (against === null || !other.includes(against)) return;
  const fix = name === "uncordon" ? "unban" : "uncordon";
  throw new Refusal(
    "failed_precondition",
    `node ${id} is ${state} (${standingReasonOf(snapshot) || "no reason given"}), which ${fix} ends and ${name} does not`,
  );
}
