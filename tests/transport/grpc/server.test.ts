/** A real server on a port of its own, called by our client and by the gRPC of other languages. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { join } from "node:path";
import { credentials, makeGenericClientConstructor } from "@grpc/grpc-js";
import {
  type Channel,
  type Client,
  createChannel,
  createClient,
  createServer,
  type Server,
  type ServiceImplementation,
} from "nice-grpc";
import { ClientError, ServerError, Status } from "nice-grpc-common";
import {
  HealthDefinition,
  HealthCheckResponse_ServingStatus as ServingStatus,
} from "../../../src/transport/grpc/generated/grpc/health/v1/health.ts";
import { addHealth, type Health } from "../../../src/transport/grpc/health.ts";
import {
  JobServiceDefinition,
  JobStatus,
  NodeServiceDefinition,
  StatusCode,
} from "../../../src/transport/grpc/protocol.ts";
import { addReflection } from "../../../src/transport/grpc/reflection.ts";

const LATEST = 2n ** 63n - 1n;

const unimplemented = async () => {
  throw new ServerError(Status.UNIMPLEMENTED, "not part of this test");
};

const jobs: ServiceImplementation<typeof JobServiceDefinition> = {
  async submitJob({ config }) {
    if (config === undefined) throw new ServerError(Status.INVALID_ARGUMENT, "config is required");
    return { status: StatusCode.STATUS_SUCCESS, jobId: `job-${config.epochs}`, estimatedStartTime: LATEST };
  },
  async getJobStatus({ jobId }) {
    if (jobId === "unsendable") return { status: { startTime: LATEST + 1n } };
    return { status: { jobId, status: StatusCode.STATUS_IN_PROGRESS, metrics: { loss: 0.5 } } };
  },
  async *streamJobUpdates({ jobId }) {
    for (let epoch = 1; epoch <= 3; epoch++) yield { jobId, status: { currentEpoch: epoch }, liveMetrics: { epoch } };
  },
  cancelJob: unimplemented,
  listJobs: unimplemented,
  deleteJob: unimplemented,
};

const services = [JobServiceDefinition, NodeServiceDefinition];
let server: Server;
let health: Health;
let address: string;
let channel: Channel;
let client: Client<typeof JobServiceDefinition>;

beforeAll(async () => {
  server = createServer();
  server.add(JobServiceDefinition, jobs);
  health = addHealth(server, services);
  addReflection(server, [...services, HealthDefinition]);
  address = `127.0.0.1:${await server.listen("127.0.0.1:0")}`;
  channel = createChannel(address);
  client = createClient(JobServiceDefinition, channel);
});

afterAll(async () => {
  channel.close();
  health.close();
  await server.shutdown();
});

describe("our own client", () => {
  test("calls and gets whole messages", async () => {
    const reply = await client.submitJob({ config: { epochs: 3, hyperparameters: { lr: "0.1" } } });
    expect(reply.jobId).toBe("job-3");
    expect(reply.estimatedStartTime).toBe(LATEST);
    expect(reply.nodeAssignment).toBeUndefined();
  });

  test("follows a stream", async () => {
    const epochs: (number | undefined)[] = [];
    for await (const update of client.streamJobUpdates({ jobId: "j" })) epochs.push(update.status?.currentEpoch);
    expect(epochs).toEqual([1, 2, 3]);
  });

  test("sees the server's errors", async () => {
    const refused = client.submitJob({}).catch((error: unknown) => error);
    expect(await refused).toMatchObject({ code: Status.INVALID_ARGUMENT, details: "config is required" });
  });

  test("gets INTERNAL for an answer that cannot be sent, and the server lives on", async () => {
    const failure = await client.getJobStatus({ jobId: "unsendable" }).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(ClientError);
    expect(failure).toMatchObject({ code: Status.INTERNAL });
    expect((await client.getJobStatus({ jobId: "j" })).status?.metrics).toEqual({ loss: 0.5 });
  });
});

describe("a request that is no message", () => {
  const raw = (body: Buffer) =>
    new Promise<unknown>((resolve) => {
      const Raw = makeGenericClientConstructor({}, "raw");
      const caller = new Raw(address, credentials.createInsecure());
      const path = "/cyxwiz.protocol.JobService/GetJobStatus";
      const same = (bytes: Buffer) => bytes;
      caller.makeUnaryRequest(path, same, same, body, (error: unknown, reply: unknown) => {
        caller.close();
        resolve(error ?? reply);
      });
    });

  test("is answered with an error, and the next one with an answer", async () => {
    for (const body of [[0x0a, 5, 0x61], [0x0a, 1, 0xff], [0xff], [0x0c]]) {
      expect(await raw(Buffer.from(body))).toMatchObject({ code: Status.INTERNAL });
    }
    expect(await raw(Buffer.from([0x0a, 1, 0x61]))).toBeInstanceOf(Buffer);
  });
});

describe("health", () => {
  const status = async (service: string) =>
    (await createClient(HealthDefinition, channel).check({ service })).status as ServingStatus;

  test("says what was set, for the whole and for each service", async () => {
    const jobService = "cyxwiz.protocol.JobService";
    health.setAll(false);
    expect(await status("")).toBe(ServingStatus.NOT_SERVING);
    health.set(true);
    expect(await status("")).toBe(ServingStatus.SERVING);
    expect(await status(jobService)).toBe(ServingStatus.NOT_SERVING);
    health.set(true, JobServiceDefinition);
    expect(await status(jobService)).toBe(ServingStatus.SERVING);
    expect(await status("cyxwiz.protocol.NodeService")).toBe(ServingStatus.NOT_SERVING);
  });

  test("knows no other services", async () => {
    expect(await status("nobody").catch((error: unknown) => error)).toMatchObject({ code: Status.NOT_FOUND });
  });

  test("watchers hear of each change once, and of the end", async () => {
    const own = createServer();
    const board = addHealth(own, services);
    const watcher = createChannel(`127.0.0.1:${await own.listen("127.0.0.1:0")}`);
    const heard: ServingStatus[] = [];
    for await (const reply of createClient(HealthDefinition, watcher).watch({ service: "" })) {
      heard.push(reply.status);
      if (heard.length === 1) {
        board.set(false, NodeServiceDefinition); // of no concern to this watcher
        board.setAll(true);
      }
      if (heard.length === 2) board.close();
    }
    expect(heard).toEqual([ServingStatus.NOT_SERVING, ServingStatus.SERVING, ServingStatus.NOT_SERVING]);
    board.setAll(true); // closed is closed
    expect((await createClient(HealthDefinition, watcher).check({})).status).toBe(ServingStatus.NOT_SERVING);
    watcher.close();
    await own.shutdown();
  });

  test("a watcher that hangs up is let go", async () => {
    const hangUp = new AbortController();
    const watch = async () => {
      const calls = createClient(HealthDefinition, channel).watch({ service: "nobody" }, { signal: hangUp.signal });
      for await (const reply of calls) {
        expect(reply.status).toBe(ServingStatus.SERVICE_UNKNOWN);
        hangUp.abort();
      }
    };
    expect(await watch().catch((error: Error) => error.name)).toBe("AbortError");
  });
});

const python = Bun.spawnSync(["python3", "-c", "import grpc, grpc_reflection"]).exitCode === 0;

describe.skipIf(!python)("Python's gRPC, knowing nothing but the address", () => {
  let report: Record<string, unknown>;

  beforeAll(async () => {
    health.setAll(true);
    const run = Bun.spawn(["python3", join(import.meta.dir, "foreign_client.py"), address], { stderr: "inherit" });
    report = JSON.parse(await run.stdout.text());
  });

  test("lists the services by reflection", () => {
    expect(report.services).toEqual([
      "cyxwiz.protocol.JobService",
      "cyxwiz.protocol.NodeService",
      "grpc.health.v1.Health",
      "grpc.reflection.v1.ServerReflection",
      "grpc.reflection.v1alpha.ServerReflection",
    ]);
  });

  test("finds the files of symbols and the imports of files", () => {
    expect(report.files).toEqual({
      "cyxwiz.protocol.JobService.SubmitJob": "cyxwiz/job.proto",
      "cyxwiz.protocol.LogMessage.Level": "cyxwiz/execution.proto",
      "cyxwiz.protocol.STATUS_SUCCESS": "cyxwiz/common.proto",
      "cyxwiz.protocol.NodeInfo.pricing": "cyxwiz/node.proto",
      "cyxwiz.protocol.Nothing": null,
    });
    expect(report.imports).toEqual(["cyxwiz/common.proto", "cyxwiz/job.proto", "cyxwiz/execution.proto"]);
  });

  test("calls with the messages it found there", () => {
    expect(report.submitted).toEqual({
      status: "STATUS_SUCCESS",
      job_id: "job-7",
      estimated_start_time: String(LATEST),
    });
    expect(report.epochs).toEqual([1, 2, 3]);
    expect(report.noConfig).toEqual(["INVALID_ARGUMENT", "config is required"]);
  });

  test("asks for health", () => {
    expect(report.health).toEqual(["SERVING", "SERVING", "NOT_FOUND"]);
  });

  test("parses our bytes and we its bytes, at the extremes", () => {
    const theirs = JobStatus.decode(Buffer.from(report.jobStatus as string, "base64"));
    const expected = { startTime: LATEST, endTime: -LATEST - 1n, progress: Number.NaN, currentEpoch: -1 };
    expect(theirs).toEqual({ ...JobStatus.create(expected), status: 99 as never, metrics: { ą: -0 } });
  });
});
