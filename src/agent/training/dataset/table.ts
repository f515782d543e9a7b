import { shown, TrainingError } from "../errors.ts";
import type { JobLimits } from "../job.ts";
import { detectDelimiter, readCsv } from "./csv.ts";

/** A parsed dataset: numeric features, and the label as written. */
export interface Table {
  readonly rows: number;
  /** Names of the feature columns in order; from the header, or column_0, column_1, ... */
  readonly columns: readonly string[];
  /** rows × columns, row after row. */
  readonly features: Float64Array;
  /** Null when the data has no label (only asked for by inference). */
  readonly label: LabelColumn | null;
}

export interface LabelColumn {
  readonly name: string;
  /** The distinct values as written, in order of appearance. */
  readonly values: readonly string[];
  /** For each row the index of its value in `values`. */
  readonly codes: Uint32Array;
  /** For each value the line it first appeared on. */
  readonly lines: readonly number[];
}

export interface TableOptions {
  readonly labelColumn: string | null;
  readonly header: boolean | null;
  readonly limits: JobLimits;
  /**
   * The columns a trained model wants, in its order. With a header they are picked by name; without one the data must
   * have exactly them, or them and the label. The label may then be absent.
   */
  readonly wanted?: { readonly columns: readonly string[]; readonly label: string };
}

/** Throws TrainingError "invalid_dataset" naming line and column of what cannot be used. */
export function readTable(text: string, options: TableOptions): Table {
  const delimiter = detectDelimiter(text);
  const [first, second] = readCsv(text, delimiter).take(2);
  if (first === undefined) throw new TrainingError("invalid_dataset", "the dataset is empty");
  const hasHeader = options.header ?? looksLikeHeader(first.fields, second?.fields);
  const names = hasHeader ? first.fields : first.fields.map((_, index) => `column_${index}`);
  const label = options.wanted ? wantedLabel(names, hasHeader, options) : labelIndex(names, options.labelColumn);
  const picked = options.wanted
    ? wantedColumns(names, hasHeader, label, options.wanted.columns)
    : featureColumns(names, label);
  if (picked.length === 0)
    throw new TrainingError(
      "invalid_dataset",
      "the dataset has one column only; a model needs a label and at least one feature",
    );

  const width = picked.length;
  const capacity = countRecords(text) * width;
  // Eight bytes for each number read, four for the float32 the network sees, and the text itself.
  if (capacity * 12 + text.length > options.limits.maxMemoryBytes) {
    throw new TrainingError(
      "too_large",
      `the dataset needs more than the ${options.limits.maxMemoryBytes} bytes of memory this node allows`,
    );
  }
  const features = new Float64Array(capacity);
  const labels = new LabelReader(capacity / width);
  let row = 0;
  let skip = hasHeader;
  for (const { line, fields } of readCsv(text, delimiter)) {
    if (skip) {
      skip = false;
      continue;
    }
    if (fields.length !== names.length) {
      throw new TrainingError(
        "invalid_dataset",
        `the dataset, line ${line}: ${fields.length} fields where ${names.length} are expected`,
      );
    }
    for (let i = 0; i < width; i++) {
      const column = picked[i] as number;
      features[row * width + i] = readNumber(fields[column] ?? "", line, names[column] ?? "");
    }
    if (label !== null) labels.add(fields[label] ?? "", row, line, names[label] ?? "");
    row++;
  }
  if (row === 0) throw new TrainingError("invalid_dataset", "the dataset has a header line and no rows");
  return {
    rows: row,
    columns: picked.map((column) => names[column] ?? ""),
    features: features.subarray(0, row * width),
    label: label === null ? null : labels.finish(names[label] ?? "", row),
  };
}

/** A header holds no number, and data does. */
function looksLikeHeader(first: readonly string[], second: readonly string[] | undefined): boolean {
  const numeric = (fields: readonly string[]) => fields.some((field) => field !== "" && Number.isFinite(Number(field)));
  return !numeric(first) && second !== undefined && numeric(second);
}

function labelIndex(names: readonly string[], asked: string | null): number {
  if (asked === null) return names.length - 1;
  const named = names.indexOf(asked);
  if (named >= 0) return named;
  const number = Number(asked);
  // -1 is the last column, as in most languages people come from.
  const index = number < 0 ? names.length + number : number;
  if (asked !== "" && Number.isInteger(index) && index >= 0 && index < names.length) return index;
  const known = names.length <= 20 ? names.map(shown).join(", ") : `${names.slice(0, 20).map(shown).join(", ")}, ...`;
  throw new TrainingError(
    "invalid_dataset",
    `hyperparameters.label_column: ${shown(asked)} is not a column; use a number from 0 to ${names.length - 1} or one of ${known}`,
  );
}

function featureColumns(names: readonly string[], label: number | null): readonly number[] {
  return names.flatMap((_, index) => (index === label ? [] : [index]));
}

function wantedLabel(names: readonly string[], hasHeader: boolean, options: TableOptions): number | null {
  if (options.labelColumn !== null) return labelIndex(names, options.labelColumn);
  if (options.wanted === undefined) return null;
  if (hasHeader) {
    const index = names.indexOf(options.wanted.label);
    if (index >= 0) return index;
  }
  return names.length === options.wanted.columns.length + 1 ? names.length - 1 : null;
}

function wantedColumns(
  names: readonly string[],
  hasHeader: boolean,
  label: number | null,
  wanted: readonly string[],
): readonly number[] {
  const byName = hasHeader ? wanted.map((name) => names.indexOf(name)) : [];
  if (byName.length > 0 && byName.every((index) => index >= 0)) return byName;
  const rest = featureColumns(names, label);
  if (rest.length === wanted.length) return rest;
  throw new TrainingError(
    "invalid_dataset",
    `the dataset has ${rest.length} feature columns and the model was trained on ${wanted.length}: ${shown(wanted.join(", "))}`,
  );
}

/** An upper bound without parsing: records end with a newline. */
function countRecords(text: string): number {
  let count = 1;
  for (let at = text.indexOf("\n"); at >= 0; at = text.indexOf("\n", at + 1)) count++;
  return count;
}

/** What people write for "no value". */
const missing: ReadonlySet<string> = new Set(["", "?", "na", "n/a", "nan", "null", "none", "-"]);

function readNumber(field: string, line: number, column: string): number {
  const value = Number(field);
  if (field !== "" && Number.isFinite(value)) return value;
  const where = `the dataset, line ${line}, column ${shown(column)}`;
  if (missing.has(field.toLowerCase())) {
    throw new TrainingError(
      "invalid_dataset",
      `${where}: the value is missing (${shown(field)}); fill it in or remove the row`,
    );
  }
  throw new TrainingError(
    "invalid_dataset",
    `${where}: ${shown(field)} is not a finite number; encode it as one or remove the column`,
  );
}

class LabelReader {
  readonly #codeOf = new Map<string, number>();
  readonly #lines: number[] = [];
  readonly #codes: Uint32Array;
  constructor(capacity: number) {
    this.#codes = new Uint32Array(capacity);
  }

  add(value: string, row: number, line: number, column: string): void {
    let code = this.#codeOf.get(value);
    if (code === undefined) {
      if (value === "" || value === "?") {
        throw new TrainingError(
          "invalid_dataset",
          `the dataset, line ${line}, column ${shown(column)}: the label is missing (${shown(value)}); fill it in or remove the row`,
        );
      }
      code = this.#codeOf.size;
      this.#codeOf.set(value, code);
      this.#lines.push(line);
    }
    this.#codes[row] = code;
  }

  finish(name: string, rows: number): LabelColumn {
    return { name, values: [...this.#codeOf.keys()], codes: this.#codes.subarray(0, rows), lines: this.#lines };
  }
}
