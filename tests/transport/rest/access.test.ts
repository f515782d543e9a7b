/** Who may operate the network. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import type { RestApp } from "../../../src/transport/rest/index.ts";
import { createRestApp } from "../../../src/transport/rest/index.ts";
import { userToken } from "../../support/test-server.ts";
import { ADMIN_SECRET, type Harness, register, startHarness, submit, USER_SECRET } from "./harness.ts";

let harness: Harness;
let nodeId: string;
beforeAll(async () => {
  harness = await startHarness();
  nodeId = await register(harness);
});
afterAll(() => harness.stop());

const token = (claims: Record<string, unknown>, secret: string) => userToken(claims, { secret });
const bearer = async (claims: Record<string, unknown>, secret: string) => ({
  authorization: `Bearer ${await token(claims, secret)}`,
});

/** The same server, reached in another way. */
function appWith(access: { adminSecret?: string; loopback: boolean }): RestApp {
  const { core, queries, log } = harness;
  return createRestApp({
    core,
    queries,
    log,
    clock: { now: Date.now, after: (delay, run) => cancelOf(setTimeout(run, delay)) },
    version: "9.9.9",
    startedAt: 0,
    database: { ping: async () => true },
    mirror: { state: "off" },
    rules: harness.rules,
    limits: { maxBodyBytes: 1000, maxEventStreams: 1 },
    access: { userSecret: USER_SECRET, adminSecret: access.adminSecret, loopback: access.loopback },
  });
}
const cancelOf = (timer: ReturnType<typeof setTimeout>) => () => clearTimeout(timer);

const OPERATOR_ROUTES = [
  ...["cordon", "drain", "uncordon", "ban", "unban"].map((name) => `/api/v1/nodes/NODE/${name}`),
  "/api/v1/scheduler/pause",
  "/api/v1/scheduler/resume",
];

async function call(app: RestApp, path: string, headers: Record<string, string> = {}, host = "localhost:8080") {
  const response = await app.hono.request(`http://${host}${path.replace("NODE", nodeId)}`, {
    method: "POST",
    body: '{"reason":"test"}',
    headers: { "content-type": "application/json", host, ...headers },
  });
  return { status: response.status, headers: response.headers, body: (await response.json()) as { detail?: string } };
}

const state = () => harness.core.nodes.peek(nodeId)?.state;

test("nobody cancels my job with a token of their own, and I can with mine", async () => {
  const id = await submit(harness, { owner: "olga" });
  const app = appWith({ loopback: true });
  const cancel = `/api/v1/jobs/${id}/cancel`;
  const foreign = await call(app, cancel, await bearer({ sub: "mallory" }, USER_SECRET));
  expect([foreign.status, foreign.body.detail]).toEqual([403, `job ${id} belongs to somebody else`]);
  expect(harness.core.jobs.peek(id)?.state).not.toBe("cancelled");
  expect((await call(app, cancel, await bearer({ sub: "olga" }, USER_SECRET))).status).toBe(200);
  expect((await harness.queries.jobs.find(id))?.status).toBe("cancelled");
});

describe("without jwt.admin_secret", () => {
  test.each(OPERATOR_ROUTES)("a stranger cannot use %s of a server that others can reach", async (path) => {
    const before = state();
    const { status, body } = await call(appWith({ loopback: false }), path);
    expect(status).toBe(403);
    expect(body.detail).toContain("set jwt.admin_secret");
    expect(state()).toBe(before);
  });

  test("whoever sits at the machine is its operator", async () => {
    const app = appWith({ loopback: true });
    for (const host of ["localhost:8080", "127.0.0.1:8080", "127.1.2.3", "[::1]:8080"]) {
      expect([host, (await call(app, "/api/v1/nodes/NODE/cordon", {}, host)).status]).toEqual([host, 200]);
    }
    expect((await call(app, "/api/v1/nodes/NODE/uncordon")).status).toBe(200);
  });

  test("a user's token makes no operator, also on this machine", async () => {
    const headers = await bearer({ sub: "alice", role: "admin" }, USER_SECRET);
    const { status, body } = await call(appWith({ loopback: true }), "/api/v1/nodes/NODE/ban", headers);
    expect(status).toBe(403);
    expect(body.detail).toContain("the token is a user's");
  });

  test("a proxy on this machine speaks for others", async () => {
    for (const name of ["x-forwarded-for", "forwarded", "x-real-ip", "via"]) {
      const headers = { [name]: "10.0.0.1" };
      expect((await call(appWith({ loopback: true }), "/api/v1/nodes/NODE/ban", headers)).status).toBe(403);
    }
  });

  test("a page whose name was made to lead here cannot ban a node", async () => {
    for (const host of [
      "evil.example:8080",
      "127.evil.example:8080",
      "localhost.evil.example",
      "127.0.0.1.evil.example",
    ]) {
      const headers = { origin: `http://${host}` };
      expect([host, (await call(appWith({ loopback: true }), "/api/v1/nodes/NODE/ban", headers, host)).status]).toEqual(
        [host, 403],
      );
    }
  });
});

describe("with jwt.admin_secret", () => {
  const app = () => appWith({ adminSecret: ADMIN_SECRET, loopback: true });

  test.each(OPERATOR_ROUTES)("a stranger cannot use %s, not even from this machine", async (path) => {
    const { status, headers, body } = await call(app(), path);
    expect(status).toBe(401);
    expect(headers.get("www-authenticate")).toBe("Bearer");
    expect(body.detail).toContain("jwt.admin_secret");
  });

  test("an operator's token opens the door, from anywhere, and the log has its name", async () => {
    const headers = await bearer({ sub: "olga" }, ADMIN_SECRET);
    const remote = appWith({ adminSecret: ADMIN_SECRET, loopback: false });
    expect((await call(remote, "/api/v1/nodes/NODE/cordon", headers, "central.example")).status).toBe(200);
    const row = await harness.database.reads
      .selectFrom("transitions")
      .select("event")
      .where("kind", "=", "node")
      .where("id", "=", nodeId)
      .orderBy("version", "desc")
      .executeTakeFirstOrThrow();
    expect(row.event).toMatchObject({ type: "CORDON", by: "olga" });
    expect((await call(remote, "/api/v1/nodes/NODE/uncordon", headers, "central.example")).status).toBe(200);
  });

  test("a user's token is refused, whatever it says of itself", async () => {
    const headers = await bearer({ sub: "alice", role: "admin" }, USER_SECRET);
    const { status, body } = await call(app(), "/api/v1/nodes/NODE/ban", headers);
    expect(status).toBe(403);
    expect(body.detail).toContain("jwt.admin_secret");
  });

  test("a token that has expired, is signed by nobody, or names nobody is not good", async () => {
    const past = Math.floor(Date.now() / 1000) - 10;
    const expired = await call(app(), "/api/v1/nodes/NODE/ban", await bearer({ sub: "olga", exp: past }, ADMIN_SECRET));
    expect([expired.status, expired.body.detail]).toEqual([401, "authorization: the token has expired; sign in again"]);
    const foreign = await bearer({ sub: "olga" }, "some-other-secret-of-at-least-32-bytes");
    expect((await call(app(), "/api/v1/nodes/NODE/ban", foreign)).status).toBe(401);
    expect((await call(app(), "/api/v1/nodes/NODE/ban", await bearer({ sub: "" }, ADMIN_SECRET))).status).toBe(401);
    const unsigned = `${btoa('{"alg":"none"}')}.${btoa('{"sub":"olga"}')}.`.replaceAll("=", "");
    const none = await call(app(), "/api/v1/nodes/NODE/ban", { authorization: `Bearer ${unsigned}` });
    expect(none.status).toBe(401);
    const basic = await call(app(), "/api/v1/nodes/NODE/ban", { authorization: "Basic b2xnYTp4" });
    expect(basic.status).toBe(401);
    expect(state()).not.toBe("banned");
  });

  test("a complaint needs to come from somebody", async () => {
    const id = await submit(harness, { owner: "alice" });
    expect((await call(app(), `/api/v1/jobs/${id}/complaint`)).status).toBe(401);
  });
});
