/** Whether an address can be listened on, said in words before or after somebody tries. */
import { createServer } from "node:net";
import { type Address, type Config, formatAddress, type LoadedConfig } from "../../config/index.ts";
import { CliError } from "../errors.ts";
import { Exit } from "../exit-codes.ts";

type Obstacle = "taken" | "denied" | "foreign";

/** Why the address cannot be listened on at this moment; null when it can. */
export function obstacleAt({ host, port }: Address): Promise<Obstacle | null> {
  if (port === 0) return Promise.resolve(null);
  return new Promise((resolve) => {
    const probe = createServer();
    probe.once("error", (error: NodeJS.ErrnoException) => {
      if (error.code === "EACCES") resolve("denied");
      else resolve(error.code === "EADDRINUSE" ? "taken" : "foreign");
    });
    probe.listen({ host, port, exclusive: true }, () => probe.close(() => resolve(null)));
  });
}

export type ListenKey = "server.grpc_address" | "server.rest_address" | "node.listen_address";

export const listenKeys = {
  "server.grpc_address": (config: Config): Address => config.server.grpcAddress,
  "server.rest_address": (config: Config): Address => config.server.restAddress,
  "node.listen_address": (config: Config): Address => config.node.listenAddress,
} as const;

function refusal(key: ListenKey, address: Address, obstacle: Obstacle): CliError {
  const shown = formatAddress(address);
  const free = formatAddress({ ...address, port: Math.min(65_535, address.port + 1000) });
  switch (obstacle) {
    case "taken":
      return new CliError(
        `${key}: port ${address.port} of ${address.host} is taken by another program.`,
        Exit.failure,
        `Stop that program, or choose another port: --${key}=${free}`,
      );
    case "denied":
      return new CliError(
        `${key}: the system does not let this user listen on port ${address.port}.`,
        Exit.failure,
        `Choose a port above 1023: --${key}=${formatAddress({ ...address, port: 50_051 })}`,
      );
    case "foreign":
      return new CliError(
        `${key}: ${shown} is no address of this machine.`,
        Exit.failure,
        `Use 127.0.0.1 (this machine only) or 0.0.0.0 (every network): --${key}=0.0.0.0:${address.port}`,
      );
  }
}

/** After something failed to start: the port that explains it, or the failure itself. */
export async function blamePort(error: unknown, config: Config, keys: readonly ListenKey[]): Promise<unknown> {
  // What speaks for itself needs no guess.
  if (error instanceof CliError || (error instanceof Error && error.name === "StoreError")) return error;
  for (const key of keys) {
    const address = listenKeys[key](config);
    const obstacle = await obstacleAt(address);
    if (obstacle !== null) return refusal(key, address, obstacle);
  }
  return error;
}

export interface ChosenPorts {
  readonly config: Config;
  /** Sentences for the screen. */
  readonly notes: readonly string[];
}

/**
 * For `up`: a default port that is taken gives way to a free one. A port that somebody asked for does not: whoever asked
 * will look for the server there.
 * @throws CliError
 */
export async function choosePorts({ config, origins }: LoadedConfig): Promise<ChosenPorts> {
  const notes: string[] = [];
  const chosen = async (key: ListenKey): Promise<Address> => {
    const address = listenKeys[key](config);
    const obstacle = await obstacleAt(address);
    if (obstacle === null) return address;
    if (obstacle !== "taken" || origins.get(key)?.from !== "default") throw refusal(key, address, obstacle);
    notes.push(`Port ${address.port} is taken by another program, so a free one is used (--${key} chooses one).`);
    return { ...address, port: 0 };
  };
  const grpcAddress = await chosen("server.grpc_address");
  const restAddress = await chosen("server.rest_address");
  return { config: { ...config, server: { ...config.server, grpcAddress, restAddress } }, notes };
}
