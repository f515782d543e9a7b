/** What the broker sees at one moment, for those who explain it. To be read at once: it is not a copy. */
import type { JobContext } from "../job/state.ts";
import type { Millis } from "../runtime/index.ts";
import type { FairShare } from "./fair-share.ts";
import type { NodePool } from "./node-pool.ts";
import type { QueuedJob } from "./ranking.ts";

export interface Scene {
  readonly now: Millis;
  /** False: paused, or not begun. */
  readonly isOpen: boolean;
  readonly pool: NodePool;
  readonly shares: FairShare;
  readonly queueLength: number;
  /** Somebody waits for the next round. */
  readonly isAnyoneReady: boolean;
  /** Undefined: not in the queue. */
  stageOf(jobId: string): "placing" | "ready" | "parked" | undefined;
  /** A lost attempt of it is being taken up again. */
  isReturning(jobId: string): boolean;
  /** 1: next. Null: too far back to be counted, or its owner is at its limit. */
  positionOf(job: QueuedJob): number | null;
  /** Whether a node is kept from the job, for another. */
  keptFrom(job: QueuedJob): (nodeId: string) => boolean;
  /** How many nodes are kept for the job. */
  keptFor(jobId: string): number;
  exclusionOf(job: QueuedJob): (nodeId: string) => boolean;
  jobOf(jobId: string): JobContext | undefined;
}
