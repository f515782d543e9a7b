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
import { type Contact, isSilence } from "./contact.ts";
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

export class Outbox {
  readonly #directory: string;
  readonly #stop = new AbortController();
  readonly #sending = new Set<Promise<void>>();

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

  /** Sends what an earlier process left. Resolves when the server has taken all of it. */
  async resume(): Promise<void> {
    for (const name of readdirSync(this.#directory)) {
      if (!name.endsWith(".json")) continue;
      try {
        this.#send(JSON.parse(readFileSync(join(this.#directory, name), "utf8")) as FinishedRun);
      } catch (error) {
        this.log.error("a stored result cannot be read and stays where it is", { name, error });
      }
    }
    await Promise.all(this.#sending);
  }

  /** Stores the result; from then on it is sent until the server answers. */
  put(run: FinishedRun): void {
    writeDurably(this.#file(run), JSON.stringify(run));
    this.#send(run);
  }

  /** Stops sending; what is left is sent by the next process. */
  async stop(): Promise<void> {
    this.#stop.abort();
    await Promise.all(this.#sending);
  }

  #file(run: FinishedRun): string {
    return join(this.#directory, `${run.jobId}-${run.attempt}.json`);
  }

  #send(run: FinishedRun): void {
    const sending = this.#deliver(run).finally(() => this.#sending.delete(sending));
    this.#sending.add(sending);
  }

  /** Never throws. */
  async #deliver(run: FinishedRun): Promise<void> {
    for (
      let pause = this.times.firstRetry;
      !this.#stop.signal.aborted;
      pause = Math.min(pause * 2, this.times.slowestRetry)
    ) {
      try {
        const answer = await this.#report(run);
        if (answer.status !== StatusCode.STATUS_SUCCESS) {
          this.log.warn("the server does not want a result any more", {
            job: run.jobId,
            attempt: run.attempt,
            error: answer.error?.message,
          });
        }
        rmSync(this.#file(run), { force: true });
        return;
      } catch (error) {
        if (!isSilence(error)) {
          const code = error instanceof ClientError ? Status[error.code] : "";
          // INTERNAL may pass; the others never will.
          if (code !== "INTERNAL") {
            this.log.error("the server refused a result", { job: run.jobId, attempt: run.attempt, code, error });
            rmSync(this.#file(run), { force: true });
            return;
          }
        }
      }
      await sleep(pause * (0.5 + Math.random() / 2), undefined, { signal: this.#stop.signal }).catch(() => {});
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
              proofOfCompute: run.reason.slice(0, 2000),
            },
          },
          options,
        ),
      { "cyxwiz-attempt": String(attempt) },
      this.#stop.signal,
    );
  }
}
