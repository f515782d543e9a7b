/**
 * All nodes in a B+ tree, in the order of their hardware, so that machines of a kind lie together. Every group (inner vertex)
 * has a row that sums up its members (`node-facts.ts`), and the search descends only where a row says that it pays.
 *
 * Nodes that can take nothing at present stay where they are with a row that no job passes: coming and going is then a
 * matter of a few sums on the way to the root, and only a change of hardware moves a node. Every change is O(log n).
 *
 * Vertices are numbers into typed arrays, which grow by doubling: no objects to chase, nothing for the collector to do.
 */
import { clearRow, HIGHEST_END, LOWEST_END, WIDTH } from "./node-facts.ts";

/**
 * Where a node stands. First by the kinds of devices it has and by the rough size of its GPU, or of its RAM without one, for
 * these decide how well a job fits; then by region, for many jobs name one; and then exactly.
 */
export interface Place {
  readonly kinds: number;
  readonly gpuSize: number;
  readonly ramSize: number;
  readonly region: string;
  /** Bytes of the best GPU; 0 without one. */
  readonly gpu: number;
  readonly ram: number;
  readonly id: string;
}

/** Members of a group. Measured at 10,000 and 100,000 nodes: 8 to 16 are alike, 32 is slower by a third. */
const FAN = 12;
/** A group that small is joined with a neighbour, if both together leave room to grow. */
const FEW = 3;
const JOINED_LIMIT = 9;

const NOBODY = -1;

export class NodeTree {
  #capacity = 64;
  #rows = new Float64Array(this.#capacity * WIDTH);
  #members = new Int32Array(this.#capacity * FAN);
  #counts = new Int32Array(this.#capacity);
  #parents = new Int32Array(this.#capacity);
  /** The node with the lowest id of those that some job could pass; -1 when there is none. */
  #firsts = new Int32Array(this.#capacity);
  /** A row before and after a change, on the way to the root. */
  #before = new Float64Array(WIDTH);
  #after = new Float64Array(WIDTH);
  /** Of a node its place; of a group undefined. */
  readonly #places: (Place | undefined)[] = [];
  readonly #free: number[] = [];
  #used = 0;
  #root: number;

  constructor() {
    this.#root = this.#create();
  }

  get root(): number {
    return this.#root;
  }

  get rows(): Float64Array {
    return this.#rows;
  }

  isNode(vertex: number): boolean {
    return this.#places[vertex] !== undefined;
  }

  idOf(node: number): string {
    return (this.#places[node] as Place).id;
  }

  countOf(group: number): number {
    return this.#counts[group] as number;
  }

  memberAt(group: number, index: number): number {
    return this.#members[group * FAN + index] as number;
  }

  /** The lowest id in the vertex, of a row that some job passes. */
  lowestIdOf(vertex: number): string {
    return this.idOf(this.#firsts[vertex] as number);
  }

  /** Adds a node that no job passes; returns its vertex, by which its row is written. */
  insert(place: Place): number {
    const node = this.#create();
    this.#places[node] = place;
    let group = this.#root;
    while (this.#counts[group] !== 0 && !this.isNode(this.memberAt(group, 0))) {
      group = this.memberAt(group, Math.max(0, this.#rankIn(group, place) - 1));
    }
    this.#attach(group, this.#rankIn(group, place), node);
    return node;
  }

  remove(node: number): void {
    const group = this.#parents[node] as number;
    this.#detach(node);
    this.#places[node] = undefined;
    this.#free.push(node);
    this.#shrink(group);
  }

  /** Gives a node another row, and sums up anew what that changes. `open`: whether any job could pass the row. */
  write(node: number, row: Float64Array, open: boolean): void {
    const rows = this.#rows;
    copy(rows, node * WIDTH, this.#before);
    rows.set(row, node * WIDTH);
    copy(rows, node * WIDTH, this.#after);
    for (let group = this.#parents[node] as number; group !== NOBODY; group = this.#parents[group] as number) {
      if (!this.#follow(group)) break;
    }
    const first = open ? node : NOBODY;
    if (this.#firsts[node] === first) return;
    this.#firsts[node] = first;
    for (let group = this.#parents[node] as number; group !== NOBODY; group = this.#parents[group] as number) {
      const before = this.#firsts[group];
      this.#firsts[group] = this.#firstOpenOf(group);
      if (this.#firsts[group] === before) break;
    }
  }

  #create(): number {
    const vertex = this.#free.pop() ?? this.#used++;
    if (vertex === this.#capacity) this.#grow();
    this.#places[vertex] = undefined;
    this.#counts[vertex] = 0;
    this.#parents[vertex] = NOBODY;
    this.#firsts[vertex] = NOBODY;
    clearRow(this.#rows, vertex * WIDTH);
    return vertex;
  }

  #grow(): void {
    this.#capacity *= 2;
    const grown = <T extends Float64Array | Int32Array>(from: T, to: T): T => {
      to.set(from);
      return to;
    };
    this.#rows = grown(this.#rows, new Float64Array(this.#capacity * WIDTH));
    this.#members = grown(this.#members, new Int32Array(this.#capacity * FAN));
    this.#counts = grown(this.#counts, new Int32Array(this.#capacity));
    this.#parents = grown(this.#parents, new Int32Array(this.#capacity));
    this.#firsts = grown(this.#firsts, new Int32Array(this.#capacity));
  }

  /** How many members of the group come before this place. */
  #rankIn(group: number, place: Place): number {
    const count = this.countOf(group);
    let rank = 0;
    while (rank < count && isBefore(this.#firstOf(this.memberAt(group, rank)), place)) rank += 1;
    return rank;
  }

  #firstOf(vertex: number): Place {
    let first = vertex;
    while (!this.isNode(first)) first = this.memberAt(first, 0);
    return this.#places[first] as Place;
  }

  #attach(group: number, rank: number, vertex: number): void {
    const count = this.countOf(group);
    if (count === FAN) {
      const right = this.#split(group);
      const left = this.countOf(group);
      if (rank > left) this.#attach(right, rank - left, vertex);
      else this.#attach(group, rank, vertex);
      return;
    }
    const at = group * FAN;
    this.#members.copyWithin(at + rank + 1, at + rank, at + count);
    this.#members[at + rank] = vertex;
    this.#counts[group] = count + 1;
    this.#parents[vertex] = group;
    this.#sumUpFrom(group);
  }

  #detach(vertex: number): void {
    const group = this.#parents[vertex] as number;
    const rank = this.#rankOf(vertex);
    const at = group * FAN;
    this.#members.copyWithin(at + rank, at + rank + 1, at + this.countOf(group));
    this.#counts[group] = this.countOf(group) - 1;
    this.#parents[vertex] = NOBODY;
    this.#sumUpFrom(group);
  }

  #rankOf(vertex: number): number {
    const at = (this.#parents[vertex] as number) * FAN;
    return this.#members.indexOf(vertex, at) - at;
  }

  /** Moves the upper half of a full group into a new one to its right. */
  #split(group: number): number {
    const right = this.#create();
    this.#move(group, FAN / 2, right, 0, FAN / 2);
    this.#sumUp(group);
    this.#sumUp(right);
    if (group === this.#root) {
      this.#root = this.#create();
      this.#attach(this.#root, 0, group);
    }
    this.#attach(this.#parents[group] as number, this.#rankOf(group) + 1, right);
    return right;
  }

  /** After a member has left: drops an empty group, joins a small one with its neighbour, and lowers the tree. */
  #shrink(group: number): void {
    const count = this.countOf(group);
    const parent = this.#parents[group] as number;
    if (parent === NOBODY) {
      if (count !== 1 || this.isNode(this.memberAt(group, 0))) return;
      this.#root = this.memberAt(group, 0);
      this.#parents[this.#root] = NOBODY;
      this.#free.push(group);
      this.#shrink(this.#root);
      return;
    }
    if (count >= FEW) return;
    const rank = this.#rankOf(group);
    const left = this.memberAt(parent, Math.max(0, rank - 1));
    const right = this.memberAt(parent, Math.max(1, rank));
    const lonely = this.countOf(parent) === 1;
    if (count > 0 && (lonely || this.countOf(left) + this.countOf(right) > JOINED_LIMIT)) return;
    const gone = count === 0 ? group : right;
    if (gone === right && !lonely) this.#move(right, 0, left, this.countOf(left), this.countOf(right));
    this.#detach(gone);
    this.#free.push(gone);
    if (!lonely) this.#sumUpFrom(left);
    this.#shrink(parent);
  }

  /** Takes members from the end of one group to the end of another. */
  #move(from: number, first: number, to: number, end: number, many: number): void {
    for (let index = 0; index < many; index++) {
      const member = this.memberAt(from, first + index);
      this.#members[to * FAN + end + index] = member;
      this.#parents[member] = to;
    }
    this.#counts[from] = this.countOf(from) - many;
    this.#counts[to] = this.countOf(to) + many;
  }

  #sumUpFrom(group: number): void {
    for (let at = group; at !== NOBODY; at = this.#parents[at] as number) this.#sumUp(at);
  }

  /** Sums up a group's members in its row. */
  #sumUp(group: number): void {
    for (let field = 0; field < WIDTH; field++) this.#rows[group * WIDTH + field] = this.#sum(group, field);
    this.#firsts[group] = this.#firstOpenOf(group);
  }

  /**
   * Brings a group's row up to date with a member that changed from `#before` to `#after`, and leaves there how the group
   * itself changed; false: not at all. A member that was not the one to set a field, and still is not, changes nothing;
   * so most fields need no look at the other members.
   */
  #follow(group: number): boolean {
    const row = group * WIDTH;
    let changed = false;
    for (let field = 0; field < WIDTH; field++) {
      const was = this.#before[field] as number;
      const is = this.#after[field] as number;
      const held = this.#rows[row + field] as number;
      this.#before[field] = held;
      this.#after[field] = held;
      if (is === was) continue;
      const outdone = field < HIGHEST_END ? is > held : field < LOWEST_END ? is < held : false;
      if (!outdone && field < LOWEST_END && was !== held) continue;
      const sum = outdone ? is : this.#sum(group, field);
      if (sum === held) continue;
      this.#rows[row + field] = sum;
      this.#after[field] = sum;
      changed = true;
    }
    return changed;
  }

  #sum(group: number, field: number): number {
    const rows = this.#rows;
    const members = this.#members;
    const end = group * FAN + this.countOf(group);
    let sum = field < HIGHEST_END ? Number.NEGATIVE_INFINITY : field < LOWEST_END ? Number.POSITIVE_INFINITY : 0;
    for (let at = group * FAN; at < end; at++) {
      const one = rows[(members[at] as number) * WIDTH + field] as number;
      if (field < HIGHEST_END) {
        if (one > sum) sum = one;
      } else if (field < LOWEST_END) {
        if (one < sum) sum = one;
      } else sum |= one;
    }
    return sum;
  }

  #firstOpenOf(group: number): number {
    let first = NOBODY;
    for (let index = 0; index < this.countOf(group); index++) {
      const other = this.#firsts[this.memberAt(group, index)] as number;
      if (other !== NOBODY && (first === NOBODY || this.idOf(other) < this.idOf(first))) first = other;
    }
    return first;
  }
}

function copy(rows: Float64Array, at: number, to: Float64Array): void {
  for (let field = 0; field < WIDTH; field++) to[field] = rows[at + field] as number;
}

function isBefore(one: Place, other: Place): boolean {
  if (one.kinds !== other.kinds) return one.kinds < other.kinds;
  if (one.gpuSize !== other.gpuSize) return one.gpuSize < other.gpuSize;
  if (one.ramSize !== other.ramSize) return one.ramSize < other.ramSize;
  if (one.region !== other.region) return one.region < other.region;
  if (one.gpu !== other.gpu) return one.gpu < other.gpu;
  if (one.ram !== other.ram) return one.ram < other.ram;
  return one.id < other.id;
}
