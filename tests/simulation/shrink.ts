/**
 * Makes a failing run small: takes away parts of its plan, large ones first, for as long as the same law is broken without
 * them, and until the time is up. What is left is a plan in which, tried one by one, nothing can be missed.
 */
import type { Millis } from "../../src/actors/runtime/index.ts";
import type { Action } from "./plan.ts";
import { type Outcome, type Trial, World } from "./world.ts";

/** A breach may come a little later in a run with fewer faults. */
const SLACK: Millis = 10_000;

export interface Shrunk {
  readonly trial: Trial & { readonly plan: readonly Action[] };
  readonly outcome: Outcome;
  readonly runs: number;
  /** False: the time was up before every single action had been tried. */
  readonly isMinimal: boolean;
}

/** @returns null where the run does not fail again: then it was not decided by its seed and plan, which is a bug of its own */
export async function shrink(trial: Trial, failed: Outcome, budget: Millis): Promise<Shrunk | null> {
  const law = failed.breach?.law;
  const until = Math.min(failed.faultsUntil, failed.breach?.at ?? failed.faultsUntil) + SLACK;
  const bounded = { ...trial, until, steps: Number.POSITIVE_INFINITY };
  const end = performance.now() + budget;
  let runs = 0;
  const attempt = async (plan: readonly Action[]): Promise<Outcome | null> => {
    runs += 1;
    const outcome = await new World({ ...bounded, plan }).run();
    return outcome.breach?.law === law ? outcome : null;
  };

  let plan = failed.actions;
  let outcome = await attempt(plan);
  if (outcome === null) return null;
  let size = Math.ceil(plan.length / 2);
  while (size >= 1 && performance.now() < end) {
    const before = plan.length;
    for (let from = 0; from < plan.length && performance.now() < end; ) {
      const fewer = plan.filter((_, index) => index < from || index >= from + size);
      const still = await attempt(fewer);
      if (still === null) from += size;
      else {
        // What came after the breach is of no account.
        plan = still.actions;
        outcome = still;
      }
    }
    if (size === 1 && plan.length === before) return { trial: { ...bounded, plan }, outcome, runs, isMinimal: true };
    size = size === 1 ? 1 : Math.ceil(size / 2);
  }
  return { trial: { ...bounded, plan }, outcome, runs, isMinimal: false };
}
