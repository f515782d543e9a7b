/**
 * One run of one attempt: asks the server for the go-ahead, trains, reports each epoch, hands the result to the outbox.
 *
 * Safety (no job on two nodes): training begins only after the server has said, in answer to the first report, that this
 * attempt is the live one; and it stops when the server says otherwise, or has said nothing for `stopAfter`.
 *
 * A member of a gang first meets the others, and then asks: so "it runs" means to the server that this member is where it
 * should be. Rank 0 lets all begin when it has its own go-ahead. When the gang breaks, only the member at fault reports a
 * failure; the others just end, and the server misses their runs in the heartbeats.
 */
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { pathToFileURL } from "node:url";
import { Status } from "nice-grpc";
import type { Log } from "../actors/runtime/index.ts";
import { StatusCode } from "../transport/grpc/protocol.ts";
import { type Contact, isCode, isSilence } from "./contact.ts";
import { type Gang, GangError, type Gangs, gangRoleOf } from "./gang/index.ts";
import type { NodeTimes, RunEvent, RunProgress } from "./options.ts";
import type { FinishedRun } from "./outbox.ts";
import { stopAfterOf } from "./stop-after.ts";
import {
  type EpochReport,
  epochMetrics,
  type FileAccess,
  type JobSpec,
  startTraining,
  type TrainingResult,
} from "./training/index.ts";

/** Epochs of small models are over in milliseconds; a person can follow four reports a second. */
const REPORT_EVERY = 250;
const REPORT_DEADLINE = 10_000;

export interface RunContext {
  readonly nodeId: () => string;
  readonly contact: Contact;
  readonly times: NodeTimes;
  readonly gangs: Gangs;
  readonly dataDir: string;
  readonly files: FileAccess;
  readonly log: Log;
  readonly onRun?: ((event: RunEvent) => void) | undefined;
  readonly onProgress?: ((progress: RunProgress) => void) | undefined;
  /** Takes the result into safe keeping. */
  readonly finish: (run: FinishedRun) => void;
  /** Called once, as the last thing: from then on the run takes no slot. */
  readonly onDone: () => void;
}

export class Run {
  readonly done: Promise<void>;
  readonly #stop = new AbortController();
  readonly #stopAfter: number;
  #newest: EpochReport | null = null;
  #reporting: Promise<void> | null = null;
  #hasComplained = false;

  constructor(
    readonly spec: JobSpec,
    readonly attempt: number,
    private readonly context: RunContext,
  ) {
    this.#stopAfter = stopAfterOf(spec, context.times.stopAfter);
    this.done = this.#live();
  }

  get stopped(): boolean {
    return this.#stop.signal.aborted;
  }

  /** Ends it without a result: cancelled, superseded, or the node is stopping. */
  stop(): void {
    this.#stop.abort();
  }

  /** Never throws. */
  async #live(): Promise<void> {
    const { log, gangs } = this.context;
    const about = { job: this.spec.jobId, attempt: this.attempt };
    const watch = this.#watchContact();
    let gang: Gang | null = null;
    try {
      const role = gangRoleOf(this.spec);
      gang = role && this.#boundTo(gangs.enter({ jobId: this.spec.jobId, attempt: this.attempt }, role));
      await gang?.met;
      if (!(await this.#mayStart())) {
        gang?.broken.throwIfAborted();
        log.info("a job was not started: the server has other plans for it", about);
        return;
      }
      await gang?.begin();
      this.#tell({ type: "started" });
      const result = await this.#train(gang);
      gang?.end(result.error === null ? null : `${result.error.code}: ${result.error.message}`);
      this.#tell({ type: "ended", outcome: result.status });
      if (result.status !== "cancelled") this.context.finish(this.#finished(result));
      const reason = result.error?.message;
      log.info("a run ended", { ...about, outcome: result.status, reason });
      if (result.status === "cancelled") gang?.broken.throwIfAborted();
    } catch (error) {
      if (error instanceof GangError && gang?.broken.aborted) this.#endWithoutGang(error);
      else if (error instanceof GangError) log.info("a job was not started: it was stopped while its gang met", about);
      else log.error("a run broke off", { ...about, error });
    } finally {
      gang?.end("its run ended");
      clearInterval(watch);
      this.context.onDone();
    }
  }

  /** The gang and the run end together. */
  #boundTo(gang: Gang): Gang {
    gang.broken.addEventListener("abort", () => this.stop());
    this.#stop.signal.addEventListener("abort", () => gang.end("the server or its node's owner stopped it"));
    return gang;
  }

  #endWithoutGang({ message, isToReport }: GangError): void {
    const about = { job: this.spec.jobId, attempt: this.attempt, reason: message };
    if (isToReport) {
      this.context.log.warn("a gang did not come together", about);
      this.context.finish({ ...this.#unfinished(), reason: `gang: ${message}` });
    } else {
      this.context.log.warn("a gang broke, and its run here was ended", about);
    }
  }

  #watchContact(): ReturnType<typeof setInterval> | undefined {
    if (this.#stopAfter === Number.POSITIVE_INFINITY) return undefined;
    const { contact, log } = this.context;
    return setInterval(
      () => {
        if (this.stopped || contact.silentFor <= this.#stopAfter) return;
        log.warn("the server has been silent for too long; the run is stopped", { job: this.spec.jobId });
        this.stop();
      },
      Math.min(1000, this.#stopAfter / 4),
    );
  }

  /** Asks until the server answers, for as long as its answer could still be yes. */
  async #mayStart(): Promise<boolean> {
    for (
      let pause = this.context.times.firstRetry;
      !this.#stop.signal.aborted;
      pause = Math.min(pause * 2, this.context.times.slowestRetry)
    ) {
      const answer = await this.#report(0, 0, {});
      if (answer !== "silence") return answer === "go on";
      if (this.context.contact.silentFor > this.#stopAfter) return false;
      await sleep(pause, undefined, { signal: this.#stop.signal }).catch(() => {});
    }
    return false;
  }

  async #train(gang: Gang | null): Promise<TrainingResult> {
    const { dataDir, files, log } = this.context;
    const training = startTraining(this.spec, {
      outputDirectory: join(dataDir, "jobs", this.spec.jobId, String(this.attempt)),
      files,
      ...(gang === null ? {} : { gang }),
      signal: this.#stop.signal,
      onEpoch: (report) => {
        this.#tellProgress(report);
        // Rank 0 speaks for its gang.
        if (gang !== null && gang.rank > 0) return;
        this.#newest = report;
        this.#reporting ??= this.#reportNewest();
      },
      onLog: (message) => log.debug("training", { job: this.spec.jobId, message }),
    });
    const result = await training.result;
    await this.#reporting;
    return result;
  }

  /** One report at a time, always the newest; those that come meanwhile are left out. */
  async #reportNewest(): Promise<void> {
    while (this.#newest !== null && !this.#stop.signal.aborted) {
      const report = this.#newest;
      this.#newest = null;
      const { progress, epoch, metrics } = progressOf(report);
      const answer = await this.#report(progress, epoch, metrics);
      if (answer === "stop") this.stop();
      else if (report.epoch < report.epochs) await sleep(REPORT_EVERY);
    }
    this.#reporting = null;
  }

  async #report(
    progress: number,
    currentEpoch: number,
    metrics: Readonly<Record<string, number>>,
  ): Promise<"go on" | "stop" | "silence"> {
    const { contact, nodeId } = this.context;
    const { jobId } = this.spec;
    const status = { jobId, status: StatusCode.STATUS_IN_PROGRESS, progress, currentEpoch, metrics };
    try {
      const reply = await contact.call(
        REPORT_DEADLINE,
        (client, options) =>
          client.reportProgress({ nodeId: nodeId(), jobId, status, currentMetrics: metrics }, options),
        { "cyxwiz-attempt": String(this.attempt) },
        this.#stop.signal,
      );
      return reply.continueJob ? "go on" : "stop";
    } catch (error) {
      if (this.#stop.signal.aborted) return "stop";
      if (isSilence(error)) return "silence";
      const level = this.#hasComplained ? "debug" : "warn";
      this.#hasComplained = true;
      this.context.log[level]("the server refused a progress report", { job: jobId, attempt: this.attempt, error });
      // Only these say that the attempt is not this node's. After a fault inside the server, or with a token that is to be
      // renewed, it may well be; and if not, heartbeats will say so, or nothing succeeds and `stopAfter` ends the run.
      return isCode(error, Status.NOT_FOUND, Status.PERMISSION_DENIED) ? "stop" : "silence";
    }
  }

  #finished(result: TrainingResult): FinishedRun {
    const finished = { ...this.#unfinished(), metrics: result.finalMetrics, computeSeconds: result.computeSeconds };
    if (result.status !== "completed")
      return { ...finished, reason: result.error ? `${result.error.code}: ${result.error.message}` : "" };
    const { artifact, digest } = result;
    return {
      ...finished,
      outcome: "completed",
      weightsUri: artifact ? pathToFileURL(artifact.path).href : "",
      // A member of a gang vouches for the file that rank 0 keeps. An evaluation makes none: its metrics are the result, and
      // the hash of nothing stands for "no file".
      weightsHash: artifact?.sha256 ?? digest?.sha256 ?? EMPTY_SHA256,
      weightsSize: artifact?.bytes ?? digest?.bytes ?? 0,
    };
  }

  /** A failure without a reason yet. */
  #unfinished(): FinishedRun {
    const { jobId } = this.spec;
    const nothing = { weightsUri: "", weightsHash: "", weightsSize: 0, metrics: {}, computeSeconds: 0, reason: "" };
    return { jobId, attempt: this.attempt, outcome: "failed", ...nothing };
  }

  #tellProgress(report: EpochReport): void {
    this.context.onProgress?.({ jobId: this.spec.jobId, attempt: this.attempt, ...progressOf(report) });
  }

  #tell(event: Pick<RunEvent, "type" | "outcome">): void {
    this.context.onRun?.({ ...event, jobId: this.spec.jobId, attempt: this.attempt, at: Date.now() });
  }
}

const progressOf = (report: EpochReport) => ({
  progress: report.epoch / report.epochs,
  epoch: report.epoch,
  metrics: epochMetrics(report),
});

const EMPTY_SHA256 = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
