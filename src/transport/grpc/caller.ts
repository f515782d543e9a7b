/**
 * Who is calling. A bearer token that is sent must be good; none is needed yet, which is why the server listens on
 * loopback by default. Whoever shows a token can touch only what belongs to its subject; an anonymous caller on this
 * machine is its operator.
 */
import type { Metadata } from "nice-grpc-common";
import { Refusal } from "../../domain/refusal.ts";
import { bearerToken, readBearer } from "../tokens.ts";

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

export function authenticator(secret: string): Authenticate {
  const callerOf = async (token: string, allowExpired: boolean): Promise<Caller> => {
    const { subject, wallet } = await readBearer(token, secret, { allowExpired });
    return { userId: subject, wallet };
  };
  return async (metadata, { allowExpired = false, spare = "" } = {}) => {
    const header = metadata.get("authorization");
    if (header === undefined) return spare === "" ? ANONYMOUS : callerOf(spare, allowExpired).catch(() => ANONYMOUS);
    return callerOf(bearerToken(header), allowExpired);
  };
}

/** Refuses a caller who is somebody, and not the owner. `what` is told as not found would be: existence is not for strangers. */
export function requireOwner(caller: Caller, owner: string, what: string): void {
  if (caller.userId !== null && caller.userId !== owner) {
    throw new Refusal("permission_denied", `${what} belongs to somebody else`);
  }
}
