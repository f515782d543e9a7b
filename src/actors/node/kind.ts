/** The kind "node": the effects it can owe, and what others may ask of its state. */
import type { SnapshotFrom } from "xstate";
import type { NodeLink } from "../node-link.ts";
import type { ActorKind, Actors, Clock, Committed, Millis, Owed } from "../runtime/index.ts";
import { NODE_RULES, type NodeMachine, nodeMachine } from "./machine.ts";
import { nodeRow } from "./row.ts";
import { isPresent, nodeStateName } from "./standing.ts";
import type { NodeContext } from "./state.ts";
import { upgradeNode } from "./upgrade.ts";

export {
  evictionOf,
  isPresent,
  type NodeStatus,
  nodeStateName,
  nodeStatusOf,
  noticeOf,
  presenceOf,
  standingReasonOf,
  unavailabilityOf,
} from "./standing.ts";

export type NodeSnapshot = SnapshotFrom<NodeMachine>;
export type CommittedNode = Committed<NodeMachine>;
export type Nodes = Actors<NodeMachine>;

/** 0..100: the part of its registered life that the node was heard from, as we measured it. */
export function uptimeOf(context: NodeContext, now: Millis): number {
  const life = now - context.registeredAt;
  if (life <= 0) return 100;
  const online = context.onlineFor + (context.onlineSince === null ? 0 : now - context.onlineSince);
  return Math.min(100, Math.max(0, (online / life) * 100));
}

export interface NodeEffectsDependencies {
  readonly link: NodeLink;
  readonly clock: Clock;
  /** A node found uncallable is probed again after `first`, then twice that, and so on up to `slowest`. */
  readonly probeDelay: { readonly first: Millis; readonly slowest: Millis };
}

export function nodeKind({ link, clock, probeDelay }: NodeEffectsDependencies): ActorKind<NodeMachine> {
  return {
    name: "node",
    machine: nodeMachine,
    rules: NODE_RULES,
    upgrade: upgradeNode,
    lasting: ["id", "profile", "policy", "registeredAt"],
    deadline: ({ context }) => context.deadline,
    finished: () => false,
    awaitsOutside: () => true,
    stateName: nodeStateName,
    owes: owedByNode,
    row: nodeRow,
    effects: {
      probeEndpoint: async ({ snapshot: { context }, signal }) => {
        const { unreachableCount } = context;
        if (unreachableCount > 0) {
          await pause(clock, Math.min(probeDelay.slowest, probeDelay.first * 2 ** (unreachableCount - 1)), signal);
        }
        const callable = await link.probe({ nodeId: context.id, profile: context.profile }, signal);
        return callable ? { type: "CALLABLE", proven: false } : { type: "UNCALLABLE" };
      },
      endDrain: async ({ snapshot: { context }, signal }) => {
        if (context.drainUntil === null) return null;
        await reach(clock, context.drainUntil, signal);
        return { type: "DRAIN_OVER", until: context.drainUntil };
      },
      endBan: async ({ snapshot: { context }, signal }) => {
        const until = context.ban?.until ?? null;
        if (until === null) return null;
        await reach(clock, until, signal);
        return { type: "BAN_OVER", until };
      },
      endSetAside: async ({ snapshot: { context }, signal }) => {
        if (context.setAside === null) return null;
        const { until } = context.setAside;
        await reach(clock, until, signal);
        return { type: "SET_ASIDE_OVER", until };
      },
    },
  };
}

/** A timer takes no more than 2^31 - 1 ms, and a clock set back makes one come early: so a long wait is one of many. */
const LONGEST_PAUSE: Millis = 3_600_000;

/** Resolves when the clock shows `until` or later. */
async function reach(clock: Clock, until: Millis, signal: AbortSignal): Promise<void> {
  for (let left = until - clock.now(); left > 0; left = until - clock.now()) {
    await pause(clock, Math.min(left, LONGEST_PAUSE), signal);
  }
}

function pause(clock: Clock, delay: Millis, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const abandon = (): void => {
      cancel();
      reject(signal.reason);
    };
    const cancel = clock.after(delay, () => {
      signal.removeEventListener("abort", abandon);
      resolve();
    });
    signal.addEventListener("abort", abandon, { once: true });
  });
}

/** The moments are in the keys: a ban that is replaced by another has another end. */
function owedByNode(snapshot: NodeSnapshot): readonly Owed[] {
  const { value, context } = snapshot;
  const { reachability, unreachableCount, bootId, drainUntil, ban, setAside } = context;
  const owed: Owed[] = [];
  if (reachability !== "callable" && isPresent(snapshot)) {
    owed.push({ name: "probeEndpoint", key: `probeEndpoint/${bootId}/${unreachableCount}` });
  }
  if (value.service === "draining" && drainUntil !== null)
    owed.push({ name: "endDrain", key: `endDrain/${drainUntil}` });
  if (ban !== null && ban.until !== null) owed.push({ name: "endBan", key: `endBan/${ban.until}` });
  if (setAside) owed.push({ name: "endSetAside", key: `endSetAside/${setAside.until}` });
  return owed;
}
