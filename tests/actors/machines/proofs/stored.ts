/**
 * Actors as a version of the server stores them: for each kind enough of them that every state and every field of the stored form,
 * with every type of value it takes, is in at least one. The machines are those of a source tree, of today or of long ago; what
 * is tried on them is today's, and a machine refuses what it does not know.
 */
import { existsSync } from "node:fs";
import { join } from "node:path";
import type { AnyStateMachine, SnapshotFrom } from "xstate";
import type { NodeMachine } from "../../../../src/actors/node/machine.ts";
import { upgradeNode } from "../../../../src/actors/node/upgrade.ts";
import type { Json } from "../../../../src/actors/runtime/index.ts";
import { plain, reach, type StampedEvent, type World } from "./graph.ts";
import { jobWorlds } from "./job-world.ts";
import { nodeWorlds } from "./node-world.ts";
import { paymentWorlds } from "./payment-world.ts";
import { schedulerWorld } from "./scheduler-world.ts";

export const KINDS = ["job", "node", "payment", "scheduler"] as const;
export type Kind = (typeof KINDS)[number];

export interface StoredActor {
  readonly log: readonly Json[];
  readonly snapshot: { readonly value: Json; readonly context: Readonly<Record<string, Json>> };
}

/** Its keys hold what users and nodes sent: names, not fields. */
const OPEN = new Set(["metrics", "hyperparameters"]);

/** "context.live.number: number" for every field; the members of a list are one, and a map is only a map. */
export function shapeOf(value: Json, path = ""): readonly string[] {
  if (value === null || typeof value !== "object") return [`${path}: ${value === null ? "null" : typeof value}`];
  if (Array.isArray(value)) {
    return value.length === 0 ? [`${path}: empty`] : [...new Set(value.flatMap((one) => shapeOf(one, `${path}[]`)))];
  }
  if (OPEN.has(path.split(".").at(-1) ?? "")) return [`${path}: map`];
  return Object.entries(value).flatMap(([name, inner]) => shapeOf(inner, `${path}.${name}`));
}

/** The state's name counts with the shape: a state that is renamed is another form. */
export const formOf = ({ snapshot }: StoredActor): readonly string[] => [
  `value: ${JSON.stringify(snapshot.value)}`,
  ...shapeOf(snapshot.context, "context"),
];

interface Tree {
  readonly machines: Readonly<Record<Kind, AnyStateMachine>>;
  readonly rules: Readonly<Record<Kind, number | undefined>>;
}

/** @param root of a checkout of this project */
async function treeAt(root: string): Promise<Tree> {
  const load = async (path: string): Promise<Record<string, unknown>> => {
    const file = join(root, "src/actors", path);
    return existsSync(file) ? ((await import(file)) as Record<string, unknown>) : {};
  };
  const [job, node, payment, scheduler, endings] = await Promise.all(
    ["job/machine.ts", "node/machine.ts", "payment/machine.ts", "scheduler/machine.ts", "job/endings.ts"].map(load),
  );
  const rules = (value: unknown): number | undefined => (typeof value === "number" ? value : undefined);
  return {
    machines: {
      job: job?.jobMachine as AnyStateMachine,
      node: node?.nodeMachine as AnyStateMachine,
      payment: payment?.paymentMachine as AnyStateMachine,
      scheduler: scheduler?.schedulerMachine as AnyStateMachine,
    },
    rules: { job: rules(endings?.JOB_RULES), node: rules(node?.NODE_RULES), payment: undefined, scheduler: undefined },
  };
}

type NodeSnapshot = SnapshotFrom<NodeMachine>;

/** What today's walk looks at may not be in a node's snapshot of then. */
const ofToday = (snapshot: NodeSnapshot): NodeSnapshot =>
  upgradeNode(snapshot as unknown as Json) as unknown as NodeSnapshot;

/** Before there were rules, operators' orders had no more to them than this. */
const ofThen = (event: StampedEvent): StampedEvent =>
  event.type === "BAN" || event.type === "DRAIN"
    ? { type: event.type, at: event.at, reason: "reason" in event ? event.reason : "" }
    : event;

function worldsOf(kind: Kind): readonly World<AnyStateMachine>[] {
  const worlds: Readonly<Record<Kind, readonly unknown[]>> = {
    job: jobWorlds,
    node: nodeWorlds.map((world) => ({
      ...world,
      moves: (snapshot: NodeSnapshot) => world.moves(ofToday(snapshot)),
      key: (snapshot: NodeSnapshot) => world.key(ofToday(snapshot)),
    })),
    payment: paymentWorlds,
    scheduler: [schedulerWorld],
  };
  return worlds[kind] as readonly World<AnyStateMachine>[];
}

/** Every form there is, as the machines of the tree make it, each in one actor at least. The same each time. */
export async function storedBy(root: string, kind: Kind): Promise<readonly StoredActor[]> {
  const { machines, rules } = await treeAt(root);
  const machine = machines[kind];
  const all = worldsOf(kind).flatMap((world) =>
    reach({
      machine,
      input: world.input,
      moves: (snapshot) =>
        world.moves(snapshot).map(({ rules: _, ...event }) => {
          return rules[kind] === undefined ? ofThen(event) : { ...event, rules: rules[kind] };
        }),
      key: world.key,
    }).map(({ snapshot, log }): StoredActor => {
      const stored = plain(machine.getPersistedSnapshot(snapshot as never));
      return { log: plain(log), snapshot: stored as unknown as StoredActor["snapshot"] };
    }),
  );
  const seen = new Set<string>();
  return all.filter((actor) => {
    const fresh = formOf(actor).filter((one) => !seen.has(one));
    for (const one of fresh) seen.add(one);
    return fresh.length > 0;
  });
}
