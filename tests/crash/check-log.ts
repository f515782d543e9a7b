/**
 * The log itself: replayed it gives the rows (I9); no attempt becomes another without having ended (I2); and at no commit
 * do live attempts exceed their node (I3). Pure.
 */
import { isDeepStrictEqual } from "node:util";
import { nodesOf } from "../../src/actors/job/attempt.ts";
import type { NodeContext } from "../../src/actors/node/state.ts";
import type { Fault } from "./checker.ts";
import type { Evidence, Transition } from "./evidence.ts";
import { jobContext, type Life, type Step } from "./replayed.ts";

type Lives = ReadonlyMap<string, Life>;

export function checkLog(evidence: Evidence, lives: Lives): readonly Fault[] {
  return [...unlikeRows(evidence, lives), ...swappedAttempts(lives), ...overcommitted(evidence, lives)];
}

const unlike = (what: string): Fault => ({ promise: "I9", what });

function unlikeRows({ actors, jobs, poison }: Evidence, lives: Lives): readonly Fault[] {
  const faults = poison.map((what) => unlike(`an event could not be applied: ${what}`));
  const rows = new Map(actors.map((row) => [`${row.kind}/${row.id}`, row]));
  for (const [name, { steps, snapshot, broken }] of lives) {
    const row = rows.get(name);
    const gap = steps.findIndex(({ transition }, index) => transition.version !== index + 1);
    if (broken !== null) faults.push(unlike(`${name}: ${broken}`));
    else if (row === undefined) faults.push(unlike(`${name} has a log and no row`));
    else if (gap >= 0) faults.push(unlike(`${name}: version ${gap + 1} is missing from its log`));
    else if (row.version !== steps.length)
      faults.push(unlike(`${name}: its row is at version ${row.version}, its log at ${steps.length}`));
    else if (!isDeepStrictEqual(snapshot, row.snapshot))
      faults.push(unlike(`${name}: its log replayed is not its row`));
    faults.push(...misnamed(name, steps));
  }
  for (const name of rows.keys()) if (!lives.has(name)) faults.push(unlike(`${name} has a row and no log`));
  for (const { id, state, attempt, version } of jobs) {
    const last = lives.get(`job/${id}`)?.steps.at(-1);
    const row = { state, attempt, version };
    const replayed = last && { state: last.state, attempt: jobContext(last).attempt, version: last.transition.version };
    if (!isDeepStrictEqual(row, replayed))
      faults.push(unlike(`jobs ${id}: the row is ${JSON.stringify(row)}, the log ${JSON.stringify(replayed)}`));
  }
  return faults;
}

/** The names of states in the log are what people read; the machine must agree with them at each step. */
function misnamed(name: string, steps: readonly Step[]): readonly Fault[] {
  if (!name.startsWith("job/")) return [];
  const wrong = steps.find(({ transition, state }) => transition.to !== state);
  if (wrong === undefined) return [];
  const { version, to } = wrong.transition;
  return [unlike(`${name}: version ${version} is ${to} in the log and ${wrong.state} replayed`)];
}

function swappedAttempts(lives: Lives): readonly Fault[] {
  return [...lives.values()].flatMap(({ kind, id, steps }) => {
    if (kind !== "job") return [];
    return steps.flatMap((step, index): readonly Fault[] => {
      const previous = steps[index - 1];
      const before = previous === undefined ? null : jobContext(previous).live;
      const now = jobContext(step).live;
      if (before === null || now === null || before.number === now.number) return [];
      return [{ promise: "I2", what: `job ${id}: attempt ${before.number} became ${now.number} without having ended` }];
    });
  });
}

/** Follows all logs together, commit by commit: what one transaction wrote became visible at once. */
function overcommitted({ transitions }: Evidence, lives: Lives): readonly Fault[] {
  const stepOf = new Map<Transition, Step>();
  for (const { steps } of lives.values()) for (const step of steps) stepOf.set(step.transition, step);
  const slots = new Map<string, number>();
  const placed = new Map<string, readonly string[]>();
  const found = new Map<string, Fault>();
  for (const [index, transition] of transitions.entries()) {
    const step = stepOf.get(transition);
    if (step && transition.kind === "node") slots.set(transition.id, (step.context as NodeContext).profile.slots);
    if (step && transition.kind === "job") {
      const { live } = jobContext(step);
      if (live === null) placed.delete(transition.id);
      else placed.set(transition.id, nodesOf(live));
    }
    if (transitions[index + 1]?.commit === transition.commit) continue;
    const load = Map.groupBy([...placed.values()].flat(), (node) => node);
    for (const [node, { length }] of load) {
      const room = slots.get(node) ?? 0;
      if (length > room && !found.has(node))
        found.set(node, { promise: "I3", what: `node ${node} had ${length} live attempts and ${room} slots` });
    }
  }
  return [...found.values()];
}
