/**
 * Python's gRPC against the server process: an Engine and a Server Node in one script, with stubs that grpcio-tools makes from
 * proto/ for this run.
 */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { ServerProcess } from "../support/server-process.ts";
import { databaseServers, freshDatabase, type TestServer, temporaryDirectory } from "../support/servers.ts";

const root = join(import.meta.dir, "../..");
const python = Bun.spawnSync(["python3", "-c", "import grpc, grpc_tools.protoc"]).exitCode === 0;
if (!python) {
  const missing = "python3 with grpcio and grpcio-tools is missing (pip install grpcio grpcio-tools)";
  if (process.env.CYXWIZ_TEST_REQUIRE_SERVERS === "1") throw new Error(`${missing} and CYXWIZ_TEST_REQUIRE_SERVERS=1`);
  console.warn(`SKIPPED: ${missing}; the server is not tried with a foreign engine and node`);
}

describe.skipIf(!python)("an engine and a node in Python", () => {
  let server: ServerProcess;
  let database: TestServer & { drop(): Promise<void> };
  // biome-ignore lint/suspicious/noExplicitAny: what the script saw, judged below
  let seen: any;

  beforeAll(async () => {
    database = await freshDatabase((await databaseServers()).at(-1)?.url ?? "");
    server = await ServerProcess.prepare({
      settings: {
        "database.url": database.url,
        "server.data_dir": temporaryDirectory("foreign"),
        "server.max_connections": "20",
      },
    });
    const stubs = temporaryDirectory("stubs");
    mkdirSync(join(stubs, "cyxwiz"), { recursive: true });
    const protos = [...new Bun.Glob("cyxwiz/*.proto").scanSync({ cwd: join(root, "proto") })];
    const generated = Bun.spawn(
      [
        "python3",
        "-m",
        "grpc_tools.protoc",
        `-I${join(root, "proto")}`,
        `--python_out=${stubs}`,
        `--grpc_python_out=${stubs}`,
        ...protos,
      ],
      { stderr: "inherit" },
    );
    const [code] = await Promise.all([generated.exited, server.start()]);
    if (code !== 0) throw new Error("grpcio-tools could not make stubs from proto/");
    const run = Bun.spawn(["python3", join(import.meta.dir, "foreign_client.py"), server.address, stubs], {
      stderr: "inherit",
    });
    const output = await run.stdout.text();
    if ((await run.exited) !== 0) throw new Error("the Python client failed; its words are above");
    seen = JSON.parse(output);
  });
  afterAll(async () => {
    await server?.stop();
    await database?.drop();
  });

  test("the node registers and is heard", () => {
    expect(seen.registered).toMatchObject({ status: "STATUS_SUCCESS" });
    expect(seen.registered.node_id).toMatch(/^[0-9a-f-]{36}$/);
    expect(seen.registered.session_token).not.toBeEmpty();
    expect(seen.heartbeat).toEqual({ status: "STATUS_SUCCESS", keep_alive: true });
  });

  test("the engine's job is taken once and offered to the node, whole", () => {
    expect(seen.submitted).toMatchObject({ status: "STATUS_SUCCESS" });
    expect(seen.repeated.job_id).toBe(seen.submitted.job_id);
    expect(seen.offer).toMatchObject({
      node_id: seen.registered.node_id,
      attempt: "1",
      job: {
        job_id: seen.submitted.job_id,
        job_type: "JOB_TYPE_TRAINING",
        priority: "PRIORITY_HIGH",
        model_definition: '{"layers": []}',
        hyperparameters: { learning_rate: "0.01", ą: "💥" },
        dataset_uri: "iris",
        batch_size: 16,
        epochs: 3,
        required_device: "DEVICE_CUDA",
        estimated_memory: String(2 ** 30),
        estimated_duration: "60",
      },
    });
  });

  test("the engine learns where its node is", () => {
    const { status, node_assignment: assignment } = seen.assigned;
    expect(status.status).toBe("STATUS_IN_PROGRESS");
    expect(assignment).toMatchObject({ node_id: seen.registered.node_id });
    expect(assignment.node_endpoint).toMatch(/^127\.0\.0\.1:\d+$/);
    expect(assignment.auth_token.split(".")).toHaveLength(3);
    expect(Number(assignment.token_expires_at)).toBeGreaterThan(Date.now() / 1000);
  });

  test("the node reports and completes; the watcher has seen it all", () => {
    expect(seen.accepted).toEqual({ status: "STATUS_SUCCESS", acknowledged: true });
    expect(seen.progress).toEqual([true, true, true]);
    expect(seen.completed).toEqual({ status: "STATUS_SUCCESS" });
    expect(seen.completedAgain).toEqual({ status: "STATUS_SUCCESS" });
    expect(seen.final.status).toMatchObject({
      status: "STATUS_COMPLETED",
      progress: 1,
      current_epoch: 3,
      current_node_id: seen.registered.node_id,
    });
    expect(seen.final.status.metrics).toMatchObject({ accuracy: 0.97 });
    expect(seen.final.node_assignment).toBeUndefined();
    expect(seen.listed).toContain(seen.submitted.job_id);
    const epochs = seen.watched.map((one: { status: { current_epoch?: number } }) => one.status.current_epoch ?? 0);
    expect(epochs).toEqual([...epochs].sort());
    expect(seen.watched.at(-1).status.status).toBe("STATUS_COMPLETED");
  });

  test("a late report is told to stop", () => {
    expect(seen.late).toMatchObject({ status: "STATUS_CANCELLED", error: { code: 409 } });
    expect(seen.late.should_continue).toBeUndefined();
  });

  test("errors arrive as codes, words and the field", () => {
    expect(seen.failures.badId).toMatchObject([
      "INVALID_ARGUMENT",
      expect.stringContaining("Invalid job ID"),
      "job_id",
    ]);
    expect(seen.failures.noConfig).toMatchObject(["INVALID_ARGUMENT", expect.any(String), "config"]);
    expect(seen.failures.unknown.slice(0, 2)).toEqual([
      "NOT_FOUND",
      "Job not found: 00000000-0000-4000-8000-000000000000",
    ]);
    expect(seen.failures.tooLarge[0]).toBe("RESOURCE_EXHAUSTED");
  });

  test("watchers that hang up at once do no harm, and finished jobs can be deleted", () => {
    expect(seen.cancelled).toMatchObject({ status: "STATUS_SUCCESS" });
    expect(seen.deleted).toEqual(Array(3).fill({ status: "STATUS_SUCCESS" }));
    expect(seen.gone[0]).toBe("NOT_FOUND");
  });
});
