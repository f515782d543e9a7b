/** `up`, `serve` and `node` over parts that a test plays. */
import { afterAll, afterEach, describe, expect, test } from "bun:test";
import { existsSync, readFileSync } from "node:fs";
import { createServer, type Server } from "node:net";
import { join } from "node:path";
import { type Parts, type RunningServer, runCli, type ServerOptions } from "../../src/cli/index.ts";
import { StatusCode } from "../../src/transport/grpc/protocol.ts";
import { completed, type JobHandlers, jobId, jobStatus, type StubServer, startStub } from "./support/stub-server.ts";
import { type Recorded, recordedWorld, removeTemporaryDirectories, run, type Surroundings } from "./support/world.ts";

afterAll(removeTemporaryDirectories);

type Ended = Awaited<RunningServer["stopped"]>;

interface Stage {
  readonly parts: Parts;
  /** What happened, in order. */
  readonly events: string[];
  readonly started: ServerOptions[];
  end(how: Ended): void;
}

const stubs: StubServer[] = [];
afterEach(async () => {
  for (const stub of stubs.splice(0)) await stub.stop();
});

function stage(handlers: Partial<JobHandlers>): Stage {
  const events: string[] = [];
  const started: ServerOptions[] = [];
  const ended = Promise.withResolvers<Ended>();
  return {
    events,
    started,
    end: ended.resolve,
    parts: {
      async startServer(options) {
        started.push(options);
        const stub = await startStub(handlers);
        stubs.push(stub);
        events.push("server up");
        options.log.info("serving");
        return {
          grpcPort: stub.port,
          restUrl: "http://127.0.0.1:1",
          database: "embedded PostgreSQL",
          stopped: ended.promise,
          async stop() {
            events.push("server stopped");
            ended.resolve({ reason: "stopped" });
          },
        };
      },
      async startNode({ name, maxJobs }) {
        events.push(`${name} up (${maxJobs})`);
        return { nodeId: "n", port: 1, stop: async () => void events.push(`${name} stopped`) };
      },
    },
  };
}

const inOrder = [
  "server up",
  "local-1 up (1)",
  "local-2 up (1)",
  "local-1 stopped",
  "local-2 stopped",
  "server stopped",
];
/** Free ports, so that the test does not mind what else runs on this machine. */
const anyPort = ["--server.grpc_address=127.0.0.1:0", "--server.rest_address=127.0.0.1:0"];

const update = (status: ReturnType<typeof jobStatus>) => ({ jobId, status });

function jobs(given: { first?: ReturnType<typeof jobStatus>; last?: ReturnType<typeof jobStatus> } = {}) {
  const keys: (string | undefined)[] = [];
  const handlers: Partial<JobHandlers> = {
    async submitJob(_, { metadata }) {
      keys.push(metadata.get("idempotency-key"));
      return { jobId, status: StatusCode.STATUS_SUCCESS };
    },
    getJobStatus: async () => ({
      status: given.first ?? jobStatus({ progress: 0, status: StatusCode.STATUS_PENDING }),
    }),
    async *streamJobUpdates() {
      yield update(jobStatus({ progress: 0.5, currentEpoch: 25 }));
      yield update(given.last ?? completed());
    },
  };
  return { keys, handlers };
}

const up = (play: Stage, args: readonly string[] = [], given: Surroundings = {}) =>
  run(["up", ...anyPort, ...args], { parts: play.parts, ...given });

describe("up --once", () => {
  test("trains the sample, tells it, and stops the nodes before the server", async () => {
    const { keys, handlers } = jobs();
    const play = stage(handlers);
    const { code, out, err, world } = await up(play, ["--once"]);
    expect({ code, err }).toEqual({ code: 0, err: "" });
    expect(play.events).toEqual(inOrder);
    expect(out).toStartWith("CyxWiz Central Server 1.2.3\n");
    expect(out).toMatch(/✓ server {2}embedded PostgreSQL \(\d+ ms\)\n {2}✓ nodes {3}local-1, local-2 \(\d+ ms\)/);
    expect(out).toContain("Training the sample job\n  digits-mlp on builtin:digits\n");
    expect(out).toMatch(/50 % {2}epoch 25\/50/);
    expect(out).toContain("  ✓ completed in 42 s\n    loss 0.25  val_accuracy 97.5 %\n");
    expect(keys).toEqual([expect.stringMatching(/^cyxwiz-sample-[0-9a-f]{16}$/)]);
    const data = join(world.directory, ".cyxwiz");
    expect(readFileSync(join(data, "cyxwiz.log"), "utf8")).toContain('"msg":"serving"');
    expect(JSON.parse(readFileSync(join(data, "sample-job.json"), "utf8"))).toMatchObject({ epochs: 50 });
  });

  test("ends with 4 when the job fails", async () => {
    const failed = jobStatus({ status: StatusCode.STATUS_FAILED, error: { message: "no" } });
    const play = stage(jobs({ last: failed }).handlers);
    expect(await up(play, ["--once"])).toMatchObject({ code: 4, out: expect.stringContaining("✗ failed") });
    expect(play.events).toEqual(inOrder);
  });

  test("does not train again what was trained, unless asked to", async () => {
    const first = jobs({ first: completed() });
    const { code, out } = await up(stage(first.handlers), ["--once"]);
    expect(code).toBe(0);
    expect(out).toContain("The sample job was trained already");
    expect(out).toContain("✓ completed in 42 s");
    expect(out).not.toContain("Training the sample job");
    const again = jobs();
    expect((await up(stage(again.handlers), ["--once", "--again"])).out).toContain("Training the sample job");
    expect(again.keys[0]).not.toBe(first.keys[0]);
  });

  test("tries anew when an earlier run left it cancelled", async () => {
    const { keys, handlers } = jobs({ first: jobStatus({ status: StatusCode.STATUS_CANCELLED }) });
    expect((await up(stage(handlers), ["--once"])).code).toBe(0);
    expect(new Set(keys).size).toBe(2);
  });

  test("without the job it is only a test of starting", async () => {
    const play = stage({});
    expect((await up(play, ["--once", "--no-job"])).code).toBe(0);
    expect(play.events).toEqual(inOrder);
  });
});

describe("up", () => {
  async function started(
    play: Stage,
    args: readonly string[] = anyPort,
  ): Promise<{ world: Recorded; ended: Promise<number> }> {
    const world = recordedWorld({ parts: play.parts });
    const ended = runCli(["up", ...args], world);
    await world.shown("Press Ctrl-C to stop.");
    return { world, ended };
  }

  test("says where everything is, stays, and ends with 0 on Ctrl-C", async () => {
    const play = stage(jobs().handlers);
    const { world, ended } = await started(play);
    const address = `127.0.0.1:${stubs[0]!.port}`;
    expect(world.out()).toContain(`gRPC     ${address}\n`);
    expect(world.out()).toContain("OpenAPI  http://127.0.0.1:1/api/openapi.json\n");
    expect(world.out()).toMatch(/log {6}.cyxwiz\/cyxwiz.log\n/);
    // The ports are not those that commands would look at, so the commands shown say where.
    expect(world.out()).toContain(
      `./cyxwiz submit .cyxwiz/sample-job.json --wait --server=${address} --rest=127.0.0.1:1`,
    );
    world.signal("SIGINT");
    expect(await ended).toBe(0);
    expect(world.out()).toEndWith("Stopped. The next `up` goes on where this one was.\n");
    expect(play.events).toEqual(inOrder);
  });

  test("one press of Ctrl-C counts once, however often it arrives; a later one ends at once", async () => {
    const play = stage({});
    let now = 1000;
    const release = Promise.withResolvers<void>();
    const world = recordedWorld({
      parts: {
        ...play.parts,
        startNode: async () => ({ nodeId: "n", port: 1, stop: () => release.promise }),
      },
      clock: {
        now: () => now,
        after: (delay, callback) => {
          const timer = setTimeout(callback, delay);
          return () => clearTimeout(timer);
        },
      },
    });
    const ended = runCli(["up", "--no-job", ...anyPort], world);
    await world.shown("Press Ctrl-C");
    world.signal("SIGINT");
    world.signal("SIGINT");
    world.signal("SIGTERM");
    expect(world.exits).toEqual([]);
    now += 2000;
    world.signal("SIGINT");
    expect(world.exits).toEqual([130]);
    release.resolve();
    await ended;
  });

  test("a server that is deposed ends it with 1", async () => {
    const play = stage(jobs().handlers);
    const { world, ended } = await started(play);
    play.end({ reason: "deposed" });
    expect(await ended).toBe(1);
    expect(world.err()).toContain("another server leads on this database now");
    expect(play.events.at(-1)).toBe("server stopped");
  });

  test("a start that fails is told in its own words, and nothing is left running", async () => {
    const play = stage({});
    const inUse = Object.assign(new Error("Another CyxWiz server (process 7) is using /x."), { name: "StoreError" });
    const first = await up({ ...play, parts: { ...play.parts, startServer: () => Promise.reject(inUse) } });
    expect(first).toMatchObject({ code: 1, err: "error: Another CyxWiz server (process 7) is using /x.\n" });
    const second = await up({
      ...play,
      parts: { ...play.parts, startNode: () => Promise.reject(new Error("no node today")) },
    });
    expect(second.code).toBe(1);
    expect(second.err).toMatch(/^error: no node today\nThe log says more: .*cyxwiz.log\n$/);
    expect(play.events).toEqual(["server up", "server stopped"]);
  });
});

describe("a port that is taken", () => {
  let holder: Server;
  const hold = () =>
    new Promise<number>((resolve) => {
      holder = createServer().listen(0, "127.0.0.1", () => {
        const address = holder.address();
        resolve(typeof address === "object" && address !== null ? address.port : 0);
      });
    });
  afterEach(() => void holder.close());

  test("was asked for: `up` says so before it starts anything", async () => {
    const port = await hold();
    const play = stage({});
    const { code, err } = await run(["up", `--server.grpc_address=127.0.0.1:${port}`], { parts: play.parts });
    expect(code).toBe(1);
    expect(err).toBe(
      `error: server.grpc_address: port ${port} of 127.0.0.1 is taken by another program.\n` +
        `Stop that program, or choose another port: --server.grpc_address=127.0.0.1:${Math.min(65_535, port + 1000)}\n`,
    );
    expect(play.events).toEqual([]);
  });

  test("explains why `serve` and `node` could not start", async () => {
    const port = await hold();
    const failing = {
      startServer: () => Promise.reject(new Error("bind failed")),
      startNode: () => Promise.reject(new Error("bind failed")),
    };
    const serve = await run(["serve", `--server.rest_address=127.0.0.1:${port}`, "--server.grpc_address=127.0.0.1:0"], {
      parts: failing,
    });
    expect(serve).toMatchObject({
      code: 1,
      err: expect.stringContaining(`server.rest_address: port ${port} of 127.0.0.1 is taken`),
    });
    const node = await run(["node", `--node.listen_address=127.0.0.1:${port}`], { parts: failing });
    expect(node).toMatchObject({ code: 1, err: expect.stringContaining(`node.listen_address: port ${port}`) });
  });
});

test("an address of another machine is told as such", async () => {
  const { err } = await run(["up", "--server.grpc_address=192.0.2.1:50051"]);
  expect(err).toContain("192.0.2.1:50051 is no address of this machine");
});

describe("serve", () => {
  test("runs the server with its log on standard output until a signal, and ends with 0", async () => {
    const play = stage({});
    const world = recordedWorld({ parts: play.parts });
    const ended = runCli(["serve", ...anyPort], world);
    await world.shown('"msg":"serving"');
    world.signal("SIGTERM");
    expect(await ended).toBe(0);
    expect(play.events).toEqual(["server up", "server stopped"]);
    for (const line of world.out().trimEnd().split("\n")) JSON.parse(line);
    expect(existsSync(join(world.directory, ".cyxwiz"))).toBe(false);
  });

  test("ends with 1 when another server takes over", async () => {
    const play = stage({});
    const world = recordedWorld({ parts: play.parts });
    const ended = runCli(["serve", ...anyPort], world);
    await world.shown('"msg":"serving"');
    play.end({ reason: "deposed" });
    expect(await ended).toBe(1);
  });
});

test("node runs with its settings until a signal", async () => {
  let given: unknown;
  let stopped = false;
  const world = recordedWorld({
    parts: {
      startServer: () => Promise.reject(new Error("unused")),
      async startNode(options) {
        given = options;
        const stop = async () => {
          stopped = true;
        };
        return { nodeId: "n-1", port: 7, stop };
      },
    },
  });
  const ended = runCli(
    ["node", "--node.name=mine", "--node.server=far:1", "--node.max_jobs=3", "--node.token=t"],
    world,
  );
  await world.shown("node is up");
  world.signal("SIGTERM");
  expect(await ended).toBe(0);
  expect(stopped).toBe(true);
  expect(given).toMatchObject({ name: "mine", server: "far:1", maxJobs: 3, token: "t" });
  expect(given).not.toHaveProperty("region");
});
