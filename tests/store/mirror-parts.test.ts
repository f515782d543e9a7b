/** The parts of the Redis mirror that need no Redis: URL, keys, commands, backlog. */
import { describe, expect, test } from "bun:test";
import type { CommittedJob } from "../../src/actors/job/kind.ts";
import { StoreError } from "../../src/store/errors.ts";
import { parseRedisUrl } from "../../src/store/mirror/address.ts";
import { Backlog } from "../../src/store/mirror/backlog.ts";
import { type Batch, type Change, commandsOf } from "../../src/store/mirror/commands.ts";
import { mirrorKeys } from "../../src/store/mirror/keys.ts";

describe("the URL of Redis", () => {
  test("is taken apart", () => {
    expect(parseRedisUrl("redis://localhost")).toEqual({
      host: "localhost",
      port: 6379,
      tls: false,
      username: null,
      password: null,
      database: 0,
      shown: "redis://localhost:6379/0",
    });
    expect(parseRedisUrl("rediss://me:p%40ss@[::1]:7000/2")).toEqual({
      host: "::1",
      port: 7000,
      tls: true,
      username: "me",
      password: "p@ss",
      database: 2,
      shown: "rediss://[::1]:7000/2",
    });
  });

  for (const [text, why] of [
    ["nonsense", "it is no URL"],
    ["http://:hush@host", "it starts with http://"],
    ["redis://:hush@", "it"],
    ["redis://:hush@host/two", "/two is no database number"],
    ["redis://:hush@host?tls=0", "query string"],
    ["redis://:hush%zz@host", "write % as %25"],
  ] as const) {
    test(`${text} is refused without telling the password`, () => {
      let error: unknown;
      try {
        parseRedisUrl(text);
      } catch (thrown) {
        error = thrown;
      }
      expect(error).toBeInstanceOf(StoreError);
      const { code, message } = error as StoreError;
      expect(code).toBe("invalid_url");
      expect(message).toContain(why);
      expect(message).not.toContain("hush");
    });
  }
});

describe("keys", () => {
  const keys = mirrorKeys("a[1]*:");

  test("name their actor, and only theirs", () => {
    expect(keys.actorOf(keys.job("j"))).toEqual({ kind: "job", id: "j" });
    expect(keys.actorOf(keys.assignedNode("j"))).toEqual({ kind: "job", id: "j" });
    expect(keys.actorOf(keys.node("n"))).toEqual({ kind: "node", id: "n" });
    expect(keys.actorOf(keys.nodeStatus("n"))).toEqual({ kind: "node", id: "n" });
    for (const key of [keys.queue, keys.online, keys.assignments, keys.changes, keys.generation]) {
      expect(keys.actorOf(key)).toBeNull();
    }
    for (const key of ["job:j", "a1:job:j", "a[1]*:rate:j", "xa[1]*:job:j"]) expect(keys.actorOf(key)).toBeNull();
  });

  test("are found by a pattern that takes the prefix literally", () => {
    expect(keys.pattern).toBe("a\\[1\\]\\*:*");
  });
});

describe("a batch", () => {
  const empty: Batch = {
    stale: { keys: [], jobs: [], nodes: [] },
    jobs: [],
    nodes: [],
    telemetry: [],
    heartbeats: [],
    changes: [],
    replace: false,
  };
  const keys = mirrorKeys("");

  test("of nothing is no commands", () => {
    expect(commandsOf(empty, keys)).toEqual([]);
  });

  test("removes before it writes", () => {
    const job = { id: "j", hash: { status: "assigned" }, node: "n", queueScore: null, expiresIn: null };
    const batch = { ...empty, stale: { keys: ["job:j"], jobs: ["j"], nodes: [] }, jobs: [job] };
    expect(commandsOf(batch, keys)).toEqual([
      ["unlink", "job:j"],
      ["zrem", "job_queue", "j", "j"],
      ["hdel", "assignments", "j"],
      ["hset", "job:j", "status", "assigned"],
      ["mset", "job:j:assigned_node", "n"],
      ["hset", "assignments", "j", "n"],
    ]);
  });
});

describe("the backlog", () => {
  const job = (id: string, version: number, finished = false) =>
    ({ ref: { kind: "job", id }, version, finished }) as unknown as CommittedJob;
  const change = (version: number): Change => ({
    kind: "job",
    id: "j",
    version,
    event: "E",
    from: "a",
    to: "b",
    at: version,
  });

  test("holds each job once, in its newest state, in the order in which they began to wait", () => {
    const backlog = new Backlog();
    backlog.putJob(job("a", 1), 1);
    backlog.putJob(job("b", 1), 2);
    backlog.putJob(job("a", 2), 3);
    expect(backlog.oldest).toBe(1);
    expect(backlog.takeJobs(1).map(({ ref, version }) => [ref.id, version])).toEqual([["a", 2]]);
    expect(backlog.oldest).toBe(2);
    expect(backlog.takeJobs(9).map(({ ref }) => ref.id)).toEqual(["b"]);
    expect(backlog.isEmpty).toBe(true);
    expect(backlog.oldest).toBeNull();
  });

  test("forgets the oldest changes when there are too many, and says how many", () => {
    const backlog = new Backlog();
    for (let version = 1; version <= 25_000; version++) backlog.putChange(change(version));
    expect(backlog.size).toBeLessThanOrEqual(10_000);
    const [gap, first] = backlog.takeChanges(10, 99);
    expect(gap).toMatchObject({ kind: "mirror", event: "gap", at: 99 });
    expect(Number(gap!.to)).toBe(first!.version - 1);
    expect(backlog.takeChanges(10, 99)[0]).toMatchObject({ kind: "job", version: first!.version + 10 });
  });

  test("overflows on finished jobs only", () => {
    const backlog = new Backlog();
    for (let each = 0; each < 30_000; each++) backlog.putJob(job(`live-${each}`, 1), 0);
    expect(backlog.overflows).toBe(false);
    for (let each = 0; each <= 20_000; each++) backlog.putJob(job(`done-${each}`, 1, true), 0);
    expect(backlog.overflows).toBe(true);
    backlog.takeJobs(100_000);
    expect(backlog.overflows).toBe(false);
  });

  test("keeps telemetry only of jobs that are not written anyway", () => {
    const backlog = new Backlog();
    backlog.putTelemetry("a");
    backlog.putTelemetry("b");
    backlog.putJob(job("a", 1), 0);
    backlog.putTelemetry("a");
    expect(backlog.takeTelemetry(9)).toEqual(["b"]);
  });
});
