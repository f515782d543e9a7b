import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { randomUUID } from "node:crypto";
import { ref } from "../../../src/transport/rest/openapi/schema.ts";
import { complete, eventually, type Harness, register, startHarness, submit } from "./harness.ts";
import { misfits } from "./schema-check.ts";

let harness: Harness;
let doneId: string;
beforeAll(async () => {
  harness = await startHarness();
  await register(harness, { slots: 3 });
  doneId = await submit(harness);
  await complete(harness, doneId);
});
afterAll(() => harness.stop());

describe("cancelling", () => {
  test("is committed before it is answered, and the reason is kept", async () => {
    const id = await submit(harness);
    const { status, body } = await harness.post(`/api/v1/jobs/${id}/cancel`, {
      reason: "changed 'my' mind; drop table jobs --",
    });
    expect(status).toBe(200);
    expect(misfits(body, ref("JobDetail"))).toEqual([]);
    expect(body).toMatchObject({
      status: "cancelled",
      reason: "cancelled",
      error_message: "cancelled: changed 'my' mind; drop table jobs --",
    });
    expect((await harness.queries.jobs.find(id))?.status).toBe("cancelled");
  });

  test("twice answers the same twice", async () => {
    const id = await submit(harness);
    const first = await harness.post(`/api/v1/jobs/${id}/cancel`, { reason: "one" });
    const second = await harness.post(`/api/v1/jobs/${id}/cancel`, { reason: "two" });
    expect([first.status, second.status]).toEqual([200, 200]);
    expect(second.body.error_message).toBe("cancelled: one");
  });

  test("many times at once cancels once", async () => {
    const id = await submit(harness);
    const answers = await Promise.all(Array.from({ length: 20 }, () => harness.post(`/api/v1/jobs/${id}/cancel`)));
    expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 200));
    const log = await harness.queries.jobs.transitionsAfter(id, 0, 100);
    expect(log.filter(({ event }) => event.type === "CANCEL")).toHaveLength(1);
  });

  test("a running job ends its attempt", async () => {
    const id = await submit(harness, { spec: { priority: "critical" } });
    await eventually("an attempt", () => harness.core.jobs.peek(id)?.state === "assigned.accepted");
    const { body } = await harness.post(`/api/v1/jobs/${id}/cancel`);
    expect(body.attempts.at(-1)).toMatchObject({ outcome: "cancelled" });
    expect(body.assigned_node_id).toBe(body.attempts.at(-1).node_id);
  });

  test("a completed job is refused with its state", async () => {
    const { status, body } = await harness.post(`/api/v1/jobs/${doneId}/cancel`);
    expect(status).toBe(409);
    expect(body).toMatchObject({
      type: "urn:cyxwiz:problem:failed_precondition",
      detail: `job ${doneId} is completed, where this is not possible`,
    });
  });

  test("a job nobody knows is not found", async () => {
    expect((await harness.post(`/api/v1/jobs/${randomUUID()}/cancel`)).status).toBe(404);
  });
});
