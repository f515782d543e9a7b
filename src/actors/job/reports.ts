/**
 * What nodes say about the jobs they run. Every report is checked against the job's live attempt; a report of any other
 * attempt changes nothing and the node is told to stop (I2). A report repeated is answered as it was the first time.
 */
import { type Actors, ActorUnknown, type Clock, type Committed, EventRejected, type Millis } from "../runtime/index.ts";
import type { JobFeed } from "./feed.ts";
import type { CommittedJob, Jobs } from "./kind.ts";
import type { JobMachine } from "./machine.ts";
import type { JobResult } from "./state.ts";

/** Progress reaches the journal this often; in between it is memory only. A crash costs a watcher this much of the curve. */
const JOURNAL_EVERY: Millis = 5000;

export interface ReportSource {
  readonly nodeId: string;
  readonly jobId: string;
  /** Null where the node does not name it. */
  readonly attempt: number | null;
}

export interface ProgressReport extends ReportSource {
  /** 0..1 */
  readonly progress: number;
  readonly epoch: number;
  readonly metrics: Readonly<Record<string, number>>;
  readonly log: string;
}

export type ReportVerdict =
  /** The attempt is live, and goes on or has just ended by this report. */
  | { readonly kind: "taken"; readonly job: Committed<JobMachine> }
  /** The very same report was taken before. */
  | { readonly kind: "repeated"; readonly job: Committed<JobMachine> }
  /** Not the live attempt: superseded, cancelled, or never this node's. The node must stop. */
  | { readonly kind: "superseded"; readonly job: Committed<JobMachine> }
  | { readonly kind: "unknown" };

export class Reports {
  constructor(
    private readonly jobs: Jobs,
    private readonly feed: JobFeed,
    private readonly clock: Clock,
  ) {}

  async progress(report: ProgressReport): Promise<ReportVerdict> {
    const { jobId, progress, epoch, metrics, log } = report;
    const job = this.jobs.peek(jobId);
    if (!job)
      return this.#ask(report, (from) => this.jobs.ask(jobId, { type: "PROGRESS", progress, epoch, metrics, ...from }));
    if (!isLive(job, report)) return { kind: "superseded", job };
    const now = this.clock.now();
    const live = job.snapshot.context.live;
    const journalledAt = live?.reportedAt ?? 0;
    let verdict: ReportVerdict = { kind: "taken", job };
    if (job.state !== "running.active" || now - journalledAt >= JOURNAL_EVERY) {
      verdict = await this.#ask(report, (from) =>
        this.jobs.ask(jobId, { type: "PROGRESS", progress, epoch, metrics, ...from }),
      );
    }
    if (verdict.kind === "taken" && live) {
      this.feed.publish({ jobId, attempt: live.number, progress, epoch, metrics, log, at: now });
    }
    return verdict;
  }

  /** The node says that the run begins. */
  started(source: ReportSource): Promise<ReportVerdict> {
    return this.#ask(source, (from) => this.jobs.ask(source.jobId, { type: "STARTED", ...from }));
  }

  completed(source: ReportSource, result: Omit<JobResult, "attempt" | "nodeId">): Promise<ReportVerdict> {
    return this.#ask(source, (from) => this.jobs.ask(source.jobId, { type: "COMPLETED", result, ...from }));
  }

  failed(source: ReportSource, message: string, invalid: boolean): Promise<ReportVerdict> {
    return this.#ask(source, (from) => this.jobs.ask(source.jobId, { type: "FAILED", message, invalid, ...from }));
  }

  async #ask(
    source: ReportSource,
    ask: (from: { nodeId: string; attempt: number | null }) => ReturnType<Actors<JobMachine>["ask"]>,
  ): Promise<ReportVerdict> {
    try {
      return { kind: "taken", job: await ask({ nodeId: source.nodeId, attempt: source.attempt }) };
    } catch (error) {
      if (error instanceof ActorUnknown) return { kind: "unknown" };
      if (!(error instanceof EventRejected)) throw error;
      const job = error.committed as unknown as CommittedJob;
      if (isLive(job, source)) return { kind: "repeated", job };
      return { kind: endedBy(job, source) === error.eventType ? "repeated" : "superseded", job };
    }
  }
}

function isLive(job: CommittedJob, { nodeId, attempt }: ReportSource): boolean {
  const live = job.snapshot.context.live;
  return live !== null && live.nodeId === nodeId && (attempt === null || attempt === live.number);
}

/** The event by which this node's newest attempt ended, so that its repeat is known; null when it ended otherwise. */
function endedBy(job: CommittedJob, { nodeId, attempt }: ReportSource): string | null {
  const past = job.snapshot.context.history.findLast(
    (one) => one.nodeId === nodeId && (attempt === null || one.number === attempt),
  );
  if (past?.outcome === "completed") return "COMPLETED";
  return past?.outcome === "failed" ? "FAILED" : null;
}
