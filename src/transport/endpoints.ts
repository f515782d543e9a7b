/** Where a node is reached. Always "host:port" without a scheme; IPv6 hosts in brackets. */
import type { NodeProfile } from "../domain/node-profile.ts";

export const hostPort = (host: string, port: number): string =>
  host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;

/** Where engines train peer to peer. */
export const peerEndpoint = (profile: NodeProfile): string => hostPort(profile.ipAddress, profile.port);
