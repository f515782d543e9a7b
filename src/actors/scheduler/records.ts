/**
 * Records of a few numbers each that lie together in one piece of memory, by number from 0, as many as are needed. No objects: what a
 * decision costs in a large fleet is how often it waits for memory, and what is not allocated need not be collected.
 */

const DOUBLE = Float64Array.BYTES_PER_ELEMENT;
const WORD = Int32Array.BYTES_PER_ELEMENT;

/** How many doubles, and how many words, a record of so many bytes takes. */
export const doublesOf = (bytes: number): number => bytes / DOUBLE;
export const wordsOf = (bytes: number): number => bytes / WORD;

/** The same memory as doubles and as words; who has a record in it decides which of them its numbers are. */
export abstract class Records {
  protected doubles: Float64Array;
  protected words: Int32Array;
  #buffer: ArrayBuffer;
  readonly #free: number[] = [];
  #used = 0;

  /** With room for so many to begin with, of so many bytes each. */
  protected constructor(
    private readonly bytes: number,
    room = 64,
  ) {
    this.#buffer = new ArrayBuffer(room * bytes);
    this.doubles = new Float64Array(this.#buffer);
    this.words = new Int32Array(this.#buffer);
  }

  /** The number of a record that nobody has; what was in it is still there. */
  protected take(): number {
    const number = this.#free.pop() ?? this.#used++;
    if (this.#used * this.bytes > this.#buffer.byteLength) this.makeRoom(2 * this.#used);
    return number;
  }

  protected giveBack(number: number): void {
    this.#free.push(number);
  }

  /** For so many records in all. */
  protected makeRoom(records: number): void {
    this.#buffer = this.#buffer.transfer(records * this.bytes);
    this.doubles = new Float64Array(this.#buffer);
    this.words = new Int32Array(this.#buffer);
  }
}
