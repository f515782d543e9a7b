/**
 * The token by which a node knows that an offer comes from its server: HS256 with the secret both were given, and naming
 * this node and this job. The C++ node checks the same of an engine that connects to it.
 */
import { verify } from "hono/jwt";

const ISSUER = "CyxWiz-Central-Server";

/** Why the offer is not admitted, or null. */
export async function admissionProblem(
  secret: string,
  token: string,
  offer: { readonly jobId: string; readonly nodeId: string },
): Promise<string | null> {
  try {
    const claims = await verify(token, secret, { alg: "HS256", iss: ISSUER });
    if (claims.job_id !== offer.jobId) return "authorization_token: is for another job";
    if (claims.node_id !== offer.nodeId) return "authorization_token: is for another node";
    return null;
  } catch {
    // The library's words quote the token, which is a secret.
    return "authorization_token: is not signed with this node's p2p secret, or has expired";
  }
}
