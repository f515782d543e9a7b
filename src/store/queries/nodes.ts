/** Reads of nodes, and the batch that keeps the columns no transition writes (heartbeat, load, uptime) fresh. */
import { type Kysely, type Selectable, type SelectQueryBuilder, sql } from "kysely";
import type { Database, NodeDevicesTable, NodeStatus, NodesTable, ReputationChangesTable } from "../tables.ts";
import { decodePosition, isAfter, microsOf, type Page, type PageRequest, toPage } from "./page.ts";

export const NODE_STATUSES: readonly NodeStatus[] = ["online", "offline", "busy", "maintenance"];

export type NodeRow = Selectable<NodesTable>;
export type NodeDeviceRow = Selectable<NodeDevicesTable>;
export type ReputationChangeRow = Selectable<ReputationChangesTable>;

export interface NodeFilter {
  /** Empty or absent: any. */
  readonly statuses?: readonly NodeStatus[];
  readonly region?: string;
  readonly hasGpu?: boolean;
  /** `user_id`: whose machine it is. */
  readonly owner?: string;
}

export interface NodeDetail {
  readonly row: NodeRow;
  readonly devices: readonly NodeDeviceRow[];
}

export async function findNode(db: Kysely<Database>, id: string): Promise<NodeDetail | undefined> {
  const row = await db.selectFrom("nodes").selectAll().where("id", "=", id).executeTakeFirst();
  if (row === undefined) return undefined;
  return { row, devices: (await devicesOf(db, [id])).get(id) ?? [] };
}

/** The devices of many nodes in one statement. */
export async function devicesOf(
  db: Kysely<Database>,
  nodeIds: readonly string[],
): Promise<ReadonlyMap<string, readonly NodeDeviceRow[]>> {
  if (nodeIds.length === 0) return new Map();
  const rows = await db
    .selectFrom("node_devices")
    .selectAll()
    .where("node_id", "in", nodeIds)
    .orderBy("node_id")
    .orderBy("device_index")
    .execute();
  return Map.groupBy(rows, (row) => row.node_id);
}

/** Newest registration first. @throws Refusal (`cursor`) for a token that is not this list's */
export async function listNodes(db: Kysely<Database>, filter: NodeFilter, page: PageRequest): Promise<Page<NodeRow>> {
  let query = matching(db.selectFrom("nodes"), filter)
    .selectAll()
    .select(microsOf("registered_at").as("micros"))
    .orderBy("registered_at", "desc")
    .orderBy("id", "desc")
    .limit(page.limit + 1);
  if (page.offset !== undefined) query = query.offset(page.offset);
  if (page.after !== undefined) {
    const position = decodePosition("nodes", page.after, "cursor");
    query = query.where(isAfter("registered_at", position, "desc"));
  }
  return toPage("nodes", await query.execute(), page.limit);
}

export async function countNodes(db: Kysely<Database>, filter: NodeFilter): Promise<number> {
  const { total } = await matching(db.selectFrom("nodes"), filter)
    .select(sql<bigint>`count(*)`.as("total"))
    .executeTakeFirstOrThrow();
  return Number(total);
}

function matching<O>(
  query: SelectQueryBuilder<Database, "nodes", O>,
  { statuses, region, hasGpu, owner }: NodeFilter,
): SelectQueryBuilder<Database, "nodes", O> {
  let narrowed = query;
  if (statuses !== undefined && statuses.length > 0) narrowed = narrowed.where("status", "in", statuses);
  if (region !== undefined) narrowed = narrowed.where("region", "=", region);
  if (hasGpu !== undefined) narrowed = narrowed.where("gpu_model", hasGpu ? "is not" : "is", null);
  if (owner !== undefined) narrowed = narrowed.where("user_id", "=", owner);
  return narrowed;
}

/** The changes of a node's score with the facts behind them, newest first. `before`: only those with a smaller number. */
export async function reputationChanges(
  db: Kysely<Database>,
  nodeId: string,
  { limit, before }: { readonly limit: number; readonly before?: bigint },
): Promise<readonly ReputationChangeRow[]> {
  let query = db.selectFrom("reputation_changes").selectAll().where("node_id", "=", nodeId);
  if (before !== undefined) query = query.where("number", "<", before);
  return query.orderBy("number", "desc").limit(limit).execute();
}

/** What a node's heartbeats say, gathered since the last batch. */
export interface NodePulse {
  readonly id: string;
  readonly heardAt: Date;
  /** 0..1 */
  readonly load: number;
  /** 0..100 */
  readonly uptime: number;
}

/**
 * Writes pulses to the rows of nodes; unknown nodes are passed over. Returns how many rows were written.
 *
 * It never waits for a row (`skip locked`), so it can not deadlock with the journal, which writes the same rows in another
 * order: a row the journal holds is left to the next batch. A late batch never moves a heartbeat back.
 */
export async function recordPulses(db: Kysely<Database>, pulses: readonly NodePulse[]): Promise<number> {
  if (pulses.length === 0) return 0;
  const { numAffectedRows } = await sql`
    with pulse as (
      select distinct on (id) * from unnest(
        ${pulses.map(({ id }) => id)}::uuid[], ${pulses.map(({ heardAt }) => heardAt.toISOString())}::timestamptz[],
        ${pulses.map(({ load }) => load)}::float8[], ${pulses.map(({ uptime }) => uptime)}::float8[]
      ) as p (id, heard_at, load, uptime) order by id, heard_at desc
    ), free as (
      select n.id from nodes n join pulse p on p.id = n.id where n.last_heartbeat <= p.heard_at for update of n skip locked
    )
    update nodes n set last_heartbeat = p.heard_at, current_load = p.load, uptime_percentage = p.uptime
    from pulse p join free f on f.id = p.id where n.id = p.id`.execute(db);
  return Number(numAffectedRows ?? 0n);
}
