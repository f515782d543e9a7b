/** Where the server is: what --server and --rest say, else what the configuration says a server here would listen on. */
import { type Address, type Config, formatAddress, parseAddress } from "../../config/index.ts";
import type { OptionSpec } from "../command.ts";
import { UsageError } from "../errors.ts";

export const serverOption: OptionSpec = {
  name: "server",
  value: "HOST:PORT",
  doc: "the server's gRPC address (default: server.grpc_address)",
};

export const restOption: OptionSpec = {
  name: "rest",
  value: "HOST:PORT",
  doc: "the server's REST address (default: the host of --server with the port of server.rest_address)",
};

/** "0.0.0.0" is every address to listen on and none to call. */
export function callable({ host, port }: Address): Address {
  if (host === "0.0.0.0") return { host: "127.0.0.1", port };
  return /^\[?(::|0:0:0:0:0:0:0:0)\]?$/.test(host) ? { host: "::1", port } : { host, port };
}

export function grpcAddress(given: string | undefined, config: Config): Address {
  if (given !== undefined) return fromOption("server", given);
  const address = callable(config.server.grpcAddress);
  if (address.port !== 0) return address;
  throw new UsageError(
    "server.grpc_address has port 0, so the server chose its port by itself",
    "Say where it is with --server HOST:PORT; the server told its port when it started.",
  );
}

export function restAddress(given: string | undefined, server: string | undefined, config: Config): Address {
  if (given !== undefined) return fromOption("rest", given);
  const usual = callable(config.server.restAddress);
  const address = server === undefined ? usual : { host: fromOption("server", server).host, port: usual.port };
  if (address.port !== 0) return address;
  throw new UsageError(
    "server.rest_address has port 0, so the server chose its port by itself",
    "Say where it is with --rest HOST:PORT; the server told its port when it started.",
  );
}

function fromOption(option: string, given: string): Address {
  // People paste what a browser shows.
  const parsed = parseAddress(given.replace(/^(https?|grpc):\/\//, "").replace(/\/$/, ""));
  if (!parsed.ok) throw new UsageError(`--${option}: ${JSON.stringify(given)} ${parsed.reason}`);
  if (parsed.value.port === 0)
    throw new UsageError(`--${option}: ${formatAddress(parsed.value)} needs a port from 1 to 65535`);
  return callable(parsed.value);
}
