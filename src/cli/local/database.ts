/** The configured database, for commands that open it themselves; what its programs warn of goes to standard error. */
import { createLog } from "../../observability/index.ts";
import type { Configured } from "../../store/backup/index.ts";
import type { Invocation } from "../command.ts";

export function databaseOf({ world, load }: Invocation): Configured {
  const { config } = load();
  const log = createLog({
    level: "warn",
    format: "pretty",
    write: (line) => world.stderr.write(line),
    colour: world.stderr.isTTY && !world.environment.NO_COLOR,
  });
  return { url: config.database.url, dataDir: config.server.dataDir, log };
}
