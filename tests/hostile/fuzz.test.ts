/**
 * Hostile input on the real process: every RPC it serves and every route of its OpenAPI document. `npm run fuzz` goes on for
 * longer; CYXWIZ_TEST_SEED repeats a run.
 */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { startPostgresServer } from "../support/servers.ts";
import { campaign } from "./campaign.ts";
import { judgeGrpc, judgeLog, judgeRest } from "./judge.ts";
import { startTarget, type Target } from "./target.ts";
import type { RawReply } from "./wire.ts";

const ATTACKS = 1500;
/** Enough for that many on a slow machine. */
const MOST_SECONDS = 40;
const seed = Number(process.env.CYXWIZ_TEST_SEED ?? Date.now() % 1_000_000);

const postgres = await startPostgresServer();

describe.skipIf(!postgres)("hostile input", () => {
  let target: Target;
  beforeAll(async () => {
    target = await startTarget(postgres?.url ?? "");
  }, 60_000);
  afterAll(() => target.stop());

  test(`neither kills the server nor gets an INTERNAL, another's data or a changed row out of it, seed ${seed}`, async () => {
    const report = await campaign(target, { seed, seconds: MOST_SECONDS, attacks: ATTACKS });
    expect(report.faults).toEqual([]);
    // Four services of ours, health and both reflections: 22 RPCs when this was written.
    expect(report.rpcs).toBeGreaterThanOrEqual(22);
    expect(report.routes).toBeGreaterThanOrEqual(30);
    expect(report.attacks).toBeGreaterThan(100);
  }, 120_000);
});

describe("the judge", () => {
  const reply = (overrides: Partial<RawReply>): RawReply => ({
    http: 200,
    grpc: 0,
    message: "",
    everything: "",
    trailers: {},
    body: Buffer.alloc(0),
    ...overrides,
  });

  test("finds each of the faults it looks for, or its silence would mean nothing", () => {
    expect(judgeGrpc(reply({ grpc: 13 }), "secret")).toContain("13");
    expect(judgeGrpc(reply({ grpc: 3, message: "no" }), "secret")).toContain("field");
    expect(judgeGrpc(reply({ grpc: 8 }), "secret")).toContain("hint");
    expect(judgeGrpc(reply({ everything: "a secret here" }), "secret")).toContain("another owner");
    expect(judgeGrpc(reply({ everything: "x\n    at Foo (/src/a.ts:3:1)" }), "secret")).toContain("inside");
    expect(judgeRest({ status: 500, text: "" }, "secret")).toContain("500");
    expect(judgeRest({ status: 429, text: "HTTP/1.1 429\r\n\r\n" }, "secret")).toContain("Retry-After");
    expect(judgeLog('{"msg":"\u001b[2J"}')).toContain("control");
    expect(judgeLog('{"level":"error","msg":"x"}')).toContain("error");
    expect(judgeLog("plain")).toContain("JSON");
  });

  test("and lets an honest answer pass", () => {
    expect(judgeGrpc(reply({ grpc: 3, trailers: { "cyxwiz-field": "job_id" } }), "secret")).toBeNull();
    expect(judgeRest({ status: 404, text: "HTTP/1.1 404\r\n\r\n{}" }, "secret")).toBeNull();
    expect(judgeLog('{"level":"warn","msg":"x"}')).toBeNull();
  });
});
