/** Failures the reader can do something about: what went wrong, what to do next, and how the program ends. */
import { Exit, type ExitCode } from "./exit-codes.ts";

export class CliError extends Error {
  override readonly name: string = "CliError";
  constructor(
    message: string,
    readonly exitCode: ExitCode = Exit.failure,
    /** A sentence that says what to do; shown on a line of its own. */
    readonly hint: string | null = null,
    options?: { readonly cause?: unknown },
  ) {
    super(message, options);
  }
}

/** The command line is wrong. The hint leads to the help of the command it was meant for. */
export class UsageError extends CliError {
  override readonly name = "UsageError";
  constructor(message: string, hint: string | null = null) {
    super(message, Exit.usage, hint);
  }
}
