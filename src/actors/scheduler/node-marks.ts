/**
 * What jobs ask of nodes beside hardware, on 32 bits: a search passes by the nodes of a shelf that a job rules out without a
 * look at their lines. A node has a bit for each of its names and for each step that its numbers reach; a job asks for bits.
 * Names share bits and steps are coarse, so a node that has them may still fall short, and one that lacks any surely does.
 */
import type { Requirements } from "../../domain/job-spec.ts";
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

/** Of names their bits as `NameBits` tells them. */
export interface NamedBits {
  readonly regions: readonly number[];
  readonly formats: number;
  readonly runtimes: number;
}

const marksOfNames = ({ regions, formats, runtimes }: NamedBits): number =>
  marksOfRegions(regions) | folded(formats, FORMATS, FORMAT) | folded(runtimes, RUNTIMES, RUNTIME);

/** Of regions asked for a node must have one mark; 0 where any region will do. */
export const marksOfRegions = (regions: readonly number[]): number =>
  regions.reduce((marks, word) => marks | folded(word, REGIONS, 0), 0);

/** As many bits as there are, at this place, for the 32 of a word. */
function folded(word: number, bits: number, at: number): number {
  let marks = 0;
  for (let rest = word; rest !== 0; rest &= rest - 1) marks |= 1 << (at + ((31 - Math.clz32(rest & -rest)) % bits));
  return marks;
}

/** `price`: by the hour, in base units; null where the network's price list holds. */
export function marksOfNode(names: NamedBits, reputation: number, stake: number, price: number | null): number {
  let marks = marksOfNames(names);
  for (const [step, floor] of REPUTATIONS.entries()) if (reputation >= floor) marks |= 1 << (REPUTATION + step);
  for (const [step, floor] of STAKES.entries()) if (stake >= floor) marks |= 1 << (STAKE + step);
  for (const [step, most] of HOURLY_PRICES.entries()) if (price === null || price <= most) marks |= 1 << (PRICE + step);
  return price === null ? marks : marks | (1 << OWN_PRICE);
}

/** The marks of which a node must have all. Regions are another matter: it must be in one of them. */
export function marksAsked(
  { minReputation, minStake, maxPricePerHour }: Requirements,
  { formats, runtimes }: NamedBits,
  listPriceWillDo: boolean,
): number {
  let marks = marksOfNames({ regions: [], formats, runtimes });
  const reputation = REPUTATIONS.findLastIndex((floor) => floor <= (minReputation ?? Number.NEGATIVE_INFINITY));
  if (reputation >= 0) marks |= 1 << (REPUTATION + reputation);
  const stake = STAKES.findLastIndex((floor) => floor <= Number(minStake ?? Number.NEGATIVE_INFINITY));
  if (stake >= 0) marks |= 1 << (STAKE + stake);
  const price = HOURLY_PRICES.findIndex((most) => most >= Number(maxPricePerHour ?? Number.POSITIVE_INFINITY));
  if (price >= 0) marks |= 1 << (PRICE + price);
  return listPriceWillDo ? marks : marks | (1 << OWN_PRICE);
}
