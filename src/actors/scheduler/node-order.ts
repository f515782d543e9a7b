/**
 * Nodes in the order in which a job should be offered to them: how high they stand, of equals by region and id. A list is kept
 * in chunks of a few dozen, each in one piece of memory, so that a search walks it without waiting and a node that moves shifts
 * few others. The chunks of all lists lie in few arrays, which grow by doubling. A list is known by its first chunk, and an
 * empty one by `NO_CHUNK`.
 */
import type { Place } from "./node-place.ts";

/** The first place of a chunk is its count, and among the marks the next chunk of its list: it then fills whole cache lines. */
const CHUNK = 32;
const MOST = CHUNK - 1;
const HALF = CHUNK / 2;
/** A chunk that small is joined with a neighbour, if both together leave room to grow. */
const FEW = CHUNK / 4;
const JOINED_LIMIT = (CHUNK * 3) / 4;

/** Instead of a next chunk. */
export const NO_CHUNK = -1;

/** A list of more than one chunk; most have one, of which all is told by its number. */
interface Long {
  readonly chunks: number[];
  /** By chunk, how high its first node stands. */
  readonly highs: number[];
}

export class NodeOrder {
  #standings = new Float64Array(16 * CHUNK);
  #nodes = new Int32Array(16 * CHUNK);
  /** What each node has of what jobs ask for (`node-marks.ts`). */
  #marks = new Int32Array(16 * CHUNK);
  /** By their first chunk. */
  readonly #long = new Map<number, Long>();
  readonly #freeChunks: number[] = [];
  #used = 0;
  /** Where `#find` found it: the chunk, its number in its list, and how many of it come before. */
  #chunk = 0;
  #index = 0;
  #before = 0;

  /** `places`: of every node in a list. */
  constructor(private readonly places: readonly (Place | undefined)[]) {}

  countOf(chunk: number): number {
    return this.#nodes[chunk * CHUNK] as number;
  }

  /** The chunk behind this one in its list. */
  nextOf(chunk: number): number {
    return this.#marks[chunk * CHUNK] as number;
  }

  nodeAt(chunk: number, rank: number): number {
    return this.#nodes[chunk * CHUNK + 1 + rank] as number;
  }

  marksAt(chunk: number, rank: number): number {
    return this.#marks[chunk * CHUNK + 1 + rank] as number;
  }

  standingAt(chunk: number, rank: number): number {
    return this.#standings[chunk * CHUNK + 1 + rank] as number;
  }

  /** Returns what the list is known by from now on. */
  add(first: number, node: number, standing: number, marks: number): number {
    const list = first === NO_CHUNK ? this.#open() : first;
    const long = this.#longOf(list);
    this.#find(list, long, node, standing);
    if (this.countOf(this.#chunk) === MOST) this.#split(list, long);
    const chunk = this.#chunk;
    const count = this.countOf(chunk);
    const at = chunk * CHUNK + 1 + this.#before;
    for (let to = chunk * CHUNK + 1 + count; to > at; to--) {
      this.#standings[to] = this.#standings[to - 1] as number;
      this.#nodes[to] = this.#nodes[to - 1] as number;
      this.#marks[to] = this.#marks[to - 1] as number;
    }
    this.#standings[at] = standing;
    this.#nodes[at] = node;
    this.#marks[at] = marks;
    this.#nodes[chunk * CHUNK] = count + 1;
    // A chunk that was just split off has its list under the same first chunk.
    if (this.#before === 0) this.#raise(long ?? this.#longOf(list), standing);
    return list;
  }

  /** `standing`: the one it was added with. Returns what the list is known by from now on. */
  remove(first: number, node: number, standing: number): number {
    const long = this.#longOf(first);
    this.#find(first, long, node, standing);
    const chunk = this.#chunk;
    const count = this.countOf(chunk) - 1;
    const end = chunk * CHUNK + 1 + count;
    for (let to = chunk * CHUNK + 1 + this.#before; to < end; to++) {
      this.#standings[to] = this.#standings[to + 1] as number;
      this.#nodes[to] = this.#nodes[to + 1] as number;
      this.#marks[to] = this.#marks[to + 1] as number;
    }
    this.#nodes[chunk * CHUNK] = count;
    if (long === undefined) {
      if (count > 0) return first;
      this.#freeChunks.push(chunk);
      return NO_CHUNK;
    }
    if (count > 0 && this.#before === 0) this.#raise(long, this.standingAt(chunk, 0));
    if (count === 0) this.#close(long, this.#index);
    else if (count < FEW) this.#join(long, Math.max(0, this.#index - 1));
    else return first;
    return this.#keep(first, long);
  }

  #longOf(first: number): Long | undefined {
    return this.nextOf(first) === NO_CHUNK ? undefined : this.#long.get(first);
  }

  /** After a chunk of the list may have gone. Returns its first. */
  #keep(was: number, long: Long): number {
    const first = long.chunks[0] as number;
    if (first !== was || long.chunks.length === 1) this.#long.delete(was);
    if (first !== was && long.chunks.length > 1) this.#long.set(first, long);
    return first;
  }

  /** Where the node is, or where it belongs. */
  #find(first: number, long: Long | undefined, node: number, standing: number): void {
    this.#index = long === undefined ? 0 : this.#indexIn(long, node, standing);
    this.#chunk = long === undefined ? first : (long.chunks[this.#index] as number);
    let low = 0;
    let high = this.countOf(this.#chunk);
    while (low < high) {
      const middle = (low + high) >> 1;
      const stands = this.standingAt(this.#chunk, middle);
      const isFurther =
        stands === standing ? this.#comesBefore(this.nodeAt(this.#chunk, middle), node) : stands > standing;
      if (isFurther) low = middle + 1;
      else high = middle;
    }
    this.#before = low;
  }

  #indexIn({ chunks, highs }: Long, node: number, standing: number): number {
    let low = 0;
    let high = chunks.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      const stands = highs[middle] as number;
      const isFurther =
        stands === standing ? !this.#comesBefore(node, this.nodeAt(chunks[middle] as number, 0)) : stands > standing;
      if (isFurther) low = middle + 1;
      else high = middle;
    }
    return Math.max(0, low - 1);
  }

  /** The found chunk has another first node. */
  #raise(long: Long | undefined, standing: number): void {
    if (long !== undefined) long.highs[this.#index] = standing;
  }

  #comesBefore(one: number, other: number): boolean {
    if (one === other) return false;
    const left = this.places[one] as Place;
    const right = this.places[other] as Place;
    return left.region === right.region ? left.id < right.id : left.region < right.region;
  }

  /** Moves the second half of the found chunk, which is full, into a new one behind it; found is then where its node belongs. */
  #split(first: number, known: Long | undefined): void {
    const left = this.#chunk;
    const right = this.#open();
    this.#move(left, HALF, right);
    this.#marks[right * CHUNK] = this.nextOf(left);
    this.#marks[left * CHUNK] = right;
    const long = known ?? { chunks: [first], highs: [this.standingAt(first, 0)] };
    if (known === undefined) this.#long.set(first, long);
    long.chunks.splice(this.#index + 1, 0, right);
    long.highs.splice(this.#index + 1, 0, this.standingAt(right, 0));
    if (this.#before <= HALF) return;
    this.#chunk = right;
    this.#index += 1;
    this.#before -= HALF;
  }

  /** Moves the nodes of the next chunk into this one, if there is room. */
  #join(long: Long, index: number): void {
    const [left, right] = [long.chunks[index] as number, long.chunks[index + 1] as number];
    if (this.countOf(left) + this.countOf(right) > JOINED_LIMIT) return;
    this.#move(right, 0, left);
    this.#close(long, index + 1);
  }

  /** Moves the nodes from `first` on to the end of another chunk. */
  #move(from: number, first: number, to: number): void {
    const many = this.countOf(from) - first;
    const end = this.countOf(to);
    for (let index = 0; index < many; index++) {
      this.#standings[to * CHUNK + 1 + end + index] = this.standingAt(from, first + index);
      this.#nodes[to * CHUNK + 1 + end + index] = this.nodeAt(from, first + index);
      this.#marks[to * CHUNK + 1 + end + index] = this.marksAt(from, first + index);
    }
    this.#nodes[from * CHUNK] = first;
    this.#nodes[to * CHUNK] = end + many;
  }

  #open(): number {
    const chunk = this.#freeChunks.pop() ?? this.#used++;
    if (this.#used * CHUNK > this.#nodes.length) {
      const length = 2 * this.#nodes.length;
      this.#nodes = copied(this.#nodes, new Int32Array(length));
      this.#marks = copied(this.#marks, new Int32Array(length));
      this.#standings = copied(this.#standings, new Float64Array(length));
    }
    this.#nodes[chunk * CHUNK] = 0;
    this.#marks[chunk * CHUNK] = NO_CHUNK;
    return chunk;
  }

  #close({ chunks, highs }: Long, index: number): void {
    const chunk = chunks[index] as number;
    this.#freeChunks.push(chunk);
    if (index > 0) this.#marks[(chunks[index - 1] as number) * CHUNK] = this.nextOf(chunk);
    if (index === chunks.length - 1) {
      chunks.pop();
      highs.pop();
    } else {
      chunks.splice(index, 1);
      highs.splice(index, 1);
    }
  }
}

function copied<Numbers extends Float64Array<ArrayBuffer> | Int32Array<ArrayBuffer>>(
  from: Numbers,
  to: Numbers,
): Numbers {
  to.set(from);
  return to;
}
