/** The reference compute node: what the command line starts. */
export { type NodeAgent, startNodeAgent } from "./agent.ts";
export type { NodeOptions, NodeTimes, RunEvent, RunProgress } from "./options.ts";
export { DEFAULT_TIMES } from "./options.ts";
