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
 * `node-vertices.ts` says how vertices lie in memory, `node-sums.ts` keeps the rows of groups true.
 */
import { FAN, type HardwareClass } from "./node-facts.ts";
import { NodeSums, TOP } from "./node-sums.ts";
import { Vertices } from "./node-vertices.ts";

/** Where a node stands. */
export interface Place {
  readonly hardware: HardwareClass;
  readonly region: string;
  readonly id: string;
}

/** A group that small is joined with a neighbour, if both together leave room to grow. */
const FEW = FAN / 4;
const JOINED_LIMIT = (FAN * 3) / 4;

export class NodeTree {
  readonly vertices = new Vertices();
  readonly #sums = new NodeSums(this.vertices);
  /** Of a node its place; of a group undefined. */
  readonly #places: (Place | undefined)[] = [];
  /** Of the root of a class the class; of all others undefined. */
  readonly #hardware: (HardwareClass | undefined)[] = [];
  readonly #rootOfClass = new Map<number, number>();
  /** Full but for the last. */
  readonly #tops: number[] = [];
  /** Counts changes of the list of classes. */
  edition = 0;

  /** The root of every class that has nodes. */
  roots(): Iterable<number> {
    return this.#rootOfClass.values();
  }

  hardwareOf(root: number): HardwareClass {
    return this.#hardware[root] as HardwareClass;
  }

  /** Whether `one` comes before `other` by class, region and id; neither is part of the other. */
  isBefore(one: number, other: number): boolean {
    const [oneRoot, otherRoot] = [this.#rootOf(one), this.#rootOf(other)];
    if (oneRoot !== otherRoot) return this.hardwareOf(oneRoot).number < this.hardwareOf(otherRoot).number;
    let [left, right] = [one, other];
    while (this.vertices.levelOf(left) < this.vertices.levelOf(right)) left = this.vertices.parentOf(left);
    while (this.vertices.levelOf(right) < this.vertices.levelOf(left)) right = this.vertices.parentOf(right);
    while (this.vertices.parentOf(left) !== this.vertices.parentOf(right)) {
      left = this.vertices.parentOf(left);
      right = this.vertices.parentOf(right);
    }
    return this.vertices.rankOf(left) < this.vertices.rankOf(right);
  }

  /** Adds a node that no job passes; returns its vertex, by which its row is written. */
  insert(place: Place): number {
    const node = this.vertices.create(0);
    this.#places[node] = place;
    let group = this.#rootOfClass.get(place.hardware.number) ?? this.#createRoot(place.hardware);
    while (!this.vertices.isLeaf(group))
      group = this.vertices.memberAt(group, Math.max(0, this.#rankIn(group, place) - 1));
    this.#attach(group, this.#rankIn(group, place), node);
    return node;
  }

  remove(node: number): void {
    const group = this.vertices.parentOf(node);
    this.#detach(node);
    this.#places[node] = undefined;
    this.vertices.drop(node);
    this.#shrink(group);
  }

  /** Writes the first `end` fields of a node's row, and sums up anew what that changes. */
  write(node: number, row: Float64Array, end: number): void {
    this.#sums.write(node, row, end);
  }

  #rootOf(vertex: number): number {
    let root = vertex;
    while (this.vertices.levelOf(this.vertices.parentOf(root)) !== TOP) root = this.vertices.parentOf(root);
    return root;
  }

  #isRoot(group: number): boolean {
    return this.#hardware[group] !== undefined;
  }

  #createRoot(hardware: HardwareClass): number {
    const root = this.vertices.createGroup(1);
    this.#hardware[root] = hardware;
    this.#rootOfClass.set(hardware.number, root);
    let last = this.#tops.at(-1);
    if (last === undefined || this.vertices.countOf(last) === FAN) {
      last = this.vertices.createGroup(TOP);
      this.#tops.push(last);
    }
    const rank = this.vertices.countOf(last);
    this.vertices.setCount(last, rank + 1);
    this.vertices.seat(last, rank, root);
    this.#sums.sumUp(root);
    this.edition += 1;
    return root;
  }

  /** The last root of all takes the seat of one that is left without nodes. */
  #dropRoot(root: number): void {
    this.#rootOfClass.delete(this.hardwareOf(root).number);
    const last = this.#tops.at(-1) as number;
    const end = this.vertices.countOf(last) - 1;
    const mover = this.vertices.memberAt(last, end);
    if (mover !== root) {
      this.vertices.copyRow(this.vertices.rowOf(mover), this.vertices.rowOf(root), this.vertices.levelOf(root));
      this.vertices.seat(this.vertices.parentOf(root), this.vertices.rankOf(root), mover);
    }
    this.vertices.setCount(last, end);
    if (end === 0) {
      this.#tops.pop();
      this.vertices.dropGroup(last);
    }
    this.#hardware[root] = undefined;
    this.vertices.dropGroup(root);
    this.edition += 1;
  }

  /** How many members of the group come before this place. */
  #rankIn(group: number, place: Place): number {
    const count = this.vertices.countOf(group);
    let rank = 0;
    while (rank < count && isBefore(this.#firstOf(this.vertices.memberAt(group, rank)), place)) rank += 1;
    return rank;
  }

  #firstOf(vertex: number): Place {
    let first = vertex;
    while (!this.vertices.isNode(first)) first = this.vertices.memberAt(first, 0);
    return this.#places[first] as Place;
  }

  /** Adds a node that no job passes, or a group. */
  #attach(group: number, rank: number, vertex: number): void {
    if (this.vertices.countOf(group) === FAN) {
      const left = this.#isRoot(group) ? this.#raise(group) : group;
      const right = this.#split(left);
      const half = this.vertices.countOf(left);
      if (rank > half) this.#attach(right, rank - half, vertex);
      else this.#attach(left, rank, vertex);
      return;
    }
    this.vertices.shift(group, rank, 1);
    this.vertices.seat(group, rank, vertex);
    if (this.vertices.isNode(vertex)) this.#sums.clear(vertex);
    this.#sums.sumUpFrom(this.vertices.isNode(vertex) ? group : vertex);
  }

  #detach(vertex: number): void {
    const group = this.vertices.parentOf(vertex);
    this.vertices.unseat(vertex);
    this.#sums.sumUpFrom(group);
  }

  /** Puts a group with all members of the root between them and the root, which stays what it is to the list of classes. */
  #raise(root: number): number {
    const group = this.vertices.createGroup(this.vertices.levelOf(root) + 1);
    this.vertices.trade(root, group);
    this.vertices.setCount(root, 1);
    this.vertices.seat(root, 0, group);
    return group;
  }

  /** The other way round, when the root has a single group. */
  #lower(root: number): void {
    const group = this.vertices.memberAt(root, 0);
    this.vertices.setCount(root, 0);
    this.vertices.trade(root, group);
    this.vertices.dropGroup(group);
  }

  /** Moves the upper half of a full group into a new one to its right. */
  #split(group: number): number {
    const right = this.vertices.createGroup(this.vertices.levelOf(group));
    this.vertices.move(group, FAN / 2, right, FAN / 2);
    this.#sums.sumUp(group);
    this.#attach(this.vertices.parentOf(group), this.vertices.rankOf(group) + 1, right);
    return right;
  }

  /** After a member has left: drops an empty group, joins a small one with its neighbour, and lowers the tree. */
  #shrink(group: number): void {
    const count = this.vertices.countOf(group);
    if (this.#isRoot(group)) {
      if (count === 0) this.#dropRoot(group);
      else if (count === 1 && !this.vertices.isLeaf(group)) {
        this.#lower(group);
        this.#shrink(group);
      }
      return;
    }
    if (count >= FEW) return;
    const parent = this.vertices.parentOf(group);
    const rank = this.vertices.rankOf(group);
    const left = this.vertices.memberAt(parent, Math.max(0, rank - 1));
    const right = this.vertices.memberAt(parent, Math.max(1, rank));
    const lonely = this.vertices.countOf(parent) === 1;
    if (count > 0 && (lonely || this.vertices.countOf(left) + this.vertices.countOf(right) > JOINED_LIMIT)) return;
    const gone = count === 0 ? group : right;
    if (count > 0) this.vertices.move(right, 0, left, this.vertices.countOf(right));
    this.#detach(gone);
    this.vertices.dropGroup(gone);
    if (count > 0) this.#sums.sumUpFrom(left);
    this.#shrink(parent);
  }
}

/** Of two places of a class. */
const isBefore = (one: Place, other: Place): boolean =>
  one.region === other.region ? one.id < other.id : one.region < other.region;
