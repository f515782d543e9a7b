/**
 * What is committed and not yet in Redis. For hashes only the newest state of an actor matters, so a job that changes a
 * hundred times between two batches waits once; the change feed needs every change and forgets its oldest instead.
 *
 * Bounded: it exists only while a connection does, holds each live actor once, and counts the finished ones and the
 * changes that may wait.
 */
import type { CommittedJob } from "../../actors/job/kind.ts";
import type { CommittedNode } from "../../actors/node/kind.ts";
import type { Millis } from "../../actors/runtime/index.ts";
import { type Change, FEED_LENGTH } from "./commands.ts";

interface Waiting<T> {
  newest: T;
  /** When the oldest state it stands for was noted. */
  readonly since: Millis;
}

/** More finished jobs than this waiting (some 40 MB) means that Redis is slower than the server; filling anew is cheaper. */
const MAX_FINISHED = 20_000;

export class Backlog {
  /** In the order in which they began to wait: replacing a value keeps its place in a Map. */
  readonly #jobs = new Map<string, Waiting<CommittedJob>>();
  readonly #nodes = new Map<string, Waiting<CommittedNode>>();
  readonly #telemetry = new Set<string>();
  #changes: Change[] = [];
  #missed = 0;
  #finished = 0;

  putJob(job: CommittedJob, now: Millis): void {
    const waiting = this.#jobs.get(job.ref.id);
    if (job.finished && !waiting?.newest.finished) this.#finished += 1;
    if (waiting) waiting.newest = job;
    else this.#jobs.set(job.ref.id, { newest: job, since: now });
    // The whole state is written anyway.
    this.#telemetry.delete(job.ref.id);
  }

  putNode(node: CommittedNode, now: Millis): void {
    const waiting = this.#nodes.get(node.ref.id);
    if (waiting) waiting.newest = node;
    else this.#nodes.set(node.ref.id, { newest: node, since: now });
  }

  putChange(change: Change): void {
    // A reader who is this far behind has lost its place in the stream anyway. Half at once keeps this cheap.
    if (this.#changes.length >= FEED_LENGTH) this.#missed += this.#changes.splice(0, FEED_LENGTH / 2).length;
    this.#changes.push(change);
  }

  putTelemetry(jobId: string): void {
    if (!this.#jobs.has(jobId)) this.#telemetry.add(jobId);
  }

  takeJobs(limit: number): CommittedJob[] {
    const jobs = take(this.#jobs, limit);
    for (const job of jobs) if (job.finished) this.#finished -= 1;
    return jobs;
  }

  takeNodes(limit: number): CommittedNode[] {
    return take(this.#nodes, limit);
  }

  /** In the order of their commits; where some were forgotten, an entry says how many. */
  takeChanges(limit: number, now: Millis): Change[] {
    const changes = this.#changes.splice(0, limit);
    if (this.#missed === 0) return changes;
    const gap: Change = { kind: "mirror", id: "", version: 0, event: "gap", from: "", to: `${this.#missed}`, at: now };
    this.#missed = 0;
    return [gap, ...changes];
  }

  takeTelemetry(limit: number): string[] {
    const ids: string[] = [];
    for (const id of this.#telemetry) {
      if (ids.length >= limit) break;
      ids.push(id);
      this.#telemetry.delete(id);
    }
    return ids;
  }

  /** Nothing but telemetry waits, and that has its own pace. */
  get isEmpty(): boolean {
    return this.#jobs.size === 0 && this.#nodes.size === 0 && this.#changes.length === 0;
  }

  get jobs(): number {
    return this.#jobs.size;
  }

  get nodes(): number {
    return this.#nodes.size;
  }

  /** Everything that waits, for the bound to be tested. */
  get size(): number {
    return this.#jobs.size + this.#nodes.size + this.#changes.length + this.#telemetry.size;
  }

  get overflows(): boolean {
    return this.#finished > MAX_FINISHED;
  }

  /** Since when the longest waiting one waits; null when nothing does. */
  get oldest(): Millis | null {
    const [job] = this.#jobs.values();
    const [node] = this.#nodes.values();
    const oldest = Math.min(job?.since ?? Infinity, node?.since ?? Infinity, this.#changes[0]?.at ?? Infinity);
    return oldest === Infinity ? null : oldest;
  }
}

function take<T>(waiting: Map<string, Waiting<T>>, limit: number): T[] {
  const taken: T[] = [];
  for (const [id, { newest }] of waiting) {
    if (taken.length >= limit) break;
    taken.push(newest);
    waiting.delete(id);
  }
  return taken;
}
