import { createLog } from "../../observability/index.ts";
import type { Command, Invocation } from "../command.ts";
import { CliError } from "../errors.ts";
import { Exit, type ExitCode } from "../exit-codes.ts";
import { listenForInterrupt } from "../interrupt.ts";
import { blamePort } from "../local/ports.ts";

export const command: Command = {
  usage: "[options]",
  about:
    "Runs the server and nothing else, and logs to standard output. Ctrl-C or SIGTERM stops it gracefully (a second one at once).\n" +
    "Where another server leads on the same database this one stands by, and takes over when that one goes.",
  options: [],
  operands: [],
  examples: [
    ["serve --database.url=postgres://user:pass@host/cyxwiz", "with a PostgreSQL server"],
    ["serve --logging.format=pretty", "with a log for people"],
  ],
  json: false,
  readsConfig: true,
  run: serve,
};

async function serve({ world, load }: Invocation): Promise<ExitCode> {
  const { config, warnings } = load();
  const { level, format } = config.logging;
  const log = createLog({
    level,
    format,
    write: (line) => world.stdout.write(line),
    colour: world.stdout.isTTY && !world.environment.NO_COLOR,
  });
  for (const warning of warnings) log.warn(warning);
  const interrupt = listenForInterrupt(world, () => log.warn("stopped at once, on a second signal"));
  try {
    const server = await world.parts.startServer({
      config,
      log,
      version: world.build.version,
      signal: interrupt.signal,
      onWaitingForLeader: (leader) => log.info("standing by: another server leads", { leader }),
    });
    void interrupt.happened.then((signal) => {
      log.info("stopping", { signal });
      return server.stop();
    });
    const { reason, error } = await server.stopped;
    if (reason === "stopped") return Exit.ok;
    const why = error instanceof Error ? `: ${error.message}` : "";
    throw new CliError(reason === "deposed" ? "another server leads on this database now" : `the server failed${why}`);
  } catch (error) {
    // A signal while it stood by is a stop like any other.
    if (interrupt.signal.aborted && !(error instanceof CliError)) return Exit.ok;
    throw await blamePort(error, config, ["server.grpc_address", "server.rest_address"]);
  } finally {
    interrupt.end();
  }
}
