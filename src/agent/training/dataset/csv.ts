import { TrainingError } from "../errors.ts";

/** One record of a CSV file and the line it starts on, counted from 1. */
export interface CsvRecord {
  readonly line: number;
  readonly fields: readonly string[];
}

/** The separator of most fields in the first line outside quotes; comma when there is none. */
export function detectDelimiter(text: string): string {
  const end = text.search(/[\r\n]/);
  const first = (end < 0 ? text : text.slice(0, end)).replace(/"[^"]*"/g, "");
  let best = ",";
  let most = 0;
  for (const candidate of [",", ";", "\t"]) {
    const count = first.split(candidate).length - 1;
    if (count > most) {
      best = candidate;
      most = count;
    }
  }
  return best;
}

/**
 * Splits CSV text (RFC 4180: fields may be quoted, "" is a quote inside one, quoted fields may span lines) record by
 * record, so that a large file never stands in memory as strings. Blank lines are skipped, fields
 * are trimmed unless quoted. Throws TrainingError for a quote that never closes.
 */
export function* readCsv(text: string, delimiter: string): Generator<CsvRecord> {
  let position = 0;
  let line = 1;
  while (position < text.length) {
    const newline = text.indexOf("\n", position);
    const end = newline < 0 ? text.length : newline;
    const plain = text.slice(position, end);
    if (!plain.includes('"')) {
      const content = plain.trim();
      // A line of delimiters alone is a record with missing values, not a blank line; trim would eat tabs.
      if (content !== "" || (delimiter === "\t" && plain.includes("\t"))) {
        yield { line, fields: plain.split(delimiter).map((field) => field.trim()) };
      }
      position = end + 1;
      line++;
      continue;
    }
    const record = readQuoted(text, position, delimiter, line);
    yield { line, fields: record.fields };
    position = record.next;
    line += record.lines;
  }
}

interface QuotedRecord {
  readonly fields: readonly string[];
  /** Where the next record starts, and how many lines this one took. */
  readonly next: number;
  readonly lines: number;
}

/** The slow way, one character at a time, for records with quotes. */
function readQuoted(text: string, start: number, delimiter: string, line: number): QuotedRecord {
  const fields: string[] = [];
  let field = "";
  let quoted = false; // inside quotes now
  let wasQuoted = false; // this field had quotes, so its blanks are meant
  let lines = 1;
  let at = start;
  const close = () => {
    fields.push(wasQuoted ? field : field.trim());
    field = "";
    wasQuoted = false;
  };
  for (; at < text.length; at++) {
    const character = text[at];
    if (quoted) {
      if (character === "\n") lines++;
      if (character !== '"') field += character;
      else if (text[at + 1] === '"') {
        field += '"';
        at++;
      } else quoted = false;
    } else if (character === '"' && field.trim() === "") {
      field = "";
      quoted = true;
      wasQuoted = true;
    } else if (character === delimiter) close();
    else if (character === "\n") break;
    else if (!wasQuoted || (character !== "\r" && character !== " ")) field += character;
  }
  if (quoted)
    throw new TrainingError("invalid_dataset", `the dataset, line ${line}: a quote is opened and never closed`);
  close();
  return { fields, next: at + 1, lines };
}
