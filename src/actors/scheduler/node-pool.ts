/**
 * The nodes as the scheduler sees them, and what runs on each. In memory only: nodes come from their actors' committed
 * states, attempts from the jobs' (and from placements of this round that are still on their way to the journal, so that
 * two placements never count on the same room). Room is computed from the attempts each time (I3).
 */
import type { Demand, DeviceKind, Gang } from "../../domain/job-spec.ts";
import type { NodeProfile } from "../../domain/node-profile.ts";
import {
  bestCard,
  crowded,
  draw,
  lacks,
  lacksHardware,
  type RoomLeft,
  regionOf,
  type Standing,
  scoreTerms,
  standingScore,
  totalRoom,
  type Unavailable,
  type Unfit,
  vramLeft,
} from "../../domain/placement.ts";
import type { Candidate } from "./explanation.ts";
import { NodeIndex } from "./node-index.ts";
import { bestGpu, isOneSize } from "./node-lines.ts";
import type { Make } from "./node-shelves.ts";

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

/** What the nodes of a device kind have at most; 0 when there is none. */
export interface Largest {
  readonly ramBytes: number;
  readonly vramBytes: number;
}

export interface WhyNot {
  /** Ruled out by nothing. */
  readonly fitting: number;
  readonly reasons: ReadonlyMap<Unfit | Unavailable | "excluded", number>;
}

type IsExcluded = (nodeId: string) => boolean;

/**
 * A node, what runs on it, and what that leaves. All that a decision asks of a node is here and not in objects of its own: in a large
 * fleet each of those is a wait for memory (measured at 10,000 nodes: a fifth of what a decision costs).
 */
interface Entry extends RoomLeft {
  readonly id: string;
  node: PooledNode;
  /** The last to come. */
  attempts: Attempt | null;
  /** With nothing on it. */
  totalSlots: number;
  totalRam: number;
  gpuBytes: number;
  oneSize: boolean;
  reputation: number;
  uptime: number;
  standing: number;
  /** Whether it may be offered jobs, as long as it has room. */
  available: boolean;
  /** The index's own (`node-index.ts`). */
  make: Make | null;
  column: number;
  number: number;
}

/** A job's attempt on a node. All that an end of it needs is here or one step away. */
interface Attempt {
  readonly jobId: string;
  readonly nodeId: string;
  readonly ramBytes: number;
  readonly vramBytes: number;
  /** Null: a stray. */
  entry: Entry | null;
  /** The job's next one: a gang has several. */
  next: Attempt | null;
  /** The one that came to the node before it. */
  earlier: Attempt | null;
}

/** What a job holds in the pool: its attempts, the first of them. To callers only a thing to give back. */
export type Hold = Attempt;

export class NodePool {
  readonly #nodes = new Map<string, Entry>();
  /** On nodes we do not know (yet), so that no attempt is forgotten when the node appears. */
  readonly #strays = new Map<string, Attempt>();
  readonly #index = new NodeIndex<Entry>();
  /** The last one found: as a rule the next attempt goes there. */
  #found: Entry | null = null;

  get size(): number {
    return this.#nodes.size;
  }

  /** Rows of the index looked at so far: what the decisions cost, whatever the machine. */
  get looked(): number {
    return this.#index.looked;
  }

  get(id: string): PooledNode | undefined {
    return this.#nodes.get(id)?.node;
  }

  nodes(): Iterable<PooledNode> {
    return this.#nodes.values().map((entry) => entry.node);
  }

  upsert(node: PooledNode): void {
    const entry = this.#nodes.get(node.id) ?? this.#create(node);
    if (entry.node.profile !== node.profile) equip(entry, node.profile);
    entry.node = node;
    entry.reputation = node.reputation;
    entry.uptime = node.uptime;
    entry.available = node.unavailable === null;
    assess(entry);
    this.#index.put(entry);
  }

  /**
   * Notes on which nodes the job has a live attempt: on one, on the members of a gang, or on none any more. Returns what it holds, which
   * the caller gives with its next change: the pool has no list of jobs, as who changes them has one.
   * @param held what it held till now; null: nothing
   */
  hold(held: Hold | null, jobId: string, nodeIds: readonly string[], demand: Demand): Hold | null {
    // By far the most jobs run on one node: they come to it and go from it.
    const [only] = nodeIds;
    if (held === null && nodeIds.length === 1 && only !== undefined) return this.#take(only, jobId, demand);
    for (let attempt = held; attempt !== null; attempt = attempt.next)
      if (!nodeIds.includes(attempt.nodeId)) this.#release(attempt);
    const attempts = [...new Set(nodeIds)].map((nodeId) => onNode(held, nodeId) ?? this.#take(nodeId, jobId, demand));
    let first: Attempt | null = null;
    for (const attempt of attempts.reverse()) {
      attempt.next = first;
      first = attempt;
    }
    return first;
  }

  /** The jobs, in the order in which they came to the node. */
  attemptsOn(nodeId: string): readonly string[] {
    const jobs: string[] = [];
    const last = this.#nodes.get(nodeId)?.attempts ?? this.#strays.get(nodeId) ?? null;
    for (let attempt = last; attempt !== null; attempt = attempt.earlier) jobs.push(attempt.jobId);
    return jobs.reverse();
  }

  /** 0..1: the part of the node's slots that is taken. */
  loadOf(nodeId: string): number {
    const entry = this.#nodes.get(nodeId);
    return entry ? loadOf(entry) : 0;
  }

  isFull(nodeId: string): boolean {
    const entry = this.#nodes.get(nodeId);
    return entry !== undefined && entry.slots < 1;
  }

  /** The best node for the job, or null when none can take it now. Ties go by hardware, region and id (node-place.ts). */
  best(demand: Demand, isExcluded: IsExcluded): Placement | null {
    this.#index.search(demand);
    const found = this.#next(demand, isExcluded);
    return found && this.#placement(found);
  }

  /**
   * The best nodes for the members of a gang, rank 0 first, or null when not all of them can be placed now. With topology
   * "region" they are all in one: as nodes come up best first, the first region to have enough of them is the one whose
   * worst member scores highest. Nodes that name no region are not known to be near each other, and form none.
   */
  bestGang(demand: Demand, { size, topology }: Gang, isExcluded: IsExcluded): readonly Placement[] | null {
    const byRegion = new Map<string, Placement[]>();
    this.#index.search(demand);
    for (let found = this.#next(demand, isExcluded); found !== null; found = this.#next(demand, isExcluded)) {
      const region = topology === "region" ? regionOf(found.node.profile) : "any";
      if (region === "") continue;
      const members = byRegion.get(region) ?? [];
      byRegion.set(region, members);
      if (members.push(this.#placement(found)) === size) return members;
    }
    return null;
  }

  /** The best nodes for the job, best first, at most `limit`. */
  candidates(demand: Demand, isExcluded: IsExcluded, limit: number): readonly Candidate[] {
    const candidates: Candidate[] = [];
    this.#index.search(demand);
    while (candidates.length < limit) {
      const found = this.#next(demand, isExcluded);
      if (found === null) break;
      const { profile } = found.node;
      const terms = scoreTerms(standingOf(found), profile, demand);
      candidates.push({ ...this.#placement(found), name: profile.name, region: profile.region, terms });
    }
    return candidates;
  }

  /** Whether the job fits on the node beside what runs there, whatever the node's availability and the job's filters. */
  hasRoomFor(nodeId: string, demand: Demand): boolean {
    const entry = this.#nodes.get(nodeId);
    return entry !== undefined && lacksHardware(entry.node.profile, demand) === null && crowded(entry, demand) === null;
  }

  /** What the nodes of this kind have at most, whatever their availability; null: of all nodes. */
  largest(device: DeviceKind | null): Largest {
    let ramBytes = 0;
    let vramBytes = 0;
    for (const { node } of this.#nodes.values()) {
      if (lacksHardware(node.profile, { device, ramBytes: 0, vramBytes: 0 }) !== null) continue;
      ramBytes = Math.max(ramBytes, node.profile.ramBytes);
      vramBytes = Math.max(vramBytes, bestCard(node.profile.devices, device));
    }
    return { ramBytes, vramBytes };
  }

  /** How many jobs with this demand the node could take right now. */
  placesOn(nodeId: string, demand: Demand): number {
    const entry = this.#nodes.get(nodeId);
    if (!entry?.available || lacks(entry.node, demand) !== null || crowded(entry, demand) !== null) return 0;
    const { slots, ramBytes } = entry;
    return Math.min(
      slots,
      demand.ramBytes > 0 ? Math.floor(ramBytes / demand.ramBytes) : slots,
      demand.vramBytes > 0 ? Math.floor(vramLeft(entry, demand) / demand.vramBytes) : slots,
    );
  }

  /**
   * For each reason, how many nodes it rules out. Every node counts once, under the first that applies: what it lacks (in
   * the order of `Unfit`), its availability, the job's own exclusions, and at last what runs there at present.
   */
  why(demand: Demand, isExcluded: IsExcluded): WhyNot {
    let fitting = 0;
    const reasons = new Map<Unfit | Unavailable | "excluded", number>();
    for (const entry of this.#nodes.values()) {
      const { node } = entry;
      const reason =
        lacks(node, demand) ?? node.unavailable ?? (isExcluded(node.id) ? "excluded" : crowded(entry, demand));
      if (reason === null) fitting += 1;
      else reasons.set(reason, (reasons.get(reason) ?? 0) + 1);
    }
    return { fitting, reasons };
  }

  #next(demand: Demand, isExcluded: IsExcluded): Entry | null {
    this.#found = this.#index.next(demand, isExcluded);
    return this.#found;
  }

  #placement({ id }: Entry): Placement {
    return { nodeId: id, score: this.#index.score };
  }

  #create(node: PooledNode): Entry {
    const attempts = this.#strays.get(node.id) ?? null;
    this.#strays.delete(node.id);
    const entry: Entry = {
      id: node.id,
      node,
      attempts,
      totalSlots: 0,
      totalRam: 0,
      gpuBytes: 0,
      oneSize: false,
      slots: 0,
      ramBytes: 0,
      cards: {},
      vramTaken: 0,
      reputation: 0,
      uptime: 0,
      standing: 0,
      available: false,
      make: null,
      column: 0,
      number: 0,
    };
    equip(entry, node.profile);
    for (let attempt = attempts; attempt !== null; attempt = attempt.earlier) attempt.entry = entry;
    this.#nodes.set(node.id, entry);
    return entry;
  }

  #take(nodeId: string, jobId: string, { ramBytes, vramBytes }: Demand): Attempt {
    const entry = this.#found?.id === nodeId ? this.#found : (this.#nodes.get(nodeId) ?? null);
    const earlier = entry ? entry.attempts : (this.#strays.get(nodeId) ?? null);
    const attempt: Attempt = { jobId, nodeId, ramBytes, vramBytes, entry, next: null, earlier };
    if (entry) {
      entry.attempts = attempt;
      this.#refresh(entry);
    } else this.#strays.set(nodeId, attempt);
    return attempt;
  }

  #release(attempt: Attempt): void {
    const { entry, nodeId } = attempt;
    const last = entry ? entry.attempts : (this.#strays.get(nodeId) ?? null);
    const left = without(attempt, last);
    if (entry) {
      entry.attempts = left;
      this.#refresh(entry);
    } else if (left) this.#strays.set(nodeId, left);
    else this.#strays.delete(nodeId);
  }

  #refresh(entry: Entry): void {
    assess(entry);
    this.#index.refresh(entry);
  }
}

/** The job's attempt on the node, of those that begin with `first`. */
function onNode(first: Attempt | null, nodeId: string): Attempt | null {
  let attempt = first;
  while (attempt !== null && attempt.nodeId !== nodeId) attempt = attempt.next;
  return attempt;
}

/** The attempts of a node, which are few, without this one. */
function without(attempt: Attempt, last: Attempt | null): Attempt | null {
  if (last === attempt) return attempt.earlier;
  for (let later = last; later !== null; later = later.earlier)
    if (later.earlier === attempt) {
      later.earlier = attempt.earlier;
      break;
    }
  return last;
}

const loadOf = ({ totalSlots, slots }: Entry): number => Math.min(1, (totalSlots - slots) / Math.max(1, totalSlots));

const standingOf = (entry: Entry): Standing => ({
  reputation: entry.reputation,
  uptime: entry.uptime,
  load: loadOf(entry),
});

function equip(entry: Entry, profile: NodeProfile): void {
  const { slots, ramBytes, cards } = totalRoom(profile);
  entry.totalSlots = slots;
  entry.totalRam = ramBytes;
  entry.cards = cards;
  entry.gpuBytes = bestGpu(cards);
  entry.oneSize = isOneSize(cards);
}

/** Room is what the live attempts leave, counted anew each time (I3). */
function assess(entry: Entry): void {
  entry.slots = entry.totalSlots;
  entry.ramBytes = entry.totalRam;
  entry.vramTaken = 0;
  for (let attempt = entry.attempts; attempt !== null; attempt = attempt.earlier) draw(entry, attempt);
  entry.standing = standingScore(standingOf(entry));
}
