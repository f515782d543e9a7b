/**
 * What jobs ask of nodes beside hardware, on 32 bits: a search passes by the nodes of a shelf that a job rules out without a
 * look at their lines. A node has a bit for each of its names and for each step that its numbers reach; a job asks for bits.
 * Names share bits and steps are coarse, so a node that has them may still fall short, and one that lacks any surely does.
 */
import { UNITS_PER_TOKEN } from "../../domain/money.ts";

const REGIONS = 8;
const FORMATS = 6;
const RUNTIMES = 4;

/** Chosen by what is asked for, not by any fleet: a step that nobody has costs nothing but its bit. */
const REPUTATIONS = [60, 75, 85, 95];
const STAKES = [10, 100, 250, 500, 1000].map((tokens) => tokens * Number(UNITS_PER_TOKEN));
const HOURLY_PRICES = [0.25, 0.5, 1, 2].map((tokens) => tokens * Number(UNITS_PER_TOKEN));

const FORMAT = REGIONS;
const RUNTIME = FORMAT + FORMATS;
const REPUTATION = RUNTIME + RUNTIMES;
const STAKE = REPUTATION + REPUTATIONS.length;
const PRICE = STAKE + STAKES.length;
/** The last: the node names a price, so the price list does not hold. */
const OWN_PRICE = PRICE + HOURLY_PRICES.length;

/** Of regions asked for, by their bits, a node must have one mark; 0 where any region will do. */
export const marksOfRegions = (low: number, high: number): number => folded(low, REGIONS, 0) | folded(high, REGIONS, 0);

/** Of the bits of formats and runtimes. */
const marksOfSoftware = (formats: number, runtimes: number): number =>
  folded(formats, FORMATS, FORMAT) | folded(runtimes, RUNTIMES, RUNTIME);

/** As many bits as there are, at this place, for the 32 of a word. */
function folded(word: number, bits: number, at: number): number {
  let marks = 0;
  for (let rest = word; rest !== 0; rest &= rest - 1) marks |= 1 << (at + ((31 - Math.clz32(rest & -rest)) % bits));
  return marks;
}

/** What a node has, its names by the bits that `NameBits` gives them. */
export interface Marked {
  readonly regions: readonly number[];
  readonly formats: number;
  readonly runtimes: number;
  readonly reputation: number;
  readonly stake: number;
  /** By the hour, in base units; null where the network's price list holds. */
  readonly price: number | null;
}

export function marksOfNode({ regions, formats, runtimes, reputation, stake, price }: Marked): number {
  let marks = marksOfRegions(regions[0] ?? 0, regions[1] ?? 0) | marksOfSoftware(formats, runtimes);
  for (const [step, floor] of REPUTATIONS.entries()) if (reputation >= floor) marks |= 1 << (REPUTATION + step);
  for (const [step, floor] of STAKES.entries()) if (stake >= floor) marks |= 1 << (STAKE + step);
  for (const [step, most] of HOURLY_PRICES.entries()) if (price === null || price <= most) marks |= 1 << (PRICE + step);
  return price === null ? marks : marks | (1 << OWN_PRICE);
}

/** The marks of which a node must have all. Regions are another matter: it must be in one of them. */
export function marksAsked(
  formats: number,
  runtimes: number,
  reputation: number,
  stake: number,
  price: number,
): number {
  let marks = marksOfSoftware(formats, runtimes);
  for (let step = REPUTATIONS.length - 1; step >= 0; step--)
    if ((REPUTATIONS[step] as number) <= reputation) {
      marks |= 1 << (REPUTATION + step);
      break;
    }
  for (let step = STAKES.length - 1; step >= 0; step--)
    if ((STAKES[step] as number) <= stake) {
      marks |= 1 << (STAKE + step);
      break;
    }
  for (let step = 0; step < HOURLY_PRICES.length; step++)
    if ((HOURLY_PRICES[step] as number) >= price) {
      marks |= 1 << (PRICE + step);
      break;
    }
  return marks;
}

/** The mark of a node that names a price of its own: what a job needs that the network's price list is too dear for. */
export const PRICED = 1 << OWN_PRICE;
