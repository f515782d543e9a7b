/** A fresh database cluster: made beside its place and renamed, so that a start killed half-way leaves none behind. */
import { spawnSync } from "node:child_process";
import {
  chmodSync,
  chownSync,
  closeSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readdirSync,
  renameSync,
  rmSync,
} from "node:fs";
import { basename, dirname, join } from "node:path";
import { StoreError } from "../errors.ts";
import type { RunAs } from "./identity.ts";
import { majorOf, versionOfCluster } from "./programs.ts";

/** The role that owns the cluster. It has no password: only who may enter the socket's directory can connect. */
export const SUPERUSER = "cyxwiz";

/** Makes the cluster unless it is there. @throws StoreError */
export function prepareCluster(cluster: string, programs: string, runAs: RunAs | undefined): void {
  const major = majorOf(programs);
  removeLeftovers(cluster);
  if (existsSync(join(cluster, "PG_VERSION"))) {
    const version = versionOfCluster(cluster);
    if (version === major) return;
    throw new StoreError(
      "data_dir_wrong_version",
      `The database in ${cluster} was made by PostgreSQL ${version}; this build brings ${major}, which cannot open it. ` +
        "Dump it with the build that made it and restore the dump, or give this one another server.data_dir.",
    );
  }
  const fresh = `${cluster}.init-${process.pid}`;
  mkdirSync(fresh, { mode: 0o700 });
  if (runAs) chownSync(fresh, runAs.uid, runAs.gid);
  chmodSync(fresh, 0o700);
  const args = ["-D", fresh, "-U", SUPERUSER, "-A", "trust", "-E", "UTF8", "--locale=C", "--no-instructions"];
  const made = spawnSync(join(programs, "bin/initdb"), args, {
    ...(runAs ? { uid: runAs.uid, gid: runAs.gid } : {}),
    cwd: fresh,
    env: { PATH: process.env.PATH ?? "", LC_ALL: "C" },
    encoding: "utf8",
  });
  if (made.status !== 0) {
    rmSync(fresh, { recursive: true, force: true });
    const reason = made.error?.message ?? made.stderr.trim().split("\n").slice(-3).join(" ");
    throw new StoreError("embedded_failed", `The embedded database could not be made in ${cluster}: ${reason}`);
  }
  renameSync(fresh, cluster);
  // The new name must be on disk before the first row is: a power cut could bring the old name back, which the next start
  // takes for a leftover and removes.
  const parent = openSync(dirname(cluster), "r");
  fsyncSync(parent);
  closeSync(parent);
}

/**
 * Of starts that were killed. The data directory is locked, so no server is at work there, but the killed one's initdb may be
 * for another second, and put files back: what is left then goes at the next start.
 */
function removeLeftovers(cluster: string): void {
  for (const name of readdirSync(dirname(cluster))) {
    if (!name.startsWith(`${basename(cluster)}.init-`)) continue;
    try {
      rmSync(join(dirname(cluster), name), { recursive: true, force: true });
    } catch {
      // Not empty any more.
    }
  }
}
