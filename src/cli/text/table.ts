/** Aligned columns that fit the terminal. */
import { fit, widthOf } from "./safe.ts";
import type { Style } from "./style.ts";

export interface Column<Row> {
  readonly title: string;
  /** Already safe to show. */
  readonly cell: (row: Row) => string;
  readonly align?: "left" | "right";
  /** Where space is short, columns with the highest number are left out first. 0 (the default): never. */
  readonly dispensable?: number;
  /** May be cut to this many columns when space is short. */
  readonly shrinksTo?: number;
  readonly paint?: (text: string, row: Row) => string;
}

const gap = "  ";

/**
 * @param width columns of the terminal; infinite when it is none, and nothing is cut or left out then.
 * @returns lines without a final line break.
 */
export function renderTable<Row>(
  columns: readonly Column<Row>[],
  rows: readonly Row[],
  width: number,
  style: Style,
): string {
  const cells = new Map(columns.map((column) => [column, rows.map(column.cell)]));
  const natural = (column: Column<Row>): number =>
    Math.max(widthOf(column.title), ...(cells.get(column) ?? []).map(widthOf));
  const kept = [...columns];
  const widths = new Map(columns.map((column) => [column, natural(column)]));
  const total = (): number =>
    kept.reduce((sum, column) => sum + (widths.get(column) ?? 0), gap.length * (kept.length - 1));

  shrink(kept, widths, total, width);
  while (total() > width) {
    const least = Math.max(...kept.map(({ dispensable = 0 }) => dispensable));
    if (least === 0) break;
    kept.splice(
      kept.findLastIndex(({ dispensable = 0 }) => dispensable === least),
      1,
    );
    // What has become free is given back to the columns that gave way.
    for (const column of kept) widths.set(column, natural(column));
    shrink(kept, widths, total, width);
  }

  const line = (text: (column: Column<Row>) => string, paint: (text: string, column: Column<Row>) => string): string =>
    kept
      .map((column) => {
        const room = widths.get(column) ?? 0;
        const shown = fit(text(column), room, style.ellipsis);
        const padding = " ".repeat(Math.max(0, room - widthOf(shown)));
        const painted = paint(shown, column);
        return column.align === "right" ? padding + painted : painted + padding;
      })
      .join(gap)
      .trimEnd();

  return [
    line(
      ({ title }) => title,
      (text) => style.dim(text),
    ),
    ...rows.map((row, at) =>
      line(
        (column) => cells.get(column)?.[at] ?? "",
        (text, { paint }) => paint?.(text, row) ?? text,
      ),
    ),
  ].join("\n");
}

/** Takes columns from those that can give some, the last first, until the table fits. */
function shrink<Row>(
  kept: readonly Column<Row>[],
  widths: Map<Column<Row>, number>,
  total: () => number,
  width: number,
): void {
  for (const column of kept.toReversed()) {
    const excess = total() - width;
    if (excess <= 0) return;
    const now = widths.get(column) ?? 0;
    const least = Math.max(column.shrinksTo ?? now, widthOf(column.title));
    widths.set(column, Math.max(Math.min(now, least), now - excess));
  }
}

/** "name   value" lines with the values under each other. */
export function renderPairs(
  pairs: readonly (readonly [name: string, value: string])[],
  style: Style,
  indent = "",
): string {
  const width = Math.max(0, ...pairs.map(([name]) => widthOf(name)));
  return pairs.map(([name, value]) => `${indent}${style.dim(name.padEnd(width))}  ${value}`).join("\n");
}
