/** One process per ledger: two would each execute on accounts that the other has changed. */
import { Database } from "bun:sqlite";
import { LocalChainError, messageOf } from "./errors.ts";

/**
 * Holds the lock until `release` or the process's death, however violent: it is the kernel's, taken through SQLite, so it
 * cannot go stale.
 * @throws LocalChainError `ledger_in_use`, or `ledger_unreadable` where files cannot be locked
 */
export function lockLedger(file: string): { release(): void } {
  let database: Database | undefined;
  try {
    database = new Database(file);
    database.run("pragma busy_timeout = 0");
    database.run("begin exclusive");
  } catch (error) {
    database?.close();
    if (/locked|busy/i.test(messageOf(error))) {
      throw new LocalChainError(
        "ledger_in_use",
        `Another process is using the local chain in ${file}. Stop it, or give this server another server.data_dir.`,
      );
    }
    throw new LocalChainError(
      "ledger_unreadable",
      `Could not lock ${file}: ${messageOf(error)}. Set server.data_dir to a local disk.`,
      {
        cause: error,
      },
    );
  }
  const held = database;
  return { release: () => held.close() };
}
