/** What a node needs to be told, and the times it keeps. */
import type { Log } from "../actors/runtime/index.ts";
import type { GangTimes } from "./gang/index.ts";
import type { FileAccess, Metrics } from "./training/index.ts";

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
  /** Equal to the server's `jwt.p2p_secret`. With it, an offer must carry a token signed with it; without, none is looked at. */
  readonly p2pSecret?: string;
  readonly log: Log;
  readonly times?: Partial<NodeTimes>;
  /** For tests and progress displays. Must not throw. */
  readonly onRun?: (event: RunEvent) => void;
  /** Each finished epoch, also those too fast to be reported to the server. Must not throw. */
  readonly onProgress?: (progress: RunProgress) => void;
}

export interface RunEvent {
  readonly type: "started" | "ended";
  readonly jobId: string;
  readonly attempt: number;
  readonly at: number;
  /** How it ended. */
  readonly outcome?: "completed" | "failed" | "cancelled";
}

export interface RunProgress {
  readonly jobId: string;
  readonly attempt: number;
  /** 0..1 */
  readonly progress: number;
  readonly epoch: number;
  readonly metrics: Metrics;
}

export interface NodeTimes extends GangTimes {
  readonly heartbeat: number;
  /**
   * Out of touch with the server for this long, a run is stopped: by then the server has waited its heartbeat timeout and
   * grace period (30 s and 60 s by default) or is about to, and will give the job to another node. Stopping a quarter of a
   * minute earlier is what keeps one job from running twice. A job for which the server tells a time of its own
   * (`cyxwiz.stop_after`) keeps that instead.
   */
  readonly stopAfter: number;
  readonly firstRetry: number;
  readonly slowestRetry: number;
}

export const DEFAULT_TIMES: NodeTimes = {
  heartbeat: 10_000,
  stopAfter: 75_000,
  firstRetry: 200,
  slowestRetry: 5000,
  gangJoin: 240_000,
  gangGather: 600_000,
  gangSilence: 30_000,
};
