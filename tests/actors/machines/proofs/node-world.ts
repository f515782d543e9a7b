/** The nodes there can be: heard or silent, in service or not, in good standing or not, by the rules of today. */
import type { SnapshotFrom } from "xstate";
import { NODE_RULES, type NodeMachine, nodeMachine } from "../../../../src/actors/node/machine.ts";
import type { NodeEvent } from "../../../../src/actors/node/state.ts";
import { nodeInput, nodePolicy, nodeProfile, T0, type Unstamped, uuid } from "../../fixtures.ts";
import type { StampedEvent, World } from "./graph.ts";

export type NodeSnapshot = SnapshotFrom<NodeMachine>;
type Event = Unstamped<NodeEvent>;
type Outcome = Extract<Event, { readonly type: "OUTCOME" }>["outcome"];

const policy = { ...nodePolicy, failureLimit: 2, setAside: 60_000 };
const by = "operator";

/** A moment after everything that has happened to the node so far. */
function momentAfter({ context }: NodeSnapshot): number {
  const { registeredAt, onlineSince, lastStrikeAt, changes, deadline } = context;
  const lease = deadline === null ? null : deadline - policy.heartbeatTimeout;
  const times = [registeredAt, onlineSince, lastStrikeAt, changes.at(-1)?.at, lease];
  return Math.max(...times.filter((time) => typeof time === "number")) + 1;
}

/** Stamped as the runtime does it. What waits for a moment comes when that is there. */
export function stamped(node: NodeSnapshot, event: Event): StampedEvent {
  const now = momentAfter(node);
  const due = event.type === "DEADLINE" ? node.context.deadline : "until" in event ? event.until : null;
  const waits = event.type === "DEADLINE" || event.type.endsWith("_OVER");
  return { ...event, at: waits ? Math.max(now, due ?? now) : now, rules: NODE_RULES };
}

/** Each of another job, so that none is the repeat of one before. */
const outcome = ({ context }: NodeSnapshot, of: Outcome, more: object = {}): Event => ({
  type: "OUTCOME",
  jobId: uuid(1 + context.recorded.length),
  jobCreatedAt: T0,
  attempt: 1,
  outcome: of,
  ...more,
});

/** Every event of the union, and of each the kinds that the chart tells apart. */
export function nodeEvents(node: NodeSnapshot): readonly StampedEvent[] {
  const { context } = node;
  const now = momentAfter(node);
  const events: readonly Event[] = [
    { type: "DEADLINE" },
    { type: "HEARD" },
    { type: "REGISTERED", profile: context.profile, policy, bootId: context.bootId },
    { type: "REGISTERED", profile: nodeProfile({ port: 6000 }), policy, bootId: "boot-2" },
    { type: "LOAD", busy: true },
    { type: "LOAD", busy: false },
    { type: "CALLABLE", proven: true },
    { type: "CALLABLE", proven: false },
    { type: "UNCALLABLE" },
    outcome(node, "failed"),
    outcome(node, "rejected"),
    outcome(node, "silent"),
    outcome(node, "completed", { goodMetrics: true, free: true }),
    {
      type: "COMPLAINT",
      jobId: uuid(1 + context.complaints.length),
      jobCreatedAt: T0,
      attempt: 1,
      reason: "the model is noise",
      by: "a user",
    },
    { type: "CORDON", reason: "look at it", by },
    { type: "DRAIN", reason: "update", by, until: null },
    { type: "DRAIN", reason: "update", by, until: now + 600_000 },
    { type: "UNCORDON", reason: "repaired", by },
    { type: "BAN", reason: "lied", by, until: null, evict: true },
    { type: "BAN", reason: "lied", by, until: now + 600_000, evict: false },
    { type: "UNBAN", reason: "appealed", by },
    { type: "DRAIN_OVER", until: context.drainUntil ?? now },
    { type: "BAN_OVER", until: context.ban?.until ?? now },
    { type: "SET_ASIDE_OVER", until: context.setAside?.until ?? now },
    { type: "RESTORE" },
  ];
  return events.map((event) => stamped(node, event));
}

/**
 * Bands of the score instead of the score; times as "there or not". The three regions do not look at each other, so what one
 * of them remembers is told apart only where the others are at their beginning; their states are, everywhere.
 */
function key({ value, context }: NodeSnapshot): string {
  const { reachability, failedJobs, reputation, strikes, ban, setAside, drainUntil } = context;
  const isHeard = JSON.stringify(value.presence) === '{"online":"idle"}';
  const inService = value.service === "inService";
  return JSON.stringify([
    [value, reputation < 25 ? 0 : reputation < 50 ? 1 : 2],
    inService && value.standing === "good" && reachability,
    isHeard && inService && [failedJobs.length, Math.min(1, strikes), ban && [ban.until !== null, ban.by !== null]],
    isHeard && value.standing === "good" && drainUntil !== null,
    setAside !== null,
  ]);
}

/** The score moves by a few points at a time, and the walk takes all scores of a band for one: so it begins near each edge. */
const world = (name: string, reputation: number): World<NodeMachine> & { readonly name: string } => ({
  name,
  machine: nodeMachine,
  input: nodeInput({ policy, reputation }),
  moves: nodeEvents,
  key,
});

export const nodeWorlds = [world("a node close to a strike", 52), world("a node close to a ban", 27)];
