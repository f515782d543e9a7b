/**
 * Placements on their way to the journal: an OFFER has been sent to the job's actor, and only its commit makes it real.
 *
 * An offer whose commit is in doubt stays here, and so keeps its room, and is sent again: either it had been committed, and the
 * job now says so, or it is committed this time. Giving the room back on a mere doubt could fill a node twice (I3).
 */
import type { CommittedJob, Jobs } from "../job/kind.ts";
import {
  ActorOverloaded,
  ActorQuarantined,
  ActorUnavailable,
  type Clock,
  EventRejected,
  type Log,
  type Millis,
} from "../runtime/index.ts";

/** A database that has just failed to answer is left alone this long. */
const OFFER_AGAIN: Millis = 200;

export interface OffersOptions {
  readonly clock: Clock;
  readonly log: Log;
  readonly jobs: Jobs;
  /** It is committed; the commit has been observed already, and perhaps what followed it. */
  readonly onMade: () => void;
  /** It came to nothing. `committed`: where the job stands; undefined: it is no more, or takes no offers. */
  readonly onRefused: (jobId: string, committed: CommittedJob | undefined) => void;
}

export class Offers {
  /** By job: on which nodes, a gang's by rank. */
  readonly #underWay = new Map<string, readonly string[]>();
  #stopped = false;

  constructor(private readonly options: OffersOptions) {}

  get size(): number {
    return this.#underWay.size;
  }

  /** Undefined: none is under way. */
  nodesOf(jobId: string): readonly string[] | undefined {
    return this.#underWay.get(jobId);
  }

  make(jobId: string, nodes: readonly string[]): void {
    this.#underWay.set(jobId, nodes);
    this.#send(jobId, nodes);
  }

  /** The job's commits say where it stands now. */
  forget(jobId: string): void {
    this.#underWay.delete(jobId);
  }

  stop(): void {
    this.#stopped = true;
  }

  #send(jobId: string, nodes: readonly string[]): void {
    const { clock, log, jobs, onMade, onRefused } = this.options;
    const [nodeId = "", ...others] = nodes;
    jobs.ask(jobId, { type: "OFFER", nodeId, ...(others.length > 0 && { others }) }).then(onMade, (error: unknown) => {
      if (error instanceof ActorUnavailable || error instanceof ActorOverloaded) {
        clock.after(OFFER_AGAIN, () => {
          if (!this.#stopped && this.#underWay.get(jobId) === nodes) this.#send(jobId, nodes);
        });
        return;
      }
      if (!(error instanceof EventRejected)) log.warn("an offer was refused", { job: jobId, nodeId, error });
      this.#underWay.delete(jobId);
      const now = error instanceof EventRejected ? (error.committed as unknown as CommittedJob) : undefined;
      // A job that was set aside would refuse every offer at once; its release is told as a commit.
      onRefused(jobId, error instanceof ActorQuarantined ? undefined : (now ?? jobs.peek(jobId)));
    });
  }
}
