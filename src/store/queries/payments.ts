import type { Kysely, Selectable } from "kysely";
import type { Database, LedgerEntriesTable, PaymentsTable } from "../tables.ts";

export interface PaymentDetail {
  readonly row: Selectable<PaymentsTable>;
  /** In the order in which they were booked. */
  readonly bookings: readonly Selectable<LedgerEntriesTable>[];
}

/** The job's payment, and every movement of its money; undefined where it has none. */
export async function findPayment(db: Kysely<Database>, jobId: string): Promise<PaymentDetail | undefined> {
  const row = await db.selectFrom("payments").selectAll().where("job_id", "=", jobId).executeTakeFirst();
  if (row === undefined) return undefined;
  const bookings = await db
    .selectFrom("ledger_entries")
    .selectAll()
    .where("payment_id", "=", row.id)
    .orderBy("number")
    .execute();
  return { row, bookings };
}
