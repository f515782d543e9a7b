/**
 * What nodes say about the jobs they run. Every report is checked against the job's live attempt; a report of any other
 * attempt changes nothing and the node is told to stop (I2). A report repeated is answered as it was the first time.
 */
import { type Actors, ActorUnknown, type Clock, type Committed, EventRejected, type Millis } from "../runtime/index.ts";
import { isLiveOn, memberOn, nodesOfPast, returnable } from "./attempt.ts";
import type { JobFeed } from "./feed.ts";
import { type CommittedJob, isTerminal, type Jobs, jobStatusOf } from "./kind.ts";
import type { JobMachine } from "./machine.ts";
import type { JobResult, PastAttempt } from "./state.ts";

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

/** Gives a lost attempt back to the node that still runs it; false: the node is to stop. */
export type Reinstate = (jobId: string, nodeId: string, attempt: number) => Promise<boolean>;

export class Reports {
  constructor(
    private readonly jobs: Jobs,
    private readonly feed: JobFeed,
    private readonly clock: Clock,
    /** Absent: an attempt that was taken for lost stays lost, unless a heartbeat brings it back. */
    private readonly reinstate?: Reinstate,
  ) {}

  async progress(report: ProgressReport): Promise<ReportVerdict> {
    const { jobId, nodeId, progress, epoch, metrics, log } = report;
    const ask = (from: From) => this.jobs.ask(jobId, { type: "PROGRESS", progress, epoch, metrics, ...from });
    const job = this.jobs.peek(jobId);
    const now = this.clock.now();
    if (!job) return this.#ask(report, "PROGRESS", ask);
    if (!isFromLive(job, report)) {
      return returnedWith(job, report, now) === null ? { kind: "superseded", job } : this.#ask(report, "PROGRESS", ask);
    }
    const verdict: ReportVerdict = this.#isNews(job, nodeId, now)
      ? await this.#ask(report, "PROGRESS", ask)
      : { kind: "taken", job };
    const live = verdict.kind === "taken" ? verdict.job.snapshot.context.live : null;
    // The curve of a gang is rank 0's.
    if (live?.nodeId === nodeId) {
      this.feed.publish({ jobId, attempt: live.number, progress, epoch, metrics, log, at: now });
    }
    return verdict;
  }

  /** The node says that the run begins. */
  started(source: ReportSource): Promise<ReportVerdict> {
    return this.#ask(source, "STARTED", (from) => this.jobs.ask(source.jobId, { type: "STARTED", ...from }));
  }

  completed(source: ReportSource, result: Omit<JobResult, "attempt" | "nodeId">): Promise<ReportVerdict> {
    return this.#ask(source, "COMPLETED", (from) =>
      this.jobs.ask(source.jobId, { type: "COMPLETED", result, ...from }),
    );
  }

  failed(source: ReportSource, message: string, invalid: boolean): Promise<ReportVerdict> {
    const ask = (from: From) => this.jobs.ask(source.jobId, { type: "FAILED", message, invalid, ...from });
    return this.#askOnce(source, "FAILED", ask);
  }

  /** Whether the journal should have it: it changes the job's state, or it is time to write the curve again. */
  #isNews(job: CommittedJob, nodeId: string, now: Millis): boolean {
    const { live } = job.snapshot.context;
    if (live === null) return true;
    const isFirst = live.nodeId === nodeId;
    const isDue = isFirst && now - (live.reportedAt ?? 0) >= JOURNAL_EVERY;
    if (!live.members) return isDue || job.state !== "running.active";
    const member = memberOn(live, nodeId);
    if (member === undefined || member.startedAt === null || member.away) return true;
    return isDue && live.startedAt !== null;
  }

  /**
   * A node may be back from its silence with a run that was taken for lost, and its report may be here before its
   * heartbeat. Where the job still wants it, the attempt goes on, rather than that the work is done again.
   */
  async #ask(source: ReportSource, word: Word, ask: Ask): Promise<ReportVerdict> {
    const verdict = await this.#askOnce(source, word, ask);
    if (verdict.kind !== "superseded" || !this.reinstate) return verdict;
    const past = returnedWith(verdict.job, source, this.clock.now());
    if (past === null || !(await this.reinstate(source.jobId, source.nodeId, past))) return verdict;
    return this.#askOnce(source, word, ask);
  }

  async #askOnce(source: ReportSource, word: Word, ask: Ask): Promise<ReportVerdict> {
    try {
      const job = await ask({ nodeId: source.nodeId, attempt: source.attempt });
      if (isFromLive(job, source)) return { kind: "taken", job };
      // Any event shows a waiting job what time it is: one whose time is up ends by it, and has not taken the report. That may
      // be the repeat of one that it took before.
      if (endedBy(job, source) !== word) return { kind: "superseded", job };
      return { kind: endedBefore(job, source) ? "repeated" : "taken", job };
    } catch (error) {
      if (error instanceof ActorUnknown) return { kind: "unknown" };
      if (!(error instanceof EventRejected)) throw error;
      const job = error.committed as unknown as CommittedJob;
      if (isFromLive(job, source)) return { kind: "repeated", job };
      return { kind: endedBy(job, source) === error.eventType ? "repeated" : "superseded", job };
    }
  }
}

interface From {
  readonly nodeId: string;
  readonly attempt: number | null;
}

type Word = "STARTED" | "PROGRESS" | "COMPLETED" | "FAILED";
type Ask = (from: From) => ReturnType<Actors<JobMachine>["ask"]>;

function isFromLive(job: CommittedJob, { nodeId, attempt }: ReportSource): boolean {
  const { context } = job.snapshot;
  return isLiveOn(context, nodeId) && (attempt === null || attempt === context.live?.number);
}

/** The number of the lost attempt that the node speaks of and may go on with. */
function returnedWith(job: CommittedJob, { nodeId, attempt }: ReportSource, now: Millis): number | null {
  const past = isTerminal(jobStatusOf(job.state)) ? undefined : returnable(job.snapshot.context, nodeId, now);
  return past && (attempt === null || attempt === past.number) ? past.number : null;
}

const newestOf = (job: CommittedJob, { nodeId, attempt }: ReportSource): PastAttempt | undefined =>
  job.snapshot.context.history.findLast(
    (one) => nodesOfPast(one).includes(nodeId) && (attempt === null || one.number === attempt),
  );

/** Whether the job is over, and this node's newest attempt had ended before. */
function endedBefore(job: CommittedJob, source: ReportSource): boolean {
  const { endedAt } = job.snapshot.context;
  return endedAt !== null && newestOf(job, source)?.endedAt !== endedAt;
}

/** The event by which this node's newest attempt ended, so that its repeat is known; null when it ended otherwise. */
function endedBy(job: CommittedJob, source: ReportSource): string | null {
  const past = newestOf(job, source);
  if (past?.outcome === "completed") return "COMPLETED";
  return past?.outcome === "failed" ? "FAILED" : null;
}
