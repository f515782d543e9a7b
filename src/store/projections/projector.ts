import { type JournalEntry, JournalRejected } from "../../actors/runtime/index.ts";
import { arrayLiteral, type Columns, encode, joinedJson, jsonItems, type SqlType } from "./columns.ts";

/** A statement ready to be sent: prepared under `name` on first use. */
export interface Statement {
  readonly name: string;
  readonly text: string;
  readonly values: readonly unknown[];
}

/**
 * Turns the rows of one kind of actor into writes to its table, in the same transaction as the transitions.
 * Projectors run in the order of the list the journal is given, so a table comes after those it refers to.
 */
export interface Projector {
  readonly kind: string;
  /**
   * @param whole writes every row whole. Otherwise the writing may rest on what a row was before (`rowBefore`), and the
   * transaction fails with CX003 when the table holds something else: a row that somebody deleted, or put back.
   * @throws JournalRejected for a row that no table can take; nothing has been sent then.
   */
  statements(entries: readonly JournalEntry[], whole: boolean): readonly Statement[];
}

export interface TableOptions {
  readonly kind: string;
  readonly table: string;
  /** All columns a row may name. Must hold `id`, `version`, `state` and `updated_at`. */
  readonly columns: Columns;
  /** Names in a row that are no columns of this table; the caller handles them. */
  readonly besides?: readonly string[];
  /**
   * Columns that an actor sets when it is made and seldom or never again. A row in which they are as they were in
   * `rowBefore` is written without them.
   */
  readonly lasting?: readonly string[];
}

/**
 * A projector for a table with one row per actor, keyed by `id`.
 *
 * A row must be whole enough to be inserted. A column it leaves out keeps what it has, or gets its default when the row is
 * new. `version` always comes from the entry; `state` and `updated_at` do when the row leaves them out.
 */
export function tableProjector(options: TableOptions): Projector {
  const { table, columns, lasting = [] } = options;
  const passing = Object.fromEntries(Object.entries(columns).filter(([name]) => !lasting.includes(name)));
  return {
    kind: options.kind,
    statements(entries, whole) {
      const wholeRows: Row[] = [];
      const changedRows: Row[] = [];
      for (const entry of entries) {
        if (entry.row === null) continue;
        refuseUnknown(entry.row, options);
        const isKnown = !whole && lasting.length > 0 && areKept(lasting, entry.row, entry.rowBefore ?? null);
        (isKnown ? changedRows : wholeRows).push(completeRow(entry, entry.row));
      }
      return [
        ...groupByColumns(wholeRows, columns).map((group) => upsert(table, ["id"], group, columns)),
        ...groupByColumns(changedRows, passing).map((group) => update(table, group, passing)),
      ];
    },
  };
}

export type Row = Readonly<Record<string, unknown>>;

function completeRow(entry: JournalEntry, row: Row): Row {
  return { state: entry.to, updated_at: entry.at, ...row, version: entry.expectedVersion + 1 };
}

function refuseUnknown(row: Row, { columns, besides = [], table }: TableOptions): void {
  for (const name in row) {
    if (!(name in columns || besides.includes(name)))
      throw new JournalRejected(`${table} has no column ${name}`, false);
  }
}

const areKept = (names: readonly string[], row: Row, before: Row | null): boolean =>
  before !== null && names.every((name) => isKept(row[name], before[name]));

/** A row's objects are made anew with each row, of parts that are not. Looking deeper would cost as much as writing them. */
function isKept(now: unknown, before: unknown): boolean {
  if (now === before) return true;
  if (typeof now !== "object" || typeof before !== "object" || now === null || before === null) return false;
  const parts = Object.entries(now);
  return parts.length === Object.keys(before).length && parts.every(([name, part]) => part === (before as Row)[name]);
}

/** Rows that name the same columns; one statement each. A kind that always names the same ones makes one group. */
interface RowGroup {
  readonly names: readonly string[];
  readonly rows: readonly Row[];
}

function groupByColumns(rows: readonly Row[], columns: Columns): readonly RowGroup[] {
  const all = Object.keys(columns);
  const groups = new Map<string, { names: string[]; rows: Row[] }>();
  for (const row of rows) {
    let key = "";
    for (const name of all) key += row[name] === undefined ? "0" : "1";
    const group = groups.get(key);
    if (group === undefined) groups.set(key, { names: all.filter((name) => row[name] !== undefined), rows: [row] });
    else group.rows.push(row);
  }
  return [...groups.values()];
}

/** `insert ... on conflict (key) do update`, all rows in one statement. Only names from `columns` reach the SQL text. */
export function upsert(table: string, key: readonly string[], group: RowGroup, columns: Columns): Statement {
  const { names } = group;
  const rest = names.filter((name) => !key.includes(name));
  return {
    name: `upsert_${table}_${maskOf(group, columns)}`,
    text: `insert into ${table} (${names.join()})
      select ${names.map((name) => itemOf(name, columns)).join()} from ${itemsOf(group, columns)}
      on conflict (${key.join()}) do update set ${rest.map((name) => `${name} = excluded.${name}`).join()}
      where (${rest.map((name) => `${table}.${name}`).join()}) is distinct from (${rest.map((name) => `excluded.${name}`).join()})`,
    values: valuesOf(table, group, columns),
  };
}

/**
 * `update` of rows that are there, all in one statement. Fails with CX003 unless each was at the version before its own:
 * then the columns that are not named hold what this process wrote.
 */
function update(table: string, group: RowGroup, columns: Columns): Statement {
  const rest = group.names.filter((name) => name !== "id");
  return {
    name: `update_${table}_${maskOf(group, columns)}`,
    text: `with written as (
        update ${table} as kept set ${rest.map((name) => `${name} = ${itemOf(name, columns)}`).join()}
        from ${itemsOf(group, columns)}
        where kept.id = item.id and kept.version = item.version - 1
        returning 1
      )
      select journal_assert_in_step((select count(*) from written), $${group.names.length + 1}, '${table}')`,
    values: [...valuesOf(table, group, columns), group.rows.length],
  };
}

/** Tells the statements of one table apart: which of the columns it names. */
const maskOf = ({ names }: RowGroup, columns: Columns): string =>
  Object.keys(columns)
    .reduce((bits, name) => bits * 2n + (names.includes(name) ? 1n : 0n), 0n)
    .toString(36);

const typeOf = (name: string, columns: Columns): SqlType => columns[name] ?? "text";

/** The group's rows as `item`, read from one parameter for each of its columns. */
function itemsOf({ names }: RowGroup, columns: Columns): string {
  const lists = names.map((name, index) => {
    const type = typeOf(name, columns);
    return type === "jsonb" ? jsonItems(index + 1) : `$${index + 1}::${type}[]`;
  });
  return `unnest(${lists.join()}) as item (${names.join()})`;
}

/** JSON arrives as text and becomes jsonb row by row; `writeBatch` says why. */
const itemOf = (name: string, columns: Columns): string =>
  typeOf(name, columns) === "jsonb" ? `item.${name}::jsonb` : `item.${name}`;

const valuesOf = (table: string, { names, rows }: RowGroup, columns: Columns): readonly string[] =>
  names.map((name) => {
    const type = typeOf(name, columns);
    const texts = rows.map((row) => encode(type, row[name], `${table}.${name}`));
    return type === "jsonb" ? joinedJson(texts) : arrayLiteral(texts);
  });
