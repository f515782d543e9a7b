/**
 * Turns names (of regions, formats, runtimes) into bits, so that "does any of these nodes have it?" is one AND. The first names
 * get a bit each; later ones share the bits that are kept back, which costs speed and never truth: a set bit means "perhaps".
 * Names come from nodes, which may make up as many as they like; so no more are remembered than have a bit of their own.
 */
const WORD = 32;
const SHARED = 8;

export class NameBits {
  readonly #own = new Map<string, number>();
  readonly #words: number;
  /** All bits that nodes have been given. */
  readonly #given: number[];

  /** `words` of 32 bits each. */
  constructor(words: number) {
    this.#words = words;
    this.#given = Array.from({ length: words }, () => 0);
  }

  /** The bits of a node's names, a word each; names not met before get theirs. */
  of(names: readonly string[]): readonly number[] {
    for (const name of names) {
      if (!this.#own.has(name) && this.#own.size < this.#words * WORD - SHARED) this.#own.set(name, this.#own.size);
    }
    const words = this.#given.map(() => 0);
    for (const name of names) {
      const bit = this.bitOf(name);
      const word = bit >> 5;
      words[word] = (words[word] ?? 0) | (1 << (bit & 31));
    }
    for (const [index, word] of words.entries()) this.#given[index] = (this.#given[index] ?? 0) | word;
    return words;
  }

  /** The name's bit, counted through all words. Asking is not remembered: no node has a name that `of` has never met. */
  bitOf(name: string): number {
    return this.#own.get(name) ?? this.#words * WORD - SHARED + (hash(name) % SHARED);
  }

  /** Whether the bit is of one name only, so that a node with the bit has the name. */
  isOwn(bit: number): boolean {
    return bit < this.#words * WORD - SHARED;
  }

  /** Whether any node ever had one of these bits, of the first word and of the second. */
  hasGiven(low: number, high: number): boolean {
    return ((low & (this.#given[0] ?? 0)) | (high & (this.#given[1] ?? 0))) !== 0;
  }
}

/** 32 bits. */
export function hash(name: string): number {
  let mixed = 0;
  for (let index = 0; index < name.length; index++) mixed = (Math.imul(mixed, 31) + name.charCodeAt(index)) >>> 0;
  return mixed;
}
