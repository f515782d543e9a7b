/** A failing run as a file: all that is needed to run it again. */
import { type Action, isDeed } from "./plan.ts";
import type { Sabotage } from "./store.ts";
import type { Outcome, Trial } from "./world.ts";

export interface Trace {
  readonly seed: number;
  readonly mode: Trial["mode"];
  readonly sabotage: Sabotage | null;
  readonly until: number;
  /** What happened at the end of it. */
  readonly breach: Outcome["breach"];
  readonly hash: string;
  readonly plan: readonly Action[];
}

export const traceOf = (trial: Trial & { readonly plan: readonly Action[] }, { breach, hash }: Outcome): Trace => ({
  seed: trial.seed,
  mode: trial.mode,
  sabotage: trial.sabotage ?? null,
  until: trial.until ?? Number.MAX_SAFE_INTEGER,
  breach,
  hash,
  plan: trial.plan,
});

export const trialOf = ({ seed, mode, sabotage, until, plan }: Trace): Trial => ({
  seed,
  mode,
  sabotage,
  until,
  plan,
  steps: Number.POSITIVE_INFINITY,
});

/** One action to a line, so that people can read it and take lines out. */
export function textOf(trace: Trace): string {
  const { plan, ...head } = trace;
  const lines = plan.map((action) => `    ${JSON.stringify(action)}`);
  const rest = JSON.stringify(head, null, 2).replace(/\n}$/, "");
  return `${rest},\n  "plan": [${lines.length > 0 ? `\n${lines.join(",\n")}\n  ` : ""}]\n}\n`;
}

/** @throws Error for what is no trace of this version */
export function readTrace(text: string): Trace {
  const trace = JSON.parse(text) as Trace;
  const unknown = trace.plan.find((action) => !isDeed(action.do));
  if (unknown) throw new Error(`no such deed: ${unknown.do}; the trace is of another version`);
  return trace;
}
