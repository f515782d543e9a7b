/** Gangs through everything real: the server as a process, its database, and nodes that train together over their own sockets. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { StatusCode } from "../../src/transport/grpc/protocol.ts";
import { TestNodes } from "../support/agents.ts";
import { Engine, smallJob } from "../support/engine.ts";
import { ServerProcess } from "../support/server-process.ts";
import { temporaryDirectory, until } from "../support/servers.ts";

const TIMES = { heartbeat: 300, firstRetry: 50, slowestRetry: 500 };

describe("a gang", () => {
  let server: ServerProcess;
  let engine: Engine;
  const nodes = new TestNodes();

  beforeAll(async () => {
    server = await ServerProcess.prepare({
      settings: {
        "server.data_dir": temporaryDirectory("gang"),
        "scheduler.heartbeat_interval_ms": "300",
        "scheduler.node_heartbeat_timeout_ms": "3000",
        "scheduler.grace_period_ms": "3000",
        "scheduler.offer_exclusion_ms": "500",
        "node_link.probe_interval_ms": "300",
      },
    });
    await server.start();
    engine = new Engine(server.address);
  }, 60_000);

  afterAll(async () => {
    await nodes.stop();
    engine.close();
    await server.stop();
  }, 60_000);

  const gangOf = (size: number, epochs: number) => ({
    ...smallJob,
    epochs,
    hyperparameters: { ...smallJob.hyperparameters, "cyxwiz.gang.size": String(size) },
  });
  const ended = async (id: string): Promise<StatusCode> => {
    await until(
      `job ${id} to end`,
      async () => (await engine.status(id)).status >= StatusCode.STATUS_COMPLETED,
      60_000,
    );
    return (await engine.status(id)).status;
  };
  const runsOf = (id: string) => nodes.runs.filter(({ jobId }) => jobId === id);

  test("never holds nodes while it waits for the rest, and starts on all of them at once", async () => {
    await nodes.start(2, server.address, TIMES);
    const id = await engine.submit(gangOf(3, 3));
    const alone = await engine.submit(smallJob);
    // Two nodes are free and the gang was there first: the small job behind it gets one all the same.
    expect(await ended(alone)).toBe(StatusCode.STATUS_COMPLETED);
    expect((await engine.status(id)).status).toBe(StatusCode.STATUS_PENDING);
    expect(runsOf(id)).toEqual([]);
    await nodes.start(1, server.address, TIMES);
    expect(await ended(id)).toBe(StatusCode.STATUS_COMPLETED);
    const runs = runsOf(id);
    expect(new Set(runs.map(({ node }) => node)).size).toBe(3);
    expect(new Set(runs.map(({ attempt }) => attempt)).size).toBe(1);
    const status = await engine.status(id);
    expect(status.metrics.accuracy).toBeGreaterThan(0);
    expect(status.currentEpoch).toBe(3);
  }, 120_000);

  test("survives the server being killed in the middle of the training", async () => {
    const id = await engine.submit(gangOf(3, 300));
    await until("it to train", async () => (await engine.status(id)).currentEpoch > 3, 30_000);
    await server.kill();
    await server.start();
    expect(await ended(id)).toBe(StatusCode.STATUS_COMPLETED);
    // All three went on where they were: nobody began again.
    expect(runsOf(id)).toHaveLength(3);
  }, 120_000);

  test("one dead member ends it for all, and it runs again on those that are left", async () => {
    const id = await engine.submit(gangOf(2, 1000));
    await until("it to train", async () => (await engine.status(id)).currentEpoch > 3, 30_000);
    const [member] = runsOf(id);
    await nodes.agents[member?.node ?? 0]?.stop();
    expect(await ended(id)).toBe(StatusCode.STATUS_COMPLETED);
    const last = Math.max(...runsOf(id).map(({ attempt }) => attempt));
    expect(last).toBeGreaterThan(1);
    const members = runsOf(id).filter(({ attempt }) => attempt === last);
    expect(members.map(({ node }) => node)).not.toContain(member?.node);
    expect(members).toHaveLength(2);
  }, 120_000);
});
