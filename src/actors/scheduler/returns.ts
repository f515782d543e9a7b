/**
 * Lost attempts that come back: a node that was taken for lost is there again and still runs what it ran.
 *
 * The room on the node is taken first, as for a placement under way, and only then is the job's actor asked (ORIGINAL_BACK).
 * So while the question is open nothing else is placed there (I3), and no other offer is made of a job that waits. The
 * answer is the actor's alone: it takes one event after the other, and makes the attempt live either while it has no
 * other, or by ending the other in the same commit (I2). Until that commit is known, or known not to be, the room is held:
 * a question whose commit is in doubt is asked again, and finds itself answered if it had been written.
 */
import { isLiveOn, returnable } from "../job/attempt.ts";
import type { CommittedJob, Jobs } from "../job/kind.ts";
import {
  ActorOverloaded,
  ActorUnavailable,
  type Clock,
  EventRejected,
  type Log,
  type Millis,
} from "../runtime/index.ts";

/** A database that has just failed to answer is left alone this long. */
const ASK_AGAIN: Millis = 200;

export interface ReturnsOptions {
  readonly clock: Clock;
  readonly log: Log;
  readonly jobs: Jobs;
  /** The room held for the job may have changed. */
  readonly onChange: (jobId: string) => void;
}

interface Return {
  readonly nodeId: string;
  readonly attempt: number;
  readonly done: Promise<boolean>;
}

export class Returns {
  readonly #underWay = new Map<string, Return>();
  #stopped = false;

  constructor(private readonly options: ReturnsOptions) {}

  /** The node on which room is held for an attempt of the job that may become live again. */
  nodeOf(jobId: string): string | undefined {
    return this.#underWay.get(jobId)?.nodeId;
  }

  /** Whether the job is in a state in which an attempt of its can become live again. */
  canTake({ snapshot, state }: CommittedJob): boolean {
    return snapshot.context.live !== null || state.startsWith("pending.");
  }

  /** Whether the job would have its attempt back. Not whether the node has the room. */
  isWelcome(job: CommittedJob, nodeId: string, attempt: number): boolean {
    const { context } = job.snapshot;
    return this.canTake(job) && returnable(context, nodeId, this.options.clock.now())?.number === attempt;
  }

  /** The answer to the same question, if it is open; false if another is; undefined if none is. */
  pending(jobId: string, nodeId: string, attempt: number): Promise<boolean> | false | undefined {
    const open = this.#underWay.get(jobId);
    if (!open) return undefined;
    return open.nodeId === nodeId && open.attempt === attempt ? open.done : false;
  }

  /** Resolves to whether the attempt is live again. Never rejects. */
  bring(jobId: string, nodeId: string, attempt: number): Promise<boolean> {
    const { promise, resolve } = Promise.withResolvers<boolean>();
    this.#underWay.set(jobId, { nodeId, attempt, done: promise });
    this.options.onChange(jobId);
    this.#ask(jobId, nodeId, attempt, resolve);
    return promise;
  }

  stop(): void {
    this.#stopped = true;
  }

  #ask(jobId: string, nodeId: string, attempt: number, resolve: (isBack: boolean) => void): void {
    const { clock, log, jobs } = this.options;
    const settle = (committed: CommittedJob | undefined): void => {
      this.#underWay.delete(jobId);
      this.options.onChange(jobId);
      const context = committed?.snapshot.context;
      resolve(context !== undefined && isLiveOn(context, nodeId) && context.live?.number === attempt);
    };
    jobs.ask(jobId, { type: "ORIGINAL_BACK", nodeId, attempt }).then(settle, (error: unknown) => {
      if (!this.#stopped && (error instanceof ActorUnavailable || error instanceof ActorOverloaded)) {
        clock.after(ASK_AGAIN, () => this.#ask(jobId, nodeId, attempt, resolve));
        return;
      }
      if (!(error instanceof EventRejected)) {
        log.warn("an attempt that came back was not taken", { job: jobId, nodeId, error });
      }
      settle(jobs.peek(jobId));
    });
  }
}
