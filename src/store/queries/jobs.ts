/** Reads of jobs. The committed rows are the truth for every reader; what is live only in memory is the caller's to add. */
import { type Kysely, type Selectable, type SelectQueryBuilder, sql } from "kysely";
import type { JobContext } from "../../actors/job/state.ts";
import type { Database, JobStatus, JobsTable } from "../tables.ts";
import { decodePosition, isAfter, microsOf, type Page, type PageRequest, toPage } from "./page.ts";

export const JOB_STATUSES: readonly JobStatus[] = [
  "pending",
  "assigned",
  "running",
  "completed",
  "failed",
  "cancelled",
];

export type JobRow = Selectable<JobsTable>;

export interface JobFilter {
  /** `user_id`: who submitted it. */
  readonly owner?: string;
  readonly wallet?: string;
  /** Empty or absent: any. */
  readonly statuses?: readonly JobStatus[];
  /** "training", "inference", ...; the numbers as text that older programs wrote ("1") count too. */
  readonly type?: string;
  readonly nodeId?: string;
}

export interface JobDetail {
  readonly row: JobRow;
  /** What the job's actor remembers, from the same instant as the row; null for a row that no actor stands behind. */
  readonly context: JobContext | null;
}

/** What the wire's JobType numbers stand for; older programs stored the number. */
const NUMBER_OF_TYPE: Readonly<Record<string, string>> = {
  training: "1",
  inference: "2",
  evaluation: "3",
  preprocessing: "4",
};

export async function findJob(db: Kysely<Database>, id: string): Promise<JobRow | undefined> {
  return db.selectFrom("jobs").selectAll().where("id", "=", id).executeTakeFirst();
}

/** The row and its actor's memory in one statement, so that they never disagree. */
export async function findJobDetail(db: Kysely<Database>, id: string): Promise<JobDetail | undefined> {
  const found = await db
    .selectFrom("jobs")
    .leftJoin("actors", (join) => join.on("actors.kind", "=", "job").on("actors.id", "=", sql<string>`jobs.id::text`))
    .selectAll("jobs")
    .select(sql<JobContext | null>`whole_snapshot(actors.snapshot, actors.lasting) -> 'context'`.as("context"))
    .where("jobs.id", "=", id)
    .executeTakeFirst();
  if (found === undefined) return undefined;
  const { context, ...row } = found;
  return { row, context };
}

/** Newest first, or oldest first. @throws Refusal (`cursor`) for a token that is not this list's */
export async function listJobs(
  db: Kysely<Database>,
  filter: JobFilter,
  page: PageRequest,
  order: "newest" | "oldest" = "newest",
): Promise<Page<JobRow>> {
  const direction = order === "newest" ? "desc" : "asc";
  let query = matching(db.selectFrom("jobs"), filter)
    .selectAll()
    .select(microsOf("created_at").as("micros"))
    .orderBy("created_at", direction)
    .orderBy("id", direction)
    .limit(page.limit + 1);
  if (page.offset !== undefined) query = query.offset(page.offset);
  if (page.after !== undefined) {
    const position = decodePosition("jobs", page.after, "cursor");
    query = query.where(isAfter("created_at", position, direction));
  }
  return toPage("jobs", await query.execute(), page.limit);
}

export async function countJobs(db: Kysely<Database>, filter: JobFilter): Promise<number> {
  const { total } = await matching(db.selectFrom("jobs"), filter)
    .select(sql<bigint>`count(*)`.as("total"))
    .executeTakeFirstOrThrow();
  return Number(total);
}

function matching<O>(
  query: SelectQueryBuilder<Database, "jobs", O>,
  { owner, wallet, statuses, type, nodeId }: JobFilter,
): SelectQueryBuilder<Database, "jobs", O> {
  let narrowed = query;
  if (owner !== undefined) narrowed = narrowed.where("user_id", "=", owner);
  if (wallet !== undefined) narrowed = narrowed.where("user_wallet", "=", wallet);
  if (statuses !== undefined && statuses.length > 0) narrowed = narrowed.where("status", "in", statuses);
  if (type !== undefined) narrowed = narrowed.where("job_type", "in", [type, NUMBER_OF_TYPE[type] ?? type]);
  if (nodeId !== undefined) narrowed = narrowed.where("assigned_node_id", "=", nodeId);
  return narrowed;
}

/** The name of a stored job type, whichever way it was stored. */
export function typeName(stored: string): string {
  return Object.entries(NUMBER_OF_TYPE).find(([, number]) => number === stored)?.[0] ?? stored;
}
