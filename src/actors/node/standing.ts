/** A node's state in words: what it is called, why it is offered nothing, what its owner is told. Pure. */
import type { SnapshotFrom } from "xstate";
import type { Unavailable } from "../../domain/placement.ts";
import { isBarred } from "../../domain/reputation.ts";
import type { Millis } from "../runtime/index.ts";
import type { NodeMachine } from "./machine.ts";

type Snapshot = SnapshotFrom<NodeMachine>;

/** The status the `node_status` enum knows. */
export type NodeStatus = "online" | "offline" | "busy" | "maintenance";

/**
 * "online.idle", "suspect", "cordoned", "set_aside", ... The first of these that is true: a ban, what an operator has said,
 * silence, being set aside, presence. A node whose record alone keeps it out is called banned too, for that is what it is to
 * everybody who looks.
 */
export function nodeStateName(snapshot: Snapshot): string {
  if (isKeptOut(snapshot)) return "banned";
  const { service, standing } = snapshot.value;
  if (service !== "inService") return service;
  const presence = presenceOf(snapshot);
  return standing === "setAside" && isPresent(snapshot) ? "set_aside" : presence;
}

/** By a ban, or by a score that is too low. */
const isKeptOut = ({ value, context }: Snapshot): boolean =>
  value.standing === "banned" || isBarred(context.reputation);

/** Whether it is heard from, whatever its standing: "online.idle", "online.busy", "suspect" or "offline". */
export function presenceOf({ value: { presence } }: Snapshot): "online.idle" | "online.busy" | "suspect" | "offline" {
  return typeof presence === "object" ? `online.${presence.online}` : presence;
}

/** Asked on every heartbeat, so it looks at the value itself: "online" is the only presence with states inside. */
export const isPresent = (snapshot: Snapshot): boolean => typeof snapshot.value.presence === "object";

/** The enum is coarser: what is out of service for a while is in maintenance, and the reference has banned nodes offline. */
export function nodeStatusOf(state: string): NodeStatus {
  switch (state) {
    case "cordoned":
    case "draining":
    case "drained":
    case "set_aside":
      return "maintenance";
    case "online.idle":
      return "online";
    case "online.busy":
      return "busy";
    default:
      return "offline";
  }
}

/** Why it is offered nothing at present; null: it may be offered jobs. */
export function unavailabilityOf(snapshot: Snapshot): Unavailable | null {
  const state = nodeStateName(snapshot);
  switch (state) {
    case "banned":
    case "cordoned":
    case "draining":
    case "suspect":
    case "offline":
    case "set_aside":
      return state;
    case "drained":
      return "draining";
    default:
      return snapshot.context.reachability === "uncallable" ? "uncallable" : null;
  }
}

/** Why its live attempts must be moved to other nodes now, in words for their owners; null: they may stay. */
export function evictionOf({ value, context }: Snapshot): string | null {
  if (context.ban?.evict) return `the node was banned: ${context.ban.reason}`;
  return value.service === "drained" ? `the node was drained: ${context.standingReason ?? ""}` : null;
}

/** Why it is out of service, in the operator's words or the server's; null: it is in service. */
export function standingReasonOf(snapshot: Snapshot): string | null {
  const { ban, setAside, standingReason, reputation } = snapshot.context;
  if (ban) return ban.reason;
  if (isBarred(reputation)) return barred(reputation);
  return standingReason ?? setAside?.reason ?? null;
}

const barred = (score: number): string => `its reputation of ${score} is too low`;

/** A time of the Date range as ISO text; an operator's "for ever" may lie beyond it. */
function when(at: Millis): string {
  const date = new Date(at);
  return Number.isNaN(date.getTime()) ? "further notice" : date.toISOString();
}

/** One sentence for the node's owner on why it gets no new jobs, and until when; null: nothing stands against it. */
export function noticeOf({ value, context }: Snapshot): string | null {
  const { ban, setAside, standingReason, drainUntil, reputation } = context;
  const because = standingReason ? `: ${standingReason}` : "";
  if (ban) {
    const until = ban.until === null ? "until an operator lifts it" : `until ${when(ban.until)}`;
    const running = ban.evict ? "what it runs is moved to other nodes" : "it may finish what it runs";
    return `this node is banned ${until}: ${ban.reason}; ${running}`;
  }
  if (isBarred(reputation)) return `this node gets no jobs until an operator pardons it: ${barred(reputation)}`;
  switch (value.service) {
    case "cordoned":
      return `this node is cordoned and gets no new jobs; it may finish what it runs${because}`;
    case "draining":
      return drainUntil === null
        ? `this node is being drained and gets no new jobs; it may finish what it runs${because}`
        : `this node is being drained; what it still runs at ${when(drainUntil)} is moved to other nodes${because}`;
    case "drained":
      return `this node is drained; what it still ran has been moved to other nodes${because}`;
    default:
      return (
        setAside && `this node is set aside and gets no new jobs until ${when(setAside.until)}: ${setAside.reason}`
      );
  }
}
