/**
 * How often one caller may ask: a bucket of tokens for each, which fills at a steady rate and holds two seconds' worth, so
 * that a burst passes and a flood does not. A refusal says when the next token is there.
 */
import type { Millis } from "../actors/runtime/index.ts";
import { Refusal } from "../domain/refusal.ts";

export interface RateLimitOptions {
  /** 0: no limit. */
  readonly perSecond: number;
  /** The setting that says so, for the refusal's words. */
  readonly setting: string;
  readonly now: () => Millis;
}

interface Bucket {
  tokens: number;
  filledAt: Millis;
}

/** Seconds of the rate that a bucket holds. */
const BURST_SECONDS = 2;
/** One token, but for what doubles lose: who comes at the very time they were told must get it. */
const WHOLE = 1 - 1e-9;
/**
 * Buckets kept: about 10 MB. A full bucket says no more than none, so those are dropped first; somebody with more addresses
 * than this gains a fresh burst for each, which is what more addresses give anyway.
 */
const MOST_BUCKETS = 100_000;

export class RateLimit {
  readonly #buckets = new Map<string, Bucket>();
  readonly #burst: number;

  constructor(private readonly options: RateLimitOptions) {
    this.#burst = Math.max(1, options.perSecond * BURST_SECONDS);
  }

  /** Callers that are remembered. */
  get size(): number {
    return this.#buckets.size;
  }

  /** Takes a token of this caller's. @throws Refusal (`resource_exhausted`) when there is none */
  take(caller: string): void {
    const { perSecond, setting, now } = this.options;
    if (perSecond === 0) return;
    const at = now();
    const bucket = this.#bucketOf(caller, at);
    // A clock that was set back fills nothing, and takes nothing away.
    const passed = Math.max(0, at - bucket.filledAt) / 1000;
    bucket.tokens = Math.min(this.#burst, bucket.tokens + passed * perSecond);
    bucket.filledAt = at;
    if (bucket.tokens < WHOLE) {
      throw new Refusal(
        "resource_exhausted",
        `more than ${perSecond} calls a second (limits.${setting}); slow down and try again`,
        { retryAfterMs: Math.max(1, Math.ceil(((1 - bucket.tokens) / perSecond) * 1000)) },
      );
    }
    bucket.tokens = Math.max(0, bucket.tokens - 1);
  }

  #bucketOf(caller: string, at: Millis): Bucket {
    const known = this.#buckets.get(caller);
    if (known) return known;
    if (this.#buckets.size >= MOST_BUCKETS) this.#makeRoom(at);
    const bucket = { tokens: this.#burst, filledAt: at };
    this.#buckets.set(caller, bucket);
    return bucket;
  }

  /** Drops what has been quiet for long enough to be full again; if nobody has, the oldest tenth. */
  #makeRoom(at: Millis): void {
    for (const [caller, { filledAt }] of this.#buckets) {
      if (at - filledAt >= BURST_SECONDS * 1000) this.#buckets.delete(caller);
    }
    if (this.#buckets.size < MOST_BUCKETS) return;
    let surplus = MOST_BUCKETS / 10;
    for (const caller of this.#buckets.keys()) {
      if (surplus-- <= 0) return;
      this.#buckets.delete(caller);
    }
  }
}
