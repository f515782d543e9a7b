import { type Kysely, type Selectable, sql } from "kysely";
import type { Database, LedgerEntriesTable, PaymentStatus, PaymentsTable } from "../tables.ts";
import { decodePosition, isAfter, microsOf, type Page, type PageRequest, toPage } from "./page.ts";

export const PAYMENT_STATUSES: readonly PaymentStatus[] = [
  "pending",
  "locked",
  "streaming",
  "completed",
  "failed",
  "refunded",
];

export type PaymentRow = Selectable<PaymentsTable>;

export interface PaymentDetail {
  readonly row: PaymentRow;
  /** In the order in which they were booked. */
  readonly bookings: readonly Selectable<LedgerEntriesTable>[];
}

/** Newest first; `statuses` empty: of any status. */
export async function listPayments(
  db: Kysely<Database>,
  statuses: readonly PaymentStatus[],
  page: PageRequest,
): Promise<Page<PaymentRow>> {
  let query = db
    .selectFrom("payments")
    .selectAll()
    .select(microsOf("created_at").as("micros"))
    .orderBy("created_at", "desc")
    .orderBy("id", "desc")
    .limit(page.limit + 1);
  if (statuses.length > 0) query = query.where("status", "in", statuses);
  if (page.offset !== undefined) query = query.offset(page.offset);
  if (page.after !== undefined)
    query = query.where(isAfter("created_at", decodePosition("payments", page.after, "cursor"), "desc"));
  return toPage("payments", await query.execute(), page.limit);
}

export async function countPayments(db: Kysely<Database>, statuses: readonly PaymentStatus[]): Promise<number> {
  let query = db.selectFrom("payments").select(sql<bigint>`count(*)`.as("total"));
  if (statuses.length > 0) query = query.where("status", "in", statuses);
  const { total } = await query.executeTakeFirstOrThrow();
  return Number(total);
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
