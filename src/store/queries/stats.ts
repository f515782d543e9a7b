/** Counts over everything, for dashboards. One pass over each table. */
import { type Kysely, sql } from "kysely";
import type { Database, JobStatus, NodeStatus } from "../tables.ts";

export interface NetworkStats {
  readonly nodes: { readonly total: number } & Readonly<Record<NodeStatus, number>>;
  readonly jobs: { readonly total: number } & Readonly<Record<JobStatus, number>>;
  /**
   * Hours that completed jobs really ran: the sum of `completed_at - started_at`. Attempts that failed or were lost are
   * not in it, since they delivered nothing. (The original summed the owners' estimates.)
   */
  readonly computeHours: number;
  readonly payments: {
    readonly total: number;
    /** Base units paid out by completed payments. */
    readonly completedVolume: bigint;
    /** Payments whose money is held: pending, locked or streaming. */
    readonly open: number;
  };
}

export async function networkStats(db: Kysely<Database>): Promise<NetworkStats> {
  const [nodes, jobs, payments] = await Promise.all([
    db
      .selectFrom("nodes")
      .select(["status", sql<bigint>`count(*)`.as("count")])
      .groupBy("status")
      .execute(),
    db
      .selectFrom("jobs")
      .select([
        "status",
        sql<bigint>`count(*)`.as("count"),
        sql<number>`coalesce(sum(extract(epoch from greatest(completed_at - started_at, interval '0'))), 0)::float8`.as(
          "seconds",
        ),
      ])
      .groupBy("status")
      .execute(),
    db
      .selectFrom("payments")
      .select([
        sql<bigint>`count(*)`.as("total"),
        sql<bigint>`coalesce(sum(amount) filter (where status = 'completed'), 0)::bigint`.as("volume"),
        sql<bigint>`count(*) filter (where status in ('pending', 'locked', 'streaming'))`.as("open"),
      ])
      .executeTakeFirstOrThrow(),
  ]);
  return {
    nodes: countsOf(nodes, { online: 0, offline: 0, busy: 0, maintenance: 0 }),
    jobs: countsOf(jobs, { pending: 0, assigned: 0, running: 0, completed: 0, failed: 0, cancelled: 0 }),
    computeHours: (jobs.find(({ status }) => status === "completed")?.seconds ?? 0) / 3600,
    payments: { total: Number(payments.total), completedVolume: payments.volume, open: Number(payments.open) },
  };
}

function countsOf<Status extends string>(
  rows: readonly { readonly status: Status; readonly count: bigint }[],
  zeros: Readonly<Record<Status, number>>,
): { readonly total: number } & Readonly<Record<Status, number>> {
  const counts: Record<Status, number> = { ...zeros };
  let total = 0;
  for (const { status, count } of rows) {
    counts[status] = Number(count);
    total += Number(count);
  }
  return { ...counts, total };
}
