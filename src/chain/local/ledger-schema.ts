/** The tables of the local chain's ledger, and how the file is opened. */
import { Database } from "bun:sqlite";
import { existsSync } from "node:fs";
import { LocalChainError, messageOf } from "./errors.ts";

/** Raised with every change that an older program could not read, or that needs the rows to be rewritten. */
export const LEDGER_FORMAT = 1;

/**
 * `full` syncs the disk with every commit, so that neither the death of the process nor a power cut takes back a transaction
 * that was answered: the server's own ledger has booked it, and the two would differ for good. It costs 0.4 ms a commit on
 * the disk this was measured on. `normal` survives the death of the process, not the power cut, at 0.04 ms.
 */
export type LedgerSync = "full" | "normal";

/**
 * `seq` is the order of execution. Addresses are 32 bytes, signatures 64; lamports are text, since SQLite's integers are signed.
 * `holder` is whose tokens an SPL token account keeps: without that index a wallet's tokens take a scan of all accounts.
 */
const tables = `
  create table chain (key text primary key, value text not null) without rowid;
  create table accounts (
    address blob primary key, owner blob not null, lamports text not null, executable integer not null,
    data blob not null, holder blob
  );
  create index accounts_by_owner on accounts (owner);
  create index accounts_by_holder on accounts (holder) where holder is not null;
  create table transactions (
    seq integer primary key, signature blob not null unique, slot integer not null, time integer not null,
    error text, raw blob not null, meta text not null
  );
  create table signatures_by_address (address blob, seq integer, primary key (address, seq)) without rowid;
  create index signatures_by_seq on signatures_by_address (seq);
`;

/**
 * @param file null for one in memory
 * @returns the database, and whether it has just been made
 * @throws LocalChainError `ledger_format`, `ledger_unreadable`
 */
export function openTables(
  file: string | null,
  sync: LedgerSync,
): { readonly database: Database; readonly isNew: boolean } {
  const existed = file !== null && existsSync(file);
  let database: Database | undefined;
  try {
    database = new Database(file ?? ":memory:", { strict: true });
    database.run("pragma journal_mode = wal");
    database.run(`pragma synchronous = ${sync}`);
    const { user_version: format } = database.query<{ user_version: number }, []>("pragma user_version").get() ?? {
      user_version: 0,
    };
    if (format === LEDGER_FORMAT) return { database, isNew: false };
    if (format !== 0 || hasTables(database)) {
      throw new LocalChainError(
        "ledger_format",
        `The local chain's ledger ${file} has format ${format}, and this program reads format ${LEDGER_FORMAT}. ` +
          "Use the program that wrote it, or move its folder away: the chain then starts anew, without its balances.",
      );
    }
    return { database, isNew: true };
  } catch (error) {
    database?.close();
    if (error instanceof LocalChainError) throw error;
    const advice = existed
      ? "If the file is damaged, restore it from a backup, or move its folder away: the chain then starts anew."
      : "Point the data directory to a folder on a local disk that can be written.";
    throw new LocalChainError(
      "ledger_unreadable",
      `Could not open the local chain's ledger ${file}: ${messageOf(error)}. ${advice}`,
      {
        cause: error,
      },
    );
  }
}

const hasTables = (database: Database): boolean => database.query("select 1 from sqlite_master limit 1").get() !== null;

/** Call within the transaction that writes the first rows, so that there is never a ledger without them. */
export function createTables(database: Database): void {
  database.run(tables);
  database.run(`pragma user_version = ${LEDGER_FORMAT}`);
}
