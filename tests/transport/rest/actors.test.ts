/** An operator sees actors that were set aside, and can give them another chance. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { randomUUID } from "node:crypto";
import { sql } from "kysely";
import { until } from "../../support/servers.ts";
import { userToken } from "../../support/test-server.ts";
import { type Harness, startHarness } from "./harness.ts";

describe("quarantined actors", () => {
  let api: Harness;
  const id = randomUUID();
  beforeAll(async () => {
    api = await startHarness();
  });
  afterAll(() => api.stop());

  test("are none when all is well", async () => {
    const { status, body } = await api.get("/api/v1/actors/quarantined");
    expect({ status, body }).toEqual({ status: 200, body: { actors: [] } });
  });

  test("are listed with the reason, and released when the row has been mended", async () => {
    const epoch = sql`(select epoch from leadership)`;
    const row = (
      snapshot: string,
    ) => sql`insert into actors (kind, id, version, epoch, state, snapshot, finished, created_at, updated_at)
      values ('scheduler', ${id}, 1, ${epoch}, 'paused', ${snapshot}::jsonb, false, now(), now())
      on conflict (kind, id) do update set snapshot = excluded.snapshot`;
    await row('{"status":"active","value":"no such state","context":{}}').execute(api.database.reads);
    // Any message makes the actor read its row.
    await api.core.scheduler.ask(id, { type: "RESUME" }).catch(() => {});
    const listed = await api.get("/api/v1/actors/quarantined");
    expect(listed.body.actors).toEqual([
      { kind: "scheduler", id, reason: expect.stringContaining("cannot be loaded") },
    ]);

    await row(
      '{"status":"active","value":"paused","context":{"paused":true,"reason":null},"children":{},"historyValue":{}}',
    ).execute(api.database.reads);
    expect((await api.post(`/api/v1/actors/scheduler/${id}/release`)).status).toBe(200);
    await until("the actor to be back", () => api.core.scheduler.peek(id)?.state === "paused");
    expect((await api.get("/api/v1/actors/quarantined")).body.actors).toEqual([]);
  });

  test("are released by operators only", async () => {
    const user = { authorization: `Bearer ${await userToken({ sub: "eve" })}` };
    expect((await api.post(`/api/v1/actors/job/${randomUUID()}/release`, undefined, user)).status).toBe(403);
  });

  test("that are none cannot be released", async () => {
    const { status, body } = await api.post(`/api/v1/actors/job/${randomUUID()}/release`);
    expect(status).toBe(404);
    expect(body.detail).toContain("not found");
  });
});
