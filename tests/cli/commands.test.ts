/** The commands that talk to a server, against one whose answers the test chooses. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { ServerError, Status } from "nice-grpc-common";
import { type JobConfig, StatusCode } from "../../src/transport/grpc/protocol.ts";
import { completed, jobId, jobStatus, type StubServer, startStub } from "./support/stub-server.ts";
import { removeTemporaryDirectories, run, type Surroundings, temporaryDirectory } from "./support/world.ts";

const hostile = "\x1b[31mevil\r\nline\u202e";

const waitingId = "11111111-0000-4000-8000-000000000000";

let stub: StubServer;
let submitted: { config: JobConfig | undefined; key: string | undefined }[] = [];
let busy = 0;

beforeAll(async () => {
  stub = await startStub({
    async submitJob({ config }, { metadata }) {
      submitted.push({ config, key: metadata.get("idempotency-key") });
      if (busy-- > 0) throw new ServerError(Status.UNAVAILABLE, "the database does not answer at the moment");
      if (config?.datasetUri === "") throw new ServerError(Status.INVALID_ARGUMENT, "config.dataset_uri: is required");
      if (config?.epochs === 99) return { status: StatusCode.STATUS_ERROR, error: { message: "no room" } };
      return { jobId: config?.jobId || jobId, status: StatusCode.STATUS_SUCCESS };
    },
    async getJobStatus(request) {
      if (request.jobId === waitingId) {
        const error = {
          code: 106,
          message: "0 of 2 nodes could take it now: 2 have no free slot",
          details: "no_capacity",
        };
        return { status: { jobId: waitingId, status: StatusCode.STATUS_PENDING, error } };
      }
      if (request.jobId !== jobId) throw new ServerError(Status.NOT_FOUND, `job ${request.jobId} not found`);
      return {
        status: completed({ error: { code: 1, message: hostile, details: "x" }, metrics: { [hostile]: 0.5 } }),
        nodeAssignment: { nodeEndpoint: "10.0.0.1:50052" },
      };
    },
    async cancelJob(request) {
      if (request.jobId !== jobId)
        throw new ServerError(Status.FAILED_PRECONDITION, "job is completed and cannot be cancelled any more");
      return { status: request.reason === "no" ? StatusCode.STATUS_ERROR : StatusCode.STATUS_SUCCESS };
    },
    async deleteJob(request) {
      if (request.jobId === jobId) return { status: StatusCode.STATUS_SUCCESS };
      return { status: StatusCode.STATUS_ERROR, error: { code: 2, message: "cannot delete active job" } };
    },
    async listJobs(request) {
      if (request.pageToken === "crash") throw new ServerError(Status.INTERNAL, "internal error; reference 42");
      if (request.filterStatus === StatusCode.STATUS_FAILED) return { jobs: [], totalCount: 0 };
      const failed = jobStatus({ status: StatusCode.STATUS_FAILED, error: { message: hostile } });
      return { jobs: [completed(), failed].slice(0, request.pageSize), totalCount: 7, nextPageToken: "more" };
    },
  });
});

afterAll(async () => {
  await stub.stop();
  removeTemporaryDirectories();
});

const cyxwiz = (args: readonly string[], given?: Surroundings) => run([...args, `--server=${stub.address}`], given);
const other = "00000000-0000-4000-8000-000000000000";

describe("status", () => {
  test("shows the job, hostile words made harmless", async () => {
    const { code, out, err } = await cyxwiz(["status", jobId]);
    expect({ code, err }).toEqual({ code: 0, err: "" });
    expect(out).toMatch(/^job +4f8f8e3c/m);
    expect(out).toMatch(/^status +completed$/m);
    expect(out).toMatch(/^ran for +42 s$/m);
    expect(out).toContain("at 10.0.0.1:50052");
    expect(out).not.toContain("\x1b");
    expect(out).not.toContain("\nline");
  });

  test("--json is one document on standard output", async () => {
    const { out, err } = await cyxwiz(["status", jobId, "--json"]);
    expect(err).toBe("");
    expect(out).not.toContain("\u202e");
    expect(JSON.parse(out)).toMatchObject({
      job_id: jobId,
      status: "completed",
      progress: 1,
      started_at: "2023-11-14T22:13:20.000Z",
      error: { message: hostile },
      node_endpoint: "10.0.0.1:50052",
    });
  });

  test("a job that waits says why, and that is no error", async () => {
    const { code, out } = await cyxwiz(["status", waitingId]);
    expect(code).toBe(0);
    expect(out).toMatch(/^waiting +0 of 2 nodes could take it now: 2 have no free slot$/m);
    expect(out).not.toMatch(/^error/m);
    expect(JSON.parse((await cyxwiz(["status", waitingId, "--json"])).out)).toMatchObject({
      waiting: { reason: "no_capacity" },
      error: null,
    });
  });

  test("a job that is not there ends with 3", async () => {
    const { code, err } = await cyxwiz(["status", other]);
    expect(code).toBe(3);
    expect(err).toBe(`error: job ${other} not found\n\`cyxwiz jobs\` lists the jobs the server knows.\n`);
  });

  test("the configuration tells where the server is, 0.0.0.0 read as this machine", async () => {
    const environment = { CYXWIZ_SERVER__GRPC_ADDRESS: `0.0.0.0:${stub.port}` };
    expect((await run(["status", jobId], { environment })).code).toBe(0);
    expect((await run(["status", jobId, `--server=http://${stub.address}/`])).code).toBe(0);
  });
});

describe("no server", () => {
  test.each(["jobs", `status ${jobId}`, `watch ${jobId}`, `cancel ${jobId}`, `delete ${jobId}`])(
    "%s",
    async (typed) => {
      const { code, out, err } = await run([...typed.split(" "), "--server=127.0.0.1:1"]);
      expect({ code, out }).toEqual({ code: 5, out: "" });
      expect(err).toBe("error: No server answers at 127.0.0.1:1.\nStart one with `cyxwiz up`.\n");
    },
  );

  test("nodes asks REST, and says the same", async () => {
    const { code, err } = await run(["nodes", "--rest=127.0.0.1:1"]);
    expect(code).toBe(5);
    expect(err).toContain("No server answers at 127.0.0.1:1.");
  });
});

describe("submit", () => {
  const directory = temporaryDirectory();
  const file = (name: string, content: string) => {
    writeFileSync(join(directory, name), content);
    return name;
  };
  const good = file("good.json", '{"job_type": "training", "dataset_uri": "builtin:iris", "epochs": 3}');

  test("prints the id alone on standard output, and the next step beside it", async () => {
    submitted = [];
    const { code, out, err } = await cyxwiz(["submit", good], { directory });
    expect(code).toBe(0);
    expect(out).toMatch(/^[0-9a-f-]{36}\n$/);
    expect(err).toBe(`Submitted. Follow it with: cyxwiz watch ${out}`);
    expect(submitted).toMatchObject([
      { key: undefined, config: { epochs: 3, datasetUri: "builtin:iris", jobId: out.trim() } },
    ]);
  });

  test("reads standard input, and sends the key instead of an id of its own", async () => {
    submitted = [];
    const stdin = '{"job_type": "inference", "dataset_uri": "x"}';
    const { out } = await cyxwiz(["submit", "-", "--idempotency-key", "nightly", "--json"], { stdin });
    expect(JSON.parse(out)).toEqual({ job_id: jobId });
    expect(submitted).toMatchObject([{ key: "nightly", config: { jobId: "", jobType: 2 } }]);
  });

  test("--job-id chooses the id", async () => {
    expect((await cyxwiz(["submit", good, "--job-id", other], { directory })).out).toBe(`${other}\n`);
    expect(await cyxwiz(["submit", good, "--job-id=7"], { directory })).toMatchObject({ code: 2 });
    const both = await cyxwiz(["submit", good, `--job-id=${other}`, "--idempotency-key=x"], { directory });
    expect(both).toMatchObject({ code: 2, err: expect.stringContaining("exclude each other") });
  });

  test("tries again under the same id while the server is busy", async () => {
    submitted = [];
    busy = 2;
    expect((await cyxwiz(["submit", good], { directory })).code).toBe(0);
    expect(new Set(submitted.map(({ config }) => config?.jobId)).size).toBe(1);
    expect(submitted).toHaveLength(3);
  });

  test.each([
    ["missing.json", 2, "there is no file missing.json"],
    [".", 2, ". cannot be read"],
    [file("broken.json", '{\n "epochs": 3,,\n}'), 2, "broken.json:2:14: a name in double quotes is missing here"],
    [file("wrong.json", '{"epochs": "many"}'), 2, 'wrong.json: epochs: "many" is not a whole number'],
    [file("latin.json", ""), 2, "latin.json is empty"],
    [file("no-data.json", '{"job_type": "training"}'), 2, "config.dataset_uri: is required"],
    [file("refused.json", '{"dataset_uri": "x", "epochs": 99}'), 1, "no room"],
  ])("%s ends with %i", async (name, code, message) => {
    const result = await cyxwiz(["submit", name], { directory });
    expect(result).toMatchObject({ code, out: "", err: expect.stringContaining(message) });
  });
});

describe("cancel and delete", () => {
  test("say what they did", async () => {
    expect(await cyxwiz(["cancel", jobId, "--reason=mine"])).toMatchObject({ code: 0, out: `Cancelled ${jobId}.\n` });
    expect(await cyxwiz(["delete", jobId])).toMatchObject({ code: 0, out: `Deleted ${jobId}.\n` });
    expect(JSON.parse((await cyxwiz(["cancel", jobId, "--json"])).out)).toMatchObject({ status: "cancelled" });
    expect(JSON.parse((await cyxwiz(["delete", jobId, "--json"])).out)).toEqual({ job_id: jobId, deleted: true });
  });

  test("end with 1 where the server does not do it", async () => {
    expect(await cyxwiz(["cancel", other])).toMatchObject({
      code: 1,
      err: expect.stringContaining("cannot be cancelled any more"),
    });
    expect(await cyxwiz(["cancel", jobId, "--reason=no"])).toMatchObject({
      code: 1,
      err: expect.stringContaining("was not cancelled"),
    });
    expect(await cyxwiz(["delete", other])).toMatchObject({ code: 1, err: "error: cannot delete active job\n" });
  });
});

describe("jobs", () => {
  test("is a table, whole where it is piped", async () => {
    const { code, out, err } = await cyxwiz(["jobs"]);
    expect(code).toBe(0);
    const [head, first, second] = out.split("\n");
    expect(head).toMatch(/^JOB +STATUS +DONE +EPOCH +RAN +STARTED +NODE +ERROR$/);
    expect(first).toMatch(
      /^4f8f8e3c-\S+ +completed +100 % +10 +42 s +2023-11-14 22:13:20Z +11111111-2222-4333-8444-555555555555$/,
    );
    expect(second).toContain("\\u001b[31mevil line");
    expect(err).toBe("7 jobs in all. More: --page-token=more\n");
  });

  test("fits the terminal it is shown on", async () => {
    for (const columns of [40, 60, 80, 120]) {
      const { out } = await cyxwiz(["jobs"], { isTTY: true, columns, environment: { NO_COLOR: "1" } });
      for (const line of out.split("\n")) expect(Bun.stringWidth(line)).toBeLessThanOrEqual(Math.max(columns, 49));
      expect(out).toContain(jobId);
    }
  });

  test("as data", async () => {
    const { out, err } = await cyxwiz(["jobs", "--json", "--limit=1"]);
    expect(err).toBe("");
    expect(JSON.parse(out)).toMatchObject({ jobs: [{ job_id: jobId }], total_count: 7, next_page_token: "more" });
  });

  test("none", async () => {
    expect(await cyxwiz(["jobs", "--status=failed"])).toMatchObject({
      code: 0,
      out: "",
      err: expect.stringContaining("No jobs"),
    });
  });

  test("an error inside the server carries its reference", async () => {
    expect(await cyxwiz(["jobs", "--page-token=crash"])).toMatchObject({
      code: 1,
      err: expect.stringContaining("answered INTERNAL: internal error; reference 42"),
    });
  });
});

describe("nodes", () => {
  const node = {
    id: "11111111-2222-4333-8444-555555555555",
    name: hostile,
    status: "online",
    current_load: 0.5,
    cpu_cores: 8,
    ram_gb: 16,
    jobs_completed: 3,
    last_heartbeat: new Date(Date.now() - 3000).toISOString(),
  };
  let answer: Response;
  let asked: URL;
  const rest = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    fetch(request) {
      asked = new URL(request.url);
      return answer;
    },
  });
  afterAll(() => rest.stop(true));
  const nodes = (...args: string[]) => run(["nodes", `--rest=127.0.0.1:${rest.port}`, ...args]);

  test("are a table", async () => {
    answer = Response.json({ nodes: [node, { surprising: true }], total: 2, next_cursor: null });
    const { code, out } = await nodes("--status=online,busy", "--limit=5");
    expect(code).toBe(0);
    expect(asked.pathname + asked.search).toBe("/api/v1/nodes?status=online%2Cbusy&limit=5");
    expect(out).toMatch(/^NODE +NAME +STATUS +LOAD +JOBS +MACHINE +HEARD$/m);
    expect(out).toMatch(/online +50 % +3 +8 cores, 16 GB +\d\.\d s ago/);
    expect(out).not.toContain("\x1b");
  });

  test("as the server's own data", async () => {
    answer = Response.json({ nodes: [node], total: 1, next_cursor: null });
    expect(JSON.parse((await nodes("--json")).out)).toEqual({ nodes: [node], total: 1, next_cursor: null });
  });

  test("none, and what the server refuses", async () => {
    answer = Response.json({ nodes: [] });
    expect(await nodes()).toMatchObject({ code: 0, out: "", err: expect.stringContaining("No nodes") });
    answer = Response.json({ detail: "limit: 0 is not allowed" }, { status: 400 });
    expect(await nodes("--limit=0")).toMatchObject({ code: 2, err: "error: limit: 0 is not allowed\n" });
    answer = new Response("<html>", { status: 200 });
    expect(await nodes()).toMatchObject({ code: 5, err: expect.stringContaining("is no CyxWiz server") });
  });
});
