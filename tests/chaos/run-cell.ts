/** One cell: a steady load, a fault in the middle of it, and what it did to the throughput and to the jobs. */
import type { Cell } from "./cells.ts";
import { judge, unfinished, type Verdict } from "./verdict.ts";
import { type Scale, World } from "./world.ts";

/** Seconds. */
export interface Phases {
  readonly warm: number;
  /** How long to wait, after that, until what is offered is done; 0: not at all. */
  readonly steadyWithin: number;
  readonly before: number;
  /** Of a fault that lasts; those that strike at once take no time. */
  readonly during: number;
  readonly after: number;
  /** From the fault's end until every job must have ended. */
  readonly patience: number;
}

export interface CellResult {
  readonly cell: string;
  /** Completions per second. */
  readonly before: number;
  readonly during: number;
  readonly after: number;
  /** How long the fault lasted, in seconds, what it took to end it included. */
  readonly faultSeconds: number;
  /**
   * From the fault's end to the first second from which three seconds bring at least 98 % of what three seconds brought
   * before; undefined: not while it was watched.
   */
  readonly recoveredIn: number | undefined;
  readonly acknowledged: number;
  /** Submissions that were never acknowledged, or refused for good. */
  readonly unanswered: number;
  readonly verdict: Verdict;
  readonly notes: readonly string[];
}

/** What the target allows until the throughput is back; `after` is counted from there. */
const SETTLING = 10;
const ENOUGH = 0.98;
const SPAN = 3;

/** Undefined when this machine has no PostgreSQL. */
export async function runCell(
  cell: Cell,
  scale: Scale,
  phases: Phases,
  onLog: (text: string) => void = () => {},
): Promise<CellResult | undefined> {
  const world = await World.build(scale, cell.needs ?? {}, onLog);
  if (!world) return undefined;
  try {
    world.load.start();
    await seconds(phases.warm);
    if (phases.steadyWithin > 0) await steady(world, scale.rate, phases.steadyWithin);
    const from = performance.now();
    await seconds(phases.before);
    const struckAt = performance.now();
    const notes = await cell.strike(world, phases.during);
    const overAt = performance.now();
    await seconds(phases.after);
    world.load.stop();
    const until = performance.now();
    await settle(world, overAt + phases.patience * 1000);
    const { load } = world;
    const unanswered = load.inFlight + load.refusals.length;
    // Whatever reports are still on their way arrive before the books are closed.
    await seconds(1);
    for (const group of world.groups) group.stop();
    await world.stopServer();
    const at = (times: number) => Math.min(until, overAt + times * 1000);
    const rate = (since: number, to: number) => completions(world, since, to) / ((to - since) / 1000);
    const before = rate(from, struckAt);
    const settled = phases.after > SETTLING ? SETTLING : 0;
    return {
      cell: cell.name,
      before,
      during: rate(struckAt, overAt),
      after: rate(at(settled), until),
      faultSeconds: (overAt - struckAt) / 1000,
      // More than is offered comes only while something is made up for.
      recoveredIn: recovery(world, Math.min(before, scale.rate), overAt, until),
      acknowledged: load.acknowledged.size,
      unanswered,
      verdict: await judge(world.databaseUrl, new Set(load.acknowledged.keys()), world.runs),
      notes: [...notes, ...remarks(world)],
    };
  } finally {
    await world.tearDown();
  }
}

const seconds = (many: number) => Bun.sleep(many * 1000);

/** Until three seconds brought what was offered in them: a fault is measured against an undisturbed load. */
async function steady(world: World, rate: number, within: number): Promise<void> {
  const giveUpAt = performance.now() + within * 1000;
  for (;;) {
    const now = performance.now();
    if (world.load.backlog(world.runs) < rate && completions(world, now - SPAN * 1000, now) >= ENOUGH * rate * SPAN)
      return;
    if (now > giveUpAt) throw new Error("this machine is too busy to hold the load even without a fault: lower --rate");
    await Bun.sleep(250);
  }
}

/** Until all submissions are answered and all jobs have ended, or the patience is over. */
async function settle(world: World, giveUpAt: number): Promise<void> {
  while (performance.now() < giveUpAt) {
    if (world.load.inFlight === 0 && (await unfinished(world.databaseUrl)) === 0) return;
    await Bun.sleep(200);
  }
}

const completions = (world: World, since: number, to: number) =>
  world.runs.filter(({ acceptedAt = 0 }) => acceptedAt >= since && acceptedAt < to).length;

function recovery(world: World, before: number, overAt: number, until: number): number | undefined {
  for (let second = 0; overAt + (second + SPAN) * 1000 <= until; second++) {
    const since = overAt + second * 1000;
    if (completions(world, since, since + SPAN * 1000) >= ENOUGH * before * SPAN) return second;
  }
  return undefined;
}

function remarks(world: World): string[] {
  const remarks: string[] = [];
  if (world.serverDeaths > 0) remarks.push(`server died ${world.serverDeaths}×`);
  if (world.stoppedByForce) remarks.push("the server did not stop on SIGTERM");
  if (world.postgres.revivals > 0) remarks.push(`PostgreSQL died ${world.postgres.revivals}×`);
  if (world.load.repeats > 0) remarks.push(`${world.load.repeats} submissions repeated`);
  if (world.load.refusals.length > 0) remarks.push(`refused: ${world.load.refusals[0]}`);
  return remarks;
}
