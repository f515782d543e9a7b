/**
 * A node that keeps the whole protocol and trains nothing: a job takes it a fixed time of sleep. Hundreds fit in one process,
 * so a steady load can be held on a small machine. What it promises is what docs/node-protocol.md asks of a good node: it
 * asks before it starts, stops when cut off, and keeps a result until the server has decided.
 */
import { type CallOptions, ClientError, Metadata, Status } from "nice-grpc";
import {
  type AssignJobRequest,
  type AssignJobResponse,
  type DeepPartial,
  StatusCode,
} from "../../src/transport/grpc/protocol.ts";
import type { NodeLine } from "./node-line.ts";

/** What became of one attempt on one node, for the verdict. */
export interface LightRun {
  readonly jobId: string;
  readonly attempt: number;
  readonly node: string;
  /** Milliseconds of `performance.now()`. */
  finishedAt?: number;
  /** When the server's word came that this result counts. */
  acceptedAt?: number;
  /** The server's word that it does not. */
  refused?: boolean;
}

export interface LightNodeOptions {
  readonly slots: number;
  readonly runTime: number;
  readonly heartbeat: number;
  readonly stopAfter: number;
  readonly onRun: (run: LightRun) => void;
}

/** One life of the node's process: what belongs to an earlier one does nothing more. */
interface Life {
  readonly bootId: string;
  over: boolean;
  registered: boolean;
}

interface Held {
  readonly attempt: number;
  readonly life: Life;
  stopped: boolean;
  /** The result waits to be taken: the slot is free, but the node answers for the job. */
  done: boolean;
}

const isFinal = (error: unknown) =>
  error instanceof ClientError &&
  [Status.NOT_FOUND, Status.PERMISSION_DENIED, Status.INVALID_ARGUMENT].includes(error.code);

export class LightNode {
  readonly #held = new Map<string, Held>();
  #life: Life | null = null;
  #heardAt = performance.now();

  constructor(
    readonly id: string,
    private readonly line: NodeLine,
    private readonly options: LightNodeOptions,
  ) {}

  get registered(): boolean {
    return this.#life?.registered ?? false;
  }

  /** A new process: nothing is known of what ran before. */
  start(): void {
    this.kill();
    const life: Life = { bootId: crypto.randomUUID(), over: false, registered: false };
    this.#life = life;
    this.#heardAt = performance.now();
    void this.#keepInTouch(life);
  }

  kill(): void {
    if (this.#life) this.#life.over = true;
    this.#life = null;
    this.#held.clear();
  }

  assign(request: AssignJobRequest, attempt: number): DeepPartial<AssignJobResponse> {
    const jobId = request.job?.jobId ?? "";
    const life = this.#life;
    const refuse = (code: number) => ({ status: StatusCode.STATUS_ERROR, jobId, accepted: false, error: { code } });
    if (!life?.registered) return refuse(429);
    const current = this.#held.get(jobId);
    if (current && current.attempt > attempt) return refuse(409);
    if (!current || current.attempt < attempt) {
      const running = [...this.#held.values()].filter(({ done }) => !done).length;
      if (running - (current && !current.done ? 1 : 0) >= this.options.slots) return refuse(429);
      if (current) current.stopped = true;
      const held: Held = { attempt, life, stopped: false, done: false };
      this.#held.set(jobId, held);
      void this.#run(jobId, held);
    }
    return { status: StatusCode.STATUS_SUCCESS, jobId, accepted: true };
  }

  async #keepInTouch(life: Life): Promise<void> {
    // Spread over the interval, or all nodes would beat at once.
    await Bun.sleep(Math.random() * this.options.heartbeat);
    while (!life.over) {
      try {
        if (!life.registered) await this.#register(life);
        await this.#heartbeat(life);
        await Bun.sleep(this.options.heartbeat);
      } catch (error) {
        if (error instanceof ClientError && error.code === Status.NOT_FOUND) life.registered = false;
        await Bun.sleep(100 + Math.random() * 300);
      }
    }
  }

  async #register(life: Life): Promise<void> {
    const info = {
      nodeId: this.id,
      name: this.id,
      ipAddress: "127.0.0.1",
      port: 1,
      ramTotal: 2n ** 34n,
      ramAvailable: 2n ** 33n,
      cpuCores: 8,
    };
    await this.#call({ "cyxwiz-boot-id": life.bootId, ...this.line.facts(this.options.slots) }, (options) =>
      this.line.client.registerNode({ info }, options),
    );
    life.registered = true;
  }

  async #heartbeat(life: Life): Promise<void> {
    const known = new Map(this.#held);
    const { jobsToCancel } = await this.#call({}, (options) =>
      this.line.client.heartbeat(
        {
          nodeId: this.id,
          currentStatus: { nodeId: this.id, isOnline: true, ramAvailable: 2n ** 33n },
          activeJobs: [...known.keys()],
        },
        options,
      ),
    );
    if (life.over) return;
    for (const jobId of jobsToCancel) {
      const held = known.get(jobId);
      if (held && !held.done) this.#drop(jobId, held);
    }
  }

  async #run(jobId: string, held: Held): Promise<void> {
    if (!(await this.#mayStart(jobId, held))) return this.#drop(jobId, held);
    await Bun.sleep(this.options.runTime);
    if (this.#isOver(held) || performance.now() - this.#heardAt > this.options.stopAfter)
      return this.#drop(jobId, held);
    const run: LightRun = { jobId, attempt: held.attempt, node: this.id, finishedAt: performance.now() };
    this.options.onRun(run);
    held.done = true;
    await this.#deliver(run, held);
    this.#drop(jobId, held);
  }

  /** Asks until the server says yes or no. */
  async #mayStart(jobId: string, held: Held): Promise<boolean> {
    while (!this.#isOver(held)) {
      try {
        const { continueJob } = await this.#call({ "cyxwiz-attempt": String(held.attempt) }, (options) =>
          this.line.client.reportProgress(
            { nodeId: this.id, jobId, status: { jobId, status: StatusCode.STATUS_IN_PROGRESS, progress: 0 } },
            options,
          ),
        );
        return continueJob && !this.#isOver(held);
      } catch (error) {
        if (isFinal(error)) return false;
        if (performance.now() - this.#heardAt > this.options.stopAfter) return false;
        await Bun.sleep(100 + Math.random() * 200);
      }
    }
    return false;
  }

  async #deliver(run: LightRun, held: Held): Promise<void> {
    const { jobId } = run;
    while (!held.life.over) {
      try {
        const { status } = await this.#call({ "cyxwiz-attempt": String(run.attempt) }, (options) =>
          this.line.client.reportCompletion(
            {
              nodeId: this.id,
              jobId,
              result: { jobId, status: StatusCode.STATUS_COMPLETED, modelWeightsHash: "00".repeat(32), modelSize: 1n },
            },
            options,
          ),
        );
        if (status === StatusCode.STATUS_SUCCESS) run.acceptedAt = performance.now();
        else run.refused = true;
        return;
      } catch (error) {
        if (isFinal(error)) {
          run.refused = true;
          return;
        }
        await Bun.sleep(100 + Math.random() * 300);
      }
    }
  }

  async #call<T>(metadata: Readonly<Record<string, string>>, make: (options: CallOptions) => Promise<T>): Promise<T> {
    const sentAt = performance.now();
    const reply = await this.line.call((signal) => make({ metadata: Metadata(metadata), signal }));
    this.#heardAt = Math.max(this.#heardAt, sentAt);
    return reply;
  }

  #isOver(held: Held): boolean {
    return held.stopped || held.life.over;
  }

  #drop(jobId: string, held: Held): void {
    held.stopped = true;
    if (this.#held.get(jobId) === held) this.#held.delete(jobId);
  }
}
