/**
 * Sees to it that jobs get nodes. Event-driven: a queued job or freed room wakes it, nothing is polled.
 *
 * It owns no truth. Queue, shares and rooms (matchmaker.ts) follow the committed states of jobs and nodes; a decision is an
 * OFFER event to the job's actor, and only its commit makes it real. Between decision and commit the placement is held in
 * `#placing` and takes its room, so that placements of one round see each other. If the commit fails, the job's
 * committed state says where it stands and the placement is dropped.
 *
 * A gang is placed on all its nodes or on none, in one OFFER: while it waits for the rest it holds nothing.
 */
import { nodesOf } from "../job/attempt.ts";
import type { CommittedJob, Jobs } from "../job/kind.ts";
import { type CommittedNode, isPresent, type Nodes, presenceOf, unavailabilityOf, uptimeOf } from "../node/kind.ts";
import type { Clock, Log } from "../runtime/index.ts";
import { explain, type Wanted } from "./explain.ts";
import type { Explanation, Plan } from "./explanation.ts";
import type { Fairness } from "./fair-share.ts";
import { Matchmaker } from "./matchmaker.ts";
import type { NodePool, WhyNot } from "./node-pool.ts";
import { Offers } from "./offers.ts";
import { PendingJobs } from "./pending-jobs.ts";
import { plan } from "./plan.ts";
import { positionOf } from "./queue-position.ts";
import { hypotheticalJob, toQueued } from "./queued-job.ts";
import { Returns } from "./returns.ts";
import type { Scene } from "./scene.ts";

export type { Fairness } from "./fair-share.ts";

/** Offers on their way to the journal at a time: a few group commits' worth. */
const MAX_PLACING = 2000;

export interface BrokerOptions {
  readonly clock: Clock;
  readonly log: Log;
  readonly jobs: Jobs;
  readonly nodes: Nodes;
  readonly fairness?: Fairness;
}

/** "placing": an offer is being made. "ready": will be looked at in this round. "parked": fits nowhere now. */
export type Stage = "placing" | "ready" | "parked";

export interface Waiting extends WhyNot {
  readonly stage: Stage;
}

export class Broker {
  readonly pool: NodePool;
  readonly #matchmaker: Matchmaker;
  readonly #placing: Offers;
  readonly #returns: Returns;
  readonly #pending = new PendingJobs();
  #open = false;
  #stopped = false;
  /** False until the actors take events: what nodes should know of their load is told then. */
  #mayTell = false;
  #roundDue = false;

  constructor(private readonly options: BrokerOptions) {
    const { clock, log, jobs, fairness } = options;
    this.#matchmaker = new Matchmaker({ clock, ...(fairness && { fairness }), onWork: () => this.#wakeRound() });
    this.pool = this.#matchmaker.pool;
    this.#placing = new Offers({
      clock,
      log,
      jobs,
      onMade: () => this.#wakeRound(),
      onRefused: (jobId, committed) => {
        if (committed) this.observeJob(committed);
        else this.#forget(jobId);
        // A full round whose offers all came to nothing must not hold up those behind it.
        this.#wakeRound();
      },
    });
    this.#returns = new Returns({ clock, log, jobs, onChange: (jobId) => this.#lookAt(jobId) });
    options.jobs.onCommit(({ before, after, event }) => {
      // A job told anew ("reloaded") may have been given up in between, and its room with it.
      const goesOn = before !== null && event !== "reloaded" && this.#holdsAsBefore(before, after);
      if (!goesOn) this.observeJob(after);
    });
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
    this.#placing.stop();
    this.#returns.stop();
    this.#matchmaker.stop();
  }

  /** Derives queue and pool from the recovered actors. */
  reconcile(): void {
    for (const node of this.options.nodes.live()) this.observeNode(node);
    for (const job of this.options.jobs.live()) this.observeJob(job);
  }

  get queued(): number {
    return this.#matchmaker.queue.size + this.#placing.size;
  }

  get parked(): number {
    return this.#matchmaker.queue.parked;
  }

  /** The owner's pending jobs, whatever they wait for. */
  queuedOf(owner: string): number {
    return this.#pending.countOf(owner);
  }

  /** The owner's jobs on nodes, or on their way there. */
  runningOf(owner: string): number {
    return this.#matchmaker.shares.runningOf(owner);
  }

  /** Why a job in the queue is still there; undefined when it is not in the queue. Counted afresh from the pool (I10). */
  waiting(job: CommittedJob): Waiting | undefined {
    const stage = this.#stageOf(job.ref.id);
    if (stage === undefined) return undefined;
    const queued = toQueued(job);
    const { exclusionOf, keptFrom } = this.#scene();
    return { stage, ...this.pool.why(queued.demand, exclusionOf(queued), keptFrom(queued)) };
  }

  /** Where the job stands and what would help it, whatever its state. Counted afresh from the pool (I10). */
  explain(job: CommittedJob): Explanation {
    return explain(job, toQueued(job), this.#scene());
  }

  /** What would become of a job that is not submitted yet, if it came now. Nothing is changed. */
  plan(wanted: Wanted): Plan {
    return plan(wanted, hypotheticalJob(wanted.spec, wanted.owner, this.options.clock.now()), this.#scene());
  }

  observeNode(committed: CommittedNode): void {
    const { context } = committed.snapshot;
    this.#matchmaker.observeNode({
      id: context.id,
      profile: context.profile,
      unavailable: unavailabilityOf(committed.snapshot),
      reputation: context.reputation,
      uptime: uptimeOf(context, this.options.clock.now()),
    });
    this.#tellLoad(context.id);
  }

  observeJob(committed: CommittedJob): void {
    const { id, live } = committed.snapshot.context;
    const queued = committed.state === "pending.queued";
    const offered = this.#placing.nodesOf(id);
    if (!queued) this.#placing.forget(id);
    // Once the job is over the question may still be open, but its answer can only be no.
    const returning = this.#returns.canTake(committed) ? this.#returns.nodeOf(id) : undefined;
    if (offered !== undefined && live !== null && returning === undefined && areSame(offered, nodesOf(live))) {
      // The placement is real. It has held its room, and its job been out of the queue, since it was decided.
      this.#pending.remove(id);
      for (const nodeId of offered) this.#tellLoad(nodeId);
      return;
    }
    if (committed.state.startsWith("pending.")) this.#pending.add(id, committed.snapshot.context.owner);
    else this.#pending.remove(id);
    const job = toQueued(committed);
    const nodes = new Set(live === null ? [] : nodesOf(live));
    if (queued) for (const nodeId of offered ?? []) nodes.add(nodeId);
    if (returning !== undefined) nodes.add(returning);
    const changed = this.#matchmaker.hold(job, [...nodes]);
    if (!queued || returning !== undefined) this.#matchmaker.dequeue(id);
    else if (offered === undefined) this.#matchmaker.enqueue(job);
    for (const nodeId of changed) this.#tellLoad(nodeId);
    // A placement took its room before its commit; now that it is real, its nodes may be busy.
    if (!queued) for (const nodeId of offered ?? []) this.#tellLoad(nodeId);
  }

  /**
   * Whether the commit is of a job on nodes that goes on, under the same attempt and so on the same nodes: it neither waits
   * nor gives anything back, and what it held it still holds. Every second commit is one, since an attempt begins with
   * two (offered, accepted) and may have many more.
   */
  #holdsAsBefore(before: CommittedJob, after: CommittedJob): boolean {
    const { id, live } = after.snapshot.context;
    if (live === null || before.snapshot.context.live?.number !== live.number) return false;
    return this.#placing.nodesOf(id) === undefined && this.#returns.nodeOf(id) === undefined;
  }

  /**
   * Makes a lost attempt live again on the node that came back with it, if the node has the room (I3) and the job's policy
   * keeps it. Resolves to whether it did. Never rejects. Returns.ts says why it is safe.
   */
  async reinstate(jobId: string, nodeId: string, attempt: number): Promise<boolean> {
    const pending = this.#returns.pending(jobId, nodeId, attempt);
    if (pending !== undefined) return pending;
    const job = this.options.jobs.peek(jobId);
    if (!job || this.#stopped || !this.#returns.isWelcome(job, nodeId, attempt)) return false;
    if (this.pool.get(nodeId)?.unavailable === "banned") return false;
    if (!this.#matchmaker.holds(jobId, nodeId) && !this.pool.hasRoomFor(nodeId, toQueued(job).demand)) return false;
    return this.#returns.bring(jobId, nodeId, attempt);
  }

  #scene(): Scene {
    return {
      now: this.options.clock.now(),
      isOpen: this.#open,
      pool: this.pool,
      shares: this.#matchmaker.shares,
      queueLength: this.queued,
      isAnyoneReady: this.#matchmaker.queue.first !== undefined,
      stageOf: (jobId) => this.#stageOf(jobId),
      isReturning: (jobId) => this.#returns.nodeOf(jobId) !== undefined,
      positionOf: (job) => positionOf(job, this.#matchmaker.shares),
      keptFrom: (job) => this.#matchmaker.keptFrom(job),
      keptFor: (jobId) => this.#matchmaker.keptFor(jobId).size,
      exclusionOf: (job) => this.#matchmaker.exclusionOf(job),
      jobOf: (jobId) => this.options.jobs.peek(jobId)?.snapshot.context,
    };
  }

  #stageOf(jobId: string): Stage | undefined {
    if (this.#placing.nodesOf(jobId)) return "placing";
    if (!this.#matchmaker.queue.has(jobId)) return undefined;
    return this.#matchmaker.queue.isParked(jobId) ? "parked" : "ready";
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
    this.#matchmaker.beginRound();
    while (this.#open && this.#placing.size < MAX_PLACING) {
      const match = this.#matchmaker.next();
      if (match === null) return;
      this.#placing.make(match.job.id, match.nodes);
    }
  }

  /** What holds room for the job has changed. */
  #lookAt(jobId: string): void {
    const committed = this.options.jobs.peek(jobId);
    if (committed) this.observeJob(committed);
    else this.#forget(jobId);
  }

  /** The job is no more, or takes no offers. */
  #forget(id: string): void {
    this.#matchmaker.dequeue(id);
    if (!this.options.jobs.peek(id)) this.#pending.remove(id);
    for (const nodeId of this.#matchmaker.giveBack(id)) this.#tellLoad(nodeId);
  }
}

/** By rank: a gang of the same nodes in another order is another gang. */
const areSame = (some: readonly string[], others: readonly string[]): boolean =>
  some.length === others.length && some.every((nodeId, rank) => nodeId === others[rank]);
