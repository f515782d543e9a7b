/**
 * Real servers for tests: a separate PostgreSQL, a Redis, and the embedded PostgreSQL, each started once per test process
 * and stopped with it. A server named by an environment variable is used as it is.
 *
 *   CYXWIZ_TEST_DATABASE_URL    a PostgreSQL whose user may create databases
 *   CYXWIZ_TEST_REDIS_URL       a Redis that may be flushed
 *   CYXWIZ_TEST_REQUIRE_SERVERS 1: a missing server is an error (CI), not a reason to skip
 */
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { randomUUID } from "node:crypto";
import { chmodSync, chownSync, existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { connect as connectSocket, createServer } from "node:net";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import pg from "pg";
import type { Log } from "../../src/actors/runtime/index.ts";
import { startEmbeddedPostgres } from "../../src/store/embedded/index.ts";
import { cleanUp } from "./cleanup.ts";

export interface TestServer {
  readonly url: string;
}

const silent: Log = { debug() {}, info() {}, warn() {}, error() {}, with: () => silent };
/** A log that says nothing. */
export const silentLog: Log = silent;

/** A temporary directory, removed when the test process ends. */
export function temporaryDirectory(name: string): string {
  const directory = mkdtempSync(join(tmpdir(), `cyxwiz-test-${name}-`));
  // As root, PostgreSQL runs as somebody else, who must be able to enter.
  chmodSync(directory, 0o755);
  cleanUp(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

let postgres: Promise<TestServer | undefined> | undefined;
/** A separate PostgreSQL; undefined when this machine has none. */
export function startPostgresServer(): Promise<TestServer | undefined> {
  postgres ??= required("PostgreSQL", "CYXWIZ_TEST_DATABASE_URL", runPostgres);
  return postgres;
}

let redis: Promise<TestServer | undefined> | undefined;
/** A Redis without persistence; undefined when this machine has none. */
export function startRedisServer(): Promise<TestServer | undefined> {
  redis ??= required("Redis", "CYXWIZ_TEST_REDIS_URL", runRedis);
  return redis;
}

let embedded: Promise<TestServer> | undefined;
/** The embedded PostgreSQL, one for the whole test process. */
export function startSharedEmbedded(): Promise<TestServer> {
  embedded ??= (async () => {
    const server = await startEmbeddedPostgres({ dataDir: temporaryDirectory("embedded"), log: silent });
    cleanUp(() => server.kill());
    return server;
  })();
  return embedded;
}

/** The databases a store test runs against: always the embedded one, and a separate one where there is any. */
export async function databaseServers(): Promise<readonly { readonly name: string; readonly url: string }[]> {
  const separate = await startPostgresServer();
  const own = { name: "embedded", url: (await startSharedEmbedded()).url };
  return separate === undefined ? [own] : [own, { name: "separate", url: separate.url }];
}

/** An empty database of its own, for one test file. Call `drop` in `afterAll`. */
export async function freshDatabase(serverUrl: string): Promise<TestServer & { drop(): Promise<void> }> {
  const name = `test_${randomUUID().replaceAll("-", "")}`;
  await administer(serverUrl, `create database ${name}`);
  return {
    url: withDatabase(serverUrl, name),
    drop: () => administer(serverUrl, `drop database if exists ${name} with (force)`),
  };
}

/** Runs one statement on a connection of its own. */
export async function administer(url: string, sql: string): Promise<void> {
  await rowsOf(url, sql);
}

/** The same, and what it returns. */
export async function rowsOf<Row extends pg.QueryResultRow>(url: string, sql: string): Promise<Row[]> {
  const client = new pg.Client({ connectionString: url });
  client.on("error", () => {});
  await client.connect();
  try {
    return (await client.query<Row>(sql)).rows;
  } finally {
    await client.end();
  }
}

/** Waits until `check` is true. @throws after `timeout` milliseconds */
export async function until(what: string, check: () => boolean | Promise<boolean>, timeout = 10_000): Promise<void> {
  const giveUpAt = performance.now() + timeout;
  while (!(await check())) {
    if (performance.now() > giveUpAt) throw new Error(`waited ${timeout} ms in vain for: ${what}`);
    await Bun.sleep(20);
  }
}

const withDatabase = (url: string, name: string) => url.replace(/(:\/\/[^/]*\/)[^?]*/, `$1${name}`);

async function required(
  what: string,
  variable: string,
  run: () => Promise<TestServer | undefined>,
): Promise<TestServer | undefined> {
  const url = process.env[variable];
  const server = url ? { url } : await run();
  if (server === undefined && process.env.CYXWIZ_TEST_REQUIRE_SERVERS === "1") {
    throw new Error(`${what} is not installed and CYXWIZ_TEST_REQUIRE_SERVERS=1. Install it or set ${variable}.`);
  }
  return server;
}

async function runPostgres(): Promise<TestServer | undefined> {
  const bin = findPostgres();
  if (bin === undefined) return undefined;
  const home = temporaryDirectory("postgres");
  const user = unprivileged();
  if (user.uid !== undefined && user.gid !== undefined) chownSync(home, user.uid, user.gid);
  chmodSync(home, 0o700);
  const data = join(home, "data");
  const init = spawnSync(
    join(bin, "initdb"),
    ["-D", data, "-U", "postgres", "-A", "trust", "--no-sync", "-E", "UTF8"],
    {
      ...user,
      cwd: home,
      encoding: "utf8",
    },
  );
  if (init.status !== 0) throw new Error(`initdb failed: ${init.stderr}`);
  const port = await freePort();
  writeFileSync(
    join(data, "postgresql.auto.conf"),
    `port = ${port}\nlisten_addresses = '127.0.0.1'\nunix_socket_directories = ''\nmax_connections = 100\n`,
  );
  background(join(bin, "postgres"), ["-D", data], { ...user, cwd: home }, "SIGQUIT");
  const url = `postgres://postgres@127.0.0.1:${port}/postgres`;
  await until("PostgreSQL to accept connections", () =>
    administer(url, "select 1").then(
      () => true,
      () => false,
    ),
  );
  return { url };
}

async function runRedis(): Promise<TestServer | undefined> {
  const program = findRedis();
  if (program === undefined) return undefined;
  const port = await freePort();
  const home = temporaryDirectory("redis");
  background(program, ["--port", `${port}`, "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"], { cwd: home });
  await until("Redis to accept connections", () => accepts(port));
  return { url: `redis://127.0.0.1:${port}` };
}

/** The installed Redis server. */
export function findRedis(): string | undefined {
  return (process.env.PATH ?? "")
    .split(delimiter)
    .map((directory) => join(directory, "redis-server"))
    .find((path) => existsSync(path));
}

/** The newest installed PostgreSQL's directory of programs. */
export function findPostgres(): string | undefined {
  const root = "/usr/lib/postgresql";
  const packaged = existsSync(root)
    ? readdirSync(root)
        .sort((a, b) => Number(b) - Number(a))
        .map((version) => join(root, version, "bin"))
    : [];
  return [...packaged, ...(process.env.PATH ?? "").split(delimiter)].find(
    (directory) => existsSync(join(directory, "initdb")) && existsSync(join(directory, "postgres")),
  );
}

/** PostgreSQL refuses to run as root. */
export function unprivileged(): { uid?: number; gid?: number } {
  if (process.getuid?.() !== 0) return {};
  const id = (flag: string, user: string) => Number(spawnSync("id", [flag, user], { encoding: "utf8" }).stdout.trim());
  const user = spawnSync("id", ["-u", "postgres"]).status === 0 ? "postgres" : "nobody";
  return { uid: id("-u", user), gid: id("-g", user) };
}

function background(
  program: string,
  args: readonly string[],
  options: { cwd: string; uid?: number; gid?: number },
  signal: NodeJS.Signals = "SIGTERM",
): ChildProcess {
  const child = spawn(program, args, { ...options, stdio: "ignore", detached: true });
  child.unref();
  cleanUp(() => child.kill(signal));
  return child;
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connectSocket(port, "127.0.0.1");
    socket.once("connect", () => {
      socket.destroy();
      resolve(true);
    });
    socket.once("error", () => resolve(false));
  });
}

export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer().once("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      server.close(() => resolve(typeof address === "object" && address !== null ? address.port : 0));
    });
  });
}
