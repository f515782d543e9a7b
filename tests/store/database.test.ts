import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { inspect } from "node:util";
import { sql } from "kysely";
import pg from "pg";
import { describeUrl } from "../../src/store/connection.ts";
import { type OpenDatabase, openDatabase } from "../../src/store/database.ts";
import { StoreError } from "../../src/store/errors.ts";
import { migrate } from "../../src/store/migrations/migrate.ts";
import { rememberingLog } from "../support/quiet.ts";
import { databaseServers, freshDatabase, until } from "../support/servers.ts";

describe.each(await databaseServers())("the database on the $name PostgreSQL", ({ url: server }) => {
  const log = rememberingLog();
  let database: OpenDatabase;
  let admin: pg.Client;
  let url: string;
  let drop: () => Promise<void>;
  beforeAll(async () => {
    const fresh = await freshDatabase(server);
    ({ url, drop } = fresh);
    database = await openDatabase({ url, readers: 4, log });
    admin = new pg.Client({ connectionString: url });
    await admin.connect();
  });
  afterAll(async () => {
    await admin.end();
    await database.close();
    await drop();
  });

  const toldLost = () => log.lines.filter(({ message }) => message === "a database connection was lost").length;
  const ours = "datname = current_database() and application_name like '%reads'";
  const connections = async () => (await admin.query(`select from pg_stat_activity where ${ours}`)).rowCount ?? 0;
  const terminate = () => admin.query(`select pg_terminate_backend(pid, 5000) from pg_stat_activity where ${ours}`);
  const one = async () => (await sql<{ one: number }>`select 1 as one`.execute(database.reads)).rows[0]?.one;

  test("reads go on after every idle connection was killed", async () => {
    await Promise.all([one(), one(), one()]);
    const expected = toldLost() + (await connections());
    await terminate();
    await until("the pool to notice", () => toldLost() === expected);
    expect(await Promise.all([one(), one(), one(), one()])).toEqual([1, 1, 1, 1]);
  });

  test("a read whose connection is killed fails alone, and the next one succeeds", async () => {
    const slow = sql`select pg_sleep(30)`.execute(database.reads).then(
      () => "answered",
      () => "failed",
    );
    await until("the read to run", async () => {
      const { rowCount } = await admin.query(
        `select from pg_stat_activity where ${ours} and query like '%pg_sleep%' and state = 'active'`,
      );
      return rowCount === 1;
    });
    await terminate();
    expect(await slow).toBe("failed");
    expect(await one()).toBe(1);
  });

  test("more reads than connections wait for their turn", async () => {
    expect(await Promise.all(Array.from({ length: 40 }, one))).toEqual(Array(40).fill(1));
    expect(await connections()).toBeLessThanOrEqual(4);
  });

  test("64-bit integers arrive as bigint, times as Date, JSON parsed", async () => {
    const { rows } = await sql`select 9007199254740993::bigint as i, timestamptz '2026-01-02T03:04:05Z' as t,
      '{"a":[1]}'::jsonb as j`.execute(database.reads);
    expect(rows).toEqual([{ i: 9007199254740993n, t: new Date("2026-01-02T03:04:05Z"), j: { a: [1] } }]);
  });

  test("a read that takes longer than it may is stopped by the server", async () => {
    const hasty = await openDatabase({ url, statementTimeout: 50 });
    await expect(sql`select pg_sleep(30)`.execute(hasty.reads)).rejects.toMatchObject({ code: "57014" });
    await hasty.close();
  });

  test("ping says whether it answers and does not throw when it is closed", async () => {
    const other = await openDatabase({ url });
    expect(await other.ping()).toBe(true);
    await other.close();
    expect(await other.ping()).toBe(false);
  });
});

describe("what an error says about the url", () => {
  const urls = [
    "postgres://someone:s3cret@127.0.0.1:1/cyxwiz",
    "postgres://someone:s3cret@nowhere.invalid/cyxwiz",
    "postgres://someone:s3cret@localhost/cyxwiz?host=/nowhere",
    "mysql://someone:s3cret@127.0.0.1/cyxwiz",
    "someone:s3cret@127.0.0.1",
    "postgres://someone:s3cret@127.0.0.1:port/cyxwiz",
    // A password with a character that a url gives a meaning to.
    "postgres://someone:12/s3cret@127.0.0.1/cyxwiz",
    "postgres://someone:a/s3cret@127.0.0.1/cyxwiz",
    "postgres://someone:1?s3cret@127.0.0.1/cyxwiz",
    "postgres://someone:1#s3cret@127.0.0.1/cyxwiz",
  ];

  test.each(urls)("never the password: %s", async (url) => {
    for (const open of [openDatabase, migrate]) {
      const error: unknown = await open({ url, connectTimeout: 500 }).then(
        () => undefined,
        (reason: unknown) => reason,
      );
      expect(error).toBeInstanceOf(StoreError);
      expect(["unreachable", "invalid_url"]).toContain((error as StoreError).code);
      expect((error as StoreError).message).not.toContain("s3cret");
      // Nor where a logger would look, in the causes.
      expect(inspect(error, { depth: 10, showHidden: true })).not.toContain("s3cret");
    }
  });

  test("where it leads, by host, port and name or by socket", () => {
    expect(describeUrl("postgres://u:p@db.example/name?sslmode=require")).toBe("db.example:5432/name");
    expect(describeUrl("postgres://u@h:6000/n")).toBe("h:6000/n");
    expect(describeUrl("postgres:///n?host=/run/pg")).toBe("/run/pg (unix socket)");
    expect(describeUrl("postgres://u:p@/n?host=/run/pg")).toBe("/run/pg (unix socket)");
    expect(describeUrl("rubbish")).toBe("the configured database");
  });

  test("that it is not one, when it cannot be read", async () => {
    await expect(openDatabase({ url: "postgres://someone:s3cret@127.0.0.1:port/cyxwiz" })).rejects.toMatchObject({
      code: "invalid_url",
    });
  });
});
