/** What a node needs to be told, and the times it keeps. */
import type { Log } from "../actors/runtime/index.ts";
import type { FileAccess } from "./training/index.ts";

export interface NodeOptions {
  /** The central server, "host:port". */
  readonly server: string;
  readonly name?: string;
  readonly listenAddress: { readonly host: string; readonly port: number };
  /** "host:port" under which the server reaches `listenAddress`; by default the address itself. */
  readonly advertiseAddress?: string;
  readonly dataDir: string;
  /** The user's bearer token. */
  readonly token?: string;
  readonly walletAddress?: string;
  readonly region?: string;
  /** Jobs run at once. */
  readonly maxJobs: number;
  /** Which local files jobs may read. Default: none, for a job comes from a stranger. */
  readonly files?: FileAccess;
  readonly log: Log;
  readonly times?: Partial<NodeTimes>;
  /** For tests and progress displays. */
  readonly onRun?: (event: RunEvent) => void;
}

export interface RunEvent {
  readonly type: "started" | "ended";
  readonly jobId: string;
  readonly attempt: number;
  readonly at: number;
  /** How it ended. */
  readonly outcome?: "completed" | "failed" | "cancelled";
}

export interface NodeTimes {
  readonly heartbeat: number;
  /**
   * Out of touch with the server for this long, a run is stopped: by then the server has waited its heartbeat timeout and
   * grace period (30 s and 60 s by default) or is about to, and will give the job to another node. Stopping a quarter of a
   * minute earlier is what keeps one job from running twice.
   */
  readonly stopAfter: number;
  readonly firstRetry: number;
  readonly slowestRetry: number;
}

export const DEFAULT_TIMES: NodeTimes = { heartbeat: 10_000, stopAfter: 75_000, firstRetry: 200, slowestRetry: 5000 };
