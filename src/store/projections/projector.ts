import { type JournalEntry, JournalRejected } from "../../actors/runtime/index.ts";
import { type Columns, encodeColumn, jsonItems, type SqlType } from "./columns.ts";

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
  const bits = bitsOf(options);
  return {
    kind: options.kind,
    statements(entries, whole) {
      const wholeRows = new Map<number, Row[]>();
      const changedRows = new Map<number, Row[]>();
      for (const entry of entries) {
        if (entry.row === null) continue;
        const mask = maskOfRow(entry.row, bits, table);
        const isKnown = !whole && lasting.length > 0 && areKept(lasting, entry.row, entry.rowBefore ?? null);
        const groups = isKnown ? changedRows : wholeRows;
        const group = groups.get(mask);
        if (group === undefined) groups.set(mask, [completeRow(entry, entry.row)]);
        else group.push(completeRow(entry, entry.row));
      }
      return [
        ...[...wholeRows.values()].map((rows) => upsert(table, ["id"], groupOf(rows, columns), columns)),
        ...[...changedRows.values()].map((rows) => update(table, groupOf(rows, passing), passing)),
      ];
    },
  };
}

export type Row = Readonly<Record<string, unknown>>;

function completeRow(entry: JournalEntry, row: Row): Row {
  const { state = entry.to, updated_at = entry.at } = row;
  return { ...row, state, updated_at, version: entry.expectedVersion + 1 };
}

/** What every row gets, whether it names it or not. */
const GIVEN: readonly string[] = ["version", "state", "updated_at"];

/**
 * What each name in a row adds to the mask that tells which columns it names: a bit of its own, nothing where that says nothing.
 * Sums are exact up to 53 columns.
 */
function bitsOf({ columns, besides = [], table }: TableOptions): ReadonlyMap<string, number> {
  const names = Object.keys(columns);
  if (names.length > 53) throw new Error(`${table} has more columns than a mask has bits`);
  const bits = new Map(names.map((name, index) => [name, 2 ** index]));
  for (const name of [...GIVEN, ...besides]) bits.set(name, 0);
  return bits;
}

function maskOfRow(row: Row, bits: ReadonlyMap<string, number>, table: string): number {
  let mask = 0;
  for (const name in row) {
    const bit = bits.get(name);
    if (bit === undefined) throw new JournalRejected(`${table} has no column ${name}`, false);
    if (row[name] !== undefined) mask += bit;
  }
  return mask;
}

const areKept = (names: readonly string[], row: Row, before: Row | null): boolean =>
  before !== null && names.every((name) => isKept(row[name], before[name]));

/** A row's objects are made anew with each row, of parts that are not. Looking deeper would cost as much as writing them. */
function isKept(now: unknown, before: unknown): boolean {
  if (now === before) return true;
  if (typeof now !== "object" || typeof before !== "object" || now === null || before === null) return false;
  let parts = 0;
  for (const name in now) {
    if ((now as Row)[name] !== (before as Row)[name]) return false;
    parts += 1;
  }
  return parts === Object.keys(before).length;
}

/** Rows that name the same columns; one statement each. A kind that always names the same ones makes one group. */
interface RowGroup {
  readonly names: readonly string[];
  readonly rows: readonly Row[];
}

/** Of rows that all name the same. */
const groupOf = (rows: readonly Row[], columns: Columns): RowGroup => ({
  names: Object.keys(columns).filter((name) => rows[0]?.[name] !== undefined),
  rows,
});

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
  names.map((name) =>
    encodeColumn(
      typeOf(name, columns),
      rows.map((row) => row[name]),
      `${table}.${name}`,
    ),
  );
