/** The log of `cyxwiz up`, in a file, so that the screen stays readable. */
import { createWriteStream, existsSync, mkdirSync, renameSync, statSync } from "node:fs";
import { join } from "node:path";
import type { Log } from "../../actors/runtime/index.ts";
import type { Config } from "../../config/index.ts";
import { createLog } from "../../observability/index.ts";

/** A larger file is put aside when a new run begins: a laptop that runs `up` for months must not fill its disk. */
const largest = 20 * 1024 * 1024;

export interface LogFile {
  readonly log: Log;
  readonly path: string;
  /** Resolves when all is written. */
  close(): Promise<void>;
}

/** Makes the data directory where it is missing. @throws the system's error when the file cannot be written */
export function openLogFile({ server, logging }: Config): LogFile {
  mkdirSync(server.dataDir, { recursive: true });
  const path = join(server.dataDir, "cyxwiz.log");
  if (existsSync(path) && statSync(path).size > largest) renameSync(path, `${path}.old`);
  const file = createWriteStream(path, { flags: "a" });
  // A full disk must not end the server for want of a log line.
  file.on("error", () => {});
  const write = (line: string): void => void file.write(line);
  return {
    path,
    log: createLog({ level: logging.level, format: logging.format, write, colour: false }),
    close: () => new Promise((resolve) => file.end(() => resolve())),
  };
}
