/** What the command line needs from the world. main.ts gives it the real one, tests a recorded one. */
import type { Clock, Log } from "../actors/runtime/index.ts";
import type { Address, Config, Environment } from "../config/index.ts";
import type { ExitCode, StopSignal } from "./exit-codes.ts";

export interface Output {
  write(text: string): void;
  readonly isTTY: boolean;
  /** Of the terminal, now; a window may be resized. */
  readonly columns: number;
}

export interface BuildInfo {
  readonly version: string;
  /** The commit the program was built from; null when run from source. */
  readonly commit: string | null;
  /** The runtime and its version, for example "bun 1.4.5". */
  readonly runtime: string;
  /** Operating system and processor, for example "linux-x64". */
  readonly platform: string;
  /** What a reader types to run this program again, for example "./cyxwiz". */
  readonly command: string;
}

export interface World {
  readonly stdout: Output;
  readonly stderr: Output;
  readonly readStdin: () => Promise<string>;
  readonly environment: Environment;
  /** Where relative paths lead. */
  readonly directory: string;
  readonly clock: Clock;
  /** Calls `listener` for every stop signal until the returned function is called. Nobody listening: the signal kills. */
  readonly onSignal: (listener: (signal: StopSignal) => void) => () => void;
  /** Ends the process now, without cleaning up. */
  readonly exit: (code: ExitCode) => void;
  readonly build: BuildInfo;
  readonly parts: Parts;
}

/** The heavy parts, which only the composition root knows. */
export interface Parts {
  readonly startServer: (options: ServerOptions) => Promise<RunningServer>;
  readonly startNode: (options: NodeOptions) => Promise<RunningNode>;
}

export interface ServerOptions {
  readonly config: Config;
  readonly log: Log;
  readonly version: string;
  /** Another server leads; this one stands by. */
  readonly onWaitingForLeader?: (leader: string) => void;
  /** Ends the waiting for leadership. */
  readonly signal?: AbortSignal;
}

export interface RunningServer {
  readonly grpcPort: number;
  readonly restUrl: string;
  /** For people: which database holds the truth. */
  readonly database: string;
  stop(): Promise<void>;
  /** Settles when the server has stopped, by whatever cause. */
  readonly stopped: Promise<{ readonly reason: "stopped" | "deposed" | "failed"; readonly error?: unknown }>;
}

export interface NodeOptions {
  /** "host:port" */
  readonly server: string;
  readonly name?: string;
  readonly listenAddress: Address;
  /** "host:port" */
  readonly advertiseAddress?: string;
  readonly dataDir: string;
  readonly token?: string;
  readonly walletAddress?: string;
  readonly region?: string;
  readonly maxJobs: number;
  /** Directories whose files jobs may read. Jobs come from strangers, so there is no "everything". */
  readonly files: readonly string[];
  readonly log: Log;
}

export interface RunningNode {
  readonly nodeId: string;
  readonly port: number;
  stop(): Promise<void>;
}
