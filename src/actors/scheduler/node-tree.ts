/**
 * All nodes: for each class of hardware a B+ tree of its nodes, by region and id, and above them the list of the classes. Every
 * vertex has a row (`node-facts.ts`); that of a group (an inner vertex) sums up its members, and the search descends only
 * where a row says that it pays.
 *
 * Nodes of a class differ for a job by their standing alone. So a row need not tell how well its members fit which job,
 * which was most of a row when classes shared a tree, and an attempt that comes or goes changes three numbers on the way
 * to the root. There are as many classes as there are makes of machines, some hundreds, whether a thousand nodes
 * or a hundred thousand; all of them are asked first, in one sweep.
 *
 * Nodes that can take nothing at present stay where they are with a row that no job passes; only other hardware or another
 * region moves a node. Every change is O(log n).
 *
 * Vertices are numbers into typed arrays, which grow by doubling: no objects to chase, nothing for the collector to do. The
 * rows of a group's members lie in one block, field by field: a search asks a few fields of all of them, a sum one field
 * of all, and each of these questions then reads memory that is together.
 */
import {
  clearedField,
  FAN,
  type HardwareClass,
  isHighest,
  LADDERS,
  type Ladder,
  LOWEST_END,
  reach,
  STANDING,
  TIER_STANDINGS,
  tierStanding,
  WIDTH,
} from "./node-facts.ts";

/** Where a node stands. */
export interface Place {
  readonly hardware: HardwareClass;
  readonly region: string;
  readonly id: string;
}

/** A group that small is joined with a neighbour, if both together leave room to grow. */
const FEW = FAN / 4;
const JOINED_LIMIT = (FAN * 3) / 4;

const NOBODY = -1;
const BLOCK = WIDTH * FAN;
/** The level of the groups whose members are the roots of the classes: above all others, however high a tree grows. */
const TOP = 100;

/** Of a node 0, of the groups above it 1 and so on: all nodes of a class are equally deep. */
const LEVEL = 0;
/** Of a group how many members it has. */
const COUNT = 1;
const PARENT = 2;
/** The vertex's number among its group's members. */
const RANK = 3;
/** Of a group where its members are; of a node nothing. */
const BLOCK_OF = 4;
/** A power of two, so that no vertex lies across two cache lines. */
const FACTS = 8;

export class NodeTree {
  #capacity = 64;
  /** What is known of a vertex, all of it together in memory: see LEVEL and the others. */
  #facts = new Int32Array(this.#capacity * FACTS);
  #blockCapacity = 16;
  #rows = new Float64Array(this.#blockCapacity * BLOCK);
  #members = new Int32Array(this.#blockCapacity * FAN);
  /** The fields that change on the way to the root, with what they were and are. */
  readonly #fields = new Int32Array(WIDTH);
  readonly #were = new Float64Array(WIDTH);
  readonly #are = new Float64Array(WIDTH);
  /** By ladder: how many tiers the node reached whose row is being written. */
  readonly #reached = new Int32Array(LADDERS.length);
  /** Of a node its place; of a group undefined. */
  readonly #places: (Place | undefined)[] = [];
  /** Of the root of a class the class; of all others undefined. */
  readonly #hardware: (HardwareClass | undefined)[] = [];
  readonly #rootOfClass = new Map<number, number>();
  /** Full but for the last. */
  readonly #tops: number[] = [];
  readonly #freeVertices: number[] = [];
  readonly #freeBlocks: number[] = [];
  #usedVertices = 0;
  #usedBlocks = 0;
  /** Counts changes of the list of classes. */
  edition = 0;

  get rows(): Float64Array {
    return this.#rows;
  }

  /** The root of every class that has nodes. */
  roots(): Iterable<number> {
    return this.#rootOfClass.values();
  }

  hardwareOf(root: number): HardwareClass {
    return this.#hardware[root] as HardwareClass;
  }

  isNode(vertex: number): boolean {
    return this.#levelOf(vertex) === 0;
  }

  /** Whether the group's members are nodes. */
  isLeaf(group: number): boolean {
    return this.#levelOf(group) === 1;
  }

  parentOf(vertex: number): number {
    return this.#facts[vertex * FACTS + PARENT] as number;
  }

  rankOf(vertex: number): number {
    return this.#facts[vertex * FACTS + RANK] as number;
  }

  countOf(group: number): number {
    return this.#facts[group * FACTS + COUNT] as number;
  }

  memberAt(group: number, rank: number): number {
    return this.#members[this.#blockOf(group) * FAN + rank] as number;
  }

  /** Where the row of the group's first member begins; those of the others follow one by one, fields lie `FAN` apart. */
  rowsOf(group: number): number {
    return this.#blockOf(group) * BLOCK;
  }

  /** Whether `one` comes before `other` by class, region and id; neither is part of the other. */
  isBefore(one: number, other: number): boolean {
    const [oneRoot, otherRoot] = [this.#rootOf(one), this.#rootOf(other)];
    if (oneRoot !== otherRoot) return this.hardwareOf(oneRoot).number < this.hardwareOf(otherRoot).number;
    let [left, right] = [one, other];
    while (this.#levelOf(left) < this.#levelOf(right)) left = this.parentOf(left);
    while (this.#levelOf(right) < this.#levelOf(left)) right = this.parentOf(right);
    while (this.parentOf(left) !== this.parentOf(right)) {
      left = this.parentOf(left);
      right = this.parentOf(right);
    }
    return this.rankOf(left) < this.rankOf(right);
  }

  /** Adds a node that no job passes; returns its vertex, by which its row is written. */
  insert(place: Place): number {
    const node = this.#create(0);
    this.#places[node] = place;
    let group = this.#rootOfClass.get(place.hardware.number) ?? this.#createRoot(place.hardware);
    while (!this.isLeaf(group)) group = this.memberAt(group, Math.max(0, this.#rankIn(group, place) - 1));
    this.#attach(group, this.#rankIn(group, place), node);
    return node;
  }

  remove(node: number): void {
    const group = this.parentOf(node);
    this.#detach(node);
    this.#places[node] = undefined;
    this.#freeVertices.push(node);
    this.#shrink(group);
  }

  /** Writes the first `end` fields of a node's row, and sums up anew what that changes. */
  write(node: number, row: Float64Array, end: number): void {
    const at = this.rowOf(node);
    const rows = this.#rows;
    const stood = rows[at + STANDING * FAN] as number;
    for (let index = 0; index < LADDERS.length; index++) {
      const ladder = LADDERS[index] as Ladder;
      this.#reached[index] = reach(ladder, rows[at + ladder.free * FAN] as number);
    }
    let many = 0;
    for (let field = 0; field < end; field++) {
      const was = rows[at + field * FAN] as number;
      const is = row[field] as number;
      if (is === was) continue;
      rows[at + field * FAN] = is;
      many = this.#note(many, field, was, is);
    }
    if (many === 0) return;
    const leaf = this.parentOf(node);
    many = this.#changed(leaf, many);
    for (let index = 0; index < LADDERS.length; index++)
      many = this.#climb(leaf, LADDERS[index] as Ladder, this.#reached[index] as number, stood, at, many);
    this.#carryUp(this.parentOf(leaf), many);
  }

  /**
   * Brings the tiers of the group up to date with a node whose row begins there, and lists what changes. Whoever has much free
   * has little free as well, so the standings of a ladder fall from tier to tier. A node that is outdone on the
   * highest tier it reaches is therefore outdone on all below, and one look is mostly enough.
   */
  #climb(leaf: number, ladder: Ladder, reached: number, stood: number, at: number, noted: number): number {
    const rows = this.#rows;
    const sums = this.rowOf(leaf);
    const stands = rows[at + STANDING * FAN] as number;
    const reaches = reach(ladder, rows[at + ladder.free * FAN] as number);
    let many = noted;
    for (let tier = reaches - 1; tier >= 0; tier--) {
      const field = ladder.first + tier;
      const held = rows[sums + field * FAN] as number;
      if (stands <= held) break;
      rows[sums + field * FAN] = stands;
      many = this.#note(many, field, held, stands);
    }
    for (let tier = reached - 1; tier >= 0; tier--) {
      if (tier < reaches && stands >= stood) break;
      const field = ladder.first + tier;
      const held = rows[sums + field * FAN] as number;
      if (stood < held) break;
      const sum = this.#sum(leaf, field);
      if (sum === held) continue;
      rows[sums + field * FAN] = sum;
      many = this.#note(many, field, held, sum);
    }
    return many;
  }

  /** Lists a field that has changed. */
  #note(many: number, field: number, was: number, is: number): number {
    this.#fields[many] = field;
    this.#were[many] = was;
    this.#are[many] = is;
    return many + 1;
  }

  /** Brings a group and those above up to date with the listed changes of one member; soon none is left. */
  #carryUp(first: number, changes: number): void {
    let many = changes;
    for (let group = first; many > 0 && this.#levelOf(group) !== TOP; group = this.parentOf(group))
      many = this.#changed(group, many);
  }

  /**
   * Brings a group up to date with the listed changes of one member, and lists its own instead. A member that was not the one
   * to set a field, and still is not, changes nothing there; so most fields need no look at the other members.
   */
  #changed(group: number, changes: number): number {
    const rows = this.#rows;
    const at = this.rowOf(group);
    let many = 0;
    for (let index = 0; index < changes; index++) {
      const field = this.#fields[index] as number;
      const was = this.#were[index] as number;
      const is = this.#are[index] as number;
      const held = rows[at + field * FAN] as number;
      const outdone = isHighest(field) ? is > held : field < LOWEST_END ? is < held : false;
      if (!outdone && was !== held && (isHighest(field) || field < LOWEST_END)) continue;
      const sum = outdone ? is : this.#sum(group, field);
      if (sum === held) continue;
      rows[at + field * FAN] = sum;
      many = this.#note(many, field, held, sum);
    }
    return many;
  }

  #levelOf(vertex: number): number {
    return this.#facts[vertex * FACTS + LEVEL] as number;
  }

  #blockOf(group: number): number {
    return this.#facts[group * FACTS + BLOCK_OF] as number;
  }

  #rootOf(vertex: number): number {
    let root = vertex;
    while (this.#levelOf(this.parentOf(root)) !== TOP) root = this.parentOf(root);
    return root;
  }

  #isRoot(group: number): boolean {
    return this.#hardware[group] !== undefined;
  }

  /** Where the vertex's own row begins, in its group's block. */
  rowOf(vertex: number): number {
    return this.rowsOf(this.parentOf(vertex)) + this.rankOf(vertex);
  }

  #create(level: number): number {
    const vertex = this.#freeVertices.pop() ?? this.#usedVertices++;
    if (vertex === this.#capacity) this.#growVertices();
    this.#places[vertex] = undefined;
    this.#hardware[vertex] = undefined;
    this.#facts[vertex * FACTS + LEVEL] = level;
    this.#facts[vertex * FACTS + COUNT] = 0;
    this.#facts[vertex * FACTS + PARENT] = NOBODY;
    this.#facts[vertex * FACTS + BLOCK_OF] = NOBODY;
    return vertex;
  }

  #createGroup(level: number): number {
    const group = this.#create(level);
    const block = this.#freeBlocks.pop() ?? this.#usedBlocks++;
    if (block === this.#blockCapacity) this.#growBlocks();
    this.#facts[group * FACTS + BLOCK_OF] = block;
    return group;
  }

  #dropGroup(group: number): void {
    this.#freeBlocks.push(this.#blockOf(group));
    this.#freeVertices.push(group);
  }

  #createRoot(hardware: HardwareClass): number {
    const root = this.#createGroup(1);
    this.#hardware[root] = hardware;
    this.#rootOfClass.set(hardware.number, root);
    let last = this.#tops.at(-1);
    if (last === undefined || this.countOf(last) === FAN) {
      last = this.#createGroup(TOP);
      this.#tops.push(last);
    }
    const rank = this.countOf(last);
    this.#facts[last * FACTS + COUNT] = rank + 1;
    this.#seat(last, rank, root);
    this.#sumUp(root);
    this.edition += 1;
    return root;
  }

  /** The last root of all takes the seat of one that is left without nodes. */
  #dropRoot(root: number): void {
    this.#rootOfClass.delete(this.hardwareOf(root).number);
    const last = this.#tops.at(-1) as number;
    const end = this.countOf(last) - 1;
    const mover = this.memberAt(last, end);
    if (mover !== root) {
      this.#copyRow(this.rowOf(mover), this.rowOf(root));
      this.#seat(this.parentOf(root), this.rankOf(root), mover);
    }
    this.#facts[last * FACTS + COUNT] = end;
    if (end === 0) {
      this.#tops.pop();
      this.#dropGroup(last);
    }
    this.#hardware[root] = undefined;
    this.#dropGroup(root);
    this.edition += 1;
  }

  #growVertices(): void {
    this.#capacity *= 2;
    this.#facts = grown(this.#facts, this.#capacity * FACTS);
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
      const left = this.#isRoot(group) ? this.#raise(group) : group;
      const right = this.#split(left);
      const half = this.countOf(left);
      if (rank > half) this.#attach(right, rank - half, vertex);
      else this.#attach(left, rank, vertex);
      return;
    }
    this.#shift(group, rank, 1);
    this.#seat(group, rank, vertex);
    if (this.isNode(vertex)) {
      const at = this.rowOf(vertex);
      for (let field = 0; field < WIDTH; field++) this.#rows[at + field * FAN] = clearedField(field);
    }
    this.#sumUpFrom(this.isNode(vertex) ? group : vertex);
  }

  #detach(vertex: number): void {
    const group = this.parentOf(vertex);
    this.#shift(group, this.rankOf(vertex) + 1, -1);
    this.#facts[vertex * FACTS + PARENT] = NOBODY;
    this.#sumUpFrom(group);
  }

  /** Moves the members from `rank` on, and their rows, by one seat. */
  #shift(group: number, rank: number, by: 1 | -1): void {
    const count = this.countOf(group);
    const seats = this.#blockOf(group) * FAN;
    this.#members.copyWithin(seats + rank + by, seats + rank, seats + count);
    const rows = this.rowsOf(group);
    for (let field = 0; field < WIDTH; field++) {
      const at = rows + field * FAN;
      this.#rows.copyWithin(at + rank + by, at + rank, at + count);
    }
    this.#facts[group * FACTS + COUNT] = count + by;
    for (let seat = Math.max(0, rank + by); seat < count + by; seat++)
      this.#facts[this.memberAt(group, seat) * FACTS + RANK] = seat;
  }

  #seat(group: number, rank: number, vertex: number): void {
    this.#members[this.#blockOf(group) * FAN + rank] = vertex;
    this.#facts[vertex * FACTS + PARENT] = group;
    this.#facts[vertex * FACTS + RANK] = rank;
  }

  #copyRow(from: number, to: number): void {
    for (let at = 0; at < BLOCK; at += FAN) this.#rows[to + at] = this.#rows[from + at] as number;
  }

  /** Puts a group with all members of the root between them and the root, which stays what it is to the list of classes. */
  #raise(root: number): number {
    const level = this.#levelOf(root);
    const group = this.#createGroup(level);
    this.#trade(root, group);
    this.#facts[root * FACTS + LEVEL] = level + 1;
    this.#facts[root * FACTS + COUNT] = 1;
    this.#seat(root, 0, group);
    return group;
  }

  /** The other way round, when the root has a single group. */
  #lower(root: number): void {
    const group = this.memberAt(root, 0);
    this.#facts[root * FACTS + LEVEL] = this.#levelOf(group);
    this.#trade(group, root);
    this.#dropGroup(group);
  }

  /** Gives all members of a group to another one, which keeps none of its own. */
  #trade(from: number, to: number): void {
    const block = this.#blockOf(from);
    this.#facts[from * FACTS + BLOCK_OF] = this.#blockOf(to);
    this.#facts[to * FACTS + BLOCK_OF] = block;
    this.#facts[to * FACTS + COUNT] = this.countOf(from);
    this.#facts[from * FACTS + COUNT] = 0;
    for (let rank = 0; rank < this.countOf(to); rank++) this.#facts[this.memberAt(to, rank) * FACTS + PARENT] = to;
  }

  /** Moves the upper half of a full group into a new one to its right. */
  #split(group: number): number {
    const right = this.#createGroup(this.#levelOf(group));
    this.#move(group, FAN / 2, right, FAN / 2);
    this.#sumUp(group);
    this.#attach(this.parentOf(group), this.rankOf(group) + 1, right);
    return right;
  }

  /** After a member has left: drops an empty group, joins a small one with its neighbour, and lowers the tree. */
  #shrink(group: number): void {
    const count = this.countOf(group);
    if (this.#isRoot(group)) {
      if (count === 0) this.#dropRoot(group);
      else if (count === 1 && !this.isLeaf(group)) {
        this.#lower(group);
        this.#shrink(group);
      }
      return;
    }
    if (count >= FEW) return;
    const parent = this.parentOf(group);
    const rank = this.rankOf(group);
    const left = this.memberAt(parent, Math.max(0, rank - 1));
    const right = this.memberAt(parent, Math.max(1, rank));
    const lonely = this.countOf(parent) === 1;
    if (count > 0 && (lonely || this.countOf(left) + this.countOf(right) > JOINED_LIMIT)) return;
    const gone = count === 0 ? group : right;
    if (count > 0) this.#move(right, 0, left, this.countOf(right));
    this.#detach(gone);
    this.#dropGroup(gone);
    if (count > 0) this.#sumUpFrom(left);
    this.#shrink(parent);
  }

  /** Takes the last `many` members, which begin at `first`, to the end of another group. */
  #move(from: number, first: number, to: number, many: number): void {
    const end = this.countOf(to);
    for (let index = 0; index < many; index++) {
      this.#copyRow(this.rowsOf(from) + first + index, this.rowsOf(to) + end + index);
      this.#seat(to, end + index, this.memberAt(from, first + index));
    }
    this.#facts[from * FACTS + COUNT] = this.countOf(from) - many;
    this.#facts[to * FACTS + COUNT] = end + many;
  }

  #sumUpFrom(group: number): void {
    for (let at = group; this.#levelOf(at) !== TOP; at = this.parentOf(at)) this.#sumUp(at);
  }

  /** Sums up a group's members. */
  #sumUp(group: number): void {
    const at = this.rowOf(group);
    for (let field = 0; field < WIDTH; field++) this.#rows[at + field * FAN] = this.#sum(group, field);
  }

  #sum(group: number, field: number): number {
    const rows = this.#rows;
    const first = this.rowsOf(group);
    const from = first + field * FAN;
    const count = this.countOf(group);
    let sum = clearedField(field);
    if (field >= TIER_STANDINGS && this.isLeaf(group)) {
      for (let at = first; at < first + count; at++) {
        const standing = tierStanding(rows, at, field - TIER_STANDINGS);
        if (standing > sum) sum = standing;
      }
    } else if (isHighest(field)) {
      for (let at = from; at < from + count; at++) if ((rows[at] as number) > sum) sum = rows[at] as number;
    } else if (field < LOWEST_END) {
      for (let at = from; at < from + count; at++) if ((rows[at] as number) < sum) sum = rows[at] as number;
    } else for (let at = from; at < from + count; at++) sum |= rows[at] as number;
    return sum;
  }
}

function grown(from: Int32Array<ArrayBuffer>, length: number): Int32Array<ArrayBuffer> {
  const to = new Int32Array(length);
  to.set(from);
  return to;
}

/** Of two places of a class. */
const isBefore = (one: Place, other: Place): boolean =>
  one.region === other.region ? one.id < other.id : one.region < other.region;
