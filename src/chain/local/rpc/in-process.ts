/** web3.js's Connection to the chain of the same process: no socket, no port. */
import { type Commitment, Connection } from "@solana/web3.js";
import { answer } from "./dispatch.ts";
import type { RpcWorld } from "./method.ts";

/** Reserved by RFC 2606: if anything ever went out to it, it would go nowhere. */
const NOWHERE = "http://local-chain.invalid";

type Fetch = (url: unknown, request?: { readonly body?: unknown }) => Promise<Response>;

/** A `fetch` that answers each request from the chain, whatever the address. */
export function inProcessFetch(world: RpcWorld): Fetch {
  return async (_url, request) => {
    const text = answer(world, typeof request?.body === "string" ? request.body : "");
    return new Response(text, { headers: { "content-type": "application/json" } });
  };
}

/**
 * A Connection without a socket. It cannot hear notifications, so `confirmTransaction` and `sendAndConfirmTransaction` do not
 * work with it: ask `getSignatureStatuses` instead.
 */
export function inProcessConnection(world: RpcWorld, commitment: Commitment = "confirmed"): Connection {
  return new Connection(NOWHERE, {
    commitment,
    // Only `body` is read and only a Response comes back; web3.js's type wants all of the browser's fetch.
    fetch: inProcessFetch(world) as unknown as typeof fetch,
    disableRetryOnRateLimit: true,
  });
}
