/**
 * The nodes as the scheduler sees them, and what runs on each. In memory only: nodes come from their actors' committed
 * states, attempts from the jobs' (and from placements of this round that are still on their way to the journal, so that
 * two placements never count on the same room). Room is computed from the attempts each time (I3).
 */
import type { Demand, DeviceKind, Gang } from "../../domain/job-spec.ts";
import type { NodeProfile } from "../../domain/node-profile.ts";
import {
  bestCard,
  type Cards,
  crowded,
  draw,
  lacks,
  lacksHardware,
  type Room,
  type RoomLeft,
  regionOf,
  type Standing,
  scoreTerms,
  standingScore,
  takes,
  totalRoom,
  type Unavailable,
  vramLeft,
} from "../../domain/placement.ts";
import type { Candidate, NodeReason } from "./explanation.ts";
import { NodeAttempts } from "./node-attempts.ts";
import { NodeIndex } from "./node-index.ts";
import { NO_ATTEMPT } from "./node-lines.ts";

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
  readonly reasons: ReadonlyMap<NodeReason, number>;
}

/** Instead of a node's number. */
const NOBODY = -1;

type IsExcluded = (nodeId: string) => boolean;

/** What a job holds in the pool: its attempts, the first of them. To callers only a thing to give back. */
export type Hold = number;

export class NodePool {
  /**
   * By id. What decisions need of a node is in its lines, what its attempts need of them in theirs; the rest is here. A node of which we know
   * nothing but its attempts (yet) has a number too, so that none is forgotten when it appears.
   */
  readonly #numbers = new Map<string, number>();
  readonly #ids: string[] = [];
  readonly #nodes: (PooledNode | undefined)[] = [];
  readonly #cards: Cards[] = [];
  readonly #index = new NodeIndex();
  readonly #lines = this.#index.lines;
  readonly #attempts = new NodeAttempts();
  #size = 0;
  /** The last one found: as a rule the next attempt goes there. */
  #found = NOBODY;
  /** Used again for every node whose room is worked out. */
  readonly #room: RoomLeft = { slots: 0, ramBytes: 0, cards: {}, vramTaken: 0 };

  get size(): number {
    return this.#size;
  }

  /** Rows of the index looked at so far: what the decisions cost, whatever the machine. */
  get looked(): number {
    return this.#index.looked;
  }

  get(id: string): PooledNode | undefined {
    return this.#nodes[this.#numberOf(id)];
  }

  /** All of them, in an order that begins at a part (0..1) of it. */
  *nodes(part = 0): Iterable<PooledNode> {
    const { length } = this.#nodes;
    const first = Math.floor(part * length);
    for (let index = 0; index < length; index++) {
      const node = this.#nodes[(first + index) % length];
      if (node !== undefined) yield node;
    }
  }

  upsert(node: PooledNode): void {
    const number = this.#numbered(node.id);
    const known = this.#nodes[number];
    if (known === undefined) this.#size += 1;
    if (known?.profile !== node.profile) this.#cards[number] = totalRoom(node.profile).cards;
    this.#nodes[number] = node;
    this.#index.equip(number, node, this.#cards[number] as Cards);
    this.#assess(number);
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
    if (only === undefined) {
      for (let attempt = held ?? NO_ATTEMPT; attempt !== NO_ATTEMPT; ) attempt = this.#release(attempt, jobId);
      return null;
    }
    const distinct = nodeIds.length > 1 ? [...new Set(nodeIds)] : nodeIds;
    const attempts = distinct.map((nodeId) => this.#heldOn(nodeId, held) ?? this.#take(nodeId, jobId, demand));
    for (let attempt = held ?? NO_ATTEMPT; attempt !== NO_ATTEMPT; )
      attempt = attempts.includes(attempt) ? this.#attempts.nextOf(attempt) : this.#release(attempt, jobId);
    let first: Hold | null = null;
    for (const attempt of attempts.reverse()) {
      this.#attempts.setNext(attempt, first ?? NO_ATTEMPT);
      first = attempt;
    }
    return first;
  }

  /** The job's attempt on the node, of those that begin with `first`. */
  #heldOn(nodeId: string, first: Hold | null): number | null {
    const number = this.#numberOf(nodeId);
    for (let attempt = first ?? NO_ATTEMPT; attempt !== NO_ATTEMPT; attempt = this.#attempts.nextOf(attempt))
      if (this.#attempts.nodeOf(attempt) === number) return attempt;
    return null;
  }

  /** The jobs, in the order in which they came to the node. */
  attemptsOn(nodeId: string): readonly string[] {
    const number = this.#numberOf(nodeId);
    if (number === NOBODY) return [];
    const jobs: string[] = [];
    let attempt = this.#lines.attempt(number);
    for (; attempt !== NO_ATTEMPT; attempt = this.#attempts.earlierOf(attempt))
      jobs.push(this.#attempts.jobOf(attempt));
    return jobs.reverse();
  }

  /** 0..1: the part of the node's slots that is taken. */
  loadOf(nodeId: string): number {
    const number = this.#numberOf(nodeId);
    return this.#nodes[number] ? this.#load(number) : 0;
  }

  isFull(nodeId: string): boolean {
    const number = this.#numberOf(nodeId);
    return this.#nodes[number] !== undefined && this.#lines.slots(number) < 1;
  }

  /** The best node for the job, or null when none can take it now. Ties go by hardware, region and id (node-place.ts). */
  best(demand: Demand, isExcluded: IsExcluded): Placement | null {
    this.#index.search(demand);
    const found = this.#next(demand, isExcluded);
    return found === NOBODY ? null : this.#placement(found);
  }

  /**
   * The best nodes for the members of a gang, rank 0 first, or null when not all of them can be placed now. With topology
   * "region" they are all in one: as nodes come up best first, the first region to have enough of them is the one whose
   * worst member scores highest. Nodes that name no region are not known to be near each other, and form none.
   */
  bestGang(demand: Demand, { size, topology }: Gang, isExcluded: IsExcluded): readonly Placement[] | null {
    const byRegion = new Map<string, Placement[]>();
    this.#index.search(demand);
    for (let found = this.#next(demand, isExcluded); found !== NOBODY; found = this.#next(demand, isExcluded)) {
      const region = topology === "region" ? regionOf(this.#nodeOf(found).profile) : "any";
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
      if (found === NOBODY) break;
      const { profile } = this.#nodeOf(found);
      const terms = scoreTerms(this.#standingOf(found), profile, demand);
      candidates.push({ ...this.#placement(found), name: profile.name, region: profile.region, terms });
    }
    return candidates;
  }

  /** Whether the job fits on the node beside what runs there, whatever the node's availability and the job's filters. */
  hasRoomFor(nodeId: string, demand: Demand): boolean {
    const number = this.#numberOf(nodeId);
    const node = this.#nodes[number];
    return (
      node !== undefined &&
      lacksHardware(node.profile, demand) === null &&
      crowded(this.#roomOn(number), demand) === null
    );
  }

  /** Whether both fit on the node beside what runs there. */
  takesBoth(nodeId: string, one: Demand, other: Demand): boolean {
    const number = this.#numberOf(nodeId);
    if (this.#nodes[number] === undefined) return false;
    const room: RoomLeft = this.#roomOn(number);
    draw(room, one);
    return crowded(room, other) === null;
  }

  /** What the nodes of this kind have at most, whatever their availability; null: of all nodes. */
  largest(device: DeviceKind | null): Largest {
    let ramBytes = 0;
    let vramBytes = 0;
    for (const node of this.nodes()) {
      if (lacksHardware(node.profile, { device, ramBytes: 0, vramBytes: 0 }) !== null) continue;
      ramBytes = Math.max(ramBytes, node.profile.ramBytes);
      vramBytes = Math.max(vramBytes, bestCard(node.profile.devices, device));
    }
    return { ramBytes, vramBytes };
  }

  /** How many jobs with this demand the node could take right now. */
  placesOn(nodeId: string, demand: Demand): number {
    const number = this.#numberOf(nodeId);
    const node = this.#nodes[number];
    if (node === undefined || node.unavailable !== null || lacks(node, demand) !== null) return 0;
    const room = this.#roomOn(number);
    if (crowded(room, demand) !== null) return 0;
    const { slots, ramBytes } = room;
    return Math.min(
      slots,
      demand.ramBytes > 0 ? Math.floor(ramBytes / demand.ramBytes) : slots,
      demand.vramBytes > 0 ? Math.floor(vramLeft(room, demand) / demand.vramBytes) : slots,
    );
  }

  /**
   * For each reason, how many nodes it rules out. Every node counts once, under the first that applies: what it lacks (in
   * the order of `Unfit`), its availability, the job's own exclusions, what runs there at present, and at last for whom it is kept.
   */
  why(demand: Demand, isExcluded: IsExcluded, isKept: IsExcluded = () => false): WhyNot {
    let fitting = 0;
    const reasons = new Map<NodeReason, number>();
    for (const [number, node] of this.#nodes.entries()) {
      if (node === undefined) continue;
      const reason =
        lacks(node, demand) ??
        node.unavailable ??
        (isExcluded(node.id) ? "excluded" : crowded(this.#roomOn(number), demand)) ??
        (isKept(node.id) ? "kept" : null);
      if (reason === null) fitting += 1;
      else reasons.set(reason, (reasons.get(reason) ?? 0) + 1);
    }
    return { fitting, reasons };
  }

  /** The next node of the search that takes the job, or nobody. */
  #next(demand: Demand, isExcluded: IsExcluded): number {
    const index = this.#index;
    for (let number = index.next(); number !== null; number = index.next()) {
      if (isExcluded(this.#ids[number] as string)) continue;
      if (!(index.isSure(number) || takes(this.#nodeOf(number), this.#roomOn(number), demand))) continue;
      this.#found = number;
      return number;
    }
    return NOBODY;
  }

  #placement(number: number): Placement {
    return { nodeId: this.#ids[number] as string, score: this.#index.score };
  }

  #numberOf(nodeId: string): number {
    return this.#numbers.get(nodeId) ?? NOBODY;
  }

  #nodeOf(number: number): PooledNode {
    return this.#nodes[number] as PooledNode;
  }

  /** The node's number; it gets one if it has none. */
  #numbered(nodeId: string): number {
    const known = this.#numbers.get(nodeId);
    if (known !== undefined) return known;
    const number = this.#lines.create();
    this.#numbers.set(nodeId, number);
    this.#ids[number] = nodeId;
    return number;
  }

  #take(nodeId: string, jobId: string, { ramBytes, vramBytes }: Demand): number {
    const isFound = this.#found !== NOBODY && this.#ids[this.#found] === nodeId;
    const number = isFound ? this.#found : this.#numbered(nodeId);
    const attempt = this.#attempts.create(jobId, number, ramBytes, vramBytes, this.#lines.attempt(number));
    this.#lines.setAttempt(number, attempt);
    this.#assess(number);
    return attempt;
  }

  /** Returns the job's next one. */
  #release(attempt: number, jobId: string): number {
    if (this.#attempts.jobOf(attempt) !== jobId) throw new Error(`job ${jobId} gives back what it does not hold`);
    const number = this.#attempts.nodeOf(attempt);
    const last = this.#attempts.without(attempt, this.#lines.attempt(number));
    this.#lines.setAttempt(number, last);
    const next = this.#attempts.nextOf(attempt);
    this.#attempts.drop(attempt);
    if (this.#nodes[number] !== undefined) this.#assess(number);
    else if (last === NO_ATTEMPT) this.#forget(number);
    return next;
  }

  /** Of a node of which we knew nothing but its attempts. */
  #forget(number: number): void {
    this.#numbers.delete(this.#ids[number] as string);
    this.#ids[number] = "";
    this.#lines.drop(number);
    if (this.#found === number) this.#found = NOBODY;
  }

  /** Room is what the live attempts leave, counted anew each time (I3). */
  #assess(number: number): void {
    const lines = this.#lines;
    const room = this.#room;
    room.slots = lines.allSlots(number);
    room.ramBytes = lines.ram(number);
    room.vramTaken = 0;
    for (let one = lines.attempt(number); one !== NO_ATTEMPT; one = this.#attempts.earlierOf(one))
      draw(room, { ramBytes: this.#attempts.ramOf(one), vramBytes: this.#attempts.vramOf(one) });
    lines.setRoom(number, room.slots, room.ramBytes, room.vramTaken);
    this.#index.put(number, standingScore(this.#standingOf(number)));
  }

  #roomOn(number: number): Room {
    const lines = this.#lines;
    return {
      slots: lines.slots(number),
      ramBytes: lines.freeRam(number),
      cards: this.#cards[number] as Cards,
      vramTaken: lines.vramTaken(number),
    };
  }

  #load(number: number): number {
    const all = this.#lines.allSlots(number);
    return Math.min(1, (all - this.#lines.slots(number)) / Math.max(1, all));
  }

  #standingOf(number: number): Standing {
    const lines = this.#lines;
    return { reputation: lines.reputation(number), uptime: lines.uptime(number), load: this.#load(number) };
  }
}
