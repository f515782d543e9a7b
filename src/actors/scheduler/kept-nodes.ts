/**
 * Nodes that are kept for a job which others overtake: a gang never finds its nodes free at the same time, and a large job
 * never its memory, as long as small jobs take whatever falls free. When a job has been overtaken for long enough, the nodes
 * that can be had soonest are kept for it: jobs that go after it leave them alone, until it has started or is gone.
 *
 * Meanwhile they need not stand idle. A job that is over before the last of them is free may go there, and so may
 * one beside which there is still room. (Batch schedulers call that backfilling.)
 *
 * One job at a time, so that what is kept is bounded. In memory only: after a restart a job that is overtaken has its
 * nodes kept anew.
 */
import type { Demand, Gang } from "../../domain/job-spec.ts";
import { lacks, regionOf } from "../../domain/placement.ts";
import type { Clock, Millis } from "../runtime/index.ts";
import { hash } from "./name-bits.ts";
import type { NodePool, PooledNode } from "./node-pool.ts";
import { type Occupied, openings } from "./openings.ts";
import type { QueuedJob } from "./ranking.ts";

interface KeptNodesOptions {
  readonly clock: Clock;
  readonly pool: NodePool;
  runningOn(nodeId: string): readonly Occupied[];
}

interface Kept {
  readonly job: QueuedJob;
  readonly nodes: ReadonlySet<string>;
  /** When the last of the nodes will be free, as far as the owners of what runs there know. */
  readonly at: Millis;
}

interface Opening {
  readonly id: string;
  readonly at: Millis;
}

const NONE: ReadonlySet<string> = new Set();

export class KeptNodes {
  #kept: Kept | null = null;

  constructor(private readonly options: KeptNodesOptions) {}

  /** For whom; null: nobody. */
  get job(): QueuedJob | null {
    return this.#kept?.job ?? null;
  }

  get nodes(): ReadonlySet<string> {
    return this.#kept?.nodes ?? NONE;
  }

  has(nodeId: string): boolean {
    return this.#kept?.nodes.has(nodeId) ?? false;
  }

  /** Keeps for the job the nodes that it could have soonest. False: there are not enough that could ever run it. */
  keep(job: QueuedJob, isExcluded: (nodeId: string) => boolean): boolean {
    const chosen = soonest(this.#openings(job, isExcluded), job.gang);
    if (chosen === null) return false;
    this.#kept = { job, nodes: new Set(chosen.map(({ id }) => id)), at: lastOf(chosen) };
    return true;
  }

  /** Whether the node, which is kept, could take the job when nothing else runs there. */
  isOfUse(node: PooledNode): boolean {
    return this.#kept === null || couldTake(node, this.#kept.job.demand);
  }

  /** Keeps nothing any more; returns the nodes that were. */
  release(): ReadonlySet<string> {
    const { nodes } = this;
    this.#kept = null;
    return nodes;
  }

  /** Whether a job may have the node all the same: it delays nothing. */
  spares(nodeId: string, { demand, seconds }: QueuedJob): boolean {
    const kept = this.#kept;
    if (kept === null) return true;
    if (seconds > 0 && this.options.clock.now() + seconds * 1000 <= kept.at) return true;
    return this.options.pool.takesBoth(nodeId, demand, kept.job.demand);
  }

  /**
   * When nodes could take the job, by region if it must be one. Of a large fleet not of all nodes, which would hold up everything else:
   * of those that have the room now, and of some hundred others from anywhere.
   */
  #openings({ id, demand, gang }: QueuedJob, isExcluded: (nodeId: string) => boolean): Map<string, Opening[]> {
    const { clock, pool, runningOn } = this.options;
    const now = clock.now();
    const byRegion = new Map<string, Opening[]>();
    const placeOf = ({ profile }: PooledNode): string => (gang?.topology === "region" ? regionOf(profile) : "any");
    const note = (node: PooledNode, at: Millis): void => {
      const others = byRegion.get(placeOf(node));
      if (others) others.push({ id: node.id, at });
      else byRegion.set(placeOf(node), [{ id: node.id, at }]);
    };
    const free = new Set(pool.candidates(demand, isExcluded, gang?.size ?? 1).map(({ nodeId }) => nodeId));
    for (const nodeId of free) note(pool.get(nodeId) as PooledNode, now);
    for (const node of pool.nodes(partOf(id))) {
      const isEnough = (byRegion.get(placeOf(node))?.length ?? 0) >= ENOUGH;
      if (isEnough && gang?.topology !== "region") break;
      if (isEnough || free.has(node.id) || !couldTake(node, demand) || isExcluded(node.id)) continue;
      const [at] = openings(node.profile, runningOn(node.id), demand, now);
      if (at !== undefined) note(node, at);
    }
    byRegion.delete("");
    return byRegion;
  }
}

/** More than the largest gang has members, and so many that among them are some which are free soon. */
const ENOUGH = 500;

/** Somewhere between 0 and 1, the same for the same job. */
const partOf = (id: string): number => hash(id) / 2 ** 32;

const couldTake = (node: PooledNode, demand: Demand): boolean =>
  node.unavailable === null && lacks(node, demand) === null;

/** As many as the job needs, all from where the last of them is free first; null: there are not so many anywhere. */
function soonest(byRegion: ReadonlyMap<string, Opening[]>, gang: Gang | null): readonly Opening[] | null {
  const size = gang?.size ?? 1;
  let best: readonly Opening[] | null = null;
  for (const openings of byRegion.values()) {
    if (openings.length < size) continue;
    const first = openings.sort((one, other) => one.at - other.at || (one.id < other.id ? -1 : 1)).slice(0, size);
    if (best === null || lastOf(first) < lastOf(best)) best = first;
  }
  return best;
}

const lastOf = (openings: readonly Opening[]): Millis => openings.at(-1)?.at ?? Number.POSITIVE_INFINITY;
