import { type JournalEntry, JournalRejected } from "../../actors/runtime/index.ts";
import { arrayLiteral, type Columns, encode, type SqlType } from "./columns.ts";

/** A statement ready to be sent: prepared under `name` on first use. */
export interface Statement {
  readonly name: string;
  readonly text: string;
  readonly values: readonly unknown[];
}

/**
 * Turns the rows of one kind of actor into upserts of its table, in the same transaction as the transitions.
 * Projectors run in the order of the list the journal is given, so a table comes after those it refers to.
 */
export interface Projector {
  readonly kind: string;
  /** @throws JournalRejected for a row that no table can take; nothing has been sent then. */
  statements(entries: readonly JournalEntry[]): readonly Statement[];
}

export interface TableOptions {
  readonly kind: string;
  readonly table: string;
  /** All columns a row may name. Must hold `id`, `version`, `state` and `updated_at`. */
  readonly columns: Columns;
  /** Names in a row that are no columns of this table; the caller handles them. */
  readonly besides?: readonly string[];
}

/**
 * A projector for a table with one row per actor, keyed by `id`.
 *
 * A row must be whole enough to be inserted. A column it leaves out keeps what it has, or gets its default when the row is
 * new. `version` always comes from the entry; `state` and `updated_at` do when the row leaves them out.
 */
export function tableProjector(options: TableOptions): Projector {
  return {
    kind: options.kind,
    statements(entries) {
      const rows = entries.flatMap((entry) => (entry.row === null ? [] : [completeRow(entry, entry.row)]));
      return groupByColumns(rows, options).map((group) => upsert(options.table, ["id"], group, options.columns));
    },
  };
}

export type Row = Readonly<Record<string, unknown>>;

function completeRow(entry: JournalEntry, row: Row): Row {
  return { state: entry.to, updated_at: entry.at, ...row, version: entry.expectedVersion + 1 };
}

/** Rows that name the same columns; one statement each. A kind that always names the same ones makes one group. */
interface RowGroup {
  readonly names: readonly string[];
  readonly rows: readonly Row[];
}

function groupByColumns(rows: readonly Row[], { columns, besides = [], table }: TableOptions): readonly RowGroup[] {
  const groups = new Map<string, { names: string[]; rows: Row[] }>();
  for (const row of rows) {
    for (const name of Object.keys(row)) {
      if (!(name in columns || besides.includes(name)))
        throw new JournalRejected(`${table} has no column ${name}`, false);
    }
    const names = Object.keys(columns).filter((name) => row[name] !== undefined);
    const key = names.join();
    const group = groups.get(key);
    if (group === undefined) groups.set(key, { names, rows: [row] });
    else group.rows.push(row);
  }
  return [...groups.values()];
}

/** `insert ... on conflict (key) do update`, all rows in one statement. Only names from `columns` reach the SQL text. */
export function upsert(table: string, key: readonly string[], group: RowGroup, columns: Columns): Statement {
  const typed = group.names.map((name): [string, SqlType] => [name, columns[name] ?? "text"]);
  const mask = Object.keys(columns).reduce((bits, name) => bits * 2n + (group.names.includes(name) ? 1n : 0n), 0n);
  const rest = group.names.filter((name) => !key.includes(name));
  return {
    name: `upsert_${table}_${mask.toString(36)}`,
    text: `insert into ${table} (${group.names.join()})
      select * from unnest(${typed.map(([, type], index) => `$${index + 1}::${type}[]`).join()})
      on conflict (${key.join()}) do update set ${rest.map((name) => `${name} = excluded.${name}`).join()}
      where (${rest.map((name) => `${table}.${name}`).join()}) is distinct from (${rest.map((name) => `excluded.${name}`).join()})`,
    values: typed.map(([name, type]) =>
      arrayLiteral(group.rows.map((row) => encode(type, row[name], `${table}.${name}`))),
    ),
  };
}
