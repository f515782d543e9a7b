import { createHash } from "node:crypto";
import {
  chmodSync,
  chownSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  renameSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Log } from "../../actors/runtime/index.ts";
import { StoreError } from "../errors.ts";
import { canReach, type RunAs } from "./identity.ts";

/** Where the parts of the embedded database lie. */
export interface Place {
  /** PostgreSQL's own directory. */
  readonly cluster: string;
  /** The directory of its unix socket, closed to others. */
  readonly sockets: string;
}

/** `sockaddr_un` holds 108 bytes on Linux and 104 on macOS, the last of them zero; the lock file's name is the longest. */
const longestSocketPath = 103;
const longestSocketName = "/.s.PGSQL.5432.lock".length;
/** Names the place of the database when it is not in the data directory itself. */
const pointerName = "postgres.location";

/**
 * Chooses the places and makes their directories. Usually all is in `dataDir`. When we are root and the user PostgreSQL runs as
 * cannot get there (a clone in /root, say), the database goes to /var/lib/cyxwiz and a file in `dataDir` says so.
 */
export function choosePlace(dataDir: string, runAs: RunAs | undefined, log: Log, elsewhere = "/var/lib/cyxwiz"): Place {
  const place = placeIn(chooseHome(dataDir, runAs, log, elsewhere), dataDir);
  makePrivate(place.sockets, runAs);
  return place;
}

/** Where the database of a data directory lies, if it has one. Looks only. */
export function findPlace(dataDir: string): Place | null {
  const pointer = join(dataDir, pointerName);
  const place = placeIn(existsSync(pointer) ? readFileSync(pointer, "utf8").trim() : dataDir, dataDir);
  return existsSync(join(place.cluster, "PG_VERSION")) ? place : null;
}

function placeIn(home: string, dataDir: string): Place {
  const sockets = join(home, "postgres-sockets");
  const tooLong = Buffer.byteLength(sockets) + longestSocketName > longestSocketPath;
  return {
    cluster: join(home, "postgres"),
    sockets: tooLong ? join(tmpdir(), `cyxwiz-${digest(dataDir)}`) : sockets,
  };
}

function chooseHome(dataDir: string, runAs: RunAs | undefined, log: Log, elsewhere: string): string {
  const pointer = join(dataDir, pointerName);
  if (existsSync(pointer)) {
    const home = readFileSync(pointer, "utf8").trim();
    if (existsSync(join(home, "postgres"))) return home;
    throw new StoreError(
      "embedded_failed",
      `The database of ${dataDir} was kept in ${home}, which is gone. Restore it, or delete ${pointer} to start with an empty one.`,
    );
  }
  if (runAs === undefined || canReach(runAs, dataDir)) return dataDir;
  const home = join(elsewhere, digest(dataDir));
  if (existsSync(join(home, "postgres"))) {
    // A database and no pointer to it: its data directory was deleted and made anew, by somebody who wants to start afresh.
    const aside = `${home}.${Date.now()}`;
    renameSync(home, aside);
    log.warn("the database of an earlier data directory of this name was set aside", { dataDir, aside });
  }
  mkdirSync(home, { recursive: true, mode: 0o755 });
  log.info("the user PostgreSQL runs as cannot enter the data directory; the database is kept elsewhere", {
    user: runAs.name,
    dataDir,
    database: home,
  });
  return home;
}

/** Remembers the place once there is a database in it, so that it is found again whatever the permissions are then. */
export function rememberPlace(dataDir: string, { cluster }: Place): void {
  const home = join(cluster, "..");
  if (home !== dataDir) writeFileSync(join(dataDir, pointerName), `${home}\n`);
}

/** A directory only PostgreSQL's user (and root) may enter. In a shared temporary directory it might be somebody's trap. */
export function makePrivate(directory: string, runAs: RunAs | undefined): void {
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  const found = lstatSync(directory);
  if (!found.isDirectory() || ![process.getuid?.() ?? found.uid, runAs?.uid].includes(found.uid)) {
    throw new StoreError("embedded_failed", `${directory} belongs to another user. Remove it or set TMPDIR.`);
  }
  if (runAs !== undefined) chownSync(directory, runAs.uid, runAs.gid);
  chmodSync(directory, 0o700);
}

const digest = (text: string) => createHash("sha256").update(text).digest("hex").slice(0, 16);
