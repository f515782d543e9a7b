/** grpcurl against the server process: what the README promises about `list`, `describe` and calls without .proto files. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { existsSync } from "node:fs";
import { ServerProcess } from "../support/server-process.ts";
import { databaseServers, freshDatabase, type TestServer, temporaryDirectory } from "../support/servers.ts";

/** CYXWIZ_TEST_GRPCURL, or the one on the path. */
const named = process.env.CYXWIZ_TEST_GRPCURL ?? Bun.which("grpcurl");
const grpcurl = named !== null && existsSync(named) ? named : null;
if (grpcurl === null) console.warn("SKIPPED: grpcurl is not installed (or set CYXWIZ_TEST_GRPCURL); it is not tried");

describe.skipIf(grpcurl === null)("grpcurl", () => {
  let server: ServerProcess;
  let database: TestServer & { drop(): Promise<void> };

  beforeAll(async () => {
    database = await freshDatabase((await databaseServers()).at(-1)?.url ?? "");
    server = await ServerProcess.prepare({
      settings: { "database.url": database.url, "server.data_dir": temporaryDirectory("grpcurl") },
    });
    await server.start();
  });
  afterAll(async () => {
    await server?.stop();
    await database?.drop();
  });

  const call = async (...args: string[]): Promise<{ code: number; out: string; err: string }> => {
    const run = Bun.spawn([grpcurl ?? "", "-plaintext", ...args], { stdout: "pipe", stderr: "pipe" });
    const [out, err, code] = await Promise.all([run.stdout.text(), run.stderr.text(), run.exited]);
    return { code, out, err };
  };
  const rpc = async (method: string, request: object) => {
    const reply = await call("-d", JSON.stringify(request), server.address, `cyxwiz.protocol.${method}`);
    if (reply.code !== 0) throw new Error(reply.err);
    return JSON.parse(reply.out);
  };

  test("lists and describes the services", async () => {
    const { out } = await call(server.address, "list");
    for (const service of ["JobService", "NodeService", "JobStatusService"]) {
      expect(out).toContain(`cyxwiz.protocol.${service}`);
    }
    expect(out).toContain("grpc.health.v1.Health");
    expect((await call(server.address, "list", "cyxwiz.protocol.JobService")).out).toContain("SubmitJob");
    expect((await call(server.address, "describe", "cyxwiz.protocol.JobConfig")).out).toContain(
      "string dataset_uri = 6",
    );
    expect((await call(server.address, "describe", "cyxwiz.protocol.NodeService")).out).toContain("rpc Heartbeat");
  });

  test("submits a job, reads it, cancels it", async () => {
    const config = { job_type: "JOB_TYPE_TRAINING", dataset_uri: "iris", epochs: 3, required_device: "DEVICE_VULKAN" };
    const { jobId, status } = await rpc("JobService/SubmitJob", { config });
    expect(status).toBe("STATUS_SUCCESS");
    expect((await rpc("JobService/GetJobStatus", { job_id: jobId })).status).toMatchObject({
      status: "STATUS_PENDING",
    });
    expect((await rpc("JobService/CancelJob", { job_id: jobId, reason: "" })).status).toBe("STATUS_SUCCESS");
    const watched = await call(
      "-d",
      JSON.stringify({ job_id: jobId }),
      server.address,
      "cyxwiz.protocol.JobService/StreamJobUpdates",
    );
    expect(JSON.parse(watched.out).status.status).toBe("STATUS_CANCELLED");
  });

  test("shows an error with its code, its words and the field", async () => {
    const { code, err } = await call("-v", "-d", "{}", server.address, "cyxwiz.protocol.JobService/SubmitJob");
    expect(code).not.toBe(0);
    expect(err).toContain("Code: InvalidArgument");
    expect(err).toContain("config: is required");
  });
});
