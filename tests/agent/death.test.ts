/** A node process that is killed, against a real server. The way to the server leads through a proxy that can be cut. */
import { afterAll, afterEach, beforeAll, expect, test } from "bun:test";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { startNodeAgent } from "../../src/agent/index.ts";
import { cleanUp } from "../support/cleanup.ts";
import { smallJob } from "../support/engine.ts";
import { quietLog } from "../support/quiet.ts";
import { startSharedEmbedded, temporaryDirectory, until } from "../support/servers.ts";
import { type Clients, DatabaseProxy, TestServer } from "../support/test-server.ts";

let server: TestServer;
let clients: Clients;
beforeAll(async () => {
  server = await TestServer.start((await startSharedEmbedded()).url, { "scheduler.offer_exclusion_ms": "200" });
  clients = server.clients();
});
// Takes the nodes out of service: the server thinks them online for a while, and would offer them the next test's job.
afterEach(() => server.clear());
afterAll(() => server.stop());

const contextOf = (jobId: string) => server.core.jobs.peek(jobId)?.snapshot.context;
const optionsOf = (address: string, dataDir: string) => ({
  server: address,
  listenAddress: { host: "127.0.0.1", port: 0 },
  dataDir,
  maxJobs: 1,
  times: { heartbeat: 100, stopAfter: 60_000, firstRetry: 20, slowestRetry: 200 },
});

/** Resolves with the process and its node's id, once that is registered. */
async function spawnNode(address: string, dataDir: string) {
  const child = Bun.spawn(
    [process.execPath, join(import.meta.dir, "node-process.ts"), JSON.stringify(optionsOf(address, dataDir))],
    { stdout: "pipe", stderr: "inherit" },
  );
  cleanUp(() => child.kill("SIGKILL"));
  const { value } = await child.stdout.getReader().read();
  const kill = async () => {
    child.kill("SIGKILL");
    await child.exited;
  };
  return { kill, nodeId: new TextDecoder().decode(value).trim() };
}

test("a result that was ready when its node was killed is delivered by the next process, as the same attempt", async () => {
  const proxy = await DatabaseProxy.start(`tcp://${server.address}`);
  const through = new URL(proxy.url).host;
  const dataDir = temporaryDirectory("killed");
  const outbox = () => readdirSync(join(dataDir, "outbox")).filter((name) => name.endsWith(".json"));
  const first = await spawnNode(through, dataDir);
  const { jobId } = await clients.jobs.submitJob({ config: { ...smallJob, epochs: 2000, estimatedDuration: 600n } });
  // Not merely running: the node must have the server's word that it may begin.
  await until("the node to report an epoch", async () => {
    const { status } = await clients.jobs.getJobStatus({ jobId });
    return status?.metrics.loss !== undefined;
  });
  proxy.cut();
  await until("the result to be stored", () => outbox().length === 1, 30_000);
  expect(outbox()).toEqual([`${jobId}-1.json`]);
  await first.kill();
  proxy.mend();
  const second = await startNodeAgent({ ...optionsOf(through, dataDir), log: quietLog });
  await second.registered;
  expect(second.nodeId).toBe(first.nodeId);
  await server.reaches(jobId, "completed");
  expect((await server.queries.jobs.detail(jobId))?.context?.result).toMatchObject({
    attempt: 1,
    nodeId: first.nodeId,
  });
  await until("the outbox to be empty", () => outbox().length === 0);
  await second.stop();
  await proxy.stop();
});

test("a run that dies with its process is given out again as soon as the next one registers", async () => {
  const dataDir = temporaryDirectory("killed");
  const first = await spawnNode(server.address, dataDir);
  const endless = { ...smallJob, epochs: 100_000, estimatedDuration: 3600n };
  const { jobId } = await clients.jobs.submitJob({ config: endless });
  await server.reaches(jobId, "running.active");
  await first.kill();
  // The kernel has taken the lock from the dead process.
  const second = await startNodeAgent({ ...optionsOf(server.address, dataDir), log: quietLog });
  await until("the second attempt to run", () => contextOf(jobId)?.live?.number === 2 && second.running().length === 1);
  expect(contextOf(jobId)?.history[0]).toMatchObject({ nodeId: first.nodeId, outcome: "lost" });
  await clients.jobs.cancelJob({ jobId });
  await second.stop();
});

test("a node that is stopped has its job given to another at once, at the cost of no retry", async () => {
  const [one, other] = await Promise.all(
    ["one", "other"].map((name) =>
      startNodeAgent({ ...optionsOf(server.address, temporaryDirectory(name)), log: quietLog }),
    ),
  );
  await Promise.all([one!.registered, other!.registered]);
  const endless = { ...smallJob, epochs: 100_000, estimatedDuration: 3600n };
  const { jobId } = await clients.jobs.submitJob({ config: endless });
  await server.reaches(jobId, "running.active");
  const [taken, free] = one!.nodeId === contextOf(jobId)?.live?.nodeId ? [one!, other!] : [other!, one!];
  await taken.stop();
  await until("the other node to run it", () => free.running().includes(jobId));
  await server.reaches(jobId, "running.active");
  expect(contextOf(jobId)).toMatchObject({ retries: 0, losses: 1, live: { number: 2, nodeId: free.nodeId } });
  await clients.jobs.cancelJob({ jobId });
  await free.stop();
});
