/** The gate before a real gRPC server that refuses all submissions, or none. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import http2 from "node:http2";
import { join } from "node:path";
import { createChannel, createClient, createServer, type Server, type ServiceImplementation } from "nice-grpc";
import { type Answer, FrameClient } from "../../../../bench/frame-client.ts";
import { Refusal } from "../../../../src/domain/refusal.ts";
import { systemClock } from "../../../../src/observability/index.ts";
import { errorMiddleware } from "../../../../src/transport/grpc/errors.ts";
import { Gate } from "../../../../src/transport/grpc/gate/index.ts";
import { JobServiceDefinition, SubmitJobRequest } from "../../../../src/transport/grpc/protocol.ts";
import { rememberingLog } from "../../../support/quiet.ts";

const RESOURCE_EXHAUSTED = 8;
const SUBMIT = JobServiceDefinition.submitJob.path;
const request = SubmitJobRequest.encode({ config: { modelDefinition: "{}" } });

let full = false;
/** Whether that is the server's trouble or the caller's. */
let whoever = false;
let read = 0;
let server: Server;
let gate: Gate;
let address: string;
const log = rememberingLog();

const never = async (): Promise<never> => {
  throw new Refusal("unimplemented", "not part of this test");
};
const jobs: ServiceImplementation<typeof JobServiceDefinition> = {
  async submitJob() {
    read += 1;
    if (full) throw new Refusal("resource_exhausted", "100 % full; try again", { retryAfterMs: 1500, whoever });
    return { jobId: "taken" };
  },
  async getJobStatus({ jobId }) {
    return { status: { jobId } };
  },
  async *streamJobUpdates() {},
  cancelJob: never,
  listJobs: never,
  deleteJob: never,
};

beforeAll(async () => {
  server = createServer();
  gate = new Gate({ path: SUBMIT, now: systemClock.now, log });
  const toRefusal = (error: unknown) => (error instanceof Refusal ? error : new Refusal("internal", String(error)));
  server.with(errorMiddleware(toRefusal)).with(gate.middleware()).add(JobServiceDefinition, jobs);
  address = `127.0.0.1:${await gate.before(() => server.listen("127.0.0.1:0"))}`;
});
afterAll(() => server.forceShutdown());
beforeEach(() => {
  full = false;
  whoever = false;
  read = 0;
});

const call = (client: FrameClient): Promise<Answer> => new Promise((resolve) => client.call(resolve));

/** Submits ten at a time until `enough`. */
async function flood(client: FrameClient, enough: () => boolean): Promise<Answer[]> {
  const answers: Answer[] = [];
  const until = performance.now() + 30_000;
  while (!enough()) {
    if (performance.now() > until) throw new Error("it never was enough");
    answers.push(...(await Promise.all(Array.from({ length: 10 }, () => call(client)))));
    await Bun.sleep(5);
  }
  return answers;
}

describe("a flood of submissions that are refused", () => {
  test("is refused unread after a while, in the same words, and taken again when there is room", async () => {
    const client = new FrameClient(address, SUBMIT, request);
    expect((await flood(client, () => read >= 50)).every(({ status }) => status === 0)).toBe(true);
    full = true;
    const before = gate.refused;
    const answers = await flood(client, () => gate.refused - before >= 500);
    expect(answers.filter(({ status, hinted }) => status !== RESOURCE_EXHAUSTED || !hinted)).toEqual([]);
    // The operator hears of it, and not of each.
    expect(log.lines.map(({ message }) => message)).toEqual([expect.stringContaining("refused unread")]);
    full = false;
    let quiet = gate.refused;
    let since = performance.now();
    const later = await flood(client, () => {
      if (gate.refused !== quiet) [quiet, since] = [gate.refused, performance.now()];
      return performance.now() - since > 500;
    });
    expect(later.at(-1)?.status).toBe(0);
    client.close();
  });

  test("of large messages leaves the connection's window as it was", async () => {
    const client = new FrameClient(
      address,
      SUBMIT,
      SubmitJobRequest.encode({ config: { modelDefinition: "x".repeat(10_000) } }),
    );
    full = true;
    const before = gate.refused;
    await flood(client, () => gate.refused - before >= 100);
    full = false;
    await flood(client, () => read >= 50);
    client.close();
  });

  test("does nothing to calls of another connection, nor to other calls of the same", async () => {
    const flooding = new FrameClient(address, SUBMIT, request);
    full = true;
    const before = gate.refused;
    await flood(flooding, () => gate.refused - before >= 100);
    full = false;
    const other = new FrameClient(address, SUBMIT, request);
    const unread = gate.refused;
    expect((await Promise.all(Array.from({ length: 20 }, () => call(other)))).map(({ status }) => status)).toEqual(
      Array.from({ length: 20 }, () => 0),
    );
    expect(gate.refused).toBe(unread);
    flooding.close();
    other.close();
  });

  test("for want of the server's own room is refused on every connection, until there is room again", async () => {
    const [flooding, other] = [new FrameClient(address, SUBMIT, request), new FrameClient(address, SUBMIT, request)];
    // A client gives up its table of headers with its first call; only then can it be refused unread.
    expect((await call(other)).status).toBe(0);
    [full, whoever] = [true, true];
    const before = gate.refused;
    await flood(flooding, () => gate.refused - before >= 200);
    const readBefore = read;
    const answers = await Promise.all(Array.from({ length: 50 }, () => call(other)));
    expect(answers.every(({ status, hinted }) => status === RESOURCE_EXHAUSTED && hinted)).toBe(true);
    expect(read - readBefore).toBeLessThan(50);
    full = false;
    let [unread, since] = [gate.refused, performance.now()];
    await flood(other, () => {
      if (gate.refused !== unread) [unread, since] = [gate.refused, performance.now()];
      return performance.now() - since > 500;
    });
    expect((await call(other)).status).toBe(0);
    flooding.close();
    other.close();
  });

  test("of a client that keeps its table of headers (Bun's) goes on as without a gate", async () => {
    const channel = createChannel(address);
    const client = createClient(JobServiceDefinition, channel);
    full = true;
    const before = gate.refused;
    for (let wave = 0; wave < 30; wave++) {
      const outcomes = await Promise.allSettled(Array.from({ length: 10 }, () => client.submitJob({})));
      expect(outcomes.every(({ status }) => status === "rejected")).toBe(true);
      expect((await client.getJobStatus({ jobId: "other" })).status?.jobId).toBe("other");
    }
    expect(gate.refused).toBe(before);
    full = false;
    expect((await client.submitJob({})).jobId).toBe("taken");
    channel.close();
  });
});

const python = Bun.spawnSync(["python3", "-c", "import grpc"]).exitCode === 0;
if (!python && process.env.CYXWIZ_TEST_REQUIRE_SERVERS) throw new Error("python3 with grpcio is missing");

describe.skipIf(!python)("gRPC's own core, on which the C++ clients stand", () => {
  test("takes refusals from the gate like any other, among other calls, and goes on", async () => {
    const before = gate.refused;
    full = true;
    const run = Bun.spawn(["python3", join(import.meta.dir, "flood.py"), address], {
      stderr: "inherit",
      stdout: "pipe",
    });
    const reader = run.stdout.getReader();
    const seen: string[] = [];
    for (let text = ""; ; ) {
      const { value, done } = await reader.read();
      if (done) break;
      text += new TextDecoder().decode(value);
      const lines = text.split("\n");
      text = lines.pop() ?? "";
      seen.push(...lines);
      if (lines.includes("flooded")) full = false;
    }
    expect(await run.exited).toBe(0);
    expect(gate.refused).toBeGreaterThan(before);
    const report = JSON.parse(seen.at(-1) ?? "") as Record<string, unknown>;
    expect(report).toEqual({
      codes: ["RESOURCE_EXHAUSTED"],
      words: ["100 % full; try again"],
      hints: ["1500"],
      others: ["OK"],
      afterwards: "OK",
    });
  }, 60_000);
});

test("of servers that begin to listen at once each has its own gate, and none stays behind for others", async () => {
  const { createServer: before } = http2;
  const gates = [0, 1, 2].map(() => new Gate({ path: SUBMIT, now: systemClock.now, log }));
  const servers = gates.map(() => createServer());
  for (const [index, one] of servers.entries()) {
    const counted = gates[index] as Gate;
    one
      .with(errorMiddleware((error) => error as Refusal))
      .with(counted.middleware())
      .add(JobServiceDefinition, jobs);
  }
  const ports = await Promise.all(
    gates.map((one, index) => one.before(() => (servers[index] as Server).listen("127.0.0.1:0"))),
  );
  expect(http2.createServer).toBe(before);
  full = true;
  const client = new FrameClient(`127.0.0.1:${ports[1]}`, SUBMIT, request);
  await flood(client, () => (gates[1] as Gate).refused >= 50);
  expect([gates[0]?.refused, gates[2]?.refused]).toEqual([0, 0]);
  client.close();
  for (const one of servers) one.forceShutdown();
});
