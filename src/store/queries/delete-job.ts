/** Removes a finished job and everything that belongs to it. */
import { type Kysely, sql } from "kysely";
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
    await sql`delete from jobs where id = ${id}`.execute(transaction);
    return "deleted";
  });
}

/** For rows that no actor stands behind, written by other programs. */
const isOver = (status: string): boolean => status === "completed" || status === "failed" || status === "cancelled";
