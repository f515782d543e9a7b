/** Jobs with big models and hyperparameters, over a real socket and on a real PostgreSQL: what is stored, told apart, and sent. */
import { afterAll, afterEach, beforeAll, describe, expect, test } from "bun:test";
import { createHash, randomUUID } from "node:crypto";
import { loadConfig } from "../../../src/config/index.ts";
import { sha256Of } from "../../../src/domain/job-texts.ts";
import { submissionRules } from "../../../src/settings.ts";
import { ANONYMOUS } from "../../../src/transport/grpc/caller.ts";
import { type DeepPartial, DeviceType, JobConfig, StatusCode } from "../../../src/transport/grpc/protocol.ts";
import { readSubmission } from "../../../src/transport/grpc/submission.ts";
import { administer, databaseServers, rowsOf } from "../../support/servers.ts";
import { type Clients, jobConfig, refused, TestServer } from "../../support/test-server.ts";

const model = JSON.stringify({ layers: [], comment: '"ü"'.repeat(200_000) });
const hyperparameters = Object.fromEntries(Array.from({ length: 300 }, (_, index) => [`p${index}`, "v".repeat(100)]));

const anonymous = { caller: ANONYMOUS, idempotencyKey: undefined, randomId: randomUUID };

for (const { name, url } of await databaseServers()) {
  describe(`big texts on the ${name} PostgreSQL`, () => {
    let server: TestServer;
    let clients: Clients;
    beforeAll(async () => {
      server = await TestServer.start(url);
      clients = server.clients();
    });
    afterEach(() => server.clear());
    afterAll(() => server.stop());

    const submit = async (config: DeepPartial<JobConfig>): Promise<string> =>
      (await clients.jobs.submitJob({ config: jobConfig(config) })).jobId;
    const waiting = (config: DeepPartial<JobConfig>) => submit({ requiredDevice: DeviceType.DEVICE_VULKAN, ...config });
    const texts = () => rowsOf<{ sha256: string; uses: string }>(server.databaseUrl, "select sha256, uses from texts");

    test("a job with both reaches its node whole, and no transition stores them again", async () => {
      const node = await server.fakeNode();
      const id = await submit({ modelDefinition: model, hyperparameters });
      await server.reaches(id, "assigned.accepted");
      const { job } = (await node.offered(id)).request;
      expect(job?.modelDefinition).toBe(model);
      expect(job?.hyperparameters).toMatchObject(hyperparameters);
      await node.complete(id);
      await server.leavesMemory(id);
      const stored = await rowsOf<{ bytes: number }>(
        server.databaseUrl,
        `select octet_length(event::text) as bytes from transitions where id = '${id}'
         union all select octet_length(snapshot::text) from actors where id = '${id}'
         union all select octet_length(metadata::text) from jobs where id = '${id}'`,
      );
      expect(stored.length).toBeGreaterThan(5);
      for (const { bytes } of stored) expect(bytes).toBeLessThan(20_000);
      expect((await server.queries.jobs.find(id))?.metadata).toMatchObject({
        model_definition: "",
        hyperparameters: {},
        texts: { model: { sha256: sha256Of(model), bytes: Buffer.byteLength(model) }, hyperparameters: {} },
      });
    });

    test("the same submission again is the same job, another model under its id is another (I5)", async () => {
      const jobId = randomUUID();
      expect(await waiting({ jobId, modelDefinition: model })).toBe(jobId);
      expect(await waiting({ jobId, modelDefinition: model })).toBe(jobId);
      const other = jobConfig({ jobId, modelDefinition: `${model} `, requiredDevice: DeviceType.DEVICE_VULKAN });
      expect(await refused((o) => clients.jobs.submitJob({ config: other }, o))).toMatchObject({
        code: "ALREADY_EXISTS",
      });
      expect((await texts()).map(({ sha256 }) => sha256)).not.toContain(sha256Of(`${model} `));
    });

    test("two jobs share one text, and it goes with the second", async () => {
      const own = `${model}\n`;
      const ids = [await waiting({ modelDefinition: own }), await waiting({ modelDefinition: own })];
      const uses = async () => (await texts()).find(({ sha256 }) => sha256 === sha256Of(own))?.uses;
      expect(await uses()).toBe("2");
      for (const left of ["1", undefined]) {
        const jobId = ids.pop() ?? "";
        await clients.jobs.cancelJob({ jobId });
        await server.leavesMemory(jobId);
        expect((await clients.jobs.deleteJob({ jobId })).status).toBe(StatusCode.STATUS_SUCCESS);
        expect(await uses()).toBe(left);
      }
    });

    test("a job that an earlier version stored with its model inside knows its repeat, and is offered as it is", async () => {
      const jobId = randomUUID();
      const config = JobConfig.create(jobConfig({ jobId, modelDefinition: model }));
      const { input, texts: apart } = readSubmission(config, submissionRules(server.config), anonymous);
      expect(apart).toHaveLength(1);
      const { texts: _, ...rest } = input.spec;
      const spec = { ...rest, modelDefinition: model };
      const fingerprint = createHash("sha256")
        .update(JSON.stringify([input.owner, input.userWallet, spec]))
        .digest("hex");
      await server.core.jobs.create(jobId, { ...input, spec, fingerprint });
      expect(await submit({ jobId, modelDefinition: model })).toBe(jobId);
      const node = await server.fakeNode();
      expect((await node.offered(jobId)).request.job?.modelDefinition).toBe(model);
      await node.complete(jobId);
    });

    test("a job whose model somebody has deleted fails and says so", async () => {
      const own = `${model}\t`;
      const jobId = await submit({ modelDefinition: own });
      await administer(server.databaseUrl, `delete from texts where sha256 = '${sha256Of(own)}'`);
      // The server that took the job may still have it in memory.
      await server.restart();
      clients = server.clients();
      await server.fakeNode();
      await server.reaches(jobId, "failed");
      const { status } = await clients.jobs.getJobStatus({ jobId });
      expect(status?.error).toMatchObject({ code: 18, details: "text_missing" });
      expect(status?.error?.message).toContain(sha256Of(own));
    });

    test("goes on from the reference after a restart", async () => {
      const jobId = await submit({ modelDefinition: model });
      await server.restart();
      clients = server.clients();
      const node = await server.fakeNode();
      expect((await node.offered(jobId)).request.job?.modelDefinition).toBe(model);
      await node.complete(jobId);
    });
  });
}

test("a small job is made of what it always was", () => {
  const rules = submissionRules(loadConfig({ args: [] }).config);
  const { input, texts } = readSubmission(JobConfig.create(jobConfig()), rules, anonymous);
  expect(texts).toEqual([]);
  expect(input.spec).not.toHaveProperty("texts");
});
