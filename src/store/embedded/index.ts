/**
 * A real PostgreSQL of the server's own, for those who do not name one: started from embedded programs in the data directory,
 * durable like any other (fsync is on), reachable over a private unix socket only, stopped with the process, recovered
 * after `kill -9`, and never shared by two processes.
 */
import { mkdirSync } from "node:fs";
import { join, resolve } from "node:path";
import type { Log } from "../../actors/runtime/index.ts";
import { StoreError } from "../errors.ts";
import { prepareCluster } from "./cluster.ts";
import { chooseUser } from "./identity.ts";
import { lockDirectory } from "./lock.ts";
import { choosePlace, findPlace, rememberPlace } from "./place.ts";
import { Postmaster, urlAt } from "./postmaster.ts";
import { findPrograms } from "./programs.ts";

// For scripts/pack-postgres.ts, which puts the programs into ours.
export { packageName, readPackage, selection } from "./package.ts";
export { writeTar } from "./tar.ts";

export interface EmbeddedOptions {
  readonly dataDir: string;
  readonly log: Log;
}

export interface EmbeddedPostgres {
  readonly url: string;
  /** The postmaster's process id, while it runs. */
  readonly pid: number | undefined;
  stop(): Promise<void>;
  /** Ends it without waiting, for a process that is about to exit. */
  kill(): void;
}

/** Where the database of this data directory takes connections while a server runs there; null where there is no database. */
export function embeddedUrl(dataDir: string): string | null {
  const place = findPlace(resolve(dataDir));
  return place && urlAt(place);
}

/** @throws StoreError saying what to do */
export async function startEmbeddedPostgres({ dataDir, log }: EmbeddedOptions): Promise<EmbeddedPostgres> {
  if (process.platform === "win32") {
    throw new StoreError(
      "no_embedded_build",
      "There is no embedded PostgreSQL on Windows yet. Set database.url to a PostgreSQL server (14 or newer).",
    );
  }
  const home = resolve(dataDir);
  mkdirSync(home, { recursive: true });
  const lock = lockDirectory(home);
  try {
    const runAs = chooseUser();
    const programs = await findPrograms(runAs, log);
    const place = choosePlace(home, runAs, log);
    prepareCluster(place.cluster, programs, runAs);
    rememberPlace(home, place);
    const postmaster = new Postmaster({ programs, place, runAs, logFile: join(home, "postgres.log"), log });
    await postmaster.start();
    const onExit = () => postmaster.kill();
    process.once("exit", onExit);
    return {
      url: postmaster.url,
      get pid() {
        return postmaster.pid;
      },
      stop: async () => {
        process.off("exit", onExit);
        await postmaster.stop();
        lock.release();
      },
      kill: () => {
        postmaster.kill();
        lock.release();
      },
    };
  } catch (error) {
    lock.release();
    throw error;
  }
}
