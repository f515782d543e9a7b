/** Real nodes for tests, in this process, with a record of what each ran and when. */
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { type NodeAgent, type NodeTimes, type RunEvent, startNodeAgent } from "../../src/agent/index.ts";
import { quietLog } from "./quiet.ts";
import { temporaryDirectory } from "./servers.ts";

export interface RecordedRun {
  readonly node: number;
  readonly jobId: string;
  readonly attempt: number;
  readonly startedAt: number;
  /** Infinity while it runs. */
  endedAt: number;
  outcome: RunEvent["outcome"];
}

export class TestNodes {
  readonly runs: RecordedRun[] = [];
  readonly agents: NodeAgent[] = [];
  readonly #home = temporaryDirectory("nodes");

  async start(
    count: number,
    server: string,
    times: Partial<NodeTimes>,
    maxJobs = 1,
    walletAddress = "",
  ): Promise<void> {
    for (let index = 0; index < count; index++) {
      const node = this.agents.length;
      const dataDir = join(this.#home, String(node));
      mkdirSync(dataDir, { recursive: true });
      const agent = await startNodeAgent({
        server,
        name: `test-${node}`,
        listenAddress: { host: "127.0.0.1", port: 0 },
        dataDir,
        maxJobs,
        walletAddress,
        log: quietLog,
        times,
        onRun: (event) => this.#record(node, event),
      });
      this.agents.push(agent);
    }
    await Promise.all(this.agents.map((agent) => agent.registered));
  }

  async stop(): Promise<void> {
    await Promise.all(this.agents.map((agent) => agent.stop()));
  }

  /** Pairs of runs of one job on two nodes that overlapped in time. */
  overlaps(): readonly (readonly [RecordedRun, RecordedRun])[] {
    const byJob = Map.groupBy(this.runs, (run) => run.jobId);
    return [...byJob.values()].flatMap((runs) =>
      runs.flatMap((one, index) =>
        runs
          .slice(index + 1)
          .filter((other) => other.node !== one.node && other.startedAt < one.endedAt && one.startedAt < other.endedAt)
          .map((other) => [one, other] as const),
      ),
    );
  }

  #record(node: number, { type, jobId, attempt, at, outcome }: RunEvent): void {
    if (type === "started") {
      this.runs.push({ node, jobId, attempt, startedAt: at, endedAt: Number.POSITIVE_INFINITY, outcome: undefined });
      return;
    }
    const run = this.runs.findLast((one) => one.node === node && one.jobId === jobId && one.attempt === attempt);
    if (run) Object.assign(run, { endedAt: at, outcome });
  }
}
