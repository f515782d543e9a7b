/** A reference node as a process of its own that writes down what it runs. Its options, as JSON, are the one argument. */
import { appendFileSync } from "node:fs";
import { type NodeAgent, type NodeOptions, startNodeAgent } from "../../src/agent/index.ts";
import { quietLog } from "../support/quiet.ts";
import type { NodeLine } from "./evidence.ts";

const { history, ...options } = JSON.parse(process.argv[2] ?? "") as Omit<NodeOptions, "log"> & {
  readonly history: string;
};
let agent: NodeAgent | null = null;
agent = await startNodeAgent({
  ...options,
  log: quietLog,
  onRun: ({ type, jobId, attempt, at, outcome }) => {
    // It cannot run anything before it is registered, and has its id by then.
    const line: NodeLine = { node: agent?.nodeId ?? "", type, jobId, attempt, at, ...(outcome && { outcome }) };
    appendFileSync(history, `${JSON.stringify(line)}\n`);
  },
});
await agent.registered;
console.log(agent.nodeId);
