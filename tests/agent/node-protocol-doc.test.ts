/** docs/node-protocol.md is what other people build nodes from: what it promises must be so. */
import { expect, test } from "bun:test";
import { createPrivateKey, createPublicKey, sign } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { DEFAULT_TIMES } from "../../src/agent/index.ts";
import { loadConfig } from "../../src/config/index.ts";
import { resultStatement } from "../../src/domain/result-signature.ts";

const file = join(import.meta.dir, "../../docs/node-protocol.md");
const page = readFileSync(file, "utf8");

test("its test vector is what our own code signs", () => {
  const key = createPrivateKey({
    key: Buffer.concat([Buffer.from("302e020100300506032b657004220420", "hex"), Buffer.alloc(32, 7)]),
    format: "der",
    type: "pkcs8",
  });
  const statement = resultStatement({
    nodeId: "11111111-1111-4111-8111-111111111111",
    jobId: "22222222-2222-4222-8222-222222222222",
    attempt: 3,
    outcome: "completed",
    weightsHash: "ab".repeat(32),
    weightsSize: 1234,
  });
  expect(page).toContain(createPublicKey(key).export({ type: "spki", format: "der" }).subarray(-32).toString("hex"));
  expect(page).toContain(sign(null, Buffer.from(statement), key).toString("hex"));
  expect(page).toContain(statement);
});

test("its times are the defaults, and leave a cut-off node room to stop before its job is given away", () => {
  const { scheduler } = loadConfig({ args: [] }).config;
  const lease = scheduler.nodeHeartbeatTimeoutMs + scheduler.gracePeriodMs;
  expect(page).toContain(`${lease / 1000} s`);
  expect(page).toContain(`${DEFAULT_TIMES.stopAfter / 1000} s`);
  expect(DEFAULT_TIMES.stopAfter).toBeLessThanOrEqual(lease - 10_000);
});

test("the files it points to are there", () => {
  const targets = [...page.matchAll(/\]\(([^)#:]+)\)/g)].map(([, target]) => join(dirname(file), target ?? ""));
  expect(targets.length).toBeGreaterThan(0);
  expect(targets.filter((target) => !existsSync(target))).toEqual([]);
});
