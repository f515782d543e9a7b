/** Opens the database that a configuration means, for a command that is not the server. */
import type { Log } from "../../actors/runtime/index.ts";
import { embeddedUrl, startEmbeddedPostgres } from "../embedded/index.ts";
import { StoreError } from "../errors.ts";

export interface Configured {
  /** Undefined: the embedded database in `dataDir`. */
  readonly url: string | undefined;
  readonly dataDir: string;
  readonly log: Log;
}

/**
 * For reading: the database of a running server is used as it is; an embedded one that nobody runs is started for the time.
 * @throws StoreError
 */
export async function withDatabase<T>({ url, dataDir, log }: Configured, use: (url: string) => Promise<T>): Promise<T> {
  if (url !== undefined) return use(url);
  const running = embeddedUrl(dataDir);
  if (running === null) {
    throw new StoreError(
      "no_database",
      `There is no database in ${dataDir}. Name the right server.data_dir, or the server's database.url.`,
    );
  }
  try {
    return await withEmbedded(dataDir, log, use);
  } catch (error) {
    if (!(error instanceof StoreError && error.code === "data_dir_in_use")) throw error;
    return use(running);
  }
}

/** For replacing: an embedded database is made if there is none, and must not be in use. @throws StoreError */
export async function withDatabaseAlone<T>(
  { url, dataDir, log }: Configured,
  use: (url: string) => Promise<T>,
): Promise<T> {
  return url === undefined ? withEmbedded(dataDir, log, use) : use(url);
}

async function withEmbedded<T>(dataDir: string, log: Log, use: (url: string) => Promise<T>): Promise<T> {
  const embedded = await startEmbeddedPostgres({ dataDir, log });
  try {
    return await use(embedded.url);
  } finally {
    await embedded.stop();
  }
}
