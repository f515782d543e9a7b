/** How the program ends. docs/cli.md and `cyxwiz --help` list the same numbers. */
export const Exit = {
  ok: 0,
  /** Something went wrong that no other number names. */
  failure: 1,
  /** The command line, the configuration, or what was sent to the server is not valid. */
  usage: 2,
  notFound: 3,
  /** A job that was waited for failed or was cancelled. */
  jobFailed: 4,
  /** No server answers. */
  unreachable: 5,
  /** Ended by Ctrl-C, as a shell reports it. */
  interrupted: 130,
} as const;

export type ExitCode = number;

/** What a shell reports for a process that a signal ended: 128 plus the signal's number. */
const signalNumbers = { SIGHUP: 1, SIGINT: 2, SIGTERM: 15 } as const;
export type StopSignal = keyof typeof signalNumbers;
export const stopSignals: readonly StopSignal[] = ["SIGINT", "SIGTERM", "SIGHUP"];
export const exitCodeOf = (signal: StopSignal): ExitCode => 128 + signalNumbers[signal];
