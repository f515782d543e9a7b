/**
 * Nodes in the order in which a job should be offered to them: how high they stand, of equals by region and id. A list is a tree (B+):
 * its nodes are in chunks of a few dozen, each in one piece of memory, so that a search walks them without waiting and a node
 * that moves shifts few others. Lists of more than one chunk have chunks of a second kind above these, which tell where each begins.
 *
 * The chunks of all lists lie in few arrays, which grow by doubling, and there are no objects: in a large fleet what a move costs is
 * how often it has to wait for memory. A list is known by its first chunk, and an empty one by `NO_CHUNK`.
 */
import type { NodeLines } from "./node-lines.ts";
import type { Place } from "./node-place.ts";
import { doublesOf, Records, wordsOf } from "./records.ts";

/** The first place of a chunk tells of the chunk itself, so that it fills whole cache lines. */
const CHUNK = 32;

/** Of a place: what is known of a node in a list lies together, so that a search that looks at the first few waits for one cache line. */
const BYTES = 16;
const DOUBLES = doublesOf(BYTES);
const WORDS = wordsOf(BYTES);
/** How high it stands, a double; above, how high the first of each chunk stands. In the first place: see `#linkOf`. */
const STANDING = 0;
/** Above, the chunks below. In the first place how many there are. */
const NODE = 2;
/**
 * What each node has of what jobs ask for (`node-marks.ts`); above, the first node of each chunk. In the first place the next chunk of
 * the list; in the highest chunk how many levels are below it.
 */
const MARKS = 3;

const MOST = CHUNK - 1;
const HALF = CHUNK / 2;
/** A chunk that small is joined with a neighbour, if both together leave room to grow. */
const FEW = CHUNK / 4;
const JOINED_LIMIT = (CHUNK * 3) / 4;

/** Instead of a chunk. */
export const NO_CHUNK = -1;

/** Instead of a link: the chunk is the only one of its list. */
const ALONE = -1;

/** More levels than any list comes to. */
const LEVELS = 8;

export class NodeOrder extends Records {
  /** The way that `#descend` went: the chunks, the highest first, and which of each one's entries it took. */
  readonly #way = new Int32Array(LEVELS);
  readonly #turns = new Int32Array(LEVELS);
  /** How many of them are above the nodes. */
  #levels = 0;

  /** Of every node in a list: the line tells in which chunk it is, the place where it belongs. */
  constructor(
    private readonly lines: NodeLines,
    private readonly places: readonly (Place | undefined)[],
  ) {
    super(CHUNK * BYTES);
  }

  countOf(chunk: number): number {
    return this.words[chunk * CHUNK * WORDS + NODE] as number;
  }

  #setCount(chunk: number, count: number): void {
    this.words[chunk * CHUNK * WORDS + NODE] = count;
  }

  /** The chunk behind this one in its list. */
  nextOf(chunk: number): number {
    return this.words[chunk * CHUNK * WORDS + MARKS] as number;
  }

  #setNext(chunk: number, next: number): void {
    this.words[chunk * CHUNK * WORDS + MARKS] = next;
  }

  nodeAt(chunk: number, rank: number): number {
    return this.words[placeIn(chunk, rank) * WORDS + NODE] as number;
  }

  marksAt(chunk: number, rank: number): number {
    return this.words[placeIn(chunk, rank) * WORDS + MARKS] as number;
  }

  standingAt(chunk: number, rank: number): number {
    return this.doubles[placeIn(chunk, rank) * DOUBLES + STANDING] as number;
  }

  /** Returns what the list is known by from now on. */
  add(first: number, node: number, standing: number, marks: number): number {
    const list = first === NO_CHUNK ? this.#open() : first;
    let chunk = this.#descend(list, node, standing);
    let rank = this.#rankIn(chunk, node, standing);
    if (rank === 0) this.#rename(this.#levels, node, standing);
    if (this.countOf(chunk) === MOST) {
      const right = this.#split(list);
      if (rank > HALF) {
        chunk = right;
        rank -= HALF;
      }
    }
    this.#insert(chunk, rank, node, standing, marks);
    this.lines.setChunk(node, chunk);
    return list;
  }

  /** Returns what the list is known by from now on. */
  remove(first: number, node: number): number {
    const chunk = this.lines.chunk(node);
    let rank = 0;
    while (this.nodeAt(chunk, rank) !== node) rank += 1;
    const count = this.countOf(chunk) - 1;
    const isLong = this.#rootOf(first) !== NO_CHUNK;
    if (isLong && chunk === first) this.#descendFirst(first);
    else if (isLong && (rank === 0 || count < FEW))
      this.#descend(first, this.nodeAt(chunk, 0), this.standingAt(chunk, 0));
    this.#drop(chunk, rank);
    if (isLong) {
      if (rank === 0 && count > 0) this.#rename(this.#levels, this.nodeAt(chunk, 0), this.standingAt(chunk, 0));
      return count < FEW ? this.#shrink(first) : first;
    }
    if (count > 0) return first;
    this.giveBack(chunk);
    return NO_CHUNK;
  }

  /** Of a chunk of nodes the one before it; of the first of a list, below `ALONE`, the list's highest chunk. */
  #linkOf(chunk: number): number {
    return this.doubles[chunk * CHUNK * DOUBLES + STANDING] as number;
  }

  #setLink(chunk: number, link: number): void {
    this.doubles[chunk * CHUNK * DOUBLES + STANDING] = link;
  }

  /** The highest chunk of a list; none where it has but one. */
  #rootOf(list: number): number {
    const link = this.#linkOf(list);
    return link === ALONE ? NO_CHUNK : ALONE - 1 - link;
  }

  #setRoot(list: number, root: number, levels: number): void {
    this.#setLink(list, ALONE - 1 - root);
    this.words[root * CHUNK * WORDS + MARKS] = levels;
  }

  /** How many levels are below the highest chunk of a list. */
  #levelsBelow(root: number): number {
    return this.words[root * CHUNK * WORDS + MARKS] as number;
  }

  /** Goes down to the chunk that the node is in, or belongs in. */
  #descend(list: number, node: number, standing: number): number {
    const root = this.#rootOf(list);
    this.#levels = root === NO_CHUNK ? 0 : this.#levelsBelow(root);
    let chunk = root === NO_CHUNK ? list : root;
    for (let level = 0; level < this.#levels; level++) {
      const turn = this.#turnIn(chunk, node, standing);
      this.#way[level] = chunk;
      this.#turns[level] = turn;
      chunk = this.nodeAt(chunk, turn);
    }
    this.#way[this.#levels] = chunk;
    return chunk;
  }

  /** Goes down to the first chunk of a list that has several. */
  #descendFirst(list: number): void {
    let chunk = this.#rootOf(list);
    this.#levels = this.#levelsBelow(chunk);
    for (let level = 0; level < this.#levels; level++) {
      this.#way[level] = chunk;
      this.#turns[level] = 0;
      chunk = this.nodeAt(chunk, 0);
    }
    this.#way[this.#levels] = chunk;
  }

  /** Which of the chunks below this one it is in. */
  #turnIn(chunk: number, node: number, standing: number): number {
    let low = 1;
    let high = this.countOf(chunk);
    while (low < high) {
      const middle = (low + high) >> 1;
      const stands = this.standingAt(chunk, middle);
      const isFurther = stands === standing ? !this.#comesBefore(node, this.marksAt(chunk, middle)) : stands > standing;
      if (isFurther) low = middle + 1;
      else high = middle;
    }
    return low - 1;
  }

  /** How many of the chunk come before it. */
  #rankIn(chunk: number, node: number, standing: number): number {
    let low = 0;
    let high = this.countOf(chunk);
    while (low < high) {
      const middle = (low + high) >> 1;
      const stands = this.standingAt(chunk, middle);
      const isFurther = stands === standing ? this.#comesBefore(this.nodeAt(chunk, middle), node) : stands > standing;
      if (isFurther) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  #comesBefore(one: number, other: number): boolean {
    if (one === other) return false;
    const left = this.places[one] as Place;
    const right = this.places[other] as Place;
    return left.region === right.region ? left.id < right.id : left.region < right.region;
  }

  /** The chunk of this level on the way has another first node. */
  #rename(level: number, node: number, standing: number): void {
    for (let above = level - 1; above >= 0; above--) {
      const at = placeIn(this.#way[above] as number, this.#turns[above] as number);
      this.doubles[at * DOUBLES + STANDING] = standing;
      this.words[at * WORDS + MARKS] = node;
      if (this.#turns[above] !== 0) return;
    }
  }

  /** Splits the chunk at the end of the way, which is full, and those above it that are; returns the new chunk of nodes behind it. */
  #split(list: number): number {
    const levels = this.#levels;
    const left = this.#way[levels] as number;
    const next = this.nextOf(left);
    const leaf = this.#splitOff(left);
    for (let rank = 0; rank < this.countOf(leaf); rank++) this.lines.setChunk(this.nodeAt(leaf, rank), leaf);
    this.#setNext(leaf, next);
    this.#setNext(left, leaf);
    this.#setLink(leaf, left);
    if (next !== NO_CHUNK) this.#setLink(next, leaf);
    let right = leaf;
    for (let level = levels - 1; level >= 0; level--) {
      let chunk = this.#way[level] as number;
      let turn = (this.#turns[level] as number) + 1;
      const isFull = this.countOf(chunk) === MOST;
      const behind = isFull ? this.#splitOff(chunk) : NO_CHUNK;
      if (isFull && turn > HALF) {
        chunk = behind;
        turn -= HALF;
      }
      this.#enter(chunk, turn, right, level === levels - 1);
      if (!isFull) return leaf;
      right = behind;
    }
    const root = this.#open();
    this.#enter(root, 0, levels === 0 ? left : (this.#way[0] as number), levels === 0);
    this.#enter(root, 1, right, levels === 0);
    this.#setRoot(list, root, levels + 1);
    return leaf;
  }

  /** Moves the second half of a chunk into a new one. */
  #splitOff(chunk: number): number {
    const right = this.#open();
    this.#move(chunk, HALF, right);
    return right;
  }

  /** Notes a chunk, of nodes or of others, in one above it. */
  #enter(chunk: number, turn: number, below: number, isOfNodes: boolean): void {
    const node = isOfNodes ? this.nodeAt(below, 0) : this.marksAt(below, 0);
    this.#insert(chunk, turn, below, this.standingAt(below, 0), node);
  }

  /** After the chunk at the end of the way has come to be small. Returns what the list is known by from now on. */
  #shrink(list: number): number {
    const levels = this.#levels;
    let first = list;
    for (let level = levels; level > 0; level--) {
      const chunk = this.#way[level] as number;
      const above = this.#way[level - 1] as number;
      const turn = this.#turns[level - 1] as number;
      const count = this.countOf(chunk);
      if (count >= FEW) break;
      if (count === 0) {
        if (level === levels) first = this.#unlink(first, chunk);
        this.giveBack(chunk);
        this.#drop(above, turn);
        if (turn === 0 && this.countOf(above) > 0)
          this.#rename(level - 1, this.marksAt(above, 0), this.standingAt(above, 0));
      } else if (!this.#join(above, Math.max(0, turn - 1), level === levels)) break;
    }
    this.#lower(first);
    return first;
  }

  /** Moves what is in one chunk below into the one before it, if there is room. */
  #join(above: number, turn: number, isOfNodes: boolean): boolean {
    if (turn + 1 >= this.countOf(above)) return false;
    const left = this.nodeAt(above, turn);
    const right = this.nodeAt(above, turn + 1);
    const end = this.countOf(left);
    if (end + this.countOf(right) > JOINED_LIMIT) return false;
    this.#move(right, 0, left);
    if (isOfNodes) {
      for (let rank = end; rank < this.countOf(left); rank++) this.lines.setChunk(this.nodeAt(left, rank), left);
      this.#unlink(NO_CHUNK, right);
    }
    this.giveBack(right);
    this.#drop(above, turn + 1);
    return true;
  }

  /** Takes a chunk of nodes out of its list. Returns what the list is known by from now on. */
  #unlink(first: number, chunk: number): number {
    const next = this.nextOf(chunk);
    const link = this.#linkOf(chunk);
    if (next !== NO_CHUNK) this.#setLink(next, link);
    if (chunk === first) return next;
    this.#setNext(link, next);
    return first;
  }

  /** A highest chunk with but one below it is of no use. */
  #lower(list: number): void {
    for (let root = this.#rootOf(list); root !== NO_CHUNK && this.countOf(root) === 1; root = this.#rootOf(list)) {
      const levels = this.#levelsBelow(root);
      if (levels === 1) this.#setLink(list, ALONE);
      else this.#setRoot(list, this.nodeAt(root, 0), levels - 1);
      this.giveBack(root);
    }
  }

  /** Into a chunk that is not full. */
  #insert(chunk: number, rank: number, node: number, standing: number, marks: number): void {
    const count = this.countOf(chunk);
    const at = placeIn(chunk, rank);
    for (let to = placeIn(chunk, count); to > at; to--) this.#copy(to - 1, to);
    this.doubles[at * DOUBLES + STANDING] = standing;
    this.words[at * WORDS + NODE] = node;
    this.words[at * WORDS + MARKS] = marks;
    this.#setCount(chunk, count + 1);
  }

  #drop(chunk: number, rank: number): void {
    const count = this.countOf(chunk) - 1;
    const end = placeIn(chunk, count);
    for (let to = placeIn(chunk, rank); to < end; to++) this.#copy(to + 1, to);
    this.#setCount(chunk, count);
  }

  /** From rank `first` on, to the end of another chunk. */
  #move(from: number, first: number, to: number): void {
    const many = this.countOf(from) - first;
    const end = this.countOf(to);
    for (let rank = 0; rank < many; rank++) this.#copy(placeIn(from, first + rank), placeIn(to, end + rank));
    this.#setCount(from, first);
    this.#setCount(to, end + many);
  }

  #copy(from: number, to: number): void {
    this.doubles[to * DOUBLES + STANDING] = this.doubles[from * DOUBLES + STANDING] as number;
    this.words[to * WORDS + NODE] = this.words[from * WORDS + NODE] as number;
    this.words[to * WORDS + MARKS] = this.words[from * WORDS + MARKS] as number;
  }

  #open(): number {
    const chunk = this.take();
    this.#setCount(chunk, 0);
    this.#setNext(chunk, NO_CHUNK);
    this.#setLink(chunk, ALONE);
    return chunk;
  }
}

/** Of all places of all chunks. */
const placeIn = (chunk: number, rank: number): number => chunk * CHUNK + 1 + rank;
