/** The Redis mirror against a real redis-server: once quiet, Redis says what the actors say, whatever happened to it (I8). */
import { afterAll, afterEach, describe, expect, test } from "bun:test";
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { randomUUID } from "node:crypto";
import { connect, createServer, type Server, type Socket } from "node:net";
import { Redis } from "ioredis";
import { type Core, createCore } from "../../src/actors/core.ts";
import type { CommittedJob } from "../../src/actors/job/kind.ts";
import type { JobPolicy } from "../../src/actors/job/state.ts";
import type { JobSpec, Priority } from "../../src/domain/job-spec.ts";
import type { NodeProfile } from "../../src/domain/node-profile.ts";
import { systemClock } from "../../src/observability/index.ts";
import { parseRedisUrl } from "../../src/store/mirror/address.ts";
import { GenerationLost, MirrorConnection } from "../../src/store/mirror/connection.ts";
import { imageOfJob, imageOfNode } from "../../src/store/mirror/image.ts";
import { createMirror, type Mirror } from "../../src/store/mirror/index.ts";
import { mirrorKeys } from "../../src/store/mirror/keys.ts";
import { MemoryJournal } from "../support/memory-journal.ts";
import { rememberingLog } from "../support/quiet.ts";
import { freePort, temporaryDirectory, until } from "../support/servers.ts";

const installed = Bun.which("redis-server") !== null;
if (!installed && process.env.CYXWIZ_TEST_REQUIRE_SERVERS === "1") throw new Error("redis-server is not installed");

const PREFIX = "t[1]*:";
const keys = mirrorKeys(PREFIX);

/** A redis-server of this file's own: it is killed, stopped and emptied. */
class RedisProcess {
  #child: ChildProcess | null = null;
  #client: Redis | null = null;
  readonly #home = temporaryDirectory("mirror");

  private constructor(readonly port: number) {}

  static async prepare(): Promise<RedisProcess> {
    return new RedisProcess(await freePort());
  }

  get url(): string {
    return `redis://127.0.0.1:${this.port}/3`;
  }

  /** Connected on first use. */
  get client(): Redis {
    if (this.#client === null) {
      this.#client = new Redis(this.url, { retryStrategy: () => 50, maxRetriesPerRequest: null });
      this.#client.on("error", () => {});
    }
    return this.#client;
  }

  async start(...options: string[]): Promise<void> {
    const args = ["--port", `${this.port}`, "--bind", "127.0.0.1", "--save", "", "--appendonly", "no", ...options];
    this.#child = spawn("redis-server", args, { cwd: this.#home, stdio: "ignore" });
    await until("Redis to start", () => spawnSync("redis-cli", ["-p", `${this.port}`, "ping"]).status === 0);
  }

  async kill(): Promise<void> {
    const child = this.#child;
    this.#child = null;
    if (child === null) return;
    await new Promise((resolve) => {
      child.once("exit", resolve);
      child.kill("SIGKILL");
    });
  }

  signal(signal: "SIGSTOP" | "SIGCONT"): void {
    this.#child?.kill(signal);
  }

  async end(): Promise<void> {
    this.#client?.disconnect();
    await this.kill();
  }
}

const policy: JobPolicy = {
  fundsTimeout: 600_000,
  queueTimeout: 600_000,
  offerTimeout: 600_000,
  exclusion: 200,
  startTimeout: 600_000,
  gracePeriod: 600_000,
  runTimeout: 600_000,
  maxRetries: 2,
  maxLosses: 5,
  backoff: 20,
  maxBackoff: 40,
};

const spec: JobSpec = {
  type: "training",
  priority: "normal",
  modelDefinition: "mlp",
  hyperparameters: {},
  datasetUri: "iris",
  batchSize: 32,
  epochs: 10,
  device: null,
  memoryBytes: 0,
  estimatedSeconds: 60,
  offered: "1",
  escrowTxHash: "",
  reservationMinutes: 0,
};

const profile: NodeProfile = {
  name: "node",
  wallet: "w",
  userId: null,
  softwareVersion: "1",
  devices: [],
  cpuCores: 8,
  ramBytes: 2 ** 34,
  region: "eu",
  ipAddress: "10.0.0.7",
  port: 50052,
  assignEndpoint: null,
  stakeUnits: "0",
  formats: [],
  runtimes: [],
  maxModelBytes: 0,
  terminalAccess: false,
  pricing: null,
  publicKey: null,
  slots: 4,
  reportsAttempts: true,
};

const undo: (() => unknown)[] = [];
afterEach(async () => {
  for (const step of undo.splice(0).reverse()) await step();
});

interface World {
  readonly core: Core;
  readonly mirror: Mirror;
  readonly log: ReturnType<typeof rememberingLog>;
  /** The last committed state of every job that has left memory. */
  readonly finished: Map<string, CommittedJob>;
}

async function world(url: string | undefined, keyPrefix = PREFIX): Promise<World> {
  const log = rememberingLog();
  const journal = new MemoryJournal();
  const core = createCore({
    clock: systemClock,
    journal,
    texts: journal,
    log: rememberingLog(),
    link: {
      offer: async () => ({ accepted: true }),
      probe: async () => true,
    },
    heartbeatInterval: 30_000,
    heartbeatTimeout: 600_000,
    probeDelay: { first: 60_000, slowest: 60_000 },
    maxPending: 1_000_000,
    onDeposed: () => {},
  });
  const finished = new Map<string, CommittedJob>();
  core.jobs.onCommit(({ after }) => {
    if (after.finished) finished.set(after.ref.id, after);
  });
  await core.start();
  const { jobs, nodes, feed, rollCall } = core;
  const mirror = createMirror({ url, keyPrefix, epoch: 7n, clock: systemClock, log, jobs, nodes, feed, rollCall });
  mirror.start();
  undo.push(async () => {
    await mirror.stop();
    await core.stop();
  });
  return { core, mirror, log, finished };
}

async function submit({ core }: World, priority: Priority = "normal", awaitsFunds = false): Promise<string> {
  const id = randomUUID();
  const input = { owner: "alice", userWallet: "w", fingerprint: id, price: "1", policy, awaitsFunds };
  await core.jobs.create(id, { id, spec: { ...spec, priority }, ...input });
  return id;
}

async function register({ core }: World, slots = 4): Promise<string> {
  const id = randomUUID();
  const times = { heartbeatTimeout: 600_000, gracePeriod: 600_000 };
  await core.nodes.create(id, {
    id,
    profile: { ...profile, slots },
    policy: times,
    bootId: "b",
    reputation: 75,
  });
  return id;
}

/** The node's word that a job runs, when it has been offered. */
async function run({ core }: World, jobId: string): Promise<{ jobId: string; nodeId: string; attempt: number }> {
  await until("the job to be accepted", () => core.jobs.peek(jobId)?.state === "assigned.accepted");
  const live = core.jobs.peek(jobId)!.snapshot.context.live!;
  const source = { jobId, nodeId: live.nodeId, attempt: live.number };
  await core.reports.started(source);
  return source;
}

const result = {
  weightsUri: "file:///w",
  weightsHash: "ab",
  weightsSize: 1,
  metrics: { loss: 0.1 },
  computeSeconds: 1,
  signature: "",
};

type Contents = Record<string, unknown>;

/** Everything under the prefix but the feed and the marker. */
async function contents(client: Redis): Promise<Contents> {
  const found: Contents = {};
  for (const key of (await client.keys("*")).sort()) {
    if (!key.startsWith(PREFIX) || key === keys.changes || key === keys.generation) continue;
    const type = await client.type(key);
    if (type === "hash") found[key] = await client.hgetall(key);
    else if (type === "string") found[key] = await client.get(key);
    else if (type === "set") found[key] = (await client.smembers(key)).sort();
    else if (type === "zset") found[key] = await client.zrange(key, "0", "-1", "WITHSCORES");
  }
  return found;
}

/** What Redis should hold, as a pure function of the actors' committed states. */
function expected({ core, finished }: World): Contents {
  const wanted: Contents = {};
  const queue: [id: string, score: number][] = [];
  const online: string[] = [];
  const assignments: Record<string, string> = {};
  for (const node of core.nodes.live()) {
    const image = imageOfNode(node, core.rollCall.heardAt(node.ref.id));
    wanted[keys.node(image.id)] = image.hash;
    wanted[keys.nodeStatus(image.id)] = image.status;
    if (image.online) online.push(image.id);
  }
  for (const job of [...finished.values(), ...core.jobs.live()]) {
    const image = imageOfJob(job, core.feed.latest(job.ref.id), 0);
    wanted[keys.job(image.id)] = image.hash;
    if (image.node !== null) {
      wanted[keys.assignedNode(image.id)] = image.node;
      assignments[image.id] = image.node;
    }
    if (image.queueScore !== null) queue.push([image.id, image.queueScore]);
  }
  queue.sort((a, b) => a[1] - b[1] || (a[0] < b[0] ? -1 : 1));
  if (queue.length > 0) wanted[keys.queue] = queue.flatMap(([id, score]) => [id, String(score)]);
  if (online.length > 0) wanted[keys.online] = online.sort();
  if (Object.keys(assignments).length > 0) wanted[keys.assignments] = assignments;
  return wanted;
}

/**
 * Where Redis and the actors differ. Jobs that finished before the last filling may be missing, and their `version` may be
 * that of their end, before the node's tally was told; nothing else may differ.
 */
function differences(found: Contents, wanted: Contents, { core }: World): string[] {
  const lax = (key: string) => {
    const actor = keys.actorOf(key);
    return actor?.kind === "job" && core.jobs.peek(actor.id) === undefined;
  };
  const essence = (key: string, value: unknown) =>
    lax(key) && typeof value === "object" ? { ...value, version: "", updated_at: "" } : value;
  return [...new Set([...Object.keys(found), ...Object.keys(wanted)])].filter((key) => {
    if (found[key] === undefined) return !lax(key);
    return !Bun.deepEquals(essence(key, found[key]), essence(key, wanted[key]));
  });
}

async function untilEqual(one: World, client: Redis, timeout = 20_000): Promise<Contents> {
  let last: Contents = {};
  const check = async () => {
    if (one.mirror.state !== "up") return false;
    last = await contents(client);
    return differences(last, expected(one), one).length === 0;
  };
  await until("Redis to say what the actors say", check, timeout).catch((error) => {
    const wanted = expected(one);
    const shown = differences(last, wanted, one).slice(0, 3);
    throw new Error(
      `${error.message}; ${one.mirror.state}; ${JSON.stringify(shown.map((key) => [key, last[key], wanted[key]]))}`,
    );
  });
  return last;
}

/** The stream's entries as objects. */
async function changes(client: Redis): Promise<Record<string, string>[]> {
  const entries = await client.xrange(keys.changes, "-", "+");
  return entries.map(([, fields]) =>
    Object.fromEntries(fields.flatMap((name, at) => (at % 2 === 0 ? [[name, fields[at + 1] ?? ""]] : []))),
  );
}

async function redisServer(): Promise<RedisProcess> {
  const redis = await RedisProcess.prepare();
  undo.push(() => redis.end());
  return redis;
}

describe.skipIf(!installed)("the Redis mirror", () => {
  test("says of every job and node what is committed", async () => {
    const redis = await redisServer();
    await redis.start();
    const one = await world(redis.url);
    const nodeId = await register(one, 2);
    const a = await submit(one);
    const b = await submit(one);
    const next = await submit(one);
    const unpaid = await submit(one, "normal", true);
    const source = await run(one, a);
    await run(one, b);
    await one.core.reports.completed(source, result);
    await until("the next job to be placed", () => one.core.jobs.peek(next)?.state === "assigned.accepted");
    const waiting = await submit(one);

    const found = await untilEqual(one, redis.client);
    expect(found[keys.job(a)]).toMatchObject({
      status: "completed",
      progress: "1",
      metrics: '{"loss":0.1}',
      node: "",
    });
    expect(found[keys.job(b)]).toMatchObject({
      status: "running",
      state: "running.active",
      node: nodeId,
      owner: "alice",
    });
    expect(found[keys.assignedNode(b)]).toBe(nodeId);
    expect(found[keys.assignedNode(a)]).toBeUndefined();
    expect(found[keys.queue]).toEqual([waiting, expect.any(String)]);
    expect(found[keys.job(unpaid)]).toMatchObject({ state: "pending.awaitingFunds" });
    expect(found[keys.online]).toEqual([nodeId]);
    expect(found[keys.node(nodeId)]).toMatchObject({
      status: "busy",
      slots: "2",
      last_heartbeat: expect.stringMatching(/^\d+$/),
    });
    expect(found[keys.assignments]).toEqual({ [b]: nodeId, [next]: nodeId });

    const day = 86_400_000;
    expect(await redis.client.pttl(keys.job(a))).toBeWithin(day - 20_000, day + 1);
    expect(await redis.client.pttl(keys.job(b))).toBe(-1);
    expect(await redis.client.get(keys.generation)).toMatch(/^7:[0-9a-f-]{36}:complete$/);
    expect(await one.mirror.ping()).toBe(true);
    expect(one.mirror.health()).toMatchObject({ state: "up", lag: 0, error: null });
  });

  test("queues by priority, then by age", async () => {
    const redis = await redisServer();
    await redis.start();
    const one = await world(redis.url);
    const low = await submit(one, "low");
    const first = await submit(one);
    await Bun.sleep(3);
    const second = await submit(one);
    const critical = await submit(one, "critical");
    await untilEqual(one, redis.client);
    expect(await redis.client.zrange(keys.queue, "0", "-1")).toEqual([critical, first, second, low]);
  });

  test("tells the changes of each actor in order, in the stream and on the channel", async () => {
    const redis = await redisServer();
    await redis.start();
    const one = await world(redis.url);
    await until("the mirror to be up", () => one.mirror.state === "up");
    const heard: Record<string, unknown>[] = [];
    const subscriber = new Redis(redis.url);
    undo.push(() => subscriber.disconnect());
    subscriber.on("message", (_, message) => heard.push(...JSON.parse(message)));
    await subscriber.subscribe(keys.changes);
    await register(one, 8);
    // Jobs of one millisecond go in the order of their ids, which are random here: these come first and get a slot.
    const first = await Promise.all(Array.from({ length: 4 }, () => submit(one)));
    for (const job of first) await until("a slot for it", () => one.core.jobs.peek(job)?.state === "assigned.accepted");
    const jobs = [...first, ...(await Promise.all(Array.from({ length: 16 }, () => submit(one))))];
    for (const job of first) await one.core.reports.completed(await run(one, job), result);
    await untilEqual(one, redis.client);

    const told = await changes(redis.client);
    expect(told[0]).toMatchObject({ kind: "mirror", event: "filled" });
    for (const job of jobs) {
      const own = told.filter(({ id }) => id === job);
      expect(own.map(({ version }) => Number(version))).toEqual(own.map((_, index) => index + 1));
      for (const [index, entry] of own.entries()) expect(entry.from).toBe(index === 0 ? "" : own[index - 1]!.to!);
      expect(own.at(-1)!.to).toBe((one.core.jobs.peek(job) ?? one.finished.get(job))!.state);
    }
    await until("all messages", () => heard.length === told.length - 1);
    expect(heard.map(({ id, version }) => [id, String(version)])).toEqual(
      told.slice(1).map(({ id, version }) => [id, version]) as never,
    );
  });

  test("writes telemetry between commits, at most once a second for a job, and heartbeats", async () => {
    const redis = await redisServer();
    await redis.start();
    const one = await world(redis.url);
    const nodeId = await register(one);
    const job = await submit(one);
    const source = await run(one, job);
    await one.core.reports.progress({ ...source, progress: 0.1, epoch: 1, metrics: { loss: 1 }, log: "" });
    await untilEqual(one, redis.client);
    const version = one.core.jobs.peek(job)!.version;
    const seen = new Set<string>();
    for (let step = 0; step < 60; step++) {
      const progress = 0.2 + step / 100;
      await one.core.reports.progress({ ...source, progress, epoch: 2, metrics: { loss: 1 - progress }, log: "" });
      if (step % 20 === 10) await one.core.rollCall.heartbeat({ nodeId, activeJobs: [job] });
      await Bun.sleep(40);
      seen.add((await redis.client.hget(keys.job(job), "progress"))!);
    }
    expect(one.core.jobs.peek(job)!.version).toBe(version);
    expect(seen.size).toBeWithin(3, 6);
    const found = await untilEqual(one, redis.client);
    expect(found[keys.job(job)]).toMatchObject({ epoch: "2", progress: String(0.2 + 59 / 100) });
    expect(found[keys.node(nodeId)]).toMatchObject({ last_heartbeat: String(one.core.rollCall.heardAt(nodeId)) });
  }, 20_000);

  test("fills Redis anew after FLUSHALL, and leaves what belongs to others", async () => {
    const redis = await redisServer();
    await redis.start();
    const foreign = { other: "1", "cyxwiz:job:1": "2", [`${PREFIX}rate:alice`]: "3", [`x${PREFIX}job:1`]: "4" };
    await redis.client.mset(foreign);
    await redis.client.hset("t1:job:9", "status", "running");
    const one = await world(redis.url);
    await register(one);
    const job = await submit(one);
    await run(one, job);
    const stillThere = async () => {
      const others = await redis.client.mget(Object.keys(foreign));
      expect(others).toEqual(Object.values(foreign));
      expect(await redis.client.hgetall("t1:job:9")).toEqual({ status: "running" });
      await redis.client.del(`${PREFIX}rate:alice`);
    };
    await until("the mirror to be up", () => one.mirror.state === "up");
    await stillThere();
    await untilEqual(one, redis.client);
    for (let round = 0; round < 2; round++) {
      const before = await redis.client.get(keys.generation);
      await redis.client.flushall();
      await untilEqual(one, redis.client);
      expect(await redis.client.get(keys.generation)).not.toBe(before);
    }
    expect(one.log.lines.filter(({ level }) => level === "error")).toEqual([]);
  });

  test("removes what an earlier filling left of jobs and nodes that are no more", async () => {
    const redis = await redisServer();
    await redis.start();
    const client = redis.client;
    const [gone, ended] = [randomUUID(), randomUUID()];
    await client.hset(keys.job(gone), { status: "running", node: "n" });
    await client.set(keys.assignedNode(gone), "n");
    await client.hset(keys.node(gone), { status: "online" });
    await client.set(keys.nodeStatus(gone), "online");
    await client.zadd(keys.queue, 1, gone);
    await client.sadd(keys.online, gone);
    await client.hset(keys.assignments, gone, "n");
    await client.hset(keys.job(ended), { status: "completed" });
    await client.expire(keys.job(ended), 60);
    for (let batch = 0; batch < 30; batch++) {
      const pipeline = client.pipeline();
      for (let each = 0; each < 100; each++) pipeline.hset(keys.job(randomUUID()), "status", "pending");
      await pipeline.exec();
    }
    const one = await world(redis.url);
    const job = await submit(one);
    await until("the mirror to be up", () => one.mirror.state === "up");
    expect(await client.hgetall(keys.job(ended))).toEqual({ status: "completed" });
    await client.del(keys.job(ended));
    const found = await untilEqual(one, client);
    expect(Object.keys(found).sort()).toEqual([keys.job(job), keys.queue].sort());
  });

  test("replaces what stands in its keys' places with another type or with foreign fields", async () => {
    const redis = await redisServer();
    await redis.start();
    const one = await world(redis.url);
    const job = await submit(one);
    await untilEqual(one, redis.client);
    await redis.client.flushall();
    await redis.client.rpush(keys.queue, "an", "old", "list");
    await redis.client.set(keys.changes, "no stream");
    await redis.client.hset(keys.job(job), "left_over", "1");
    await untilEqual(one, redis.client);
    // While it is up, too: the write that meets it fails, and everything is filled anew.
    await redis.client.del(keys.queue);
    await redis.client.rpush(keys.queue, "list");
    await submit(one);
    await untilEqual(one, redis.client);
  });

  test("is filled when a Redis that was absent at the start appears, and says little meanwhile", async () => {
    const redis = await redisServer();
    const one = await world(redis.url);
    expect(one.mirror.state).toBe("connecting");
    await until("the mirror to be down", () => one.mirror.state === "down");
    await register(one);
    for (let each = 0; each < 50; each++) await submit(one);
    expect(one.mirror.waiting).toBe(0);
    await Bun.sleep(2000);
    expect(one.log.lines.map(({ level, message }) => [level, message.split(";")[0]])).toEqual([
      ["warn", "the Redis mirror is down"],
    ]);
    expect(one.mirror.health().error).toContain("ECONNREFUSED");
    await redis.start();
    await untilEqual(one, redis.client);
    expect(one.log.lines.map(({ message }) => message.split(";")[0])).toEqual([
      "the Redis mirror is down",
      "the Redis mirror is up",
    ]);
  }, 20_000);

  test("is filled after Redis was killed and started empty", async () => {
    const redis = await redisServer();
    await redis.start();
    const one = await world(redis.url);
    await register(one);
    const job = await submit(one);
    await untilEqual(one, redis.client);
    await redis.kill();
    await until("the mirror to be down", () => one.mirror.state === "down", 2000);
    await one.core.reports.completed(await run(one, job), result);
    await submit(one);
    await redis.start();
    await untilEqual(one, redis.client);
  }, 20_000);

  test("a Redis that hangs is down within seconds, costs commits nothing, and what it held back changes nothing", async () => {
    const redis = await redisServer();
    await redis.start();
    const one = await world(redis.url);
    await register(one, 1000);
    await untilEqual(one, redis.client);
    redis.signal("SIGSTOP");
    undo.push(() => redis.signal("SIGCONT"));
    const stoppedAt = performance.now();
    let slowest = 0;
    const sources = [];
    while (one.mirror.state === "up") {
      const asked = performance.now();
      const job = await submit(one);
      slowest = Math.max(slowest, performance.now() - asked);
      sources.push(await run(one, job));
      if (performance.now() - stoppedAt > 6000) throw new Error("still up after 6 s");
      await Bun.sleep(10);
    }
    // A submission that waited for Redis would take the three seconds.
    expect(slowest).toBeLessThan(1_500);
    expect(one.mirror.waiting).toBe(0);
    expect(one.mirror.health().error).toContain("did not answer within 3 s");
    for (const source of sources) await one.core.reports.completed(source, result);
    await submit(one);
    expect(one.mirror.waiting).toBe(0);
    redis.signal("SIGCONT");
    await untilEqual(one, redis.client);
    await Bun.sleep(1500);
    await untilEqual(one, redis.client);
  }, 30_000);

  test("an abandoned connection writes nothing once a newer one has claimed Redis", async () => {
    const redis = await redisServer();
    await redis.start();
    const open = () =>
      MirrorConnection.open(
        parseRedisUrl(redis.url),
        "generation",
        systemClock,
        () => {},
        new AbortController().signal,
      );
    const [older, newer] = [await open(), await open()];
    undo.push(
      () => older.close(),
      () => newer.close(),
    );
    await older.claim("older");
    await older.write([["set", "who", "older"]]);
    await newer.claim("newer");
    await newer.write([["set", "who", "newer"]], "newer, complete");
    await expect(older.write([["set", "who", "older"]])).rejects.toBeInstanceOf(GenerationLost);
    await newer.write([["incr", "writes"]]);
    expect(await redis.client.mget("who", "writes")).toEqual(["newer", "1"]);
    await redis.client.del("generation");
    await expect(newer.write([["incr", "writes"]])).rejects.toBeInstanceOf(GenerationLost);
    expect(await redis.client.get("writes")).toBe("1");
  });

  test("a Redis 200 ms away is followed all the same", async () => {
    const redis = await redisServer();
    await redis.start();
    const sockets: Socket[] = [];
    const slow = createServer((near) => {
      const far = connect(redis.port, "127.0.0.1");
      for (const [from, to] of [
        [near, far],
        [far, near],
      ] as const) {
        sockets.push(from);
        from.on("error", () => {});
        from.on("data", (chunk) => setTimeout(() => to.writable && to.write(chunk), 100));
      }
    }).listen(0, "127.0.0.1");
    undo.push(() => {
      for (const socket of sockets) socket.destroy();
      slow.close();
    });
    await until("a port", () => slow.address() !== null);
    const one = await world(`redis://127.0.0.1:${(slow.address() as { port: number }).port}/3`);
    await register(one, 50);
    for (let round = 0; round < 20; round++) {
      for (let each = 0; each < 100; each++) await submit(one);
      await Bun.sleep(100);
      expect(one.mirror.state).not.toBe("down");
    }
    expect(one.mirror.health().latencyMs).toBeWithin(190, 1000);
    await untilEqual(one, redis.client);
  }, 30_000);

  test("CLIENT PAUSE is seen and survived", async () => {
    const redis = await redisServer();
    await redis.start();
    const one = await world(redis.url);
    await register(one);
    await untilEqual(one, redis.client);
    await redis.client.call("client", "pause", "6000");
    await submit(one);
    await until("the mirror to be down", () => one.mirror.state === "down", 5000);
    await untilEqual(one, redis.client);
  }, 30_000);

  test("a server that accepts and never answers is down within seconds", async () => {
    const sockets: Socket[] = [];
    const deaf: Server = createServer((socket) => void sockets.push(socket)).listen(0, "127.0.0.1");
    undo.push(() => {
      for (const socket of sockets) socket.destroy();
      deaf.close();
    });
    await until("a port", () => deaf.address() !== null);
    const one = await world(`redis://127.0.0.1:${(deaf.address() as { port: number }).port}`);
    await until("the mirror to be down", () => one.mirror.state === "down", 5000);
    expect(await one.mirror.ping()).toBe(false);
    const asked = performance.now();
    await one.mirror.stop();
    expect(performance.now() - asked).toBeLessThan(1500);
  }, 10_000);

  test("works through a password, and says so when it is wrong", async () => {
    const redis = await redisServer();
    await redis.start();
    await redis.client.config("SET", "requirepass", "p@ss word");
    const right = await world(redis.url.replace("//", `//:${encodeURIComponent("p@ss word")}@`));
    await until("the mirror to be up", () => right.mirror.state === "up");
    const wrong = await world(redis.url.replace("//", "//:secret-guess@"), "u:");
    await until("the mirror to be down", () => wrong.mirror.state === "down");
    expect(wrong.mirror.health().error).toContain("WRONGPASS");
    expect(JSON.stringify([wrong.log.lines, wrong.mirror.health()])).not.toContain("secret-guess");
    const nowhere = await world(
      redis.url.replace("//", `//:${encodeURIComponent("p@ss word")}@`).replace("/3", "/99"),
      "v:",
    );
    await until("the mirror to be down", () => nowhere.mirror.state === "down");
    expect(nowhere.mirror.health().error).toContain("DB index is out of range");
  });

  test("fills 10,000 jobs", async () => {
    const redis = await redisServer();
    const one = await world(redis.url);
    await register(one, 100);
    await Promise.all(Array.from({ length: 10_000 }, () => submit(one)));
    await until("the mirror to be down", () => one.mirror.state === "down");
    await redis.start();
    await untilEqual(one, redis.client, 30_000);
  }, 60_000);

  test("a mirror without a URL is off", async () => {
    const one = await world(undefined);
    await submit(one);
    expect(one.mirror.state).toBe("off");
    expect(one.mirror.health()).toEqual({ state: "off", latencyMs: null, lag: null, lastFilledAt: null, error: null });
    expect(await one.mirror.ping()).toBe(false);
  });

  test("writes its last words when it is stopped", async () => {
    const redis = await redisServer();
    await redis.start();
    const one = await world(redis.url);
    await until("the mirror to be up", () => one.mirror.state === "up");
    const job = await submit(one);
    await one.mirror.stop();
    expect(await redis.client.hget(keys.job(job), "state")).toBe("pending.queued");
  });

  for (const seed of [1, 2, 3]) {
    test(`whatever happens in between, once quiet Redis says what the actors say (seed ${seed})`, async () => {
      const redis = await redisServer();
      await redis.start();
      const one = await world(redis.url);
      await mayhem(one, redis, seed);
      await untilEqual(one, redis.client, 30_000);
      await Bun.sleep(1200);
      await untilEqual(one, redis.client);
      const told = await changes(redis.client);
      const newest = new Map<string, number>();
      for (const { kind, id, version } of told) {
        if (kind === "mirror") continue;
        expect(Number(version)).toBeGreaterThan(newest.get(id!) ?? 0);
        newest.set(id!, Number(version));
      }
    }, 90_000);
  }
});

/** Jobs and nodes live their lives while Redis is emptied, cut off, stopped, killed and started. */
async function mayhem(one: World, redis: RedisProcess, seed: number): Promise<void> {
  let state = seed;
  // mulberry32
  const random = () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  const pick = <T>(from: readonly T[]): T | undefined => from[Math.floor(random() * from.length)];
  const { core } = one;
  const nodes: string[] = [];
  const liveOf = () => [...core.jobs.live()].filter(({ snapshot }) => snapshot.context.live !== null);
  const sourceOf = (job: CommittedJob) => {
    const live = job.snapshot.context.live!;
    return { jobId: job.ref.id, nodeId: live.nodeId, attempt: live.number };
  };
  const acts: [weight: number, act: () => unknown][] = [
    [1, async () => nodes.push(await register(one, 1 + Math.floor(random() * 4)))],
    [12, () => submit(one, pick(["low", "normal", "high", "critical"] as const))],
    [8, () => act((job) => core.reports.started(sourceOf(job)))],
    [
      12,
      () =>
        act((job) => core.reports.progress({ ...sourceOf(job), progress: random(), epoch: 3, metrics: {}, log: "" })),
    ],
    [6, () => act((job) => core.reports.completed(sourceOf(job), result))],
    [3, () => act((job) => core.reports.failed(sourceOf(job), "no", false))],
    [3, () => core.jobs.tell(pick([...core.jobs.live()])?.ref.id ?? "none", { type: "CANCEL", reason: "" })],
    [
      2,
      () => core.nodes.tell(pick(nodes) ?? "none", { type: pick(["DRAIN", "RESTORE"] as const)!, reason: "" } as never),
    ],
    [4, () => core.rollCall.heartbeat({ nodeId: pick(nodes) ?? "none", activeJobs: [] })],
    [0.4, () => redis.client.flushall()],
    [0.4, () => redis.client.call("client", "kill", "type", "normal")],
    [0.2, () => redis.kill().then(() => redis.start())],
    [0.3, () => pause(random() * 500)],
  ];
  const act = async (what: (job: CommittedJob) => Promise<unknown>) => {
    const job = pick(liveOf());
    if (job) await what(job);
  };
  const pause = async (time: number) => {
    redis.signal("SIGSTOP");
    setTimeout(() => redis.signal("SIGCONT"), time);
  };
  const total = acts.reduce((sum, [weight]) => sum + weight, 0);
  for (let step = 0; step < 1500; step++) {
    let at = random() * total;
    const chosen = acts.find(([weight]) => {
      at -= weight;
      return at < 0;
    });
    await Promise.resolve(chosen?.[1]()).catch(() => {});
    if (random() < 0.3) await Bun.sleep(random() * 10);
    // Longer than a round trip may take: the session is given up, and Redis still has some of what it sent.
    if (step === 700) {
      redis.signal("SIGSTOP");
      setTimeout(() => redis.signal("SIGCONT"), 4000 + random() * 3000);
    }
    if (step > 700 && step < 1000) await Bun.sleep(20);
  }
  redis.signal("SIGCONT");
}

afterAll(() => {
  undo.length = 0;
});
