/**
 * The vertices of the tree of nodes: nodes, groups of nodes, groups of groups. Vertices are numbers into typed arrays, which
 * grow by doubling: no objects to chase, nothing for the collector to do. What is known of a vertex lies together, and the
 * rows of a group's members lie in one block, field by field: a search asks a few fields of all of them, a sum one field
 * of all, and each of these questions then reads memory that is together. A large fleet does not fit the caches, and what a
 * decision costs there is how many places of memory it waits for.
 */
import { FAN, NODE_END, WIDTH } from "./node-facts.ts";

export const NOBODY = -1;
/** Rows of nodes are half as wide as those of groups, and nearly all rows are of nodes: at 100,000 of them 28 MB, not 57. */
const widthAt = (level: number): number => (level === 0 ? NODE_END : WIDTH);

/** Of a node 0, of the groups above it 1 and so on: all nodes of a class are equally deep. */
const LEVEL = 0;
/** Of a group how many members it has. */
const COUNT = 1;
const PARENT = 2;
/** The vertex's number among its group's members. */
const RANK = 3;
/** Of a group where its list of members begins, and where their rows do; of a node nothing. */
const MEMBERS = 4;
const ROWS = 5;
/** A power of two, so that no vertex lies across two cache lines. */
const FACTS = 8;

export class Vertices {
  #capacity = 64;
  /** What is known of a vertex, all of it together in memory: see LEVEL and the others. */
  #facts = new Int32Array(this.#capacity * FACTS);
  #rows = new Float64Array(16 * WIDTH * FAN);
  #members = new Int32Array(16 * FAN);
  readonly #freeVertices: number[] = [];
  readonly #freeMembers: number[] = [];
  /** Blocks of rows, by their width. */
  readonly #freeRows = new Map<number, number[]>([NODE_END, WIDTH].map((width) => [width, []]));
  #usedVertices = 0;
  #usedMembers = 0;
  #usedRows = 0;

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
    return this.#members[(this.#facts[group * FACTS + MEMBERS] as number) + rank] as number;
  }

  /** Where the row of the group's first member begins; those of the others follow one by one, fields lie `FAN` apart. */
  rowsOf(group: number): number {
    return this.#facts[group * FACTS + ROWS] as number;
  }

  /** Where the vertex's own row begins, in its group's block. */
  rowOf(vertex: number): number {
    return this.rowsOf(this.parentOf(vertex)) + this.rankOf(vertex);
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
    return vertex;
  }

  createGroup(level: number): number {
    const group = this.create(level);
    this.#facts[group * FACTS + MEMBERS] = this.#freeMembers.pop() ?? this.#newMembers();
    const width = widthAt(level - 1);
    this.#facts[group * FACTS + ROWS] = this.#freeRows.get(width)?.pop() ?? this.#newRows(width * FAN);
    return group;
  }

  drop(vertex: number): void {
    this.#freeVertices.push(vertex);
  }

  dropGroup(group: number): void {
    this.#freeMembers.push(this.#facts[group * FACTS + MEMBERS] as number);
    this.#freeRows.get(widthAt(this.levelOf(group) - 1))?.push(this.rowsOf(group));
    this.drop(group);
  }

  /** Makes the vertex the member of the group with this number. Its row is to be written or moved there besides. */
  seat(group: number, rank: number, vertex: number): void {
    this.#members[(this.#facts[group * FACTS + MEMBERS] as number) + rank] = vertex;
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
    const seats = this.#facts[group * FACTS + MEMBERS] as number;
    this.#members.copyWithin(seats + rank + by, seats + rank, seats + count);
    const rows = this.rowsOf(group);
    const width = widthAt(this.levelOf(group) - 1);
    for (let field = 0; field < width; field++) {
      const at = rows + field * FAN;
      this.#rows.copyWithin(at + rank + by, at + rank, at + count);
    }
    this.#facts[group * FACTS + COUNT] = count + by;
    for (let seat = Math.max(0, rank + by); seat < count + by; seat++)
      this.#facts[this.memberAt(group, seat) * FACTS + RANK] = seat;
  }

  /** Copies the row of a vertex of this level. */
  copyRow(from: number, to: number, level: number): void {
    const end = widthAt(level) * FAN;
    for (let at = 0; at < end; at += FAN) this.#rows[to + at] = this.#rows[from + at] as number;
  }

  /** Two groups trade all they have: members, their rows, and the level that goes with them. */
  trade(one: number, other: number): void {
    for (const fact of [LEVEL, COUNT, MEMBERS, ROWS]) {
      const had = this.#facts[one * FACTS + fact] as number;
      this.#facts[one * FACTS + fact] = this.#facts[other * FACTS + fact] as number;
      this.#facts[other * FACTS + fact] = had;
    }
    for (const group of [one, other])
      for (let rank = 0; rank < this.countOf(group); rank++)
        this.#facts[this.memberAt(group, rank) * FACTS + PARENT] = group;
  }

  /** Takes the last `many` members, which begin at `first`, to the end of another group. */
  move(from: number, first: number, to: number, many: number): void {
    const end = this.countOf(to);
    for (let index = 0; index < many; index++) {
      this.copyRow(this.rowsOf(from) + first + index, this.rowsOf(to) + end + index, this.levelOf(from) - 1);
      this.seat(to, end + index, this.memberAt(from, first + index));
    }
    this.setCount(from, this.countOf(from) - many);
    this.setCount(to, end + many);
  }

  #growVertices(): void {
    this.#capacity *= 2;
    this.#facts = grown(this.#facts, this.#capacity * FACTS);
  }

  #newMembers(): number {
    const at = this.#usedMembers;
    this.#usedMembers += FAN;
    if (this.#usedMembers > this.#members.length) this.#members = grown(this.#members, 2 * this.#members.length);
    return at;
  }

  #newRows(length: number): number {
    const at = this.#usedRows;
    this.#usedRows += length;
    if (this.#usedRows > this.#rows.length) {
      const rows = new Float64Array(2 * this.#rows.length);
      rows.set(this.#rows);
      this.#rows = rows;
    }
    return at;
  }
}

function grown(from: Int32Array<ArrayBuffer>, length: number): Int32Array<ArrayBuffer> {
  const to = new Int32Array(length);
  to.set(from);
  return to;
}
