import { afterAll, afterEach, describe, expect, test } from "bun:test";
import { ServerError, Status } from "nice-grpc-common";
import { runCli } from "../../src/cli/index.ts";
import { StatusCode } from "../../src/transport/grpc/protocol.ts";
import { completed, type JobHandlers, jobId, jobStatus, type StubServer, startStub } from "./support/stub-server.ts";
import { recordedWorld, removeTemporaryDirectories, run, type Surroundings } from "./support/world.ts";

let stub: StubServer | undefined;
afterEach(async () => {
  await stub?.stop();
  stub = undefined;
});
afterAll(removeTemporaryDirectories);

type Stream = JobHandlers["streamJobUpdates"];

const update = (status: ReturnType<typeof jobStatus>) => ({ jobId, status, liveMetrics: status.metrics ?? {} });

async function watch(stream: Stream, args: readonly string[] = [], given: Surroundings = {}) {
  stub = await startStub({ streamJobUpdates: stream });
  return run(["watch", jobId, `--server=${stub.address}`, "--rest=127.0.0.1:1", ...args], given);
}

// biome-ignore lint/correctness/useYield: a stream that breaks before its first update
async function* failing(error: Error): AsyncGenerator<ReturnType<typeof update>> {
  throw error;
}

async function* whole() {
  yield update(jobStatus({ status: StatusCode.STATUS_PENDING, progress: 0, currentEpoch: 0 }));
  for (let epoch = 1; epoch < 10; epoch++) yield update(jobStatus({ progress: epoch / 10, currentEpoch: epoch }));
  yield update(completed());
}

test("where it is no terminal, a line per tenth and the outcome", async () => {
  const { code, out, err } = await watch(whole);
  expect({ code, err }).toEqual({ code: 0, err: "" });
  const lines = out.trimEnd().split("\n");
  expect(lines[0]).toBe("waiting for a node");
  expect(lines[5]).toMatch(/ 50 % {2}epoch 5 {2}loss 0.25 {2}accuracy 97.5 %$/);
  expect(lines.slice(-2)).toEqual(["✓ completed in 42 s", "  loss 0.25  val_accuracy 97.5 %"]);
  expect(lines).toHaveLength(13);
});

test("on a terminal, one line drawn anew that never wraps", async () => {
  const { out } = await watch(whole, [], { isTTY: true, columns: 60, environment: { NO_COLOR: "1" } });
  const frames = out.split("\r").map((frame) => frame.replaceAll("\x1b[K", ""));
  expect(frames.length).toBeGreaterThan(10);
  for (const frame of frames.slice(0, -1)) expect(Bun.stringWidth(frame)).toBeLessThan(60);
  // All drawing happened on one line: line breaks come with the outcome only.
  expect(out.slice(0, out.lastIndexOf("\r")).includes("\n")).toBe(false);
  expect(frames.at(-1)).toStartWith("✓ completed");
});

test("--json is a line per update", async () => {
  const { code, out } = await watch(whole, ["--json"]);
  expect(code).toBe(0);
  const updates = out
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line));
  expect(updates).toHaveLength(11);
  expect(updates[0]).toMatchObject({ status: "pending", progress: 0 });
  expect(updates.at(-1)).toMatchObject({ job_id: jobId, status: "completed", progress: 1, metrics: { loss: 0.25 } });
});

describe("a job that does not complete ends with 4", () => {
  test.each([
    [StatusCode.STATUS_FAILED, "failed"],
    [StatusCode.STATUS_CANCELLED, "cancelled"],
  ])("%i", async (status, name) => {
    const { code, out } = await watch(async function* () {
      yield update(jobStatus({ status, endTime: 1_700_000_003n, error: { message: "out of \x1b[1mmemory" } }));
    });
    expect(code).toBe(4);
    expect(out).toBe(`✗ ${name} in 3 s\n  out of \\u001b[1mmemory\n`);
  });
});

test("a job that is not there ends with 3", async () => {
  const { code, err } = await watch(async function* () {
    yield* failing(new ServerError(Status.NOT_FOUND, `job ${jobId} not found`));
  });
  expect({ code, err: err.split("\n")[0] }).toEqual({ code: 3, err: `error: job ${jobId} not found` });
});

describe("a server that goes away", () => {
  test.each([
    ["with UNAVAILABLE", () => Promise.reject(new ServerError(Status.UNAVAILABLE, "shutting down"))],
    ["by ending the stream", () => Promise.resolve()],
  ])("%s is tried again, and the watching goes on", async (_, end) => {
    let calls = 0;
    const { code, out } = await watch(async function* () {
      calls++;
      if (calls === 1) {
        yield update(jobStatus({ progress: 0.3 }));
        await end();
      } else if (calls === 2) throw new ServerError(Status.UNAVAILABLE, "still away");
      else yield* [update(jobStatus({ progress: 0.7 })), update(completed())];
    });
    expect({ code, calls }).toEqual({ code: 0, calls: 3 });
    expect(out.match(/The server is away/g)).toHaveLength(1);
    expect(out.match(/The server is back/g)).toHaveLength(1);
  });

  test("killed, and started again on its port", async () => {
    const first = await startStub({
      async *streamJobUpdates(_, { signal }) {
        yield update(jobStatus({ progress: 0.3 }));
        await new Promise((resolve) => signal.addEventListener("abort", resolve));
      },
    });
    const world = recordedWorld();
    const ended = runCli(["watch", jobId, `--server=${first.address}`, "--rest=127.0.0.1:1"], world);
    await world.shown("30 %");
    await first.stop();
    await world.shown("The server is away");
    stub = await startStub({ streamJobUpdates: whole }, first.port);
    expect(await ended).toBe(0);
    expect(world.out()).toContain("✓ completed");
  });

  test("an error that trying again does not cure ends it", async () => {
    let calls = 0;
    const { code, err } = await watch(async function* () {
      if (calls++ > 0) throw new ServerError(Status.PERMISSION_DENIED, "not yours");
      yield update(jobStatus());
    });
    expect({ code, calls }).toEqual({ code: 1, calls: 2 });
    expect(err).toContain("PERMISSION_DENIED: not yours");
  });
});

test("Ctrl-C ends the watching with 130, and says that the job goes on", async () => {
  stub = await startStub({
    async *streamJobUpdates(_, { signal }) {
      yield update(jobStatus({ progress: 0.3 }));
      await new Promise((resolve) => signal.addEventListener("abort", resolve));
    },
  });
  const world = recordedWorld();
  const ended = runCli(["watch", jobId, `--server=${stub.address}`, "--rest=127.0.0.1:1"], world);
  await world.shown("30 %");
  world.signal("SIGINT");
  expect(await ended).toBe(130);
  expect(world.err()).toBe(`The job goes on. Follow it again with: cyxwiz watch ${jobId}\n`);
});

test("why a job waits is asked of REST and shown", async () => {
  const rest = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    fetch: () => Response.json({ waiting: { summary: "no node has registered yet\x1b[2J" } }),
  });
  let release = () => {};
  stub = await startStub({
    async *streamJobUpdates() {
      yield update(jobStatus({ status: StatusCode.STATUS_PENDING, progress: 0 }));
      await new Promise<void>((resolve) => {
        release = resolve;
      });
      yield update(completed());
    },
  });
  const world = recordedWorld();
  const ended = runCli(["watch", jobId, `--server=${stub.address}`, `--rest=127.0.0.1:${rest.port}`], world);
  await world.shown("waiting: no node has registered yet\\u001b[2J\n");
  release();
  expect(await ended).toBe(0);
  await rest.stop(true);
});

test("submit --wait follows the job it sent", async () => {
  stub = await startStub({
    submitJob: async ({ config }) => ({ jobId: config?.jobId ?? "", status: StatusCode.STATUS_SUCCESS }),
    streamJobUpdates: whole,
  });
  const stdin = '{"job_type": "training", "dataset_uri": "builtin:iris", "epochs": 10}';
  const { code, out } = await run(["submit", "-", "--wait", `--server=${stub.address}`, "--rest=127.0.0.1:1"], {
    stdin,
  });
  expect(code).toBe(0);
  expect(out).toMatch(/^[0-9a-f-]{36}\nwaiting for a node\n/);
  expect(out).toContain("epoch 5/10");
  expect(out).toContain("✓ completed");
});
