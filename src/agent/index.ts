/** The reference compute node: what the command line starts. */
export { type NodeAgent, startNodeAgent } from "./agent.ts";
export type { NodeOptions, NodeTimes, RunEvent } from "./options.ts";
