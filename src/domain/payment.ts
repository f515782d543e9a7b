/** What an escrow pays to whom. Pure; the program on the chain (`programs/job-escrow`) reckons the same. */
import type { TokenUnits } from "./money.ts";

/** The parts of one fee are hundredths of a percent. */
export const WHOLE_BPS = 10_000n;

export interface Shares {
  readonly node: TokenUnits;
  readonly fee: TokenUnits;
}

const feeOn = (amount: TokenUnits, feeBps: number): TokenUnits => (amount * BigInt(feeBps)) / WHOLE_BPS;

/**
 * How an escrow that has released so much before shares the next amount. The fee is what is due on all that is released then,
 * less what was due before: so the fees of all parts add up to that of the whole, however it was cut, and nobody loses a unit by
 * being paid in parts.
 */
export function sharesOf(amount: TokenUnits, releasedBefore: TokenUnits, feeBps: number): Shares {
  const fee = feeOn(releasedBefore + amount, feeBps) - feeOn(releasedBefore, feeBps);
  return { node: amount - fee, fee };
}

/** The amount in so many portions as equal as whole units can be. */
export const portionsOf = (amount: TokenUnits, many: number): readonly TokenUnits[] =>
  Array.from({ length: many }, (_, index) => {
    const upTo = (count: number): TokenUnits => (amount * BigInt(count)) / BigInt(many);
    return upTo(index + 1) - upTo(index);
  });

/** Before the work is done no more than this is paid out, whatever progress is told. */
const MOST_BEFORE_COMPLETION = 90n;
/** Progress is a fraction; it counts in millionths, rounded down. */
const MILLION = 1_000_000;

/** What progress (0..1) has earned of the price, at most nine tenths of it. */
export function earnedBy(progress: number, price: TokenUnits): TokenUnits {
  const told = progress > 0 ? Math.floor(Math.min(1, progress) * MILLION) : 0;
  const earned = (price * BigInt(told)) / BigInt(MILLION);
  const most = (price * MOST_BEFORE_COMPLETION) / 100n;
  return earned < most ? earned : most;
}
