/**
 * Who is calling. A bearer token that is sent must be good; none is needed yet, which is why the server listens on
 * loopback by default. Whoever shows a token can touch only what belongs to its subject; an anonymous caller on this
 * machine is its operator.
 */
import { verify } from "hono/jwt";
import type { Metadata } from "nice-grpc-common";
import { Refusal } from "../../domain/refusal.ts";

export interface Caller {
  /** The token's subject; null for an anonymous caller. */
  readonly userId: string | null;
  /** The wallet the token names. */
  readonly wallet: string | null;
}

export const ANONYMOUS: Caller = { userId: null, wallet: null };

export interface AuthenticateOptions {
  readonly allowExpired?: boolean;
  /** A token in the message itself. It counts only where the call brings none, and is passed over when it is no good. */
  readonly spare?: string;
}

export type Authenticate = (metadata: Metadata, options?: AuthenticateOptions) => Promise<Caller>;

const unauthenticated = (message: string): Refusal =>
  new Refusal("unauthenticated", message, { field: "authorization" });

export function authenticator(secret: string): Authenticate {
  const callerOf = async (token: string, allowExpired: boolean): Promise<Caller> => {
    const claims = await verify(token, secret, { alg: "HS256", exp: !allowExpired }).catch((error: unknown) => {
      const expired = error instanceof Error && error.name === "JwtTokenExpired";
      throw unauthenticated(
        expired ? "authorization: the token has expired; sign in again" : "authorization: Invalid token",
      );
    });
    // A token that admits an engine to a node is signed alike and is not meant for us.
    if ("job_id" in claims || "node_id" in claims)
      throw unauthenticated("authorization: this token is for a node, not for the server");
    const { sub, wallet_address: wallet = null } = claims;
    if (typeof sub !== "string" || !isName(sub))
      throw unauthenticated("authorization: the token names no subject (sub) that can be stored");
    return { userId: sub, wallet: typeof wallet === "string" && isName(wallet) ? wallet : null };
  };
  return async (metadata, { allowExpired = false, spare = "" } = {}) => {
    const header = metadata.get("authorization");
    if (header === undefined) return spare === "" ? ANONYMOUS : callerOf(spare, allowExpired).catch(() => ANONYMOUS);
    if (!header.startsWith("Bearer "))
      throw unauthenticated("authorization: Invalid authorization scheme, expected Bearer");
    return callerOf(header.slice("Bearer ".length), allowExpired);
  };
}

/** Both become columns: a signed token can still hold what PostgreSQL text cannot. */
const isName = (text: string): boolean =>
  text !== "" && text.length <= 128 && !text.includes("\u0000") && text.isWellFormed();

/** Refuses a caller who is somebody, and not the owner. `what` is told as not found would be: existence is not for strangers. */
export function requireOwner(caller: Caller, owner: string, what: string): void {
  if (caller.userId !== null && caller.userId !== owner) {
    throw new Refusal("permission_denied", `${what} belongs to somebody else`);
  }
}
