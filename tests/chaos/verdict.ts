/** What became of every acknowledged job: from the database, and from what the nodes were told. */

import { audit } from "../support/audit.ts";
import { rowsOf } from "../support/servers.ts";
import type { LightRun } from "./light-node.ts";

export interface Verdict {
  /** Acknowledged, and no row; or a node was told that its result counts, and the job did not complete. */
  readonly lost: readonly string[];
  /** More than one run of one job was taken as its result, by the nodes' word or by the log. */
  readonly doubled: readonly string[];
  /** Not ended when the patience was over. */
  readonly stuck: readonly string[];
  /** Ended, but not by completion: nothing in this load fails by itself. */
  readonly failed: readonly string[];
  /** Jobs that were run to the end more than once; at most one of the runs counted. */
  readonly rerun: number;
  /** The log replayed is not the row, versions with gaps, and the like. */
  readonly faults: readonly string[];
}

const ended = new Set(["completed", "failed", "cancelled"]);

/** How many of the jobs have not ended; undefined while the database does not answer. */
export async function unfinished(url: string): Promise<number | undefined> {
  return rowsOf<{ open: string }>(
    url,
    "select count(*)::text as open from jobs where status not in ('completed', 'failed', 'cancelled')",
  ).then(
    ([row]) => Number(row?.open ?? 0),
    () => undefined,
  );
}

export async function judge(
  url: string,
  acknowledged: ReadonlySet<string>,
  runs: readonly LightRun[],
): Promise<Verdict> {
  const rows = await rowsOf<{ id: string; status: string; state: string; reason: string | null; attempt: number }>(
    url,
    "select id::text, status::text, state, state_reason as reason, attempt from jobs",
  );
  const jobs = new Map(rows.map((row) => [row.id, row]));
  const twice = await rowsOf<{ id: string }>(
    url,
    "select id from transitions where kind = 'job' and event ->> 'type' = 'COMPLETED' group by id having count(*) > 1",
  );
  const accepted = Map.groupBy(
    runs.filter((run) => run.acceptedAt !== undefined),
    (run) => run.jobId,
  );
  const finished = Map.groupBy(runs, (run) => run.jobId);
  const ids = [...acknowledged];
  const unpaid = [...accepted.keys()].filter((id) => jobs.get(id)?.status !== "completed");
  return {
    lost: [...new Set([...ids.filter((id) => !jobs.has(id)), ...unpaid])],
    doubled: [
      ...new Set([
        ...twice.map(({ id }) => id),
        ...[...accepted].filter(([, one]) => one.length > 1).map(([id]) => id),
      ]),
    ],
    stuck: ids.flatMap((id) => {
      const job = jobs.get(id);
      return job && !ended.has(job.status) ? [`${id} ${job.state}, attempt ${job.attempt}`] : [];
    }),
    failed: ids.flatMap((id) => {
      const job = jobs.get(id);
      return job && ended.has(job.status) && job.status !== "completed" ? [`${id} ${job.status} ${job.reason}`] : [];
    }),
    rerun: [...finished.values()].filter((one) => one.length > 1).length,
    faults: (await audit(url)).faults,
  };
}
