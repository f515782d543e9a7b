/** Results of old jobs, removed so that a node's disk does not fill up. */
import { readdirSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";

/** The newest ones stay, so that their owners have time to fetch them; but nobody comes for a result after a month. */
const KEPT_JOBS = 200;
const KEPT_FOR = 30 * 24 * 3600_000;

/** Never touches the jobs in `wanted`: those that run, and those whose result the server has not taken yet. */
export function pruneJobs(dataDir: string, wanted: ReadonlySet<string>, now: number): void {
  const directory = join(dataDir, "jobs");
  let names: string[];
  try {
    names = readdirSync(directory);
  } catch {
    return; // none yet
  }
  const byAge = names
    .map((name) => ({
      name,
      at: statSync(join(directory, name), { throwIfNoEntry: false })?.mtimeMs ?? 0,
    }))
    .sort((a, b) => b.at - a.at);
  for (const [index, { name, at }] of byAge.entries()) {
    if (wanted.has(name) || (index < KEPT_JOBS && now - at < KEPT_FOR)) continue;
    rmSync(join(directory, name), { recursive: true, force: true });
  }
}
