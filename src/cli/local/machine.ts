/** A whole network on one machine: the server and two compute nodes, in this process. */
import { join } from "node:path";
import type { Log } from "../../actors/runtime/index.ts";
import { type Address, type Config, formatAddress, parseAddress } from "../../config/index.ts";
import { callable } from "../client/address.ts";
import type { Parts, RunningNode, RunningServer } from "../world.ts";
import { blamePort } from "./ports.ts";

/** Two, so that brokering has something to choose from and a machine of two cores is not overwhelmed. */
const nodeNames = ["local-1", "local-2"] as const;

export interface LocalMachine {
  readonly server: RunningServer;
  readonly grpc: Address;
  readonly rest: Address;
  readonly nodes: readonly (RunningNode & { readonly name: string; readonly dataDir: string })[];
  /** Nodes first, so that the server hears them go. Never throws. */
  stop(): Promise<void>;
}

export interface Steps {
  readonly starting: (what: string) => void;
  readonly serverStarted: (server: RunningServer) => void;
  readonly waitingForLeader: (leader: string) => void;
}

export async function startMachine(
  parts: Parts,
  config: Config,
  { log, version, signal }: { readonly log: Log; readonly version: string; readonly signal: AbortSignal },
  steps: Steps,
): Promise<LocalMachine> {
  steps.starting("the server");
  const started = await parts
    .startServer({ config, log, version, signal, onWaitingForLeader: steps.waitingForLeader })
    .catch(async (error: unknown) => {
      throw await blamePort(error, config, ["server.grpc_address", "server.rest_address"]);
    });
  const nodes: LocalMachine["nodes"][number][] = [];
  const stop = async (): Promise<void> => {
    const outcomes = await Promise.allSettled(nodes.map((node) => node.stop()));
    for (const outcome of outcomes) {
      if (outcome.status === "rejected") log.warn("a local node failed to stop", { error: outcome.reason });
    }
    await started.stop().catch((error: unknown) => log.error("the server failed to stop", { error }));
  };
  try {
    steps.serverStarted(started);
    const grpc = callable({ host: config.server.grpcAddress.host, port: started.grpcPort });
    const rest = restOf(started, config);
    steps.starting("the nodes");
    const walletAddress = await nodesWallet(config);
    for (const [index, name] of nodeNames.entries()) {
      if (signal.aborted) break;
      const dataDir = join(config.server.dataDir, "nodes", String(index + 1));
      const node = await parts.startNode({
        server: formatAddress(grpc),
        name,
        listenAddress: { host: "127.0.0.1", port: 0 },
        dataDir,
        maxJobs: 1,
        ...(walletAddress !== null && { walletAddress }),
        files: [join(config.server.dataDir, "datasets")],
        log: log.with({ node: name }),
      });
      nodes.push({ name, dataDir, nodeId: node.nodeId, port: node.port, stop: () => node.stop() });
    }
    return { server: started, grpc, rest, nodes, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** Where the nodes of this machine are paid: as configured, else a wallet of their own beside their data. Null: jobs are not paid for. */
async function nodesWallet({ blockchain, node, server }: Config): Promise<string | null> {
  if (node.walletAddress !== undefined) return node.walletAddress;
  if (!blockchain.enabled || blockchain.paidJobs === "none") return null;
  const { hasWallet, makeWallet, readWallet } = await import("../wallet/key-file.ts");
  const file = join(server.dataDir, "nodes", "wallet.json");
  return (hasWallet(file) ? readWallet(file) : makeWallet(file)).publicKey.toBase58();
}

function restOf({ restUrl }: RunningServer, { server }: Config): Address {
  const parsed = parseAddress(new URL(restUrl).host);
  return callable(parsed.ok ? parsed.value : server.restAddress);
}
