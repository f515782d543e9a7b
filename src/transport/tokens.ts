/** Bearer tokens (JWT, HS256): who the one is that shows one. The one place where a signature is believed. */
import { verify } from "hono/jwt";
import { Refusal } from "../domain/refusal.ts";

export interface Bearer {
  /** The token's `sub`. */
  readonly subject: string;
  /** The wallet the token names. */
  readonly wallet: string | null;
}

export const unauthenticated = (message: string): Refusal =>
  new Refusal("unauthenticated", `authorization: ${message}`, { field: "authorization" });

/** The token in an Authorization header. @throws Refusal for another scheme */
export function bearerToken(header: string): string {
  if (!header.startsWith("Bearer ")) throw unauthenticated("Invalid authorization scheme, expected Bearer");
  return header.slice("Bearer ".length);
}

/** @throws Refusal (`unauthenticated`) */
export async function readBearer(
  token: string,
  secret: string,
  { allowExpired = false }: { readonly allowExpired?: boolean } = {},
): Promise<Bearer> {
  const claims = await verify(token, secret, { alg: "HS256", exp: !allowExpired }).catch((error: unknown) => {
    const expired = error instanceof Error && error.name === "JwtTokenExpired";
    throw unauthenticated(expired ? "the token has expired; sign in again" : "Invalid token");
  });
  // A token that admits an engine to a node is signed alike and is not meant for us.
  if ("job_id" in claims || "node_id" in claims) throw unauthenticated("this token is for a node, not for the server");
  const { sub, wallet_address: wallet = null } = claims;
  if (typeof sub !== "string" || !isName(sub)) {
    throw unauthenticated("the token names no subject (sub) that can be stored");
  }
  return { subject: sub, wallet: typeof wallet === "string" && isName(wallet) ? wallet : null };
}

/** Both become columns: a signed token can still hold what PostgreSQL text cannot. */
const isName = (text: string): boolean =>
  text !== "" && text.length <= 128 && !text.includes("\u0000") && text.isWellFormed();
