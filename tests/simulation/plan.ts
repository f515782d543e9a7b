/**
 * What is done to the world, as plain data: when, what, and three numbers that say to whom and how. It does not depend on
 * what became of it before, so any part of a plan is a plan; that is what can be written to a file, replayed and shrunk.
 */
import type { Millis } from "../../src/actors/runtime/index.ts";
import { Chance } from "./chance.ts";

/** How often each is done, against the others. */
const WEIGHTS = {
  // What users do.
  submit: 9,
  rush: 0.3,
  submitAgain: 3,
  cancel: 2,
  lockFunds: 2,
  complain: 0.5,
  // What operators do.
  cordon: 0.7,
  drain: 0.7,
  uncordon: 4,
  ban: 0.4,
  unban: 4,
  pauseBrokering: 0.15,
  resumeBrokering: 2,
  // What happens to nodes, and what bad ones do.
  killNode: 1.5,
  killNewborn: 0.7,
  stallNode: 2.5,
  disobey: 1,
  omit: 1,
  claim: 1,
  lie: 6,
  repeat: 3,
  // The network.
  cut: 1.2,
  drop: 1.5,
  duplicate: 1.5,
  delay: 1.5,
  // The database.
  loseCommits: 0.7,
  doubtCommits: 0.7,
  landLate: 0.7,
  outage: 0.5,
  slowDatabase: 0.7,
  // The chain, and the wallets of users.
  chainDrop: 0.7,
  chainLate: 0.7,
  chainError: 0.7,
  chainOutage: 0.5,
  chainLag: 0.7,
  chainFork: 0.7,
  fund: 0.5,
  // The server.
  crash: 0.3,
  crashMidway: 0.6,
  freeze: 0.4,
  usurp: 0.35,
  setClock: 0.3,
} as const;

export type Deed = keyof typeof WEIGHTS;

export interface Action {
  readonly at: Millis;
  readonly do: Deed;
  /** Each in [0, 1); what they mean is the deed's affair. */
  readonly a: number;
  readonly b: number;
  readonly c: number;
}

const DEEDS = Object.keys(WEIGHTS) as readonly Deed[];
/** How much more often a deed is done that a plan is to be full of. */
const STRESS = 8;
const MEAN_PAUSE: Millis = 700;

export const isDeed = (name: string): name is Deed => name in WEIGHTS;

/** Without end, in order of time; full of some deeds, if any are named. */
export function* planOf(seed: number, stressed: readonly Deed[] = []): Generator<Action> {
  const chance = new Chance(seed);
  const weightOf = (deed: Deed): number => WEIGHTS[deed] * (stressed.includes(deed) ? STRESS : 1);
  const total = DEEDS.reduce((sum, deed) => sum + weightOf(deed), 0);
  const number = (what: string): number => Math.floor(chance.draw(what) * 10_000) / 10_000;
  for (let at: Millis = 0; ; ) {
    at += Math.ceil(-Math.log(1 - chance.draw("pause")) * MEAN_PAUSE);
    let point = chance.draw("deed") * total;
    const deed = DEEDS.find((one) => {
      point -= weightOf(one);
      return point < 0;
    });
    yield { at, do: deed ?? "submit", a: number("a"), b: number("b"), c: number("c") };
  }
}
