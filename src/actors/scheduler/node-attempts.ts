/**
 * The live attempts, each on a node and of a job: in lists by node, the last to come first, and by job, of which a gang has several.
 * Numbers that lie together, and no objects: in a large network they come and go by the thousand, and what is not allocated need
 * not be collected.
 */
import { NO_ATTEMPT } from "./node-lines.ts";
import { doublesOf, Records, wordsOf } from "./records.ts";

const BYTES = 32;
const DOUBLES = doublesOf(BYTES);
const WORDS = wordsOf(BYTES);

/** Places of the doubles in an attempt, then of its words. */
const RAM = 0;
const VRAM = 1;
const NODE = 4;
const EARLIER = 5;
const NEXT = 6;

export class NodeAttempts extends Records {
  readonly #jobs: string[] = [];

  constructor() {
    super(BYTES);
  }

  /** `earlier`: the one that came to the node before it. */
  create(jobId: string, node: number, ramBytes: number, vramBytes: number, earlier: number): number {
    const attempt = this.take();
    this.#jobs[attempt] = jobId;
    this.doubles[attempt * DOUBLES + RAM] = ramBytes;
    this.doubles[attempt * DOUBLES + VRAM] = vramBytes;
    this.words[attempt * WORDS + NODE] = node;
    this.words[attempt * WORDS + EARLIER] = earlier;
    this.words[attempt * WORDS + NEXT] = NO_ATTEMPT;
    return attempt;
  }

  drop(attempt: number): void {
    this.#jobs[attempt] = "";
    this.giveBack(attempt);
  }

  jobOf(attempt: number): string {
    return this.#jobs[attempt] as string;
  }

  ramOf(attempt: number): number {
    return this.doubles[attempt * DOUBLES + RAM] as number;
  }

  vramOf(attempt: number): number {
    return this.doubles[attempt * DOUBLES + VRAM] as number;
  }

  nodeOf(attempt: number): number {
    return this.words[attempt * WORDS + NODE] as number;
  }

  /** The one that came to its node before it. */
  earlierOf(attempt: number): number {
    return this.words[attempt * WORDS + EARLIER] as number;
  }

  /** The job's next one. */
  nextOf(attempt: number): number {
    return this.words[attempt * WORDS + NEXT] as number;
  }

  setNext(attempt: number, next: number): void {
    this.words[attempt * WORDS + NEXT] = next;
  }

  /** Of a node's list that begins with `last`; returns with what it begins then. */
  without(attempt: number, last: number): number {
    const earlier = this.earlierOf(attempt);
    if (last === attempt) return earlier;
    for (let later = last; later !== NO_ATTEMPT; later = this.earlierOf(later))
      if (this.earlierOf(later) === attempt) {
        this.words[later * WORDS + EARLIER] = earlier;
        break;
      }
    return last;
  }
}
