/**
 * Results the server has not taken yet. Each is on disk before it is sent and until it is answered, so a finished run
 * survives the death of the node's process; the server takes a result twice as once.
 */
import { mkdirSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { ClientError, Status } from "nice-grpc";
import type { Log } from "../actors/runtime/index.ts";
import { resultStatement } from "../domain/result-signature.ts";
import { StatusCode } from "../transport/grpc/protocol.ts";
import { type Contact, isCode, isSilence } from "./contact.ts";
import { type NodeIdentity, writeDurably } from "./identity.ts";
import type { NodeTimes } from "./options.ts";

export interface FinishedRun {
  readonly jobId: string;
  readonly attempt: number;
  readonly outcome: "completed" | "failed";
  readonly weightsUri: string;
  readonly weightsHash: string;
  readonly weightsSize: number;
  readonly metrics: Readonly<Record<string, number>>;
  readonly computeSeconds: number;
  /** Why it failed; "" when it did not. */
  readonly reason: string;
}

const REPORT_DEADLINE = 30_000;
/** From the server's first answer of any kind: how long results it cannot take may hold up the node's registration. */
const RESUME_LIMIT = 30_000;
/** Longer reasons are cut: the server takes no more. */
const REASON_LIMIT = 2000;

export class Outbox {
  readonly #directory: string;
  readonly #stop = new AbortController();
  readonly #sending = new Map<FinishedRun, Promise<void>>();
  readonly #answered = Promise.withResolvers<void>();

  constructor(
    dataDir: string,
    private readonly identity: NodeIdentity,
    private readonly contact: Contact,
    private readonly times: NodeTimes,
    private readonly log: Log,
  ) {
    this.#directory = join(dataDir, "outbox");
    mkdirSync(this.#directory, { recursive: true, mode: 0o700 });
  }

  /** Jobs whose result the server has not taken: this node still answers for them. */
  get jobIds(): readonly string[] {
    return [...this.#sending.keys()].map(({ jobId }) => jobId);
  }

  holds(jobId: string, attempt: number): boolean {
    return [...this.#sending.keys()].some((run) => run.jobId === jobId && run.attempt === attempt);
  }

  /**
   * Sends what an earlier process left. Resolves when all of it is answered, or the server answers and cannot take it: what
   * waits for this must not wait for ever, and while the server is silent it has nothing to do anyway.
   */
  async resume(): Promise<void> {
    for (const name of readdirSync(this.#directory)) {
      if (!name.endsWith(".json")) continue;
      try {
        this.#send(JSON.parse(readFileSync(join(this.#directory, name), "utf8")) as FinishedRun);
      } catch (error) {
        this.log.error("a stored result cannot be read and stays where it is", { name, error });
      }
    }
    const patience = this.#answered.promise.then(() => this.#sleep(RESUME_LIMIT));
    await Promise.race([Promise.all(this.#sending.values()), patience]);
  }

  /** Stores the result; from then on it is sent until the server answers. @throws when it cannot be stored */
  put(run: FinishedRun): void {
    writeDurably(this.#file(run), JSON.stringify(run));
    this.#send(run);
  }

  /** Stops sending; what is left is sent by the next process. */
  async stop(): Promise<void> {
    this.#stop.abort();
    await Promise.all(this.#sending.values());
  }

  #file(run: FinishedRun): string {
    return join(this.#directory, `${run.jobId}-${run.attempt}.json`);
  }

  #send(run: FinishedRun): void {
    const sending = this.#deliver(run).finally(() => this.#sending.delete(run));
    this.#sending.set(run, sending);
  }

  /** Never throws. */
  async #deliver(run: FinishedRun): Promise<void> {
    const { jobId: job, attempt } = run;
    let pause = this.times.firstRetry;
    while (!this.#stop.signal.aborted) {
      try {
        const { status, error } = await this.#report(run);
        this.#answered.resolve();
        if (status !== StatusCode.STATUS_SUCCESS)
          this.log.warn("the server does not want a result any more", { job, attempt, error: error?.message });
        rmSync(this.#file(run), { force: true });
        return;
      } catch (error) {
        if (this.#stop.signal.aborted) return;
        if (!isSilence(error)) this.#answered.resolve();
        const code = error instanceof ClientError ? Status[error.code] : "";
        if (isCode(error, Status.NOT_FOUND, Status.PERMISSION_DENIED, Status.INVALID_ARGUMENT)) {
          this.log.error("the server refused a result for good", { job, attempt, code, error });
          rmSync(this.#file(run), { force: true });
          return;
        }
        // Everything else may pass, such as a token that is to be renewed or a fault inside the server.
        if (!isSilence(error)) this.log.warn("the server cannot take a result yet", { job, attempt, code, error });
      }
      await this.#sleep(pause * (0.5 + Math.random() / 2));
      pause = Math.min(pause * 2, this.times.slowestRetry);
    }
  }

  #report(run: FinishedRun) {
    const { nodeId } = this.identity;
    const { jobId, attempt, outcome, weightsHash, weightsSize } = run;
    const signature = this.identity.sign(
      resultStatement({ nodeId, jobId, attempt, outcome, weightsHash, weightsSize }),
    );
    return this.contact.call(
      REPORT_DEADLINE,
      (client, options) =>
        client.reportCompletion(
          {
            nodeId,
            jobId,
            signature,
            result: {
              jobId,
              status: outcome === "completed" ? StatusCode.STATUS_COMPLETED : StatusCode.STATUS_FAILED,
              modelWeightsUri: run.weightsUri,
              modelWeightsHash: weightsHash,
              modelSize: BigInt(weightsSize),
              finalMetrics: run.metrics,
              totalComputeTime: BigInt(Math.round(run.computeSeconds)),
              proofOfCompute: storable(run.reason),
            },
          },
          options,
        ),
      { "cyxwiz-attempt": String(attempt) },
      this.#stop.signal,
    );
  }

  async #sleep(time: number): Promise<void> {
    await sleep(time, undefined, { signal: this.#stop.signal }).catch(() => {});
  }
}

/** A reason may quote a stranger's data. The server refuses NUL and halves of characters, and the result with them. */
const storable = (reason: string): string =>
  reason.slice(0, REASON_LIMIT).replaceAll("\u0000", "\ufffd").toWellFormed();
