/** Where a job's money is, asked of a server that pays for none; tests/e2e/paid-job.test.ts asks one that does. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { randomUUID } from "node:crypto";
import { ref } from "../../../src/transport/rest/openapi/schema.ts";
import { userToken } from "../../support/test-server.ts";
import { type Harness, startHarness, submit } from "./harness.ts";
import { misfits } from "./schema-check.ts";

let harness: Harness;
beforeAll(async () => {
  harness = await startHarness();
});
afterAll(() => harness.stop());

const payment = (id: string, headers: Record<string, string> = {}) =>
  harness.get(`/api/v1/jobs/${id}/payment`, headers);

test("a job that is not paid through escrow has no payment, and says so; an unknown one is unknown, and no id is no id", async () => {
  const id = await submit(harness, { owner: "alice" });
  const unpaid = await payment(id);
  expect([unpaid.status, unpaid.body.detail]).toEqual([404, `job ${id} is not paid through escrow`]);
  const unknown = randomUUID();
  expect(await payment(unknown)).toMatchObject({ status: 404, body: { detail: expect.stringContaining(unknown) } });
  expect((await payment("no-id")).status).toBe(400);
});

test("another user's payment is not shown, nor whether there is one", async () => {
  const id = await submit(harness, { owner: "alice" });
  const eve = { authorization: `Bearer ${await userToken({ sub: "eve" })}` };
  expect((await payment(id, eve)).status).toBe(403);
});

test("where no job is paid for the chain is none", async () => {
  const { status, body } = await harness.get("/api/v1/blockchain");
  expect([status, body.network, body.rpc_url]).toEqual([200, "none", null]);
  expect(misfits(body, ref("Blockchain"))).toEqual([]);
});
