import { type JournalEntry, JournalRejected } from "../../actors/runtime/index.ts";
import { type Columns, encodeColumn, type SqlType } from "./columns.ts";
import type { Row, Statement } from "./projector.ts";

/** By the names a booking has; those of the columns beside them. */
const columns: Columns = {
  payment_id: "uuid",
  number: "integer",
  debit: "text",
  credit: "text",
  amount: "numeric",
  signature: "text",
  booked_at: "timestamptz",
};

/**
 * `ledger_entries`: rows are added and never changed. A payment's row carries all its bookings; those of the entry's own moment are
 * written, as each is made by a transition at the transition's time. Of two transitions in one millisecond the second names the first
 * one's bookings again; the key makes that harmless.
 */
export function ledgerStatements(entries: readonly JournalEntry[]): readonly Statement[] {
  const rows = entries.flatMap(bookingsOf);
  if (rows.length === 0) return [];
  const typed: readonly [string, SqlType][] = Object.entries(columns);
  return [
    {
      name: "add_ledger_entries",
      text: `insert into ledger_entries (${typed.map(([name]) => name).join()})
        select * from unnest(${typed.map(([, type], index) => `$${index + 1}::${type}[]`).join()})
        on conflict (payment_id, number) do nothing`,
      values: typed.map(([name, type]) =>
        encodeColumn(
          type,
          rows.map((row) => row[name]),
          `ledger_entries.${name}`,
        ),
      ),
    },
  ];
}

function bookingsOf({ row, at }: JournalEntry): readonly Row[] {
  if (row === null || row.ledger_entries === undefined) return [];
  if (!Array.isArray(row.ledger_entries)) throw new JournalRejected("ledger_entries is no list", false);
  return (row.ledger_entries as readonly Row[])
    .filter(({ bookedAt }) => bookedAt === at)
    .map(({ bookedAt, ...booking }) => {
      const unknown = Object.keys(booking).find((name) => !(name in columns));
      if (unknown !== undefined) throw new JournalRejected(`ledger_entries has no column ${unknown}`, false);
      return { ...booking, payment_id: row.id, booked_at: bookedAt };
    });
}
