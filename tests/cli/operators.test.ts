/** explain, plan, and what operators type, against the real REST API on a real core and database. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import { randomUUID } from "node:crypto";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { GANG_RUNTIME } from "../../src/domain/job-terms.ts";
import { userToken } from "../support/test-server.ts";
import {
  ADMIN_SECRET,
  complete,
  type Harness,
  register,
  run as runJob,
  startHarness,
  submit,
  USER_SECRET,
  waitFor,
} from "../transport/rest/harness.ts";
import { removeTemporaryDirectories, run, type Surroundings, temporaryDirectory } from "./support/world.ts";

let server: Harness;
let guarded: Harness;
let nodeId: string;
beforeAll(async () => {
  server = await startHarness();
  guarded = await startHarness({ access: { userSecret: USER_SECRET, adminSecret: ADMIN_SECRET, loopback: true } });
});
beforeEach(async () => {
  nodeId = await register(server, { slots: 1, name: "attic", runtimes: [GANG_RUNTIME] });
});
afterEach(() => retire());
afterAll(async () => {
  await server.stop();
  await guarded.stop();
  removeTemporaryDirectories();
});

const cyxwiz = (args: readonly string[], given?: Surroundings, at: Harness = server) =>
  run([...args, `--rest=${new URL(at.server.url).host}`], given);

/** Leaves the next test no node but its own. */
async function retire(): Promise<void> {
  for (const node of [...server.core.nodes.live()]) {
    if (node.state !== "banned") await server.post(`/api/v1/nodes/${node.ref.id}/ban`, { reason: "the test is over" });
  }
}

describe("orders to a node", () => {
  test("my draining node says when it is done", async () => {
    const job = await submit(server);
    const { nodeId: on } = await runJob(server, job);
    const draining = await cyxwiz(["drain", on, "--deadline=10m", "--reason=moving house"]);
    expect(draining).toMatchObject({ code: 0, err: "" });
    expect(draining.out).toContain(`attic (${on}) is draining`);
    expect(draining.out).toMatch(/its owner is told: .*moving house/);
    expect(draining.out).toContain("1 job still runs on it");
    await server.post(`/api/v1/jobs/${job}/cancel`);
    const done = await cyxwiz(["drain", on, "--reason=moving house"]);
    expect(done.out).toContain("nothing runs on it");
    expect((await cyxwiz(["nodes"])).out).toMatch(/attic +draining/);
    expect((await cyxwiz(["undrain", on])).out).toContain("is online.idle");
  });

  test("cordon and uncordon, in words and as data", async () => {
    expect((await cyxwiz(["cordon", nodeId, "--reason=new driver"])).out).toContain("is cordoned");
    const { out } = await cyxwiz(["cordon", nodeId, "--reason=new driver", "--json"]);
    expect(JSON.parse(out)).toMatchObject({ id: nodeId, state: "cordoned", standing_reason: "new driver" });
    expect((await cyxwiz(["uncordon", nodeId])).out).toContain("is online.idle");
  });

  test("ban for a time, and unban", async () => {
    const banned = await cyxwiz(["ban", nodeId, "--for=24h", "--evict", "--reason=wrong results", "--json"]);
    const { state, banned_until } = JSON.parse(banned.out);
    expect(state).toBe("banned");
    expect(Date.parse(banned_until) - Date.now()).toBeGreaterThan(23 * 3_600_000);
    expect(server.core.nodes.peek(nodeId)?.snapshot.context.ban).toMatchObject({ evict: true });
    expect((await cyxwiz(["unban", nodeId])).out).toContain("is online.idle");
  });

  test("a ban needs a reason, and a span of time is one", async () => {
    expect(await cyxwiz(["ban", nodeId])).toMatchObject({
      code: 2,
      out: "",
      err: expect.stringContaining("--reason=TEXT"),
    });
    for (const [order, option, wrong] of [
      ["drain", "deadline", "soon"],
      ["drain", "deadline", "-5m"],
      ["drain", "deadline", "10"],
      ["ban", "for", "1y"],
    ]) {
      const { code, err } = await cyxwiz([order ?? "", nodeId, "--reason=x", `--${option}=${wrong}`]);
      expect([code, err]).toEqual([2, expect.stringContaining(`--${option}: "${wrong}" is no span of time`)]);
    }
    const zero = await cyxwiz(["ban", nodeId, "--reason=x", "--for=0s"]);
    expect(zero).toMatchObject({ code: 2, err: expect.stringContaining("duration_seconds") });
    expect(server.core.nodes.peek(nodeId)?.state).toBe("online.idle");
  });

  test("a node that is not there, an id that is none, a server that is away", async () => {
    expect(await cyxwiz(["cordon", randomUUID()])).toMatchObject({
      code: 3,
      err: expect.stringContaining("not found"),
    });
    expect(await cyxwiz(["cordon", "attic"])).toMatchObject({
      code: 2,
      err: expect.stringContaining("`cyxwiz nodes`"),
    });
    expect(await run(["cordon", nodeId, "--rest=127.0.0.1:1"])).toMatchObject({ code: 5 });
    expect(await cyxwiz(["cordno", nodeId])).toMatchObject({
      code: 2,
      err: expect.stringContaining("did you mean `cyxwiz cordon`?"),
    });
  });
});

describe("pause and resume", () => {
  test("say how the scheduler stands, and why", async () => {
    const paused = await cyxwiz(["pause", "--reason=moving the database"]);
    expect(paused).toMatchObject({ code: 0, err: "" });
    expect(paused.out).toContain("The scheduler is paused: moving the database;");
    const resumed = await cyxwiz(["resume", "--json"]);
    expect(JSON.parse(resumed.out)).toMatchObject({ state: "brokering", pause_reason: null });
  });
});

describe("an operator's token", () => {
  test("a stranger cannot ban a node", async () => {
    const id = await register(guarded);
    const { code, out, err } = await cyxwiz(["ban", id, "--reason=x"], {}, guarded);
    expect({ code, out }).toEqual({ code: 1, out: "" });
    expect(err).toContain("only operators may do this");
    expect(err).toContain("CYXWIZ_ADMIN_TOKEN");
    expect(guarded.core.nodes.peek(id)?.state).toBe("online.idle");
  });

  test("comes from an option, the environment, or the secret where the server's configuration is at hand", async () => {
    const id = await register(guarded);
    const token = await userToken({ sub: "olga" }, { secret: ADMIN_SECRET });
    const by = () => lastOrder(id);
    expect((await cyxwiz(["cordon", id, `--admin-token=${token}`], {}, guarded)).code).toBe(0);
    expect(await by()).toBe("olga");
    const environment = { CYXWIZ_ADMIN_TOKEN: token };
    expect((await cyxwiz(["uncordon", id], { environment }, guarded)).code).toBe(0);
    expect(await by()).toBe("olga");
    const atHand = { CYXWIZ_JWT__ADMIN_SECRET: ADMIN_SECRET, USER: "otto" };
    expect((await cyxwiz(["cordon", id], { environment: atHand }, guarded)).code).toBe(0);
    expect(await by()).toBe("otto");
  });

  async function lastOrder(id: string): Promise<unknown> {
    const { event } = await guarded.database.reads
      .selectFrom("transitions")
      .select("event")
      .where("kind", "=", "node")
      .where("id", "=", id)
      .orderBy("version", "desc")
      .executeTakeFirstOrThrow();
    return (event as { by?: unknown }).by;
  }
});

describe("explain", () => {
  test("I am told why my job waits and what would help", async () => {
    const first = await submit(server);
    await runJob(server, first);
    const waiting = await submit(server);
    await waitFor(server, waiting, "pending.queued");
    const { code, out, err } = await cyxwiz(["explain", waiting]);
    expect({ code, err }).toEqual({ code: 0, err: "" });
    expect(out).toMatch(/^reason +no_capacity$/m);
    expect(out).toMatch(/^why +.*could take it now/m);
    expect(out).toMatch(/^queue +number 1 of 1$/m);
    expect(out).toMatch(/^until +.*Z, in /m);
    expect(out).toMatch(/^Nodes {2}\d+ in all, 0 could take it now$/m);
    expect(out).toMatch(/^ +1 +full +all slots taken$/m);
    expect(out).toMatch(/^What would help\n {2}- /m);
    const data = JSON.parse((await cyxwiz(["explain", waiting, "--json"])).out);
    expect(data).toMatchObject({ job_id: waiting, reason: "no_capacity" });
    for (const id of [waiting, first]) await server.post(`/api/v1/jobs/${id}/cancel`);
  });

  test("shows the best candidates with the terms of their score, and how the last attempt ended", async () => {
    const job = await submit(server);
    const { nodeId: on, attempt } = await runJob(server, job);
    await server.core.reports.failed({ nodeId: on, jobId: job, attempt }, "out of \x1b[31mmemory", false);
    await waitFor(server, job, "pending.backoff");
    const { out } = await cyxwiz(["explain", job]);
    expect(out).toMatch(new RegExp(`^last attempt +number 1 on ${on}: failed \\(out of .*memory\\) at `, "m"));
    expect(out).not.toContain("\x1b");
    const plan = await cyxwiz(["plan", "-"], { stdin: '{"job_type":"training","dataset_uri":"builtin:iris"}' });
    expect(plan.out).toMatch(/^NODE +NAME +REGION +SCORE +REPUTATION +AVAILABLE +CAPABILITY +UPTIME$/m);
    expect(plan.out).toMatch(new RegExp(`^${on} +attic +eu +0\\.\\d{3} +0\\.\\d{3}`, "m"));
    await server.post(`/api/v1/jobs/${job}/cancel`);
  });

  test("a job that has ended is told with how", async () => {
    const job = await submit(server);
    await complete(server, job);
    const { out } = await cyxwiz(["explain", job]);
    expect(out).toMatch(/^state +completed$/m);
    expect(out).not.toContain("Nodes");
  });

  test("a job that is not there ends with 3", async () => {
    expect(await cyxwiz(["explain", randomUUID()])).toMatchObject({ code: 3, out: "" });
  });
});

describe("plan", () => {
  const directory = temporaryDirectory();
  const plan = (content: string, ...args: string[]) => {
    writeFileSync(join(directory, "job.json"), content);
    return cyxwiz(["plan", "job.json", ...args], { directory });
  };

  test("I learn the price and the start before I submit", async () => {
    const job = '{"job_type": "training", "dataset_uri": "builtin:iris", "estimated_duration": 3600}';
    const { code, out, err } = await plan(job);
    expect({ code, err }).toEqual({ code: 0, err: "" });
    expect(out).toMatch(/^price +0\.03636 tokens$/m);
    expect(out).toMatch(/^start +at once$/m);
    expect(JSON.parse((await plan(job, "--json")).out)).toMatchObject({ price: 36_360_000, nodes_needed: 1 });
    expect(await server.queries.jobs.count({ statuses: ["pending"] })).toBe(0);
  });

  test("a gang says how many nodes it needs", async () => {
    const { out } = await plan(
      '{"job_type": "training", "dataset_uri": "builtin:iris", "hyperparameters": {"cyxwiz.gang.size": 64}}',
    );
    expect(out).toMatch(/^nodes +64 at a time$/m);
    expect(out).toMatch(/^reason +gang_incomplete$/m);
    expect(out).toMatch(/^start +nothing tells when$/m);
    expect(out).toContain("What would help");
  });

  test("a wrong file is told by its own name, a wrong value by the server", async () => {
    expect(await plan('{"job_type": "trainig"}')).toMatchObject({ code: 2, err: expect.stringContaining("job.json:") });
    expect(await plan('{"job_type": "training"}')).toMatchObject({
      code: 2,
      err: expect.stringContaining("dataset_uri: is required"),
    });
  });
});
