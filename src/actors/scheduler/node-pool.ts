/**
 * The nodes as the scheduler sees them, and what runs on each. In memory only: nodes come from their actors' committed
 * states, attempts from the jobs' (and from placements of this round that are still on their way to the journal, so that
 * two placements never count on the same room). Room is computed from the attempts each time (I3).
 */
import type { Demand } from "../../domain/job-spec.ts";
import type { NodeProfile } from "../../domain/node-profile.ts";
import {
  CAPABILITY_WEIGHT,
  capabilityMatch,
  crowded,
  lacks,
  matchScore,
  type Room,
  roomLeft,
  standingScore,
  type Unavailable,
  type Unfit,
  vramLeft,
} from "../../domain/placement.ts";

export interface PooledNode {
  readonly id: string;
  readonly profile: NodeProfile;
  /** Null: may be offered jobs. */
  readonly unavailable: Unavailable | null;
  /** 0..100. */
  readonly reputation: number;
  /** 0..100. */
  readonly uptime: number;
}

export interface Placement {
  readonly nodeId: string;
  readonly score: number;
}

interface Entry {
  node: PooledNode;
  readonly attempts: Map<string, Demand>;
  room: Room;
  standing: number;
  /** Whether it is in `#open`. */
  open: boolean;
}

export class NodePool {
  readonly #nodes = new Map<string, Entry>();
  /** Attempts on nodes we do not know (yet), so that none is forgotten when the node appears. */
  readonly #nodeOfJob = new Map<string, { readonly nodeId: string; readonly demand: Demand }>();
  /** Nodes that may be offered something, best standing first. */
  readonly #open: Entry[] = [];

  get size(): number {
    return this.#nodes.size;
  }

  get(id: string): PooledNode | undefined {
    return this.#nodes.get(id)?.node;
  }

  nodes(): Iterable<PooledNode> {
    return this.#nodes.values().map((entry) => entry.node);
  }

  upsert(node: PooledNode): void {
    const entry = this.#nodes.get(node.id);
    if (entry) {
      this.#close(entry);
      entry.node = node;
      this.#reassess(entry);
      return;
    }
    const attempts = new Map<string, Demand>();
    for (const [jobId, held] of this.#nodeOfJob) if (held.nodeId === node.id) attempts.set(jobId, held.demand);
    const created: Entry = { node, attempts, room: { slots: 0, ramBytes: 0, vramBytes: {} }, standing: 0, open: false };
    this.#nodes.set(node.id, created);
    this.#reassess(created);
  }

  /** Notes on which node the job has a live attempt, or with null that it has none. Returns the nodes this changed. */
  setAttempt(jobId: string, nodeId: string | null, demand: Demand): readonly string[] {
    const held = this.#nodeOfJob.get(jobId);
    if ((held?.nodeId ?? null) === nodeId) return [];
    const changed: string[] = [];
    if (held) {
      this.#nodeOfJob.delete(jobId);
      this.#change(held.nodeId, (attempts) => attempts.delete(jobId));
      changed.push(held.nodeId);
    }
    if (nodeId !== null) {
      this.#nodeOfJob.set(jobId, { nodeId, demand });
      this.#change(nodeId, (attempts) => attempts.set(jobId, demand));
      changed.push(nodeId);
    }
    return changed;
  }

  attemptsOn(nodeId: string): Iterable<string> {
    return this.#nodes.get(nodeId)?.attempts.keys() ?? [];
  }

  /** 0..1: the part of the node's slots that is taken. */
  loadOf(nodeId: string): number {
    const entry = this.#nodes.get(nodeId);
    return entry ? Math.min(1, entry.attempts.size / Math.max(1, entry.node.profile.slots)) : 0;
  }

  isFull(nodeId: string): boolean {
    const entry = this.#nodes.get(nodeId);
    return entry !== undefined && entry.room.slots < 1;
  }

  /** The best node for the job, or null when none can take it now. Stops as soon as no later node can score higher. */
  best(demand: Demand, isExcluded: (nodeId: string) => boolean): Placement | null {
    let best: Placement | null = null;
    for (const entry of this.#open) {
      if (best !== null && entry.standing + CAPABILITY_WEIGHT <= best.score) break;
      if (isExcluded(entry.node.id)) continue;
      if (lacks(entry.node.profile, demand) !== null || crowded(entry.room, demand) !== null) continue;
      const score = matchScore(this.#candidate(entry), capabilityMatch(entry.node.profile, demand));
      if (best === null || score > best.score) best = { nodeId: entry.node.id, score };
    }
    return best;
  }

  /** How many jobs with this demand the node could take right now. */
  placesOn(nodeId: string, demand: Demand): number {
    const entry = this.#nodes.get(nodeId);
    if (!entry?.open || lacks(entry.node.profile, demand) !== null || crowded(entry.room, demand) !== null) return 0;
    const { slots, ramBytes } = entry.room;
    return Math.min(
      slots,
      demand.ramBytes > 0 ? Math.floor(ramBytes / demand.ramBytes) : slots,
      demand.vramBytes > 0 ? Math.floor(vramLeft(entry.room, demand) / demand.vramBytes) : slots,
    );
  }

  /** For each reason, how many nodes it rules out; every node counts once. `fitting` nodes are ruled out by nothing. */
  why(
    demand: Demand,
    isExcluded: (nodeId: string) => boolean,
  ): { fitting: number; reasons: Map<Unfit | Unavailable | "excluded", number> } {
    let fitting = 0;
    const reasons = new Map<Unfit | Unavailable | "excluded", number>();
    for (const { node, room } of this.#nodes.values()) {
      const reason =
        lacks(node.profile, demand) ?? node.unavailable ?? (isExcluded(node.id) ? "excluded" : crowded(room, demand));
      if (reason === null) fitting += 1;
      else reasons.set(reason, (reasons.get(reason) ?? 0) + 1);
    }
    return { fitting, reasons };
  }

  #change(nodeId: string, change: (attempts: Map<string, Demand>) => void): void {
    const entry = this.#nodes.get(nodeId);
    if (!entry) return;
    this.#close(entry);
    change(entry.attempts);
    this.#reassess(entry);
  }

  #candidate({ node, attempts }: Entry) {
    return {
      reputation: node.reputation,
      uptime: node.uptime,
      load: Math.min(1, attempts.size / Math.max(1, node.profile.slots)),
    };
  }

  #reassess(entry: Entry): void {
    entry.room = roomLeft(entry.node.profile, entry.attempts.values());
    entry.standing = standingScore(this.#candidate(entry));
    entry.open = entry.node.unavailable === null && entry.room.slots >= 1;
    if (entry.open) this.#open.splice(this.#placeOf(entry), 0, entry);
  }

  #close(entry: Entry): void {
    if (!entry.open) return;
    entry.open = false;
    this.#open.splice(this.#placeOf(entry), 1);
  }

  /** Where the entry is, or belongs: by standing, best first, then by id. */
  #placeOf(entry: Entry): number {
    let low = 0;
    let high = this.#open.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      const other = this.#open[middle] as Entry;
      const before =
        other.standing > entry.standing || (other.standing === entry.standing && other.node.id < entry.node.id);
      if (before) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
