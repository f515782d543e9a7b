/**
 * The engine's only source of chance: xoshiro128** (Blackman & Vigna, 2018, https://prng.di.unimi.it), seeded through
 * splitmix32. Each purpose (split, initial weights, shuffling, dropout) draws from its own stream, so that switching
 * one off does not change what the others draw.
 */
export class RandomStream {
  readonly #state: Uint32Array;
  #spareNormal: number | null = null;

  /** The same `seed` and `purpose` give the same numbers on every machine. `seed` is a whole number below 2^53. */
  constructor(seed: number, purpose: string) {
    // FNV-1a over the purpose keeps streams of one seed apart.
    let hash = 0x811c9dc5;
    for (const character of `${seed}:${purpose}`) hash = Math.imul(hash ^ (character.codePointAt(0) ?? 0), 0x01000193);
    let mixer = (hash ^ (seed % 0x1_0000_0000)) >>> 0;
    this.#state = Uint32Array.from({ length: 4 }, () => {
      mixer = (mixer + 0x9e3779b9) >>> 0;
      let mixed = mixer;
      mixed = Math.imul(mixed ^ (mixed >>> 16), 0x21f0aaad);
      mixed = Math.imul(mixed ^ (mixed >>> 15), 0x735a2d97);
      return (mixed ^ (mixed >>> 15)) >>> 0;
    });
    // The all-zero state is the one xoshiro never leaves.
    if (this.#state.every((word) => word === 0)) this.#state[0] = 1;
  }

  /** Uniform over the 2^32 unsigned integers. */
  nextUint32(): number {
    const s = this.#state;
    const s0 = s[0] as number;
    const s1 = s[1] as number;
    const s2 = (s[2] as number) ^ s0;
    const s3 = (s[3] as number) ^ s1;
    const scrambled = Math.imul(rotateLeft(Math.imul(s1, 5), 7), 9) >>> 0;
    s[1] = s1 ^ s2;
    s[0] = s0 ^ s3;
    s[2] = s2 ^ (s1 << 9);
    s[3] = rotateLeft(s3, 11);
    return scrambled;
  }

  /** Uniform in [0, 1). */
  next(): number {
    return this.nextUint32() / 0x1_0000_0000;
  }

  /** Standard normal, by Marsaglia's polar method, which needs no trigonometry. */
  normal(): number {
    if (this.#spareNormal !== null) {
      const spare = this.#spareNormal;
      this.#spareNormal = null;
      return spare;
    }
    for (;;) {
      const u = 2 * this.next() - 1;
      const v = 2 * this.next() - 1;
      const square = u * u + v * v;
      if (square > 0 && square < 1) {
        const factor = Math.sqrt((-2 * Math.log(square)) / square);
        this.#spareNormal = v * factor;
        return u * factor;
      }
    }
  }

  /** Fisher–Yates, in place. */
  shuffle(order: Uint32Array): void {
    for (let last = order.length - 1; last > 0; last--) {
      const chosen = Math.floor(this.next() * (last + 1));
      const kept = order[last] as number;
      order[last] = order[chosen] as number;
      order[chosen] = kept;
    }
  }
}

function rotateLeft(word: number, bits: number): number {
  return (word << bits) | (word >>> (32 - bits));
}
