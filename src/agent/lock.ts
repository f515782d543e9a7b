/** One process per data directory: two nodes under one identity would each disown what the other runs. */
import { Database } from "bun:sqlite";
import { join } from "node:path";

/**
 * Holds the directory until `release` or the process's death, however violent. The lock is the kernel's, taken through
 * SQLite (as the server's is, in src/store/embedded/lock.ts): it cannot go stale and cannot be fooled by a reused process id.
 * @throws when another process has it, or the directory is on a file system without locks
 */
export function lockDataDir(dataDir: string): { release(): void } {
  const database = new Database(join(dataDir, "node.lock"));
  try {
    database.run("pragma busy_timeout = 0");
    database.run("begin exclusive");
  } catch (error) {
    database.close();
    const message = error instanceof Error ? error.message : String(error);
    if (!/locked|busy/i.test(message)) {
      throw new Error(`could not lock ${dataDir}: ${message}. Set node.data_dir to a local disk.`, { cause: error });
    }
    throw new Error(
      `another node process is using ${dataDir}. Stop it, or give this one a node.data_dir of its own: a directory is a node's identity.`,
    );
  }
  return { release: () => database.close() };
}
