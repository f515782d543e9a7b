/** What can be wrong with the local chain that a person has to mend. The message says what to do. */
export type LocalChainErrorCode =
  | "vm_missing"
  | "ledger_in_use"
  | "ledger_format"
  | "ledger_unreadable"
  | "keys_unreadable"
  | "wrong_faucet"
  | "not_loopback"
  | "port_in_use"
  | "faucet_failed";

/** The local chain cannot be opened, served or paid from as asked. */
export class LocalChainError extends Error {
  override readonly name = "LocalChainError";
  constructor(
    readonly code: LocalChainErrorCode,
    message: string,
    options?: { readonly cause?: unknown },
  ) {
    super(message, options);
  }
}

/** The message of anything thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
