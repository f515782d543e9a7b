/**
 * Nodes in the order in which a job should be offered to them: how high they stand, of equals by region and id. A list is kept
 * in chunks of a few dozen, each in one piece of memory, so that a search walks it without waiting and a node that moves shifts
 * few others. The chunks of all lists lie in few arrays, which grow by doubling.
 */
import { NEVER } from "./node-facts.ts";
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

/** One list. */
export class Ordered {
  readonly chunks: number[] = [];
  /** By chunk, how high its first node stands. */
  readonly highs: number[] = [];
}

export class NodeOrder {
  #standings = new Float64Array(16 * CHUNK);
  #nodes = new Int32Array(16 * CHUNK);
  /** What each node has of what jobs ask for (`node-marks.ts`). */
  #marks = new Int32Array(16 * CHUNK);
  readonly #freeChunks: number[] = [];
  #used = 0;
  /** Where `#find` found it: the chunk's number in its list, and how many of the chunk come before. */
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

  add(list: Ordered, node: number, standing: number, marks: number): void {
    const { chunks, highs } = list;
    if (chunks.length === 0) {
      chunks.push(this.#open());
      // Lower than any node: it becomes the first.
      highs.push(NEVER);
    }
    this.#find(list, node, standing);
    if (this.countOf(chunks[this.#index] as number) === MOST) {
      this.#split(list, this.#index);
      if (this.#before > HALF) {
        this.#index += 1;
        this.#before -= HALF;
      }
    }
    const chunk = chunks[this.#index] as number;
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
    if (this.#before === 0) highs[this.#index] = standing;
  }

  /** `standing`: the one it was added with. */
  remove(list: Ordered, node: number, standing: number): void {
    this.#find(list, node, standing);
    const { chunks, highs } = list;
    const index = this.#index;
    const chunk = chunks[index] as number;
    const count = this.countOf(chunk) - 1;
    const end = chunk * CHUNK + 1 + count;
    for (let to = chunk * CHUNK + 1 + this.#before; to < end; to++) {
      this.#standings[to] = this.#standings[to + 1] as number;
      this.#nodes[to] = this.#nodes[to + 1] as number;
      this.#marks[to] = this.#marks[to + 1] as number;
    }
    this.#nodes[chunk * CHUNK] = count;
    if (count === 0) this.#close(list, index);
    else {
      if (this.#before === 0) highs[index] = this.standingAt(chunk, 0);
      if (count < FEW && chunks.length > 1) this.#join(list, Math.max(0, index - 1));
    }
  }

  /** Where the node is, or where it belongs. */
  #find({ chunks, highs }: Ordered, node: number, standing: number): void {
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
    this.#index = Math.max(0, low - 1);
    const chunk = chunks[this.#index] as number;
    low = 0;
    high = this.countOf(chunk);
    while (low < high) {
      const middle = (low + high) >> 1;
      const stands = this.standingAt(chunk, middle);
      const isFurther = stands === standing ? this.#comesBefore(this.nodeAt(chunk, middle), node) : stands > standing;
      if (isFurther) low = middle + 1;
      else high = middle;
    }
    this.#before = low;
  }

  #comesBefore(one: number, other: number): boolean {
    if (one === other) return false;
    const left = this.places[one] as Place;
    const right = this.places[other] as Place;
    return left.region === right.region ? left.id < right.id : left.region < right.region;
  }

  /** Moves the second half of a full chunk into a new one behind it. */
  #split({ chunks, highs }: Ordered, index: number): void {
    const right = this.#open();
    this.#move(chunks[index] as number, HALF, right);
    this.#marks[right * CHUNK] = this.nextOf(chunks[index] as number);
    this.#marks[(chunks[index] as number) * CHUNK] = right;
    chunks.splice(index + 1, 0, right);
    highs.splice(index + 1, 0, this.standingAt(right, 0));
  }

  /** Moves the nodes of the next chunk into this one, if there is room. */
  #join(list: Ordered, index: number): void {
    const [left, right] = [list.chunks[index] as number, list.chunks[index + 1] as number];
    if (this.countOf(left) + this.countOf(right) > JOINED_LIMIT) return;
    this.#move(right, 0, left);
    this.#close(list, index + 1);
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

  #close({ chunks, highs }: Ordered, index: number): void {
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
