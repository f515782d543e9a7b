/** What can be wrong with the database that a person has to mend. The message says what to do. */
export type StoreErrorCode =
  | "invalid_url"
  | "unreachable"
  | "server_too_old"
  | "database_newer"
  | "migration_changed"
  | "migration_failed"
  | "data_dir_in_use"
  | "data_dir_wrong_version"
  | "no_embedded_build"
  | "embedded_failed"
  | "no_database"
  | "backup_exists"
  | "backup_unreadable"
  | "target_not_empty"
  | "database_in_use";

/** The store cannot be opened as configured. Never holds a password: messages name hosts and files only. */
export class StoreError extends Error {
  override readonly name = "StoreError";
  constructor(
    readonly code: StoreErrorCode,
    message: string,
    options?: { readonly cause?: unknown },
  ) {
    super(message, options);
  }
}

/** The SQLSTATE of an error that came from the server; undefined when it came from elsewhere (a lost connection). */
export function sqlState(error: unknown): string | undefined {
  if (!(error instanceof Error) || !("code" in error)) return undefined;
  const { code } = error;
  // Node's own codes (ECONNRESET, EPIPE) are no SQLSTATE; EPIPE even has the length of one.
  return typeof code === "string" && /^[0-9A-Z]{5}$/.test(code) && "severity" in error ? code : undefined;
}

/** The message of anything thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
