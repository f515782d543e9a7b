/** Results of old jobs, removed so that a node's disk does not fill up. */
import { readdirSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";

/** The newest ones stay, so that their owners have time to fetch them. */
const KEPT_JOBS = 200;

export function pruneJobs(dataDir: string): void {
  const directory = join(dataDir, "jobs");
  let names: string[];
  try {
    names = readdirSync(directory);
  } catch {
    return; // none yet
  }
  const byAge = names
    .map((name) => ({ path: join(directory, name), at: statSync(join(directory, name)).mtimeMs }))
    .sort((a, b) => b.at - a.at);
  for (const { path } of byAge.slice(KEPT_JOBS)) rmSync(path, { recursive: true, force: true });
}
