/**
 * CYXWIZ amounts. Inside, money is a whole number of base units in a bigint; in JSON and the journal it is that number as
 * decimal text. It is a float only on the wire messages that say so.
 */
export type TokenUnits = bigint;

/** 1 token = 10^9 base units (the mint has 9 decimals). */
export const UNITS_PER_TOKEN = 1_000_000_000n;

/** Base units per second for a CPU job, from the specification's "Cost Estimation". */
const BASE_RATE = 10_000;
const GPU_MULTIPLIER = 10;

export interface PricedResources {
  readonly gpu: boolean;
  readonly ramGb: number;
  readonly seconds: number;
}

/**
 * `10 000 × (gpu ? 10 : 1) × (1 + ram_gb × 0.01) × seconds`, exactly: the RAM factor is taken in hundredths, and 10 000
 * is divisible by 100, so nothing is ever rounded.
 */
export function price({ gpu, ramGb, seconds }: PricedResources): TokenUnits {
  return BigInt(ratePerSecond({ gpu, ramGb })) * BigInt(seconds);
}

/**
 * Base units that a second of these resources costs by the price list; also the measure of fair share. Exact below 2^53, that is
 * for up to 9 million million gigabytes, so it needs no bigint.
 */
export function ratePerSecond({ gpu, ramGb }: Omit<PricedResources, "seconds">): number {
  return (BASE_RATE / 100) * (gpu ? GPU_MULTIPLIER : 1) * (100 + ramGb);
}

/**
 * Whether one amount, as decimal text, is at most another. Becoming a float keeps order, so only amounts that become the
 * same one are compared to the last digit: a bigint is made of text at a hundred times the price, and placement asks this often.
 */
export function isAtMost(amount: string, most: string): boolean {
  const [one, other] = [Number(amount), Number(most)];
  return one === other ? BigInt(amount) <= BigInt(most) : one < other;
}

/** For the wire fields that carry tokens as a double. Exact up to 2^53 base units; display only beyond. */
export function tokensFrom(units: TokenUnits): number {
  return Number(units) / Number(UNITS_PER_TOKEN);
}
