/** The time series of nodes: what their heartbeats report of the machine. Telemetry, so written outside the journal. */
import { type Insertable, type Kysely, type Selectable, sql } from "kysely";
import type { Database, NodeMetricsTable } from "../tables.ts";

export type NodeMetricsRow = Selectable<NodeMetricsTable>;
export type NewNodeMetrics = Insertable<NodeMetricsTable>;

export interface MetricsRange {
  readonly from?: Date;
  /** Up to and including. */
  readonly to?: Date;
  readonly limit: number;
}

/** Columns per row times this many rows stays far below the 65 535 parameters of one statement. */
const ROWS_PER_STATEMENT = 1000;

/** Samples of nodes that are not (or no longer) registered are dropped: one of them must not cost the others. */
export async function insertNodeMetrics(db: Kysely<Database>, samples: readonly NewNodeMetrics[]): Promise<number> {
  let written = 0;
  for (let start = 0; start < samples.length; start += ROWS_PER_STATEMENT) {
    const batch = samples.slice(start, start + ROWS_PER_STATEMENT);
    const ids = [...new Set(batch.map((one) => one.node_id))];
    // `for key share` keeps the nodes until the insert has been committed; it does not hinder the journal's updates.
    written += await db.transaction().execute(async (transaction) => {
      const known = await transaction.selectFrom("nodes").select("id").where("id", "in", ids).forKeyShare().execute();
      const registered = new Set(known.map(({ id }) => id));
      const rows = batch.filter((one) => registered.has(one.node_id));
      if (rows.length === 0) return 0;
      await transaction.insertInto("node_metrics").values(rows).execute();
      return rows.length;
    });
  }
  return written;
}

/** Newest first. */
export async function listNodeMetrics(
  db: Kysely<Database>,
  nodeId: string,
  { from, to, limit }: MetricsRange,
): Promise<readonly NodeMetricsRow[]> {
  let query = db
    .selectFrom("node_metrics")
    .selectAll()
    .where("node_id", "=", nodeId)
    .orderBy("timestamp", "desc")
    .orderBy("id", "desc")
    .limit(limit);
  if (from !== undefined) query = query.where("timestamp", ">=", from);
  if (to !== undefined) query = query.where("timestamp", "<=", to);
  return query.execute();
}

/** Removes samples older than `before`. Returns how many. */
export async function pruneNodeMetrics(db: Kysely<Database>, before: Date): Promise<number> {
  const { numAffectedRows } = await sql`delete from node_metrics where "timestamp" < ${before}`.execute(db);
  return Number(numAffectedRows ?? 0n);
}
