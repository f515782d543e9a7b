/** The errors of Solana's JSON-RPC, with the codes of the official node (`rpc-client-api/src/custom_error.rs`) and of JSON-RPC 2.0. */

export const RPC_CODES = {
  parse: -32700,
  invalidRequest: -32600,
  methodNotFound: -32601,
  invalidParams: -32602,
  internal: -32603,
  preflightFailed: -32002,
  badSignature: -32003,
  nodeBehind: -32005,
  unsupportedVersion: -32015,
  contextSlotNotReached: -32016,
} as const;

/** An answer, not an accident: it goes to the client as it is. */
export class RpcError extends Error {
  override readonly name = "RpcError";
  constructor(
    readonly code: number,
    message: string,
    readonly data?: unknown,
  ) {
    super(message);
  }
}

export const invalidParam = (why: string): RpcError => new RpcError(RPC_CODES.invalidParams, `Invalid param: ${why}`);
