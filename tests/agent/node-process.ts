/** A node as a process of its own, to be killed. Its options, as JSON, are the one argument. */
import { startNodeAgent } from "../../src/agent/index.ts";
import { quietLog } from "../support/quiet.ts";

const agent = await startNodeAgent({ ...JSON.parse(process.argv[2] ?? ""), log: quietLog });
await agent.registered;
console.log(agent.nodeId);
