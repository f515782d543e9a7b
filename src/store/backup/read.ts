/** Reads a backup file line by line and holds it to its own checksum and counts. */
import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { StringDecoder } from "node:string_decoder";
import { createGunzip } from "node:zlib";
import { StoreError } from "../errors.ts";
import { type Header, readHeader, readMark, type Trailer, unreadable } from "./format.ts";

export type Entry =
  | { readonly type: "header"; readonly header: Header }
  | { readonly type: "table"; readonly name: string }
  /** One row as it stands in the file: a JSON array. */
  | { readonly type: "row"; readonly line: string };

export interface Verified {
  readonly header: Header;
  readonly trailer: Trailer;
}

/** Reads all of it and keeps nothing. @throws StoreError `backup_unreadable` saying what is wrong with it */
export async function verifyBackup(file: string): Promise<Verified> {
  let header: Header | null = null;
  const reading = readBackup(file);
  for (;;) {
    const { value, done } = await reading.next();
    if (done) {
      if (header === null) throw unreadable(file, "is not a CyxWiz backup.");
      return { header, trailer: value };
    }
    if (value.type === "header") header = value.header;
  }
}

/** Ends with the trailer once everything before it has been found whole; before that a reader must not rely on any of it. */
export async function* readBackup(file: string): AsyncGenerator<Entry, Trailer> {
  const hash = createHash("sha256");
  const rows: Record<string, number> = {};
  let header: Header | null = null;
  let table: string | null = null;
  let trailer: Trailer | null = null;
  for await (const line of linesOf(file)) {
    if (trailer !== null) throw unreadable(file, "is damaged: it goes on behind its end. Use another backup.");
    const mark = header === null ? null : readMark(line);
    if (mark !== null && "end" in mark) {
      trailer = mark;
      continue;
    }
    hash.update(`${line}\n`);
    if (header === null) {
      header = readHeader(line, file);
      yield { type: "header", header };
    } else if (mark !== null) {
      table = mark.table;
      rows[table] = 0;
      yield { type: "table", name: table };
    } else if (table !== null) {
      rows[table] = (rows[table] ?? 0) + 1;
      yield { type: "row", line };
    }
  }
  if (header === null) throw unreadable(file, "is not a CyxWiz backup: it is empty.");
  if (trailer === null) throw cutShort(file);
  if (hash.digest("hex") !== trailer.sha256) {
    throw unreadable(file, "is damaged: its checksum does not fit what is in it. Use another backup.");
  }
  if (JSON.stringify(rows) !== JSON.stringify(trailer.rows)) {
    throw unreadable(file, "is damaged: it does not hold as many rows as it says. Use another backup.");
  }
  return trailer;
}

const cutShort = (file: string, cause?: unknown): StoreError =>
  unreadable(file, "is cut short: its end is missing, as after a copy that was broken off. Use a whole one.", cause);

/** The longest first line there could be; without a limit any large file would be read into memory to find that it is no backup. */
const LONGEST_HEADER = 1_000_000;

async function* linesOf(file: string): AsyncGenerator<string> {
  const source = createReadStream(file);
  const gunzip = createGunzip();
  source.on("error", (error) => gunzip.destroy(error));
  source.pipe(gunzip);
  const decoder = new StringDecoder("utf8");
  let rest = "";
  let first = true;
  try {
    for await (const chunk of gunzip) {
      const parts = (rest + decoder.write(chunk as Buffer)).split("\n");
      rest = parts.pop() ?? "";
      if (first && parts.length === 0 && rest.length > LONGEST_HEADER)
        throw unreadable(file, "is not a CyxWiz backup.");
      first &&= parts.length === 0;
      yield* parts;
    }
  } catch (error) {
    throw translate(file, error);
  } finally {
    source.destroy();
    gunzip.destroy();
  }
  if (rest !== "") throw first ? unreadable(file, "is not a CyxWiz backup.") : cutShort(file);
}

function translate(file: string, error: unknown): Error {
  if (error instanceof StoreError) return error;
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  if (code === "ENOENT") return unreadable(file, "is not there.", error);
  if (code === "EISDIR") return unreadable(file, "is a directory, not a backup.", error);
  if (code === "Z_BUF_ERROR") return cutShort(file, error);
  if (code === "Z_DATA_ERROR") {
    const isGzip = error instanceof Error && !/header/.test(error.message);
    return unreadable(
      file,
      isGzip ? "is damaged: its contents are not what was written. Use another backup." : "is not a CyxWiz backup.",
      error,
    );
  }
  return unreadable(file, `cannot be read: ${error instanceof Error ? error.message : String(error)}.`, error);
}
