/** What really ran, by the nodes' own account: never one job twice at once (I2), never more than a node holds (I3). Pure. */
import type { Fault } from "./checker.ts";
import type { Evidence, NodeLine } from "./evidence.ts";
import { jobContext, type Life } from "./replayed.ts";

type Lives = ReadonlyMap<string, Life>;

interface Run {
  readonly node: string;
  readonly jobId: string;
  readonly attempt: number;
  readonly from: number;
  /** Infinity while it runs. */
  readonly to: number;
  readonly outcome: NodeLine["outcome"];
}

export function checkRuns(evidence: Evidence, lives: Lives): readonly Fault[] {
  const runs = runsOf(evidence.runs);
  return [
    ...twiceAtOnce(runs),
    ...unbidden(runs, lives),
    ...wonByOthers(runs, lives),
    ...earnedTwice(evidence, lives),
    ...overfull(runs, evidence),
  ];
}

const twice = (what: string): Fault => ({ promise: "I2", what });

function runsOf(lines: readonly NodeLine[]): readonly Run[] {
  const key = ({ node, jobId, attempt }: NodeLine) => `${node} ${jobId} ${attempt}`;
  const ends = Map.groupBy(
    lines.filter(({ type }) => type === "ended"),
    key,
  );
  return lines
    .filter(({ type }) => type === "started")
    .map((line) => {
      const end = ends.get(key(line))?.shift();
      const { node, jobId, attempt, at } = line;
      return { node, jobId, attempt, from: at, to: end?.at ?? Number.POSITIVE_INFINITY, outcome: end?.outcome };
    });
}

function twiceAtOnce(runs: readonly Run[]): readonly Fault[] {
  return [...Map.groupBy(runs, ({ jobId }) => jobId).values()].flatMap((ofJob) =>
    ofJob.flatMap((one, index) =>
      ofJob.slice(index + 1).flatMap((other) => {
        const pair = `job ${one.jobId}: attempt ${one.attempt} on ${one.node} and ${other.attempt} on ${other.node}`;
        if (one.attempt === other.attempt) return [twice(`${pair} are one attempt begun twice`)];
        return one.from < other.to && other.from < one.to ? [twice(`${pair} ran at the same time`)] : [];
      }),
    ),
  );
}

/** A node begins only after the server has said yes to that attempt, and a yes is an acknowledgement: the log must have it. */
function unbidden(runs: readonly Run[], lives: Lives): readonly Fault[] {
  return runs.flatMap(({ node, jobId, attempt }) => {
    const began = (lives.get(`job/${jobId}`)?.steps ?? []).some((step) => {
      const { live } = jobContext(step);
      return step.state.startsWith("running.") && live?.number === attempt && live.nodeId === node;
    });
    const what = `${node} was let begin attempt ${attempt} of job ${jobId}, of which the log knows nothing`;
    return began ? [] : [{ promise: "I1", what } as const];
  });
}

/** The result that counts is of the attempt that was live, and of a run that its node really finished. */
function wonByOthers(runs: readonly Run[], lives: Lives): readonly Fault[] {
  return jobsOf(lives).flatMap(({ id, steps }) =>
    steps.flatMap((step, index) => {
      const { result } = jobContext(step);
      const before = steps[index - 1];
      if (result === null || before === undefined || jobContext(before).result !== null) return [];
      const { live } = jobContext(before);
      const { nodeId, attempt } = result;
      const what = `job ${id} has the result of attempt ${attempt} on ${nodeId}`;
      if (live?.number !== attempt || live.nodeId !== nodeId)
        return [twice(`${what}, while attempt ${live?.number} on ${live?.nodeId} was live`)];
      const isReal = runs.some(
        (run) => run.jobId === id && run.attempt === attempt && run.node === nodeId && run.outcome === "completed",
      );
      return isReal ? [] : [twice(`${what}, which that node never finished`)];
    }),
  );
}

/** Each completed job is to its node's credit once, as soon as that is settled. */
function earnedTwice({ actors }: Evidence, lives: Lives): readonly Fault[] {
  const won = new Map<string, { settled: number; open: number }>();
  for (const { steps } of jobsOf(lives)) {
    const last = steps.at(-1);
    if (last?.state !== "completed") continue;
    const { result, unsettled } = jobContext(last);
    if (result === null) continue;
    const count = won.get(result.nodeId) ?? { settled: 0, open: 0 };
    if (unsettled.some(({ outcome }) => outcome === "completed")) count.open += 1;
    else count.settled += 1;
    won.set(result.nodeId, count);
  }
  return actors.flatMap(({ kind, id, snapshot }) => {
    if (kind !== "node") return [];
    const credited =
      (snapshot as { readonly context?: { readonly jobsCompleted?: number } }).context?.jobsCompleted ?? 0;
    const { settled = 0, open = 0 } = won.get(id) ?? {};
    if (credited >= settled && credited <= settled + open) return [];
    return [twice(`node ${id} is credited with ${credited} jobs and has completed ${settled} (${open} to be settled)`)];
  });
}

function overfull(runs: readonly Run[], { actors }: Evidence): readonly Fault[] {
  return [...Map.groupBy(runs, ({ node }) => node)].flatMap(([node, here]) => {
    const slots = slotsOf(actors.find(({ kind, id }) => kind === "node" && id === node)?.snapshot);
    const most = Math.max(...here.map(({ from }) => here.filter((run) => run.from <= from && from < run.to).length));
    if (most <= slots) return [];
    return [{ promise: "I3", what: `node ${node} ran ${most} jobs at once and has ${slots} slots` } as const];
  });
}

const slotsOf = (snapshot: unknown): number =>
  (snapshot as { readonly context?: { readonly profile?: { readonly slots?: number } } } | undefined)?.context?.profile
    ?.slots ?? 0;

const jobsOf = (lives: Lives): readonly Life[] => [...lives.values()].filter(({ kind }) => kind === "job");
