import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { randomUUID } from "node:crypto";
import { connect } from "node:net";
import { ref } from "../../../src/transport/rest/openapi/schema.ts";
import { type Harness, register, startHarness, submit } from "./harness.ts";
import { misfits } from "./schema-check.ts";

let harness: Harness;
let jobId: string;
beforeAll(async () => {
  harness = await startHarness();
  jobId = await submit(harness, { awaitsFunds: true });
});
afterAll(() => harness.stop());

const HOSTILE = [
  "'; drop table jobs; --",
  "1 or 1=1",
  '"><script>alert(1)</script>',
  "..%2f..%2fetc%2fpasswd",
  "%00",
  "%E0%A4%A",
  "💥",
  "-1",
  "NaN",
  "null",
  "{}",
];

async function refused(path: string, status: number, field?: string) {
  const answer = await harness.get(path);
  expect([path, answer.status]).toEqual([path, status]);
  expect(answer.headers.get("content-type")).toBe("application/problem+json");
  expect(misfits(answer.body, ref("Problem"))).toEqual([]);
  expect(answer.body.status).toBe(status);
  if (field !== undefined) expect([path, answer.body.field]).toEqual([path, field]);
  return answer.body;
}

describe("ids", () => {
  test("that are no UUIDs are 400, whatever they are, on every detail route", async () => {
    for (const id of HOSTILE.map((text) => (text.includes("%") ? text : encodeURIComponent(text)))) {
      for (const path of [
        `/api/jobs/${id}`,
        `/api/nodes/${id}`,
        `/api/v1/jobs/${id}`,
        `/api/v1/nodes/${id}`,
        `/api/v1/jobs/${id}/events`,
        `/api/v1/nodes/${id}/metrics`,
      ]) {
        await refused(path, 400, "id");
      }
    }
  });

  test("that nobody has are 404", async () => {
    const id = randomUUID();
    for (const path of [
      `/api/jobs/${id}`,
      `/api/nodes/${id}`,
      `/api/v1/jobs/${id}`,
      `/api/v1/nodes/${id}`,
      `/api/v1/jobs/${id}/events`,
      `/api/v1/nodes/${id}/metrics`,
    ]) {
      await refused(path, 404);
    }
  });

  test("the legacy routes say it in the original's words too", async () => {
    expect((await refused("/api/nodes/x", 400)).error).toBe("Invalid node ID");
    expect((await refused("/api/jobs/x", 400)).error).toBe("Invalid job ID");
    expect((await refused(`/api/nodes/${randomUUID()}`, 404)).error).toBe("Node not found");
    expect((await refused(`/api/jobs/${randomUUID()}`, 404)).error).toBe("Job not found");
    expect((await refused("/api/v1/jobs/x", 400)).error).toBeUndefined();
  });
});

describe("query parameters", () => {
  test("of a page are checked by name", async () => {
    const wrong = ["0", "-1", "101", "1.5", "1e3", "", "99999999999999999999", "ten", "0x10", "%20"];
    for (const path of ["/api/jobs", "/api/nodes", "/api/v1/jobs", "/api/v1/nodes", "/api/v1/scheduler/queue"]) {
      for (const value of wrong) await refused(`${path}?limit=${value}`, 400, "limit");
    }
    for (const value of ["0", "-1", "1.5", "99999999999999999999"])
      await refused(`/api/jobs?page=${value}`, 400, "page");
    expect((await refused("/api/jobs?limit=0", 400)).detail).toBe('limit: "0" is not a whole number from 1 to 100');
    await refused("/api/jobs?limit=1&limit=2", 400, "limit");
  });

  test("of filters are checked by name, and SQL in them is only text", async () => {
    await refused("/api/v1/jobs?status=done", 400, "status");
    await refused("/api/v1/jobs?status=running,", 400, "status");
    await refused("/api/v1/nodes?status=banned", 400, "status");
    await refused("/api/v1/jobs?type=mining", 400, "type");
    await refused("/api/v1/jobs?owner=", 400, "owner");
    await refused("/api/v1/jobs?owner=%00", 400, "owner");
    await refused(`/api/v1/jobs?owner=${"x".repeat(201)}`, 400, "owner");
    await refused("/api/v1/jobs?node=7", 400, "node");
    await refused("/api/v1/nodes?has_gpu=maybe", 400, "has_gpu");
    for (const text of HOSTILE.filter((one) => !one.includes("%"))) {
      const { status, body } = await harness.get(`/api/v1/jobs?owner=${encodeURIComponent(text)}`);
      expect([status, body.total]).toEqual([200, 0]);
      expect((await harness.get(`/api/v1/nodes?region=${encodeURIComponent(text)}`)).body.total).toBe(0);
    }
    expect((await harness.get("/api/v1/jobs")).body.total).toBe(1);
  });

  test("of times and ranges are checked by name", async () => {
    const nodeId = await register(harness);
    const path = `/api/v1/nodes/${nodeId}/metrics`;
    for (const value of ["yesterday", "2026-01-01", "2026-01-01T00:00:00", "2026-13-01T00:00:00Z", "0"]) {
      await refused(`${path}?from=${value}`, 400, "from");
    }
    await refused(`${path}?from=2026-01-02T00:00:00Z&to=2026-01-01T00:00:00Z`, 400, "from");
    for (const value of ["0", "-5", "1001"]) await refused(`${path}?limit=${value}`, 400, "limit");
  });

  test("cursors that this list did not give out are refused", async () => {
    for (let index = 0; index < 3; index++) await submit(harness);
    const { next_cursor: cursor } = (await harness.get("/api/v1/jobs?limit=1")).body;
    const changed = cursor.slice(0, 30) + (cursor[30] === "A" ? "B" : "A") + cursor.slice(31);
    const forged = Buffer.from(`1.jobs.1.${randomUUID()}.00000000`).toString("base64url");
    for (const bad of [changed, forged, "x", "%27;drop%20table%20jobs", cursor.slice(0, -4), `${cursor}AAAA`, ""]) {
      await refused(`/api/v1/jobs?limit=1&cursor=${bad}`, 400, "cursor");
    }
    await refused(`/api/v1/nodes?cursor=${cursor}`, 400, "cursor");
    await refused(`/api/v1/jobs?cursor=${cursor}&page=2`, 400, "page");
    expect((await harness.get(`/api/v1/jobs?limit=1&cursor=${cursor}`)).status).toBe(200);
  });

  test("the id to resume from must be one", async () => {
    for (const value of ["-1", "abc", "1.5", "9999999999999999"]) {
      await refused(`/api/v1/jobs/${jobId}/events?lastEventId=${value}`, 400, "lastEventId");
    }
    const { status, body } = await harness.get(`/api/v1/jobs/${jobId}/events`, { "last-event-id": "x" });
    expect([status, body.field]).toEqual([400, "Last-Event-ID"]);
  });
});

describe("paths and methods", () => {
  test("nothing there is 404, with a way on", async () => {
    for (const path of [
      "/nothing",
      "/api",
      "/api/v2/jobs",
      "/api/jobs/",
      `/api/jobs/${jobId}/x`,
      "/api/v1/scheduler",
      "/..%2f",
    ])
      await refused(path, 404);
    expect((await refused("/api/nope", 404)).detail).toContain("/api/openapi.json");
  });

  test("the wrong method is 405 and says which are right", async () => {
    for (const method of ["POST", "PUT", "DELETE", "PATCH"]) {
      const response = await fetch(harness.url(`/api/jobs/${jobId}`), { method });
      expect([method, response.status, response.headers.get("allow")]).toEqual([method, 405, "GET, HEAD, OPTIONS"]);
      expect(await response.json()).toMatchObject({ type: "urn:cyxwiz:problem:method_not_allowed", status: 405 });
    }
    const response = await fetch(harness.url(`/api/v1/jobs/${jobId}/cancel`));
    expect([response.status, response.headers.get("allow")]).toEqual([405, "POST, OPTIONS"]);
  });

  test("HEAD answers like GET, without a body", async () => {
    for (const path of [
      "/",
      "/api/health",
      "/api/jobs",
      `/api/v1/jobs/${jobId}`,
      `/api/v1/jobs/${jobId}/events`,
      `/api/jobs/${randomUUID()}`,
    ]) {
      const head = await fetch(harness.url(path), { method: "HEAD" });
      expect([path, head.status]).toEqual([path, path.startsWith("/api/jobs/") ? 404 : 200]);
      expect(await head.text()).toBe("");
    }
    expect(harness.app.streams.size).toBe(0);
    expect(harness.core.feed.watchers).toBe(0);
  });
});

describe("bodies", () => {
  const cancel = () => `/api/v1/jobs/${jobId}/cancel`;

  test("that are not a JSON object are refused", async () => {
    for (const body of ["{", "[]", "1", '"x"', "null", "reason=x"]) {
      const answer = await harness.post(cancel(), body);
      expect([body, answer.status, answer.body.field]).toEqual([body, 400, "body"]);
    }
    const invalidUtf8 = await fetch(harness.url(cancel()), {
      method: "POST",
      body: new Uint8Array([0x7b, 0xff, 0x7d]),
      headers: { "content-type": "application/json" },
    });
    expect(invalidUtf8.status).toBe(400);
  });

  test("with a wrong or unknown field are refused by its name", async () => {
    for (const [body, field] of [
      [{ reason: 5 }, "reason"],
      [{ reason: null }, "reason"],
      [{ reason: "x".repeat(501) }, "reason"],
      [{ reason: "a\0b" }, "reason"],
      ['{"reason":"\\ud800"}', "reason"],
      [{ reasn: "typo" }, "reasn"],
    ] as const) {
      const answer = await harness.post(cancel(), body);
      expect([answer.status, answer.body.field]).toEqual([400, field]);
    }
  });

  test("of another type are 415", async () => {
    const answer = await harness.post(cancel(), '{"reason":"x"}', { "content-type": "text/plain" });
    expect([answer.status, answer.body.type]).toEqual([415, "urn:cyxwiz:problem:unsupported_media_type"]);
  });

  test("above the limit are 413, announced or not, and far above it too", async () => {
    const announced = await harness.post(cancel(), { reason: "x".repeat(70_000) });
    expect([announced.status, announced.body.type]).toEqual([413, "urn:cyxwiz:problem:payload_too_large"]);
    const stream = new ReadableStream({
      start(controller) {
        for (let index = 0; index < 100; index++) controller.enqueue(new TextEncoder().encode("x".repeat(1000)));
        controller.close();
      },
    });
    const chunked = await fetch(harness.url(cancel()), {
      method: "POST",
      body: stream,
      headers: { "content-type": "application/json" },
    });
    expect(chunked.status).toBe(413);
    expect((await harness.post(cancel(), "x".repeat(3_000_000))).status).toBe(413);
  });

  test("none of it cancelled the job", async () => {
    expect((await harness.queries.jobs.find(jobId))?.status).toBe("pending");
  });
});

describe("headers", () => {
  test("a request id is echoed when it is harmless and made when it is not", async () => {
    expect((await harness.get("/api/health", { "x-request-id": "abc-1:2.3" })).headers.get("x-request-id")).toBe(
      "abc-1:2.3",
    );
    const made =
      (await harness.get("/api/health", { "x-request-id": 'x" onload="' })).headers.get("x-request-id") ?? "";
    expect(made).toMatch(/^[0-9a-f-]{36}$/);
    const { headers, body } = await harness.get("/api/jobs/x", { "x-request-id": "trace-me" });
    expect([headers.get("x-request-id"), body.request_id]).toEqual(["trace-me", "trace-me"]);
  });

  test("answers of every kind may not be sniffed, framed or cached, and any origin may read them", async () => {
    for (const path of ["/api/health", "/api/jobs/x", "/nothing"]) {
      const { headers } = await harness.get(path, { origin: "https://elsewhere.example" });
      expect(headers.get("x-content-type-options")).toBe("nosniff");
      expect(headers.get("x-frame-options")).toBe("DENY");
      expect(headers.get("content-security-policy")).toContain("default-src 'none'");
      expect(headers.get("cache-control")).toBe("no-store");
      expect(headers.get("access-control-allow-origin")).toBe("*");
    }
  });

  test("a preflight allows reading only, and a page of another origin can not cancel a job", async () => {
    const preflight = await fetch(harness.url(`/api/v1/jobs/${jobId}/cancel`), {
      method: "OPTIONS",
      headers: { origin: "https://elsewhere.example", "access-control-request-method": "POST" },
    });
    expect([preflight.status, preflight.headers.get("access-control-allow-methods")]).toEqual([204, "GET, HEAD"]);
    for (const headers of [
      { origin: "https://elsewhere.example" },
      { origin: "null" },
      { "sec-fetch-site": "cross-site" },
    ]) {
      const answer = await harness.post(`/api/v1/jobs/${jobId}/cancel`, undefined, headers as Record<string, string>);
      expect([answer.status, answer.headers.get("access-control-allow-origin")]).toEqual([403, null]);
    }
    expect((await harness.queries.jobs.find(jobId))?.status).toBe("pending");
    const own = await submit(harness);
    expect((await harness.post(`/api/v1/jobs/${own}/cancel`, undefined, { origin: harness.server.url })).status).toBe(
      200,
    );
  });
});

test("a Host that is none does not reach a route", async () => {
  for (const host of ["a b", "x/api/health?", "x\\y", "x@y"]) {
    const { status, body } = await harness.get("/api/health", { host });
    expect([host, status, body.field]).toEqual([host, 400, "Host"]);
  }
});

test("bytes that are no HTTP do not disturb the server", async () => {
  await new Promise<void>((resolve) => {
    const socket = connect(harness.server.port, "127.0.0.1", () => socket.end("\x16\x03\x01 not http at all\r\n\r\n"));
    socket.on("close", () => resolve()).on("error", () => resolve());
    socket.resume();
  });
  expect((await harness.get("/api/health")).status).toBe(200);
});
