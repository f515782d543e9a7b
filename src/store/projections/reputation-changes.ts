import { type JournalEntry, JournalRejected } from "../../actors/runtime/index.ts";
import { type Columns, encodeColumn, type SqlType } from "./columns.ts";
import type { Row, Statement } from "./projector.ts";

const columns: Columns = {
  node_id: "uuid",
  number: "bigint",
  reason: "text",
  score_before: "double precision",
  score_after: "double precision",
  job_id: "uuid",
  attempt: "integer",
  detail: "text",
  changed_at: "timestamptz",
};

/**
 * `reputation_changes`: a ledger, so rows are added and never changed.
 *
 * A node's row carries the newest of its changes (`reputation_changes`). Those of the entry's own moment are written: a
 * transition's changes carry its time, so none is missed, and the others were written with their own transitions. Of two
 * transitions in one millisecond the second names the first one's changes again; the key makes that harmless.
 */
export function reputationStatements(entries: readonly JournalEntry[]): readonly Statement[] {
  const rows = entries.flatMap(changesOf);
  if (rows.length === 0) return [];
  const typed: readonly [string, SqlType][] = Object.entries(columns);
  return [
    {
      name: "add_reputation_changes",
      text: `insert into reputation_changes (${typed.map(([name]) => name).join()})
        select * from unnest(${typed.map(([, type], index) => `$${index + 1}::${type}[]`).join()})
        on conflict (node_id, number) do nothing`,
      values: typed.map(([name, type]) =>
        encodeColumn(
          type,
          rows.map((row) => row[name]),
          `reputation_changes.${name}`,
        ),
      ),
    },
  ];
}

function changesOf({ row, at }: JournalEntry): readonly Row[] {
  if (row === null || !Array.isArray(row.reputation_changes) || typeof row.id !== "string") return [];
  const nodeId = row.id;
  return (row.reputation_changes as readonly Row[])
    .filter((change) => change.changed_at === at)
    .map((change) => {
      const unknown = Object.keys(change).find((name) => !(name in columns));
      if (unknown !== undefined) throw new JournalRejected(`reputation_changes has no column ${unknown}`, false);
      return { ...change, node_id: nodeId };
    });
}
