/** A batch of the mirror's work as Redis commands, few and long: one command for many keys costs a tenth of many commands. Pure. */
import type { Fields, JobImage, NodeImage } from "./image.ts";
import type { MirrorKeys } from "./keys.ts";

export type Command = readonly [name: string, ...args: string[]];

/** One entry of the change feed. */
export interface Change {
  readonly kind: "job" | "node" | "mirror";
  readonly id: string;
  readonly version: number;
  readonly event: string;
  /** "" for a new actor. */
  readonly from: string;
  readonly to: string;
  readonly at: number;
}

/** What is in Redis and belongs to no live actor. */
export interface Stale {
  readonly keys: readonly string[];
  readonly jobs: readonly string[];
  readonly nodes: readonly string[];
}

export interface Batch {
  /** Goes first, so that what follows is never removed. */
  readonly stale: Stale;
  readonly jobs: readonly JobImage[];
  readonly nodes: readonly NodeImage[];
  readonly telemetry: readonly (readonly [jobId: string, fields: Fields])[];
  readonly heartbeats: readonly (readonly [nodeId: string, fields: Fields])[];
  readonly changes: readonly Change[];
  /** While filling, hashes are replaced and not amended: what an older program left in them goes. */
  readonly replace: boolean;
}

/** The feed keeps about this many entries: enough for a reader who was away for a minute or so. */
export const FEED_LENGTH = 10_000;

export function commandsOf(batch: Batch, keys: MirrorKeys): Command[] {
  const { stale, jobs, nodes, telemetry, heartbeats, changes, replace } = batch;
  const queued = jobs.filter(({ queueScore }) => queueScore !== null);
  const unqueued = jobs.filter(({ queueScore }) => queueScore === null);
  const placed = jobs.filter(({ node }) => node !== null);
  const unplaced = jobs.filter(({ node }) => node === null);
  const online = nodes.filter((node) => node.online);
  const away = nodes.filter((node) => !node.online);
  const gone = [
    ...stale.keys,
    ...unplaced.map(({ id }) => keys.assignedNode(id)),
    ...(replace ? [...jobs.map(({ id }) => keys.job(id)), ...nodes.map(({ id }) => keys.node(id))] : []),
  ];
  return [
    ...many(["unlink"], gone),
    ...many(["zrem", keys.queue], [...stale.jobs, ...unqueued.map(({ id }) => id)]),
    ...many(["hdel", keys.assignments], [...stale.jobs, ...unplaced.map(({ id }) => id)]),
    ...many(["srem", keys.online], [...stale.nodes, ...away.map(({ id }) => id)]),
    ...nodes.map(({ id, hash }) => hset(keys.node(id), hash)),
    ...many(
      ["mset"],
      nodes.flatMap(({ id, status }) => [keys.nodeStatus(id), status]),
    ),
    ...many(
      ["sadd", keys.online],
      online.map(({ id }) => id),
    ),
    ...jobs.flatMap(({ id, hash, expiresIn }): Command[] => {
      const key = keys.job(id);
      if (expiresIn === null) return [hset(key, hash)];
      return [hset(key, hash), ["pexpire", key, String(expiresIn)]];
    }),
    ...many(
      ["mset"],
      placed.flatMap(({ id, node }) => [keys.assignedNode(id), node ?? ""]),
    ),
    ...many(
      ["hset", keys.assignments],
      placed.flatMap(({ id, node }) => [id, node ?? ""]),
    ),
    ...many(
      ["zadd", keys.queue],
      queued.flatMap(({ id, queueScore }) => [String(queueScore), id]),
    ),
    ...telemetry.map(([id, fields]) => hset(keys.job(id), fields)),
    ...heartbeats.map(([id, fields]) => hset(keys.node(id), fields)),
    ...changes.map(
      (change): Command => ["xadd", keys.changes, "MAXLEN", "~", String(FEED_LENGTH), "*", ...flat(change)],
    ),
    ...(changes.length > 0 ? [["publish", keys.changes, JSON.stringify(changes)] satisfies Command] : []),
  ];
}

function many(head: Command, args: readonly string[]): Command[] {
  return args.length === 0 ? [] : [[...head, ...args]];
}

const hset = (key: string, fields: Fields): Command => ["hset", key, ...flat(fields)];

const flat = (fields: object): string[] => Object.entries(fields).flatMap(([name, value]) => [name, String(value)]);
