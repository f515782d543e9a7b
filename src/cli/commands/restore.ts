import { resolve } from "node:path";
import { restoreBackup, withDatabaseAlone } from "../../store/backup/index.ts";
import type { Command } from "../command.ts";
import { Exit } from "../exit-codes.ts";
import { databaseOf } from "../local/database.ts";
import { safe, safeJson } from "../text/safe.ts";
import { plural } from "../text/units.ts";

export const command: Command = {
  usage: "<file> [options]",
  about:
    "Makes the configured database what it was when the backup was written: database.url, or the embedded one in server.data_dir, which is made " +
    "if it is not there. No server may be running on it. The file is checked first, and all or nothing of it is restored; a schema from " +
    "before is brought to today's.\n" +
    "The next server that starts goes on from there: queued jobs are offered, running ones wait for their nodes. What happened after the backup is lost.",
  options: [
    { name: "force", doc: "DELETE what the database holds first; without it, one that is not empty is left alone" },
  ],
  operands: ["the file to restore"],
  examples: [
    ["restore cyxwiz-2026-11-24.backup --server.data_dir=fresh", "into a new data directory"],
    ["restore cyxwiz-2026-11-24.backup --force", "in place of what is there"],
  ],
  json: true,
  readsConfig: true,
  async run(invocation) {
    const { world, json, operands, has } = invocation;
    const file = resolve(world.directory, operands[0] ?? "");
    const { header, rows, epoch, migrated } = await withDatabaseAlone(databaseOf(invocation), (url) =>
      restoreBackup({ url, file, force: has("force") }),
    );
    if (json) {
      const data = { file, created_at: header.createdAt, rows, epoch: epoch.toString(), migrated };
      world.stdout.write(`${safeJson(data, 2)}\n`);
      return Exit.ok;
    }
    const steps = migrated.length === 0 ? "" : `Brought the schema forward by ${plural(migrated.length, "step")}.\n`;
    world.stdout.write(
      `Restored ${plural(rows.jobs ?? 0, "job")}, ${plural(rows.nodes ?? 0, "node")} and ` +
        `${plural(rows.transitions ?? 0, "transition")} as of ${safe(header.createdAt)}.\n${steps}Start the server to go on.\n`,
    );
    return Exit.ok;
  },
};
