/**
 * The token by which a node knows that an engine may train on it: HS256, `iss` exactly as below, `exp` in seconds. The
 * C++ node checks signature, issuer, expiry, job and node; its secret (`--p2p-secret`) must equal `jwt.p2p_secret`.
 */
import { sign } from "hono/jwt";
import type { Millis } from "../actors/runtime/index.ts";

const ISSUER = "CyxWiz-Central-Server";

export interface P2pToken {
  readonly token: string;
  /** Unix seconds. */
  readonly expiresAt: number;
}

export type IssueP2pToken = (claims: {
  readonly user: string;
  readonly jobId: string;
  readonly nodeId: string;
}) => Promise<P2pToken>;

export function p2pTokens(secret: string, lifetimeSeconds: number, now: () => Millis): IssueP2pToken {
  return async ({ user, jobId, nodeId }) => {
    const issuedAt = Math.floor(now() / 1000);
    const expiresAt = issuedAt + lifetimeSeconds;
    const claims = { iss: ISSUER, sub: user, job_id: jobId, node_id: nodeId, iat: issuedAt, exp: expiresAt };
    return { token: await sign(claims, secret, "HS256"), expiresAt };
  };
}
