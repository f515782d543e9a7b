import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { randomUUID } from "node:crypto";
import {
  ActorOverloaded,
  ActorQuarantined,
  ActorUnavailable,
  ActorUnknown,
  EventPoisonous,
} from "../../../src/actors/runtime/index.ts";
import { Refusal } from "../../../src/domain/refusal.ts";
import { refusalFrom } from "../../../src/transport/problems.ts";
import { rememberingLog } from "../../support/quiet.ts";
import { type Harness, startHarness, submit } from "./harness.ts";

const ref = { kind: "job", id: randomUUID() };

describe("refusals", () => {
  test("name what the actors said, and when to come back", () => {
    const log = rememberingLog();
    const code = (error: unknown) => {
      const { code, details } = refusalFrom(error, log);
      return [code, details.retryAfterMs];
    };
    expect(code(new ActorUnknown(ref))).toEqual(["not_found", undefined]);
    expect(code(new ActorOverloaded(ref, "full"))).toEqual(["resource_exhausted", 1000]);
    expect(code(new ActorUnavailable(ref, "stopping"))).toEqual(["unavailable", 1000]);
    expect(log.lines).toEqual([]);
    const mine = new Refusal("already_exists", "it is there");
    expect(refusalFrom(mine, log)).toBe(mine);
  });

  test("of a database that is away say so", () => {
    const log = rememberingLog();
    const refused = Object.assign(new Error("connect ECONNREFUSED"), { code: "ECONNREFUSED" });
    const shutdown = Object.assign(new Error("terminating connection"), { code: "57P01", severity: "FATAL" });
    for (const error of [
      refused,
      shutdown,
      new Error("Connection terminated unexpectedly"),
      new AggregateError([refused]),
    ]) {
      expect(refusalFrom(error, log)).toMatchObject({ code: "unavailable", details: { retryAfterMs: 2000 } });
    }
    const wrongQuery = Object.assign(new Error('column "x" does not exist'), { code: "42703", severity: "ERROR" });
    expect(refusalFrom(wrongQuery, log).code).toBe("internal");
  });

  test("of anything else say nothing but the reference under which it is logged", () => {
    const log = rememberingLog();
    for (const error of [
      new Error("secret path /etc/x"),
      "a string",
      null,
      new EventPoisonous(ref, "secret"),
      new ActorQuarantined(ref, "secret"),
    ]) {
      const { code, message } = refusalFrom(error, log);
      expect(code).toBe("internal");
      expect(message).not.toContain("secret");
      expect(message).toContain(String(log.lines.at(-1)?.fields.reference));
    }
    expect(log.lines.map(({ level }) => level)).toEqual(["error", "error", "error", "error", "error"]);
  });
});

describe("the running server", () => {
  let harness: Harness;
  beforeAll(async () => {
    harness = await startHarness();
  });
  afterAll(() => harness.stop());

  test("hides what went wrong inside, and logs it with the request's id", async () => {
    const nodes = harness.queries.nodes as { find: Harness["queries"]["nodes"]["find"] };
    const real = nodes.find;
    nodes.find = () => Promise.reject(new Error("the secret plan"));
    const { status, body } = await harness.get(`/api/nodes/${randomUUID()}`, { "x-request-id": "r-1" });
    nodes.find = real;
    expect(status).toBe(500);
    expect(JSON.stringify(body)).not.toContain("secret");
    expect(body).toMatchObject({ type: "urn:cyxwiz:problem:internal", request_id: "r-1" });
    const line = harness.log.lines.findLast(({ level }) => level === "error");
    expect(body.detail).toContain(String(line?.fields.reference));
  });

  test("answers 503 with a time to come back while the database is away", async () => {
    const jobs = harness.queries.jobs as { list: Harness["queries"]["jobs"]["list"] };
    const real = jobs.list;
    jobs.list = () => Promise.reject(new Error("Connection terminated unexpectedly"));
    const { status, headers, body } = await harness.get("/api/jobs");
    jobs.list = real;
    expect([status, headers.get("retry-after"), body.retry_after]).toEqual([503, "2", 2]);
  });

  test("does not keep a caller waiting for a database that has stopped to answer", async () => {
    const own = await startHarness({ requestTimeout: 100 });
    const jobs = own.queries.jobs as { list: Harness["queries"]["jobs"]["list"] };
    jobs.list = () => new Promise(() => {});
    const { status, body } = await own.get("/api/jobs");
    expect([status, body.retry_after]).toEqual([503, 5]);
    await own.stop();
  });

  test("stops while a request is under way only when it has been answered", async () => {
    const own = await startHarness();
    const id = await submit(own);
    const jobs = own.queries.jobs as { find: Harness["queries"]["jobs"]["find"] };
    const real = jobs.find;
    const asked = Promise.withResolvers<void>();
    jobs.find = async (wanted) => {
      asked.resolve();
      await Bun.sleep(300);
      return real(wanted);
    };
    const answer = own.get(`/api/jobs/${id}`);
    await asked.promise;
    const stopped = own.server.stop();
    expect((await answer).status).toBe(200);
    await stopped;
    await expect(own.get("/api/health")).rejects.toThrow();
    await own.stop();
  });
});
