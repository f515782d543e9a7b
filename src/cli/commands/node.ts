import { hostname } from "node:os";
import { join } from "node:path";
import { formatAddress } from "../../config/index.ts";
import { createLog } from "../../observability/index.ts";
import type { Command, Invocation } from "../command.ts";
import { Exit, type ExitCode } from "../exit-codes.ts";
import { listenForInterrupt } from "../interrupt.ts";
import { blamePort } from "../local/ports.ts";
import { duration } from "../text/units.ts";

export const command: Command = {
  usage: "[options]",
  about:
    "Runs the reference compute node: it registers with the server, takes jobs, trains them and reports. Logs to standard output.\n" +
    "Its settings are the node section: --node.server, --node.listen_address, --node.advertise_address, --node.data_dir, --node.name, --node.max_jobs, --node.token. Jobs may read local files below datasets/ in node.data_dir and no others. Ctrl-C or SIGTERM stops it; the server hears of it.",
  options: [],
  operands: [],
  examples: [
    [
      "node --node.server=central.example:50051 --node.listen_address=0.0.0.0:50055 --node.advertise_address=me.example:50055",
      "offer this machine to a network",
    ],
    ["node --node.data_dir=.cyxwiz/node-2 --node.listen_address=127.0.0.1:0", "one more on this machine"],
  ],
  json: false,
  readsConfig: true,
  run: runNode,
};

async function runNode({ world, load }: Invocation): Promise<ExitCode> {
  const { config } = load();
  const { node, logging } = config;
  const log = createLog({
    ...logging,
    write: (line) => world.stdout.write(line),
    colour: world.stdout.isTTY && !world.environment.NO_COLOR,
  });
  const interrupt = listenForInterrupt(world, () => log.warn("stopped at once, on a second signal"));
  const started = world.clock.now();
  try {
    const agent = await Promise.race([
      world.parts.startNode({
        server: formatAddress(node.server),
        name: node.name ?? hostname(),
        listenAddress: node.listenAddress,
        dataDir: node.dataDir,
        maxJobs: node.maxJobs,
        files: [join(node.dataDir, "datasets")],
        log,
        ...(node.advertiseAddress === undefined ? {} : { advertiseAddress: formatAddress(node.advertiseAddress) }),
        ...(node.token === undefined ? {} : { token: node.token }),
        ...(node.walletAddress === undefined ? {} : { walletAddress: node.walletAddress }),
        ...(node.region === undefined ? {} : { region: node.region }),
      }),
      // Registering waits for the server for as long as it takes; a signal must not.
      interrupt.happened.then(() => null),
    ]);
    if (agent === null) return Exit.ok;
    log.info("node is up", {
      node: agent.nodeId,
      server: formatAddress(node.server),
      port: agent.port,
      after: duration(world.clock.now() - started),
    });
    const signal = await interrupt.happened;
    log.info("stopping", { signal });
    await agent.stop();
    return Exit.ok;
  } catch (error) {
    throw await blamePort(error, config, ["node.listen_address"]);
  } finally {
    interrupt.end();
  }
}
