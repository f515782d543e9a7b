/**
 * Decides which job goes to which node. Event-driven: a queued job or freed room wakes it, nothing is polled.
 *
 * It owns no truth. The queue and the pool follow the committed states of jobs and nodes; a decision is an OFFER event to
 * the job's actor, and only its commit makes it real. Between decision and commit the placement is held in `#placing`,
 * where it takes its room in the pool, so that placements of one round see each other. If the commit fails, the job's
 * committed state says where it stands and the placement is dropped.
 */
import { demandOf, PRIORITIES } from "../../domain/job-spec.ts";
import type { CommittedJob, Jobs } from "../job/kind.ts";
import { type CommittedNode, isPresent, type Nodes, presenceOf, unavailabilityOf, uptimeOf } from "../node/kind.ts";
import {
  ActorOverloaded,
  ActorQuarantined,
  ActorUnavailable,
  type Clock,
  EventRejected,
  type Log,
  type Millis,
} from "../runtime/index.ts";
import { JobQueue, type QueuedJob } from "./job-queue.ts";
import { NodePool } from "./node-pool.ts";

/** Offers on their way to the journal at a time: a few group commits' worth. */
const MAX_PLACING = 2000;
/** A database that has just failed to answer is left alone this long. */
const OFFER_AGAIN: Millis = 200;

/** How much of the network each owner may have. */
export interface Fairness {
  /** An owner of weight 2 gets twice the share of one of weight 1. Above 0. */
  weightOf(owner: string): number;
  /** Jobs an owner may have on nodes at a time; Infinity: as many as fit. */
  readonly maxRunningPerOwner: number;
}

export interface BrokerOptions {
  readonly clock: Clock;
  readonly log: Log;
  readonly jobs: Jobs;
  readonly nodes: Nodes;
  readonly fairness?: Fairness;
}

export interface Waiting {
  /** "placing": an offer is being made. "ready": will be looked at in this round. "parked": fits nowhere now. */
  readonly stage: "placing" | "ready" | "parked";
  readonly fitting: number;
  /** How many nodes each reason rules out. */
  readonly reasons: ReadonlyMap<string, number>;
}

export class Broker {
  readonly pool = new NodePool();
  readonly #queue = new JobQueue();
  readonly #placing = new Map<string, string>();
  readonly #runningByOwner = new Map<string, number>();
  readonly #ownerOfRunning = new Map<string, string>();
  readonly #runningOf = (owner: string): number => this.#runningByOwner.get(owner) ?? 0;
  readonly #exclusionTimers = new Map<string, () => void>();
  #open = false;
  #stopped = false;
  /** False until the actors take events: what nodes should know of their load is told then. */
  #mayTell = false;
  #roundDue = false;

  constructor(private readonly options: BrokerOptions) {
    options.jobs.onCommit(({ after }) => this.observeJob(after));
    options.nodes.onCommit(({ after }) => this.observeNode(after));
  }

  /** Brokering, or not: while closed, queues and rooms are still kept up to date. First called when the actors take events. */
  setOpen(open: boolean): void {
    if (!this.#mayTell) {
      this.#mayTell = true;
      for (const node of this.options.nodes.live()) this.#tellLoad(node.ref.id);
    }
    this.#open = open;
    if (open) this.#wakeRound();
  }

  /** For good. */
  stop(): void {
    this.#open = false;
    this.#stopped = true;
    for (const cancel of this.#exclusionTimers.values()) cancel();
  }

  /** Derives queue and pool from the recovered actors. */
  reconcile(): void {
    for (const node of this.options.nodes.live()) this.observeNode(node);
    for (const job of this.options.jobs.live()) this.observeJob(job);
  }

  get queued(): number {
    return this.#queue.size + this.#placing.size;
  }

  get parked(): number {
    return this.#queue.parked;
  }

  /** Why a job in the queue is still there; undefined when it is not in the queue. Counted afresh from the pool (I10). */
  waiting(job: CommittedJob): Waiting | undefined {
    const { id } = job.snapshot.context;
    if (!this.#queue.has(id) && !this.#placing.has(id)) return undefined;
    const stage = this.#placing.has(id) ? "placing" : this.#queue.isParked(id) ? "parked" : "ready";
    const { fitting, reasons } = this.pool.why(demandOf(job.snapshot.context.spec), this.#exclusionOf(toQueued(job)));
    return { stage, fitting, reasons };
  }

  observeNode(committed: CommittedNode): void {
    const { context } = committed.snapshot;
    this.pool.upsert({
      id: context.id,
      profile: context.profile,
      unavailable: unavailabilityOf(committed.snapshot),
      reputation: context.reputation,
      uptime: uptimeOf(context, this.options.clock.now()),
    });
    this.#roomChanged(context.id);
  }

  observeJob(committed: CommittedJob): void {
    const { context } = committed.snapshot;
    const { id } = context;
    const queued = committed.state === "pending.queued";
    const placing = this.#placing.get(id);
    if (queued && placing !== undefined) return;
    this.#placing.delete(id);
    this.#setRunning(id, context.owner, context.live !== null);
    const changed = this.pool.setAttempt(id, context.live?.nodeId ?? null, demandOf(context.spec));
    if (queued) this.#enqueue(toQueued(committed));
    else this.#dequeue(id);
    for (const nodeId of changed) this.#roomChanged(nodeId);
    // The placement took its room before its commit; now that it is real, the node may be busy.
    if (placing !== undefined && changed.length === 0) this.#roomChanged(placing);
  }

  /**
   * Makes a lost attempt live again on the node that came back with it, if the node has the room (I3) and the job's policy
   * keeps it. Resolves to whether it did. Never rejects.
   */
  async reinstate(_jobId: string, _nodeId: string, _attempt: number): Promise<boolean> {
    return false;
  }

  #enqueue(job: QueuedJob): void {
    this.#queue.add(job);
    this.#wakeRound();
  }

  #dequeue(id: string): void {
    this.#queue.remove(id);
    this.#exclusionTimers.get(id)?.();
    this.#exclusionTimers.delete(id);
  }

  #setRunning(id: string, owner: string, running: boolean): void {
    if (this.#ownerOfRunning.has(id) === running) return;
    const count = (this.#runningByOwner.get(owner) ?? 0) + (running ? 1 : -1);
    if (count > 0) this.#runningByOwner.set(owner, count);
    else this.#runningByOwner.delete(owner);
    if (running) this.#ownerOfRunning.set(id, owner);
    else this.#ownerOfRunning.delete(id);
  }

  /** The node may have room for parked jobs, and may have become busy or idle. */
  #roomChanged(nodeId: string): void {
    const woken = this.#queue.wake(
      (job) => (this.#exclusionOf(job)(nodeId) ? 0 : this.pool.placesOn(nodeId, job.demand)),
      this.#runningOf,
    );
    if (woken > 0) this.#wakeRound();
    this.#tellLoad(nodeId);
  }

  #tellLoad(nodeId: string): void {
    if (!this.#mayTell) return;
    const node = this.options.nodes.peek(nodeId);
    if (!node || !isPresent(node.snapshot)) return;
    const busy = this.pool.isFull(nodeId);
    if (busy !== (presenceOf(node.snapshot) === "online.busy")) this.options.nodes.tell(nodeId, { type: "LOAD", busy });
  }

  /** One round for everything that arrives in the same turn of the event loop. */
  #wakeRound(): void {
    if (this.#roundDue || !this.#open) return;
    this.#roundDue = true;
    queueMicrotask(() => {
      this.#roundDue = false;
      this.#round();
    });
  }

  #round(): void {
    while (this.#open && this.#placing.size < MAX_PLACING) {
      const job = this.#queue.take(this.#runningOf);
      if (!job) return;
      const placement = this.pool.best(job.demand, this.#exclusionOf(job));
      if (placement) this.#place(job, placement.nodeId);
      else this.#park(job);
    }
  }

  #place(job: QueuedJob, nodeId: string): void {
    this.#placing.set(job.id, nodeId);
    this.pool.setAttempt(job.id, nodeId, job.demand);
    this.#setRunning(job.id, job.owner, true);
    this.#offer(job, nodeId);
  }

  /**
   * An offer whose commit is in doubt keeps its room and is sent again: either it had been committed, and the job now says
   * so, or it is committed this time. Giving the room back on a mere doubt could fill a node twice (I3).
   */
  #offer(job: QueuedJob, nodeId: string): void {
    this.options.jobs.ask(job.id, { type: "OFFER", nodeId }).then(
      // The commit has been observed already, and perhaps what followed it.
      () => this.#wakeRound(),
      (error: unknown) => {
        if (error instanceof ActorUnavailable || error instanceof ActorOverloaded) {
          this.options.clock.after(OFFER_AGAIN, () => {
            if (!this.#stopped && this.#placing.get(job.id) === nodeId) this.#offer(job, nodeId);
          });
          return;
        }
        if (!(error instanceof EventRejected)) {
          this.options.log.warn("an offer was refused", { job: job.id, nodeId, error });
        }
        this.#placing.delete(job.id);
        const now = error instanceof EventRejected ? (error.committed as unknown as CommittedJob) : undefined;
        const committed = now ?? this.options.jobs.peek(job.id);
        // A job that was set aside would refuse every offer at once; its release is told as a commit.
        if (committed && !(error instanceof ActorQuarantined)) this.observeJob(committed);
        else this.#forget(job);
        // A full round whose offers all came to nothing must not hold up those behind it.
        this.#wakeRound();
      },
    );
  }

  /** The job is no more, or takes no offers. */
  #forget(job: QueuedJob): void {
    this.#dequeue(job.id);
    this.#setRunning(job.id, job.owner, false);
    for (const id of this.pool.setAttempt(job.id, null, job.demand)) this.#roomChanged(id);
  }

  #park(job: QueuedJob): void {
    this.#queue.park(job);
    this.#exclusionTimers.get(job.id)?.();
    this.#exclusionTimers.delete(job.id);
    const now = this.options.clock.now();
    const over = Math.min(...job.exclusions.map(({ until }) => until).filter((until) => until > now));
    if (!Number.isFinite(over)) return;
    const cancel = this.options.clock.after(over - now, () => {
      this.#exclusionTimers.delete(job.id);
      this.#queue.wakeOne(job.id, { ...job, exclusions: job.exclusions.filter(({ until }) => until > over) });
      this.#wakeRound();
    });
    this.#exclusionTimers.set(job.id, cancel);
  }

  #exclusionOf(job: QueuedJob): (nodeId: string) => boolean {
    if (job.exclusions.length === 0) return () => false;
    const now = this.options.clock.now();
    return (nodeId) => job.exclusions.some((one) => one.nodeId === nodeId && one.until > now);
  }
}

function toQueued(committed: CommittedJob): QueuedJob {
  const { context } = committed.snapshot;
  return {
    id: context.id,
    owner: context.owner,
    priority: PRIORITIES.indexOf(context.spec.priority),
    queuedAt: context.queuedAt,
    demand: demandOf(context.spec),
    exclusions: context.exclusions,
  };
}
