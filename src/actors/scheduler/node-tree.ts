/**
 * All nodes in a B+ tree, in the order of their hardware, so that machines of a kind lie together. Every vertex has a row
 * (`node-facts.ts`); that of a group (an inner vertex) sums up its members, and the search descends only where a row says
 * that it pays.
 *
 * Nodes that can take nothing at present stay where they are with a row that no job passes: coming and going is then a
 * matter of a few sums on the way to the root, and only a change of hardware moves a node. Every change is O(log n).
 *
 * Vertices are numbers into typed arrays, which grow by doubling: no objects to chase, nothing for the collector to do. The
 * rows of a group's members lie in one block, field by field: a search asks a few fields of all of them, a sum one field
 * of all, and each of these questions then reads memory that is together.
 */
import { clearedField, FAN, HIGHEST_END, LOWEST_END, WIDTH } from "./node-facts.ts";

/**
 * Where a node stands. First by the kinds of devices it has and by the rough size of its GPU and of its RAM, for these decide
 * how well a job fits; then by region, for many jobs name one; and then exactly.
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

/** A group that small is joined with a neighbour, if both together leave room to grow. */
const FEW = FAN / 4;
const JOINED_LIMIT = (FAN * 3) / 4;

const NOBODY = -1;
const BLOCK = WIDTH * FAN;

export class NodeTree {
  #capacity = 64;
  #counts = new Int32Array(this.#capacity);
  #parents = new Int32Array(this.#capacity);
  /** The vertex's number among its group's members. */
  #ranks = new Int32Array(this.#capacity);
  /** The node with the lowest id of those that some job could pass; -1 when there is none. */
  #firsts = new Int32Array(this.#capacity);
  /** Of a group where its members are; of a node nothing. */
  #blocks = new Int32Array(this.#capacity);
  #blockCapacity = 16;
  #rows = new Float64Array(this.#blockCapacity * BLOCK);
  #members = new Int32Array(this.#blockCapacity * FAN);
  /** The fields that change on the way to the root, with what they were and are. */
  readonly #fields = new Int32Array(WIDTH);
  readonly #were = new Float64Array(WIDTH);
  readonly #are = new Float64Array(WIDTH);
  /** Of a node its place; of a group undefined. */
  readonly #places: (Place | undefined)[] = [];
  readonly #freeVertices: number[] = [];
  readonly #freeBlocks: number[] = [];
  #usedVertices = 0;
  #usedBlocks = 0;
  #root: number;

  constructor() {
    this.#root = this.#createGroup();
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

  countOf(group: number): number {
    return this.#counts[group] as number;
  }

  memberAt(group: number, rank: number): number {
    return this.#members[(this.#blocks[group] as number) * FAN + rank] as number;
  }

  /** Where the row of the group's first member begins; those of the others follow one by one, fields lie `FAN` apart. */
  rowsOf(group: number): number {
    return (this.#blocks[group] as number) * BLOCK;
  }

  /** The lowest id in the vertex, of a row that some job passes. */
  lowestIdOf(vertex: number): string {
    return this.#idOf(this.#firsts[vertex] as number);
  }

  /** Adds a node that no job passes; returns its vertex, by which its row is written. */
  insert(place: Place): number {
    const node = this.#create();
    this.#places[node] = place;
    let group = this.#root;
    while (this.countOf(group) !== 0 && !this.isNode(this.memberAt(group, 0))) {
      group = this.memberAt(group, Math.max(0, this.#rankIn(group, place) - 1));
    }
    this.#attach(group, this.#rankIn(group, place), node);
    return node;
  }

  remove(node: number): void {
    const group = this.#parents[node] as number;
    this.#detach(node);
    this.#places[node] = undefined;
    this.#freeVertices.push(node);
    this.#shrink(group);
  }

  /**
   * Changes a node's row from `before` to `after`, and sums up anew what that changes. `before` is made equal to `after`.
   * `open`: whether any job could pass the row.
   */
  write(node: number, before: Float64Array, after: Float64Array, open: boolean): void {
    this.#carryUp(node, this.#changesOf(node, before, after));
    const first = open ? node : NOBODY;
    if (this.#firsts[node] === first) return;
    this.#firsts[node] = first;
    for (let group = this.#parents[node] as number; group !== NOBODY; group = this.#parents[group] as number) {
      const held = this.#firsts[group];
      this.#firsts[group] = this.#firstOpenOf(group);
      if (this.#firsts[group] === held) break;
    }
  }

  /** Writes what has changed, and lists it. Returns how many fields. */
  #changesOf(node: number, before: Float64Array, after: Float64Array): number {
    const at = this.#rowOf(node);
    let many = 0;
    for (let field = 0; field < WIDTH; field++) {
      const was = before[field] as number;
      const is = after[field] as number;
      if (is === was) continue;
      before[field] = is;
      this.#rows[at + field * FAN] = is;
      this.#fields[many] = field;
      this.#were[many] = was;
      this.#are[many] = is;
      many += 1;
    }
    return many;
  }

  /**
   * Brings the groups above up to date with the listed changes of one member. A member that was not the one to set a field,
   * and still is not, changes nothing there; so most fields need no look at the other members, and soon none is left.
   */
  #carryUp(member: number, changes: number): void {
    let many = changes;
    let group = this.#parents[member] as number;
    while (many > 0 && this.#parents[group] !== NOBODY) {
      const at = this.#rowOf(group);
      let left = 0;
      for (let index = 0; index < many; index++) {
        const field = this.#fields[index] as number;
        const was = this.#were[index] as number;
        const is = this.#are[index] as number;
        const held = this.#rows[at + field * FAN] as number;
        const outdone = field < HIGHEST_END ? is > held : field < LOWEST_END ? is < held : false;
        if (!outdone && field < LOWEST_END && was !== held) continue;
        const sum = outdone ? is : this.#sum(group, field);
        if (sum === held) continue;
        this.#rows[at + field * FAN] = sum;
        this.#fields[left] = field;
        this.#were[left] = held;
        this.#are[left] = sum;
        left += 1;
      }
      many = left;
      group = this.#parents[group] as number;
    }
  }

  #idOf(node: number): string {
    return (this.#places[node] as Place).id;
  }

  /** Where the vertex's own row begins, in its group's block. */
  #rowOf(vertex: number): number {
    return this.rowsOf(this.#parents[vertex] as number) + (this.#ranks[vertex] as number);
  }

  #create(): number {
    const vertex = this.#freeVertices.pop() ?? this.#usedVertices++;
    if (vertex === this.#capacity) this.#growVertices();
    this.#places[vertex] = undefined;
    this.#counts[vertex] = 0;
    this.#parents[vertex] = NOBODY;
    this.#firsts[vertex] = NOBODY;
    this.#blocks[vertex] = NOBODY;
    return vertex;
  }

  #createGroup(): number {
    const group = this.#create();
    const block = this.#freeBlocks.pop() ?? this.#usedBlocks++;
    if (block === this.#blockCapacity) this.#growBlocks();
    this.#blocks[group] = block;
    return group;
  }

  #dropGroup(group: number): void {
    this.#freeBlocks.push(this.#blocks[group] as number);
    this.#freeVertices.push(group);
  }

  #growVertices(): void {
    this.#capacity *= 2;
    this.#counts = grown(this.#counts, this.#capacity);
    this.#parents = grown(this.#parents, this.#capacity);
    this.#ranks = grown(this.#ranks, this.#capacity);
    this.#firsts = grown(this.#firsts, this.#capacity);
    this.#blocks = grown(this.#blocks, this.#capacity);
  }

  #growBlocks(): void {
    this.#blockCapacity *= 2;
    const rows = new Float64Array(this.#blockCapacity * BLOCK);
    rows.set(this.#rows);
    this.#rows = rows;
    this.#members = grown(this.#members, this.#blockCapacity * FAN);
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

  /** Adds a node that no job passes, or a group. */
  #attach(group: number, rank: number, vertex: number): void {
    if (this.countOf(group) === FAN) {
      const right = this.#split(group);
      const left = this.countOf(group);
      if (rank > left) this.#attach(right, rank - left, vertex);
      else this.#attach(group, rank, vertex);
      return;
    }
    this.#shift(group, rank, 1);
    this.#seat(group, rank, vertex);
    if (this.isNode(vertex)) {
      const at = this.#rowOf(vertex);
      for (let field = 0; field < WIDTH; field++) this.#rows[at + field * FAN] = clearedField(field);
    }
    this.#sumUpFrom(this.isNode(vertex) ? group : vertex);
  }

  #detach(vertex: number): void {
    const group = this.#parents[vertex] as number;
    this.#shift(group, (this.#ranks[vertex] as number) + 1, -1);
    this.#parents[vertex] = NOBODY;
    this.#sumUpFrom(group);
  }

  /** Moves the members from `rank` on, and their rows, by one seat. */
  #shift(group: number, rank: number, by: 1 | -1): void {
    const count = this.countOf(group);
    const seats = (this.#blocks[group] as number) * FAN;
    this.#members.copyWithin(seats + rank + by, seats + rank, seats + count);
    const rows = this.rowsOf(group);
    for (let field = 0; field < WIDTH; field++) {
      const at = rows + field * FAN;
      this.#rows.copyWithin(at + rank + by, at + rank, at + count);
    }
    this.#counts[group] = count + by;
    for (let seat = Math.max(0, rank + by); seat < count + by; seat++) this.#ranks[this.memberAt(group, seat)] = seat;
  }

  #seat(group: number, rank: number, vertex: number): void {
    this.#members[(this.#blocks[group] as number) * FAN + rank] = vertex;
    this.#parents[vertex] = group;
    this.#ranks[vertex] = rank;
  }

  /** Moves the upper half of a full group into a new one to its right. */
  #split(group: number): number {
    const right = this.#createGroup();
    this.#move(group, FAN / 2, right, FAN / 2);
    if (group === this.#root) {
      this.#root = this.#createGroup();
      this.#attach(this.#root, 0, group);
    } else this.#sumUp(group);
    this.#attach(this.#parents[group] as number, (this.#ranks[group] as number) + 1, right);
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
      this.#dropGroup(group);
      this.#shrink(this.#root);
      return;
    }
    if (count >= FEW) return;
    const rank = this.#ranks[group] as number;
    const left = this.memberAt(parent, Math.max(0, rank - 1));
    const right = this.memberAt(parent, Math.max(1, rank));
    const lonely = this.countOf(parent) === 1;
    if (count > 0 && (lonely || this.countOf(left) + this.countOf(right) > JOINED_LIMIT)) return;
    const gone = count === 0 ? group : right;
    if (gone === right && !lonely) this.#move(right, 0, left, this.countOf(right));
    this.#detach(gone);
    this.#dropGroup(gone);
    if (!lonely) this.#sumUpFrom(left);
    this.#shrink(parent);
  }

  /** Takes the last `many` members, which begin at `first`, to the end of another group. */
  #move(from: number, first: number, to: number, many: number): void {
    const end = this.countOf(to);
    for (let index = 0; index < many; index++) {
      const source = this.rowsOf(from) + first + index;
      const target = this.rowsOf(to) + end + index;
      for (let field = 0; field < WIDTH; field++)
        this.#rows[target + field * FAN] = this.#rows[source + field * FAN] as number;
      this.#seat(to, end + index, this.memberAt(from, first + index));
    }
    this.#counts[from] = this.countOf(from) - many;
    this.#counts[to] = end + many;
  }

  #sumUpFrom(group: number): void {
    for (let at = group; at !== NOBODY; at = this.#parents[at] as number) this.#sumUp(at);
  }

  /** Sums up a group's members. The root's row nobody reads, so it has none. */
  #sumUp(group: number): void {
    this.#firsts[group] = this.#firstOpenOf(group);
    if (this.#parents[group] === NOBODY) return;
    const at = this.#rowOf(group);
    for (let field = 0; field < WIDTH; field++) this.#rows[at + field * FAN] = this.#sum(group, field);
  }

  #sum(group: number, field: number): number {
    const rows = this.#rows;
    const from = this.rowsOf(group) + field * FAN;
    const end = from + this.countOf(group);
    let sum = clearedField(field);
    if (field < HIGHEST_END) {
      for (let at = from; at < end; at++) if ((rows[at] as number) > sum) sum = rows[at] as number;
    } else if (field < LOWEST_END) {
      for (let at = from; at < end; at++) if ((rows[at] as number) < sum) sum = rows[at] as number;
    } else for (let at = from; at < end; at++) sum |= rows[at] as number;
    return sum;
  }

  #firstOpenOf(group: number): number {
    let first = NOBODY;
    for (let rank = 0; rank < this.countOf(group); rank++) {
      const other = this.#firsts[this.memberAt(group, rank)] as number;
      if (other !== NOBODY && (first === NOBODY || this.#idOf(other) < this.#idOf(first))) first = other;
    }
    return first;
  }
}

function grown(from: Int32Array<ArrayBuffer>, length: number): Int32Array<ArrayBuffer> {
  const to = new Int32Array(length);
  to.set(from);
  return to;
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
