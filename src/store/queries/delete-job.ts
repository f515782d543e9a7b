/** Removes a finished job and everything that belongs to it. */
import { type Kysely, sql, type Transaction } from "kysely";
import type { Database } from "../tables.ts";

export type JobDeletion =
  | "deleted"
  /** It, or one of its payments, is not finished: nothing was removed. */
  | "active"
  /** There is no such job: there may have been, and it is gone. */
  | "unknown";

/**
 * One transaction, all or nothing. Why it can not take a live job's rows away: an actor writes nothing more once its row says
 * `finished`, and the rows are locked before that is looked at, so a commit under way is waited for and then seen. The
 * payments' actors are asked the same, for money may still be on its way when the job is over.
 */
export async function deleteJob(db: Kysely<Database>, id: string): Promise<JobDeletion> {
  return db.transaction().execute(async (transaction): Promise<JobDeletion> => {
    const payments = await transaction.selectFrom("payments").select("id").where("job_id", "=", id).execute();
    const paymentIds = payments.map((payment) => payment.id);
    const actors = await transaction
      .selectFrom("actors")
      .select(["kind", "id", "finished"])
      .where((eb) =>
        eb.or([
          eb.and([eb("kind", "=", "job"), eb("id", "=", id)]),
          ...(paymentIds.length > 0 ? [eb.and([eb("kind", "=", "payment"), eb("id", "in", paymentIds)])] : []),
        ]),
      )
      .orderBy("kind")
      .orderBy("id")
      .forUpdate()
      .execute();
    const row = await transaction
      .selectFrom("jobs")
      .select("status")
      .where("id", "=", id)
      .forUpdate()
      .executeTakeFirst();
    if (row === undefined) return "unknown";
    if (actors.some(({ finished }) => !finished) || !isOver(row.status)) return "active";
    for (const actor of actors) {
      await transaction.deleteFrom("transitions").where("kind", "=", actor.kind).where("id", "=", actor.id).execute();
      await transaction.deleteFrom("actors").where("kind", "=", actor.kind).where("id", "=", actor.id).execute();
    }
    await transaction.deleteFrom("payments").where("job_id", "=", id).execute();
    await releaseTexts(transaction, id);
    await sql`delete from jobs where id = ${id}`.execute(transaction);
    return "deleted";
  });
}

/**
 * The job's references to big texts go with it, and a text to which none is left. The counting takes the text's lock, which
 * the creation of another job with the same text takes too (journal-texts.ts): one of the two sees what the other has done.
 */
async function releaseTexts(transaction: Transaction<Database>, id: string): Promise<void> {
  const { rows } = await sql<{ sha256: string; uses: bigint }>`
    select ref #>> '{}' as sha256, count(*) as uses from jobs, jsonb_path_query(metadata, '$.texts.*.sha256') as ref
    where id = ${id} group by 1 order by 1`.execute(transaction);
  for (const { sha256, uses } of rows) {
    await sql`update texts set uses = uses - ${uses} where sha256 = ${sha256}`.execute(transaction);
    await sql`delete from texts where sha256 = ${sha256} and uses <= 0`.execute(transaction);
  }
}

/** For rows that no actor stands behind, written by other programs. */
const isOver = (status: string): boolean => status === "completed" || status === "failed" || status === "cancelled";
