/**
 * Where every accident of a run comes from. A draw is a hash of the seed, of what it is drawn for, and of how often that has
 * been drawn before; not the next number of one stream. So taking one fault out of a run leaves the luck of all else as it
 * was, which is what makes shrinking work.
 */
export class Chance {
  readonly #times = new Map<string, number>();

  constructor(readonly seed: number) {}

  /** In [0, 1). `what` names few things: for each the draws are counted. */
  draw(what: string): number {
    const times = this.#times.get(what) ?? 0;
    this.#times.set(what, times + 1);
    return mixed(Math.imul(hashOf(what) ^ this.seed, 0x9e3779b1) + Math.imul(times, 0x85ebca6b)) / 2 ** 32;
  }

  happens(what: string, probability: number): boolean {
    return probability > 0 && this.draw(what) < probability;
  }
}

function hashOf(text: string): number {
  let hash = 0x811c9dc5;
  for (let index = 0; index < text.length; index++) hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193);
  return hash;
}

function mixed(number: number): number {
  let mix = number ^ (number >>> 16);
  mix = Math.imul(mix, 0x85ebca6b);
  mix = Math.imul(mix ^ (mix >>> 13), 0xc2b2ae35);
  return (mix ^ (mix >>> 16)) >>> 0;
}

/** The fingerprint of a run: everything that happened, in its order. Two lanes of 32 bits. */
export class Fingerprint {
  #one = 0x811c9dc5;
  #other = 0x1b873593;

  add(text: string): void {
    for (let index = 0; index < text.length; index++) {
      const code = text.charCodeAt(index);
      this.#one = Math.imul(this.#one ^ code, 0x01000193);
      this.#other = Math.imul(this.#other ^ code, 0x5bd1e995);
      this.#other ^= this.#other >>> 15;
    }
  }

  toString(): string {
    const hex = (lane: number): string => (lane >>> 0).toString(16).padStart(8, "0");
    return hex(this.#one) + hex(this.#other);
  }
}

/** The one of the list that a number in [0, 1) means. */
export const pickOf = <T>(list: readonly T[], at: number): T | undefined => list[Math.floor(at * list.length)];
