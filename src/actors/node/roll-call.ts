/**
 * Heartbeats, and what silence means for the jobs of a node.
 *
 * A heartbeat of an online node is no transition: it renews the node's lease and is noted in memory. It becomes an event
 * only when it says something new: the node was thought gone, or it no longer has an attempt it should have.
 *
 * The jobs of a silent node are told by `NODE_LOST`, those of a returning one by `NODE_BACK`. Telling is not a promise: a
 * message may be lost to a failed commit. So a sweep compares nodes and attempts now and then and tells again what still
 * differs; the events mean nothing to a job that already knows.
 *
 * A node that is to be emptied, because it is drained or banned, is no different: each attempt there is told `EVICT` when the
 * node's state says so first, and by the sweep for as long as there is one.
 */
import { isLiveOn, isNeeded, memberOn, returnable } from "../job/attempt.ts";
import { type CommittedJob, isTerminal, type Jobs, jobStatusOf } from "../job/kind.ts";
import { type Clock, EventRejected, type Log, type Millis } from "../runtime/index.ts";
import type { NodePool } from "../scheduler/node-pool.ts";
import { type CommittedNode, evictionOf, isPresent, type Nodes } from "./kind.ts";

/** An attempt missing from this many heartbeats in a row is gone; one may have been on its way while the offer was accepted. */
const MISSED_BEATS = 2;
const SWEEP_EVERY: Millis = 5000;

export interface RollCallOptions {
  readonly clock: Clock;
  readonly log: Log;
  readonly jobs: Jobs;
  readonly nodes: Nodes;
  readonly pool: NodePool;
  /** Gives a lost attempt back to the node that still runs it; false: the node is to stop it. */
  readonly reinstate: (jobId: string, nodeId: string, attempt: number) => Promise<boolean>;
  readonly heartbeatTimeout: Millis;
}

export interface Heartbeat {
  readonly nodeId: string;
  readonly activeJobs: readonly string[];
}

export interface HeartbeatReply {
  /** False: no such node is registered. */
  readonly known: boolean;
  /** Jobs the node runs that are not, or no longer, its own. */
  readonly jobsToCancel: readonly string[];
}

export class RollCall {
  readonly #heardAt = new Map<string, Millis>();
  /** By node, then by job: which attempt has been missing from how many heartbeats in a row. */
  readonly #missed = new Map<string, Map<string, { readonly attempt: number; readonly beats: number }>>();
  #cancelSweep: (() => void) | null = null;

  constructor(private readonly options: RollCallOptions) {
    options.nodes.onCommit(({ before, after, event }) => this.#nodeChanged(before, after, event));
  }

  start(): void {
    this.#cancelSweep = this.options.clock.after(SWEEP_EVERY, () => {
      this.sweep();
      this.start();
    });
  }

  stop(): void {
    this.#cancelSweep?.();
  }

  /** When the node was last heard from, if since this process started. */
  heardAt(nodeId: string): Millis | undefined {
    return this.#heardAt.get(nodeId);
  }

  /** Answers one heartbeat. Waits for a commit only when the node was thought gone. Rejects with an `ActorError`. */
  async heartbeat({ nodeId, activeJobs }: Heartbeat): Promise<HeartbeatReply> {
    const node = this.options.nodes.peek(nodeId);
    if (!node) return { known: false, jobsToCancel: [] };
    this.#heard(nodeId);
    // Before it is welcomed back: from then on it may be offered other jobs, and the room would be gone.
    if (evictionOf(node.snapshot) === null) await this.#giveBack(nodeId, activeJobs);
    if (!isPresent(node.snapshot)) await this.#welcomeBack(nodeId);
    if (node.snapshot.context.profile.reportsAttempts) this.#noteMissing(nodeId, activeJobs);
    return { known: true, jobsToCancel: activeJobs.filter((jobId) => !this.#isLiveOn(jobId, nodeId)) };
  }

  /** What the node still runs although it was taken for lost goes on there, where its job wants it and the node has the room. */
  async #giveBack(nodeId: string, activeJobs: readonly string[]): Promise<void> {
    for (const jobId of activeJobs) {
      const job = this.options.jobs.peek(jobId);
      if (!job || isTerminal(jobStatusOf(job.state))) continue;
      const past = returnable(job.snapshot.context, nodeId, this.options.clock.now());
      if (past) await this.options.reinstate(jobId, nodeId, past.number);
    }
  }

  /** Any other word from a node is a sign of life too. */
  heard(nodeId: string): void {
    const node = this.options.nodes.peek(nodeId);
    if (!node) return;
    this.#heard(nodeId);
    if (!isPresent(node.snapshot)) this.options.nodes.tell(nodeId, { type: "HEARD" });
  }

  /** Tells every live attempt whose node has gone, come back or is to be emptied, if it does not know yet. */
  sweep(): void {
    for (const node of this.options.nodes.live()) {
      const reason = evictionOf(node.snapshot);
      for (const jobId of [...this.options.pool.attemptsOn(node.ref.id)]) {
        if (reason === null) this.#tellPresence(jobId, node);
        else this.#tellEvicted(jobId, node.ref.id, reason);
      }
    }
  }

  #heard(nodeId: string): void {
    const now = this.options.clock.now();
    this.#heardAt.set(nodeId, now);
    this.options.nodes.renew(nodeId, now + this.options.heartbeatTimeout);
  }

  async #welcomeBack(nodeId: string): Promise<void> {
    try {
      await this.options.nodes.ask(nodeId, { type: "HEARD" });
    } catch (error) {
      // Another heartbeat was faster.
      if (!(error instanceof EventRejected)) throw error;
    }
  }

  #nodeChanged(before: CommittedNode | null, after: CommittedNode, event: string): void {
    const nodeId = after.ref.id;
    const context = after.snapshot.context;
    if (event === "REGISTERED" || event === "created") this.#heard(nodeId);
    // The boots tell, not the event: a registration whose commit seemed lost arrives as "reloaded".
    const restarted = before !== null && context.bootId !== "" && before.snapshot.context.bootId !== context.bootId;
    const reason = evictionOf(after.snapshot);
    for (const jobId of [...this.options.pool.attemptsOn(nodeId)]) {
      if (reason !== null) this.#tellEvicted(jobId, nodeId, reason);
      // A new process of the node has none of the attempts that the old one took.
      else if (restarted) this.#tellGone(jobId, nodeId);
      else if (before === null || isPresent(before.snapshot) !== isPresent(after.snapshot))
        this.#tellPresence(jobId, after);
    }
  }

  #tellPresence(jobId: string, node: CommittedNode): void {
    const job = this.options.jobs.peek(jobId);
    const nodeId = node.ref.id;
    if (!job || !isNeeded(job.snapshot.context.live, nodeId)) return;
    const away = isAway(job, nodeId);
    const present = isPresent(node.snapshot);
    if (present && away) this.options.jobs.tell(jobId, { type: "NODE_BACK", nodeId });
    else if (!present && !away && isPastOffering(job)) this.options.jobs.tell(jobId, { type: "NODE_LOST", nodeId });
  }

  #tellEvicted(jobId: string, nodeId: string, reason: string): void {
    const live = this.options.jobs.peek(jobId)?.snapshot.context.live ?? null;
    if (isNeeded(live, nodeId)) this.options.jobs.tell(jobId, { type: "EVICT", nodeId, reason });
  }

  #tellGone(jobId: string, nodeId: string): void {
    const job = this.options.jobs.peek(jobId);
    const live = job?.snapshot.context.live;
    if (job && live && hasTaken(job, nodeId)) {
      this.options.jobs.tell(jobId, { type: "ATTEMPT_GONE", nodeId, attempt: live.number });
    }
  }

  #noteMissing(nodeId: string, activeJobs: readonly string[]): void {
    const before = this.#missed.get(nodeId);
    const missed = new Map<string, { readonly attempt: number; readonly beats: number }>();
    for (const jobId of [...this.options.pool.attemptsOn(nodeId)]) {
      const job = this.options.jobs.peek(jobId);
      const attempt = job?.snapshot.context.live?.number;
      if (activeJobs.includes(jobId) || !job || attempt === undefined || !hasTaken(job, nodeId)) continue;
      const last = before?.get(jobId);
      const beats = (last?.attempt === attempt ? last.beats : 0) + 1;
      if (beats >= MISSED_BEATS) this.#tellGone(jobId, nodeId);
      else missed.set(jobId, { attempt, beats });
    }
    if (missed.size > 0) this.#missed.set(nodeId, missed);
    else this.#missed.delete(nodeId);
  }

  #isLiveOn(jobId: string, nodeId: string): boolean {
    const job = this.options.jobs.peek(jobId);
    return job !== undefined && isLiveOn(job.snapshot.context, nodeId);
  }
}

/** Before, the offer's own deadline decides, whatever its nodes do. */
const isPastOffering = (job: CommittedJob): boolean => job.state !== "assigned.offering";

/** The node has said that it has the attempt, and has not said that it is done with it. */
function hasTaken(job: CommittedJob, nodeId: string): boolean {
  const { live } = job.snapshot.context;
  if (live === null || !isNeeded(live, nodeId)) return false;
  return isPastOffering(job) || (live.members !== undefined && memberOn(live, nodeId)?.acceptedAt != null);
}

const isAway = (job: CommittedJob, nodeId: string): boolean => {
  const { live } = job.snapshot.context;
  return live?.members ? memberOn(live, nodeId)?.away === true : job.state.endsWith(".orphaned");
};
