import { resolve } from "node:path";
import { withDatabase, writeBackup } from "../../store/backup/index.ts";
import type { Command } from "../command.ts";
import { Exit } from "../exit-codes.ts";
import { databaseOf } from "../local/database.ts";
import { safe, safeJson } from "../text/safe.ts";
import { bytes, plural } from "../text/units.ts";

export const command: Command = {
  usage: "<file> [options]",
  about:
    "Writes everything the database holds at this moment into one file, while the server goes on. The database is the configured one: " +
    "database.url, or the embedded one in server.data_dir. A file that is there already is not overwritten; one that is written is whole and on disk.\n" +
    "It holds all jobs, nodes, the journal and its log, and none of the settings or the files that nodes keep. Only its owner can read it.",
  options: [],
  operands: ["the file to write"],
  examples: [["backup cyxwiz-2026-11-24.backup", "of the embedded database, its server running or not"]],
  json: true,
  readsConfig: true,
  async run(invocation) {
    const { world, json, operands } = invocation;
    const file = resolve(world.directory, operands[0] ?? "");
    const written = await withDatabase(databaseOf(invocation), (url) =>
      writeBackup({ url, file, version: world.build.version }),
    );
    const { createdAt, rows, sha256 } = written;
    if (json) {
      const data = { file, bytes: written.bytes, created_at: createdAt, rows, sha256 };
      world.stdout.write(`${safeJson(data, 2)}\n`);
      return Exit.ok;
    }
    world.stdout.write(
      `${safe(file)}: ${plural(rows.jobs ?? 0, "job")}, ${plural(rows.nodes ?? 0, "node")} and ` +
        `${plural(rows.transitions ?? 0, "transition")} as of ${createdAt} (${bytes(written.bytes)})\n`,
    );
    return Exit.ok;
  },
};
