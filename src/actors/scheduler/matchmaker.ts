/**
 * Queue, shares and rooms, and the decision which job goes where next. Nothing here knows of actors or commits.
 *
 * `next` takes whoever goes first of the ready jobs and of the parked jobs that fit a node that has grown, and finds it its
 * node or nodes. Calling it until it says null ends, because each step either returns a placement, or parks a job that is
 * then not looked at before a node grows again. Grown-nodes.ts says why no job is forgotten.
 */
import type { Demand } from "../../domain/job-spec.ts";
import { roomLeft } from "../../domain/placement.ts";
import type { Clock, Millis } from "../runtime/index.ts";
import { EQUAL, type Fairness, FairShare } from "./fair-share.ts";
import { GrownNodes } from "./grown-nodes.ts";
import { JobQueue, type QueuedJob } from "./job-queue.ts";
import { KeptNodes } from "./kept-nodes.ts";
import { type Hold, NodePool, type PooledNode } from "./node-pool.ts";
import type { Occupied } from "./openings.ts";
import { Overtaken, rankOf, shapeOf } from "./overtaken.ts";
import { PassedOver } from "./passed-over.ts";
import { type Entry, goesBefore, type Rank } from "./ranking.ts";

export interface MatchmakerOptions {
  readonly clock: Clock;
  /** Absent: all owners weigh the same, and no one is limited. */
  readonly fairness?: Fairness;
  /** `next` may have something to say. */
  readonly onWork: () => void;
}

export interface Match {
  readonly job: QueuedJob;
  /** A gang's by rank. */
  readonly nodes: readonly string[];
}

interface Holding {
  readonly demand: Demand;
  /** When its owner expects it to be over. */
  readonly end: Millis;
  readonly nodes: readonly string[];
  readonly hold: Hold | null;
}

const nowhere = (): boolean => false;
/** So often within its patience a job that others overtake is looked at. */
const CHECKS = 4;
/** Jobs that are looked at each time: for each of them all nodes are. */
const MOST_TRIES = 2;
const NOTHING: Demand = { device: null, ramBytes: 0, vramBytes: 0 };
const NOWHERE: readonly string[] = [];

export class Matchmaker {
  readonly pool = new NodePool();
  readonly shares: FairShare;
  readonly queue: JobQueue;
  readonly #passedOver = new PassedOver();
  readonly #grown = new GrownNodes();
  /** By job: what it holds, and where. */
  readonly #held = new Map<string, Holding>();
  readonly #exclusionTimers = new Map<string, () => void>();
  readonly #kept: KeptNodes;
  readonly #overtaken: Overtaken;
  #cancelCheck: (() => void) | null = null;
  /** Shapes that fitted nowhere since a node last grew. So a thousand new jobs of one shape, or gangs, are one search. */
  readonly #fitsNowhere = new Set<string>();
  /** Counts what happens: parkings, growths, looks. */
  #moment = 0;

  constructor(private readonly options: MatchmakerOptions) {
    this.shares = new FairShare(
      options.fairness ?? EQUAL,
      ({ name }) => this.#passedOver.block(name, ++this.#moment),
      ({ name }) => this.#ownersTurnAgain(name),
    );
    this.queue = new JobQueue(this.shares);
    this.#overtaken = new Overtaken(this.shares.patience);
    this.#kept = new KeptNodes({
      clock: options.clock,
      pool: this.pool,
      runningOn: (nodeId) => this.#runningOn(nodeId),
    });
  }

  stop(): void {
    for (const cancel of this.#exclusionTimers.values()) cancel();
    this.#cancelCheck?.();
  }

  /** The job wants a node. */
  enqueue(job: QueuedJob): void {
    this.queue.add(job);
    this.#cancelTimer(job.id);
    this.options.onWork();
  }

  dequeue(id: string): void {
    this.queue.remove(id);
    this.#cancelTimer(id);
    if (this.#kept.job?.id === id) this.#release();
  }

  /** Whether a node is kept from the job, for one that goes before it; of a job that does not wait, as if it came now. */
  keptFrom(job: QueuedJob): (nodeId: string) => boolean {
    if (this.#kept.job === null) return nowhere;
    const share = this.shares.find(job.owner)?.share ?? 0;
    if (!this.#isBehindKept(this.queue.rankOf(job.id) ?? { ...rankOf(job), share })) return nowhere;
    return (nodeId) => this.#kept.has(nodeId) && !this.#kept.spares(nodeId, job);
  }

  /** The nodes that are kept for the job. */
  keptFor(jobId: string): ReadonlySet<string> {
    return this.#kept.job?.id === jobId ? this.#kept.nodes : new Set();
  }

  observeNode(node: PooledNode): void {
    const before = this.pool.get(node.id);
    this.pool.upsert(node);
    if (hasGrown(before, node)) this.#hasGrown(node.id);
    if (this.#kept.has(node.id) && !this.#kept.isOfUse(node)) this.#keepOthers();
  }

  /** Whether the job holds room on the node. */
  holds(jobId: string, nodeId: string): boolean {
    return this.#held.get(jobId)?.nodes.includes(nodeId) ?? false;
  }

  /** The job holds room on these nodes and no others. Returns the nodes this changed. */
  hold(job: QueuedJob, nodes: readonly string[]): readonly string[] {
    if (nodes.length === 0) return this.giveBack(job.id);
    const before = this.#held.get(job.id);
    const hold = this.pool.hold(before?.hold ?? null, job.id, nodes, job.demand);
    const end = before?.end ?? this.options.clock.now() + job.seconds * 1000;
    this.#held.set(job.id, { demand: job.demand, nodes, hold, end });
    const left = (before?.nodes ?? NOWHERE).filter((nodeId) => !nodes.includes(nodeId));
    for (const nodeId of left) this.#hasGrown(nodeId);
    this.shares.hold(job.id, job.owner, job.rate);
    // Now others may go before the job for which nodes are kept, or its owner be at its limit.
    if (this.#kept.job?.owner === job.owner) this.#keptGrow();
    return [...left, ...nodes.filter((nodeId) => !before?.nodes.includes(nodeId))];
  }

  /** The job holds no room any more. Returns the nodes this changed. */
  giveBack(jobId: string): readonly string[] {
    const before = this.#held.get(jobId);
    if (before) {
      this.#held.delete(jobId);
      this.pool.hold(before.hold, jobId, NOWHERE, NOTHING);
      for (const nodeId of before.nodes) this.#hasGrown(nodeId);
    }
    const owner = this.shares.ownerOf(jobId);
    const share = owner?.share ?? 0;
    this.shares.release(jobId);
    const kept = this.#kept.job === null ? undefined : this.queue.rankOf(this.#kept.job.id);
    // Now the owner's jobs may go before the one for which nodes are kept.
    if (kept && owner && owner.share <= kept.share && kept.share <= share) this.#keptGrow();
    return before?.nodes ?? NOWHERE;
  }

  /** To be called before the calls of `next` that follow each other. */
  beginRound(): void {
    this.#grown.beginRound();
  }

  /** The next placement; the job is out of the queue, and its room is taken. Null: nothing that waits fits anywhere. */
  next(): Match | null {
    for (let entry = this.#first(); entry; entry = this.#first()) {
      const { job } = entry;
      const nodes = this.#choose(job);
      if (nodes === null) {
        this.#park(job);
        continue;
      }
      const { priority, share, queuedAt, id } = entry;
      this.dequeue(job.id);
      this.hold(job, nodes);
      this.#hasPlaced(job.owner, { priority, share, queuedAt, id });
      return { job, nodes };
    }
    return null;
  }

  /** The nodes the job must keep away from at present. */
  exclusionOf({ exclusions }: QueuedJob): (nodeId: string) => boolean {
    if (exclusions.length === 0) return nowhere;
    const now = this.options.clock.now();
    return (nodeId) => exclusions.some((one) => one.nodeId === nodeId && one.until > now);
  }

  #first(): Entry | undefined {
    const ready = this.queue.first;
    const parked = this.#grown.first(
      (nodeId, grownAt) => this.#firstFitting(nodeId, grownAt),
      (nodeId) => this.#passedOver.lookedAt(nodeId, ++this.#moment),
    );
    return ready && parked ? (goesBefore(ready, parked) ? ready : parked) : (ready ?? parked);
  }

  /** The first parked job that the node, which has grown, could take. */
  #firstFitting(nodeId: string, grownAt: number): Entry | undefined {
    const facts = this.pool.get(nodeId);
    if (facts === undefined || facts.unavailable !== null || this.pool.isFull(nodeId)) return undefined;
    const taken = this.pool.attemptsOn(nodeId).map((jobId) => this.#held.get(jobId)?.demand ?? NOTHING);
    return this.queue.firstFitting(
      { id: nodeId, facts, room: roomLeft(facts.profile, taken), grownAt },
      (job) =>
        this.pool.placesOn(nodeId, job.demand) > 0 &&
        !this.exclusionOf(job)(nodeId) &&
        !(this.#kept.has(nodeId) && this.keptFrom(job)(nodeId)),
    );
  }

  /** Where the job goes; null: nowhere. Never to the node that failed it last while another fits. */
  #choose(job: QueuedJob): readonly string[] | null {
    const isKept = this.keptFrom(job);
    const isOfShape = job.exclusions.length === 0 && isKept === nowhere;
    if (isOfShape && this.#fitsNowhere.size > 0 && this.#fitsNowhere.has(shapeOf(job))) return null;
    const isTried = this.exclusionOf(job);
    const isExcluded = isKept === nowhere ? isTried : (nodeId: string) => isTried(nodeId) || isKept(nodeId);
    const elsewhere =
      job.avoid.length > 0 ? this.#best(job, (nodeId) => job.avoid.includes(nodeId) || isExcluded(nodeId)) : null;
    const chosen = elsewhere ?? this.#best(job, isExcluded);
    if (chosen === null && isOfShape) this.#fitsNowhere.add(shapeOf(job));
    return chosen;
  }

  #best({ demand, gang }: QueuedJob, isExcluded: (nodeId: string) => boolean): readonly string[] | null {
    if (gang) return this.pool.bestGang(demand, gang, isExcluded)?.map(({ nodeId }) => nodeId) ?? null;
    const placement = this.pool.best(demand, isExcluded);
    return placement && [placement.nodeId];
  }

  /** Until a node grows, or the first of its exclusions is over. */
  #park(job: QueuedJob): void {
    const now = this.options.clock.now();
    const excluded = job.exclusions.filter(({ until }) => until > now);
    this.queue.park(
      job,
      ++this.#moment,
      excluded.map(({ nodeId }) => nodeId),
    );
    this.#cancelTimer(job.id);
    if (excluded.length === 0) return;
    const over = Math.min(...excluded.map(({ until }) => until));
    const cancel = this.options.clock.after(over - now, () => {
      this.enqueue({ ...job, exclusions: job.exclusions.filter(({ until }) => until > over) });
    });
    this.#exclusionTimers.set(job.id, cancel);
  }

  #cancelTimer(id: string): void {
    this.#exclusionTimers.get(id)?.();
    this.#exclusionTimers.delete(id);
  }

  /** Whether nodes are kept for a job that goes before this one. */
  #isBehindKept(rank: Rank): boolean {
    const { job } = this.#kept;
    if (job === null) return false;
    const kept = this.queue.rankOf(job.id);
    return kept !== undefined && !this.#isBlocked(job) && goesBefore(kept, rank);
  }

  #isBlocked(job: QueuedJob): boolean {
    const owner = this.shares.find(job.owner);
    return owner !== undefined && this.shares.isBlocked(owner);
  }

  /** If it has overtaken others, nodes may have to be kept for one of them. */
  #hasPlaced(owner: string, rank: Rank): void {
    if (this.queue.parked === 0 || this.#kept.job !== null || !Number.isFinite(this.shares.patience)) return;
    this.#overtaken.placed(owner, rank);
    this.#cancelCheck ??= this.options.clock.after(this.shares.patience / CHECKS, () => this.#checkPatience());
  }

  /** Keeps nodes for the first of those that have been overtaken for too long, if it could run at all. */
  #checkPatience(): void {
    this.#cancelCheck = null;
    const now = this.options.clock.now();
    const isOvertaken = this.#overtaken.look(now);
    if (this.#kept.job !== null) return;
    for (let tries = 0; tries < MOST_TRIES; tries++) {
      const job = this.queue.firstParked(isOvertaken);
      if (job === undefined || this.#kept.keep(job, this.exclusionOf(job))) return;
      this.#overtaken.giveUp(job, now);
    }
  }

  /** Somebody may have the nodes now from whom they were kept. */
  #keptGrow(): void {
    for (const nodeId of this.#kept.nodes) if (!this.pool.isFull(nodeId)) this.#hasGrown(nodeId);
  }

  /** One of the nodes that are kept is of no use any more. */
  #keepOthers(): void {
    const { job } = this.#kept;
    this.#release();
    if (job !== null && this.queue.has(job.id)) this.#kept.keep(job, this.exclusionOf(job));
  }

  #release(): void {
    // For those who had to leave them alone it is as if they fell free only now.
    for (const nodeId of this.#kept.release()) this.#hasGrown(nodeId);
  }

  #runningOn(nodeId: string): readonly Occupied[] {
    const now = this.options.clock.now();
    return this.pool.attemptsOn(nodeId).flatMap((jobId) => {
      const held = this.#held.get(jobId);
      // One that is past its time may end at any moment.
      return held ? [{ demand: held.demand, end: Math.max(now, held.end) }] : [];
    });
  }

  #hasGrown(nodeId: string): void {
    this.#fitsNowhere.clear();
    this.#grown.grew(nodeId, ++this.#moment);
    if (this.queue.parked > 0) this.options.onWork();
  }

  #ownersTurnAgain(owner: string): void {
    for (const nodeId of this.#passedOver.free(owner)) {
      if (!this.pool.isFull(nodeId)) this.#grown.lookAgain(nodeId);
    }
    this.options.onWork();
  }
}

/** Whether it may take a job now that it could not take before, but for what runs there. */
function hasGrown(before: PooledNode | undefined, node: PooledNode): boolean {
  if (node.unavailable !== null) return false;
  if (before === undefined || before.unavailable !== null) return true;
  return before.profile !== node.profile || node.reputation > before.reputation;
}
