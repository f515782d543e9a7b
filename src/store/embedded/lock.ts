import { Database } from "bun:sqlite";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { messageOf, StoreError } from "../errors.ts";

/**
 * Holds a data directory for this process alone, until `release` or the process's death, however violent.
 *
 * The lock is the kernel's (fcntl, LockFileEx), reached through SQLite, the one program in Bun that takes such locks. So it
 * cannot go stale and cannot be fooled by a reused process id, nor by two containers that share a volume but not their
 * process ids. The pid file beside it is only there to be shown.
 * @throws StoreError `data_dir_in_use`
 */
export function lockDirectory(directory: string): { release(): void } {
  const pidFile = join(directory, "server.pid");
  const database = new Database(join(directory, "server.lock"));
  try {
    database.run("pragma busy_timeout = 0");
    database.run("begin exclusive");
  } catch (error) {
    database.close();
    if (!/locked|busy/i.test(messageOf(error))) {
      throw new StoreError(
        "embedded_failed",
        `Could not lock ${directory}: ${messageOf(error)}. Set server.data_dir to a local disk.`,
      );
    }
    throw new StoreError(
      "data_dir_in_use",
      `Another CyxWiz server${readPid(pidFile)} is using ${directory}. ` +
        "Stop it, give this one another server.data_dir, or set database.url so that both share one PostgreSQL.",
    );
  }
  writeFileSync(pidFile, `${process.pid}\n`);
  return {
    release() {
      database.close();
    },
  };
}

function readPid(file: string): string {
  try {
    return ` (process ${readFileSync(file, "utf8").trim()})`;
  } catch {
    return "";
  }
}
