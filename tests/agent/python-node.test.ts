/** The protocol's other side in another language: the example that docs/node-protocol.md points to, against a real server. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { join } from "node:path";
import { cleanUp } from "../support/cleanup.ts";
import { smallJob } from "../support/engine.ts";
import { startSharedEmbedded, temporaryDirectory, until } from "../support/servers.ts";
import { type Clients, TestServer } from "../support/test-server.ts";

const root = join(import.meta.dir, "../..");
const python = Bun.spawnSync(["python3", "-c", "import grpc, grpc_tools.protoc"]).exitCode === 0;
if (!python) {
  const missing = "python3 with grpcio and grpcio-tools is missing (pip install grpcio grpcio-tools)";
  if (process.env.CYXWIZ_TEST_REQUIRE_SERVERS === "1") throw new Error(`${missing} and CYXWIZ_TEST_REQUIRE_SERVERS=1`);
  console.warn(`SKIPPED: ${missing}; the example node in Python is not tried`);
}
const signs = python && Bun.spawnSync(["python3", "-c", "import cryptography"]).exitCode === 0;

describe.skipIf(!python)("a node in Python", () => {
  let server: TestServer;
  let clients: Clients;
  let child: Bun.Subprocess<"ignore", "pipe", "inherit">;
  let nodeId: string;

  beforeAll(async () => {
    server = await TestServer.start((await startSharedEmbedded()).url, { "scheduler.offer_exclusion_ms": "200" });
    clients = server.clients();
    const stubs = temporaryDirectory("stubs");
    const protos = [...new Bun.Glob("cyxwiz/*.proto").scanSync({ cwd: join(root, "proto") })];
    const include = `-I${join(root, "proto")}`;
    const made = Bun.spawnSync(
      ["python3", "-m", "grpc_tools.protoc", include, `--python_out=${stubs}`, `--grpc_python_out=${stubs}`, ...protos],
      { stderr: "inherit" },
    );
    if (made.exitCode !== 0) throw new Error("grpcio-tools could not make stubs from proto/");
    child = Bun.spawn(["python3", join(import.meta.dir, "python_node.py"), server.address, stubs], {
      stdout: "pipe",
      stderr: "inherit",
    });
    cleanUp(() => child.kill("SIGKILL"));
    const { value } = await child.stdout.getReader().read();
    nodeId = new TextDecoder().decode(value).trim();
  });
  afterAll(async () => {
    child?.kill("SIGKILL");
    await server?.stop();
  });

  test("registers with the extensions, and takes, reports and completes a job", async () => {
    const profile = server.core.nodes.peek(nodeId)?.snapshot.context.profile;
    expect(profile).toMatchObject({ name: "python", slots: 1, reportsAttempts: true });
    expect(profile?.publicKey === null).toBe(!signs);
    const { jobId } = await clients.jobs.submitJob({ config: smallJob });
    await server.reaches(jobId, "completed");
    const context = (await server.queries.jobs.detail(jobId))?.context;
    expect(context?.result).toMatchObject({ nodeId, attempt: 1, weightsSize: "the weights".length });
    expect(context?.result?.signature).toHaveLength(signs ? 128 : 0);
    expect(context?.live).toBeNull();
    expect(context?.epoch).toBe(smallJob.epochs ?? 0);
  });

  test("stops when its job is cancelled, and takes the next", async () => {
    const { jobId } = await clients.jobs.submitJob({
      config: { ...smallJob, epochs: 10_000, estimatedDuration: 3600n },
    });
    await server.reaches(jobId, "running.active");
    await clients.jobs.cancelJob({ jobId });
    const next = await clients.jobs.submitJob({ config: smallJob });
    await server.reaches(next.jobId, "completed");
  });

  test("sits out a restart of the server in mid-run", async () => {
    const { jobId } = await clients.jobs.submitJob({ config: { ...smallJob, epochs: 40, estimatedDuration: 600n } });
    await server.reaches(jobId, "running.active");
    await server.restart();
    clients = server.clients();
    await until(
      "the job to complete",
      async () => (await server.queries.jobs.find(jobId))?.state === "completed",
      20_000,
    );
    expect((await server.queries.jobs.detail(jobId))?.context?.attempt).toBe(1);
  });
});
