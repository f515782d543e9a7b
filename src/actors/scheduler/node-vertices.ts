/**
 * The vertices of the tree of nodes: nodes, groups of nodes, groups of groups. Vertices are numbers into typed arrays, which
 * grow by doubling: no objects to chase, nothing for the collector to do. What is known of a vertex lies together, and the
 * rows of a group's members lie in one block, field by field: a search asks a few fields of all of them, a sum one field
 * of all, and each of these questions then reads memory that is together.
 */
import { FAN, WIDTH } from "./node-facts.ts";

export const NOBODY = -1;
const BLOCK = WIDTH * FAN;

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

export class Vertices {
  #capacity = 64;
  /** What is known of a vertex, all of it together in memory: see LEVEL and the others. */
  #facts = new Int32Array(this.#capacity * FACTS);
  #blockCapacity = 16;
  #rows = new Float64Array(this.#blockCapacity * BLOCK);
  #members = new Int32Array(this.#blockCapacity * FAN);
  readonly #freeVertices: number[] = [];
  readonly #freeBlocks: number[] = [];
  #usedVertices = 0;
  #usedBlocks = 0;

  get rows(): Float64Array {
    return this.#rows;
  }

  levelOf(vertex: number): number {
    return this.#facts[vertex * FACTS + LEVEL] as number;
  }

  isNode(vertex: number): boolean {
    return this.levelOf(vertex) === 0;
  }

  /** Whether the group's members are nodes. */
  isLeaf(group: number): boolean {
    return this.levelOf(group) === 1;
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

  /** Where the vertex's own row begins, in its group's block. */
  rowOf(vertex: number): number {
    return this.rowsOf(this.parentOf(vertex)) + this.rankOf(vertex);
  }

  setLevel(vertex: number, level: number): void {
    this.#facts[vertex * FACTS + LEVEL] = level;
  }

  setCount(group: number, count: number): void {
    this.#facts[group * FACTS + COUNT] = count;
  }

  create(level: number): number {
    const vertex = this.#freeVertices.pop() ?? this.#usedVertices++;
    if (vertex === this.#capacity) this.#growVertices();
    this.#facts[vertex * FACTS + LEVEL] = level;
    this.#facts[vertex * FACTS + COUNT] = 0;
    this.#facts[vertex * FACTS + PARENT] = NOBODY;
    this.#facts[vertex * FACTS + BLOCK_OF] = NOBODY;
    return vertex;
  }

  createGroup(level: number): number {
    const group = this.create(level);
    const block = this.#freeBlocks.pop() ?? this.#usedBlocks++;
    if (block === this.#blockCapacity) this.#growBlocks();
    this.#facts[group * FACTS + BLOCK_OF] = block;
    return group;
  }

  drop(vertex: number): void {
    this.#freeVertices.push(vertex);
  }

  dropGroup(group: number): void {
    this.#freeBlocks.push(this.#blockOf(group));
    this.drop(group);
  }

  /** Makes the vertex the member of the group with this number. Its row is to be written or moved there besides. */
  seat(group: number, rank: number, vertex: number): void {
    this.#members[this.#blockOf(group) * FAN + rank] = vertex;
    this.#facts[vertex * FACTS + PARENT] = group;
    this.#facts[vertex * FACTS + RANK] = rank;
  }

  /** Takes the vertex out, and moves the members behind it up. */
  unseat(vertex: number): void {
    this.shift(this.parentOf(vertex), this.rankOf(vertex) + 1, -1);
    this.#facts[vertex * FACTS + PARENT] = NOBODY;
  }

  /** Moves the members from `rank` on, and their rows, by one seat. */
  shift(group: number, rank: number, by: 1 | -1): void {
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

  copyRow(from: number, to: number): void {
    for (let at = 0; at < BLOCK; at += FAN) this.#rows[to + at] = this.#rows[from + at] as number;
  }

  /** Gives all members of a group to another one, which keeps none of its own. */
  trade(from: number, to: number): void {
    const block = this.#blockOf(from);
    this.#facts[from * FACTS + BLOCK_OF] = this.#blockOf(to);
    this.#facts[to * FACTS + BLOCK_OF] = block;
    this.#facts[to * FACTS + COUNT] = this.countOf(from);
    this.#facts[from * FACTS + COUNT] = 0;
    for (let rank = 0; rank < this.countOf(to); rank++) this.#facts[this.memberAt(to, rank) * FACTS + PARENT] = to;
  }

  /** Takes the last `many` members, which begin at `first`, to the end of another group. */
  move(from: number, first: number, to: number, many: number): void {
    const end = this.countOf(to);
    for (let index = 0; index < many; index++) {
      this.copyRow(this.rowsOf(from) + first + index, this.rowsOf(to) + end + index);
      this.seat(to, end + index, this.memberAt(from, first + index));
    }
    this.setCount(from, this.countOf(from) - many);
    this.setCount(to, end + many);
  }

  #blockOf(group: number): number {
    return this.#facts[group * FACTS + BLOCK_OF] as number;
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
}

function grown(from: Int32Array<ArrayBuffer>, length: number): Int32Array<ArrayBuffer> {
  const to = new Int32Array(length);
  to.set(from);
  return to;
}
