/** The connection to the server, and its errors in the reader's words. */
import { type Channel, type Client, createChannel, createClient } from "nice-grpc";
import { ClientError, Status } from "nice-grpc-common";
import type { Millis } from "../../actors/runtime/index.ts";
import { type Address, formatAddress } from "../../config/index.ts";
import { JobServiceDefinition } from "../../transport/grpc/protocol.ts";
import type { Invocation } from "../command.ts";
import { CliError } from "../errors.ts";
import { Exit, type ExitCode } from "../exit-codes.ts";
import { grpcAddress } from "./address.ts";

export type JobClient = Client<typeof JobServiceDefinition>;

/** Any answer takes a few milliseconds; a server that needs this long for one is in trouble, and saying so is better. */
const answerTimeout: Millis = 15_000;

export interface Connection {
  readonly jobs: JobClient;
  /** As shown in messages. */
  readonly address: string;
  /** Runs one call with a deadline. @throws CliError for everything that went wrong */
  call<T>(run: (options: { readonly signal: AbortSignal }) => Promise<T>): Promise<T>;
  /** What `error` means to the reader. */
  explain(error: unknown): unknown;
  close(): void;
}

export function connect(address: Address): Connection {
  const shown = formatAddress(address);
  const channel: Channel = createChannel(`http://${shown}`, undefined, {
    // grpc-js waits up to two minutes between attempts; a person who watches does not.
    "grpc.initial_reconnect_backoff_ms": 200,
    "grpc.max_reconnect_backoff_ms": 2000,
    // A server that vanished without a word (a closed lid, a pulled cable) is noticed within half a minute.
    "grpc.keepalive_time_ms": 20_000,
    "grpc.keepalive_timeout_ms": 10_000,
    // A proxy named in the environment would hide a server on this machine.
    "grpc.enable_http_proxy": 0,
  });
  const explain = (error: unknown): unknown => explainFailure(error, shown);
  return {
    jobs: createClient(JobServiceDefinition, channel),
    address: shown,
    explain,
    close: () => channel.close(),
    async call(run) {
      const timeout = AbortSignal.timeout(answerTimeout);
      try {
        return await run({ signal: timeout });
      } catch (error) {
        if (!timeout.aborted) throw explain(error);
        throw new CliError(
          `the server at ${shown} did not answer within ${answerTimeout / 1000} seconds`,
          Exit.unreachable,
          "It may be overloaded, or stuck; its log says more.",
        );
      }
    },
  };
}

/** Runs a command's calls and closes the connection behind them. */
export async function withServer<T>(invocation: Invocation, run: (server: Connection) => Promise<T>): Promise<T> {
  const server = connect(grpcAddress(invocation.value("server"), invocation.load().config));
  try {
    return await run(server);
  } finally {
    server.close();
  }
}

/** grpc-js's own words when there was no server to ask. A server's own UNAVAILABLE says something else. */
const noConnection =
  /^(No connection established|Name resolution failed|Connection dropped|.*ECONNREFUSED|.*ECONNRESET)/;

export const isUnreachable = (error: unknown): boolean =>
  error instanceof ClientError && error.code === Status.UNAVAILABLE && noConnection.test(error.details);

/** Troubles of the moment: the same call may succeed a while later. */
export function isTransient(error: unknown): boolean {
  if (!(error instanceof ClientError)) return false;
  switch (error.code) {
    case Status.UNAVAILABLE:
    case Status.CANCELLED:
    case Status.RESOURCE_EXHAUSTED:
      return true;
    // How grpc-js reports a stream that was cut in the middle.
    case Status.INTERNAL:
    case Status.UNKNOWN:
      return /RST_STREAM|stream|connection|socket|EPIPE|ECONN/i.test(error.details);
    default:
      return false;
  }
}

const meanings: Partial<Record<Status, { readonly exit: ExitCode; readonly hint: string | null }>> = {
  [Status.INVALID_ARGUMENT]: { exit: Exit.usage, hint: null },
  [Status.ALREADY_EXISTS]: { exit: Exit.usage, hint: null },
  [Status.NOT_FOUND]: { exit: Exit.notFound, hint: "`cyxwiz jobs` lists the jobs the server knows." },
  [Status.RESOURCE_EXHAUSTED]: { exit: Exit.failure, hint: "Try again in a while." },
  [Status.UNAVAILABLE]: { exit: Exit.unreachable, hint: "Try again in a while." },
  [Status.UNIMPLEMENTED]: {
    exit: Exit.failure,
    hint: "The server is older than this program, or it is no CyxWiz server.",
  },
};

function explainFailure(error: unknown, address: string): unknown {
  if (!(error instanceof ClientError)) return error;
  if (isUnreachable(error)) {
    return new CliError(`No server answers at ${address}.`, Exit.unreachable, "Start one with `cyxwiz up`.", {
      cause: error,
    });
  }
  const meaning = meanings[error.code];
  if (meaning !== undefined) return new CliError(error.details, meaning.exit, meaning.hint, { cause: error });
  const code = Status[error.code] ?? String(error.code);
  return new CliError(`the server at ${address} answered ${code}: ${error.details}`, Exit.failure, null, {
    cause: error,
  });
}
