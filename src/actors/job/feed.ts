/**
 * What watchers of a job see: its committed changes, and the telemetry between them (progress, metrics, log lines), which
 * is memory only. Slow watchers lose telemetry, never changes: telemetry is replaced by newer telemetry.
 */
import type { Log, Millis } from "../runtime/index.ts";
import type { CommittedJob, Jobs } from "./kind.ts";

export interface Telemetry {
  readonly jobId: string;
  readonly attempt: number;
  readonly progress: number;
  readonly epoch: number;
  readonly metrics: Readonly<Record<string, number>>;
  readonly log: string;
  readonly at: Millis;
}

export type FeedItem =
  | { readonly type: "change"; readonly job: CommittedJob }
  | { readonly type: "telemetry"; readonly telemetry: Telemetry };

type Watcher = (item: FeedItem) => void;

export class JobFeed {
  readonly #watchers = new Map<string, Set<Watcher>>();
  readonly #latest = new Map<string, Telemetry>();
  #all: Set<Watcher> = new Set();

  constructor(
    jobs: Jobs,
    private readonly log: Log,
  ) {
    jobs.onCommit(({ after }) => {
      const id = after.ref.id;
      // Numbers of an attempt that is no longer live say nothing about the job.
      if (this.#latest.get(id)?.attempt !== after.snapshot.context.live?.number) this.#latest.delete(id);
      this.#emit(id, { type: "change", job: after });
    });
  }

  /** Reports may overtake each other on their way here: what is shown of one attempt never goes back. */
  publish(telemetry: Telemetry): void {
    const latest = this.#latest.get(telemetry.jobId);
    const shown = latest?.attempt === telemetry.attempt ? forward(latest, telemetry) : telemetry;
    this.#latest.set(telemetry.jobId, shown);
    this.#emit(telemetry.jobId, { type: "telemetry", telemetry: shown });
  }

  /** The newest telemetry of the job's live attempt. */
  latest(jobId: string): Telemetry | undefined {
    return this.#latest.get(jobId);
  }

  /** Calls `watcher` for everything that happens to the job from now on. Returns how to stop. */
  watch(jobId: string, watcher: Watcher): () => void {
    const watchers = this.#watchers.get(jobId) ?? new Set();
    this.#watchers.set(jobId, watchers);
    watchers.add(watcher);
    return () => {
      watchers.delete(watcher);
      if (watchers.size === 0 && this.#watchers.get(jobId) === watchers) this.#watchers.delete(jobId);
    };
  }

  /** The same for all jobs. */
  watchAll(watcher: Watcher): () => void {
    this.#all.add(watcher);
    return () => this.#all.delete(watcher);
  }

  get watchers(): number {
    return this.#watchers.size + this.#all.size;
  }

  #emit(jobId: string, item: FeedItem): void {
    for (const watchers of [this.#watchers.get(jobId) ?? [], this.#all]) {
      for (const watcher of watchers) this.#tell(watcher, jobId, item);
    }
  }

  /** One bad watcher must not keep the others from being told, nor the report from being taken. */
  #tell(watcher: Watcher, jobId: string, item: FeedItem): void {
    try {
      watcher(item);
    } catch (error) {
      this.log.error("a watcher of a job failed", { job: jobId, error });
    }
  }
}

/** The picture after another report of the same attempt. Some nodes count epochs and leave the progress at 0, or the reverse. */
function forward(latest: Telemetry, next: Telemetry): Telemetry {
  const overtaken = next.epoch < latest.epoch || (next.epoch === latest.epoch && next.progress < latest.progress);
  return {
    ...next,
    progress: Math.max(latest.progress, next.progress),
    epoch: Math.max(latest.epoch, next.epoch),
    metrics: overtaken ? latest.metrics : next.metrics,
  };
}
