/** What holds between keys: contradictions (problems) and things worth knowing (warnings). Pure. */

import type { Config, KeyName } from "./keys.ts";
import { formatAddress, isLoopback } from "./network-kinds.ts";
import { describeOrigin, type Origin } from "./origin.ts";
import { publishedJwtSecret } from "./sections/server.ts";

type Origins = ReadonlyMap<KeyName, Origin>;

/** Contradictions between values that are fine by themselves. */
export function contradictions(config: Config, origins: Origins): string[] {
  const found: string[] = [];
  const both = (low: KeyName, lowValue: number, high: KeyName, highValue: number, why: string): void => {
    const from = (name: KeyName): string => describeOrigin(origins.get(name) ?? { from: "default" });
    found.push(`${low} = ${lowValue} (from ${from(low)}) and ${high} = ${highValue} (from ${from(high)}): ${why}`);
  };
  const { database, scheduler, server, blockchain, jwt } = config;
  if (database.minConnections > database.maxConnections) {
    both(
      "database.min_connections",
      database.minConnections,
      "database.max_connections",
      database.maxConnections,
      "the first must not be larger",
    );
  }
  if (scheduler.retryBackoffMs > scheduler.retryBackoffMaxMs) {
    both(
      "scheduler.retry_backoff_ms",
      scheduler.retryBackoffMs,
      "scheduler.retry_backoff_max_ms",
      scheduler.retryBackoffMaxMs,
      "the first must not be larger",
    );
  }
  if (scheduler.heartbeatIntervalMs >= scheduler.nodeHeartbeatTimeoutMs) {
    both(
      "scheduler.heartbeat_interval_ms",
      scheduler.heartbeatIntervalMs,
      "scheduler.node_heartbeat_timeout_ms",
      scheduler.nodeHeartbeatTimeoutMs,
      "nodes must report more often than they time out",
    );
  }
  if (server.grpcAddress.port !== 0 && formatAddress(server.grpcAddress) === formatAddress(server.restAddress)) {
    found.push(
      `server.grpc_address and server.rest_address are both ${formatAddress(server.grpcAddress)}: they need different ports`,
    );
  }
  if (blockchain.enabled && blockchain.network === "mainnet-beta" && jwt.secret === publishedJwtSecret) {
    found.push(
      'blockchain.network = "mainnet-beta": real money needs a jwt.secret of your own, and jwt.secret is the published default',
    );
  }
  if (blockchain.enabled && blockchain.paidJobs !== "none" && blockchain.network !== "local") {
    found.push(
      `blockchain.paid_jobs = "${blockchain.paidJobs}": jobs are paid on the local chain only so far, and the network is "${blockchain.network}"; set blockchain.network = "local", or paid_jobs = "none"`,
    );
  }
  return found;
}

/** HS256 keys shorter than the hash's 32 bytes can be guessed offline from one token (RFC 7518, section 3.2). */
const shortestSecret = 32;

/** Settings that are allowed and still worth a line in the log. */
export function advice(config: Config, origins: Origins): string[] {
  const given = (name: KeyName): boolean => (origins.get(name)?.from ?? "default") !== "default";
  const found: string[] = [];
  const { server, jwt, blockchain } = config;
  for (const [name, address] of [
    ["server.grpc_address", server.grpcAddress],
    ["server.rest_address", server.restAddress],
  ] as const) {
    if (!isLoopback(address)) {
      found.push(
        `${name} = ${formatAddress(address)} accepts calls from other machines, and callers are not authenticated yet: anyone who reaches it can submit jobs and report results. Keep it behind a firewall`,
      );
    }
  }
  if (jwt.secret === publishedJwtSecret) {
    found.push(
      "jwt.secret is the published default: anyone can forge tokens with it. Set CYXWIZ_JWT__SECRET (for example to the output of `openssl rand -hex 32`)",
    );
  } else if (Buffer.byteLength(jwt.secret) < shortestSecret) {
    found.push(`jwt.secret is shorter than ${shortestSecret} bytes, short enough to be guessed`);
  }
  if (jwt.p2pSecret !== jwt.secret && Buffer.byteLength(jwt.p2pSecret) < shortestSecret) {
    found.push(`jwt.p2p_secret is shorter than ${shortestSecret} bytes, short enough to be guessed`);
  }
  // Said only once the default above is gone: one thing to do at a time.
  if (origins.get("jwt.p2p_secret")?.from === "key" && jwt.secret !== publishedJwtSecret) {
    found.push(
      "jwt.p2p_secret is not set, so jwt.secret signs the tokens that nodes check: every node must know it (--p2p-secret of the C++ node) and can forge users' tokens with it. Set jwt.p2p_secret to a value of its own",
    );
  }
  if (jwt.adminSecret !== undefined && jwt.adminSecret === jwt.secret) {
    found.push("jwt.admin_secret equals jwt.secret: whoever issues users' tokens can make administrators");
  }
  if (
    blockchain.solanaRpcUrl !== undefined &&
    (!blockchain.enabled || ["local", "none"].includes(blockchain.network))
  ) {
    const network = blockchain.enabled ? blockchain.network : "none";
    found.push(
      `blockchain.solana_rpc_url is set and unused: the network is "${network}"; set blockchain.network to the cluster it belongs to`,
    );
  }
  for (const name of [
    "scheduler.job_poll_interval_ms",
    "redis.pool_size",
    "mongo.url",
    "mongo.database",
    "mongo.user_collection",
  ] as const) {
    if (given(name))
      found.push(
        `${name} (from ${describeOrigin(origins.get(name) ?? { from: "default" })}) is kept for old files and has no effect`,
      );
  }
  return found;
}
