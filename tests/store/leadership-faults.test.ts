/** Leadership when connections break, commits are in flight or several wait; the plain course is in leadership.test.ts. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import { randomUUID } from "node:crypto";
import pg from "pg";
import { JournalDeposed, type JournalEntry } from "../../src/actors/runtime/index.ts";
import { type OpenDatabase, openDatabase } from "../../src/store/database.ts";
import { PostgresJournal } from "../../src/store/journal.ts";
import { Leadership, type LeadershipOptions } from "../../src/store/leadership.ts";
import { migrate } from "../../src/store/migrations/migrate.ts";
import { administer, databaseServers, freshDatabase, until } from "../support/servers.ts";

const entry = (): JournalEntry => ({
  ref: { kind: "widget", id: randomUUID() },
  expectedVersion: 0,
  event: { type: "created" },
  from: null,
  to: "open",
  snapshot: {},
  deadline: null,
  finished: false,
  at: Date.now(),
  row: null,
});

describe.each(await databaseServers())("leadership under faults on the $name PostgreSQL", ({ url: server }) => {
  let url: string;
  let database: OpenDatabase;
  let admin: pg.Client;
  let drop: () => Promise<void>;
  const held: Leadership[] = [];
  const told: string[] = [];
  beforeAll(async () => {
    const fresh = await freshDatabase(server);
    ({ url, drop } = fresh);
    await migrate({ url });
    database = await openDatabase({ url });
    admin = new pg.Client({ connectionString: url });
    await admin.connect();
  });
  beforeEach(async () => {
    for (const each of held.splice(0)) await each.release();
    told.length = 0;
  });
  afterAll(async () => {
    for (const each of held) await each.release();
    await admin.end();
    await database.close();
    await drop();
  });

  const take = async (holder: string, options: Partial<LeadershipOptions> = {}): Promise<Leadership> => {
    const taken = await Leadership.take({
      url,
      holder,
      pollInterval: 20,
      onDeposed: (reason) => told.push(`${holder} deposed: ${reason}`),
      onWaiting: (leader) => told.push(`${holder} waits for ${leader}`),
      ...options,
    });
    held.push(taken);
    return taken;
  };
  const epoch = async () =>
    BigInt((await admin.query<{ epoch: string }>("select epoch from leadership")).rows[0]!.epoch);
  const sessions = "datname = current_database() and application_name like '%leadership'";
  const terminate = (which = "true") =>
    admin.query(`select pg_terminate_backend(pid, 5000) from pg_stat_activity where ${sessions} and ${which}`);
  const holds = "pid in (select pid from pg_locks where locktype = 'advisory' and granted)";
  const holderPid = async () => {
    const { rows } = await admin.query<{ pid: number }>(
      `select pid from pg_stat_activity where ${sessions} and ${holds}`,
    );
    return rows[0]?.pid;
  };
  /** Neither new connections nor the leader's: as a leader cut off from the network would see it. */
  const cutOff = async () => {
    await administer(
      server,
      `alter database ${new URL(url.replace("@/", "@localhost/")).pathname.slice(1)} with allow_connections false`,
    );
    await terminate(holds);
  };
  const letIn = () =>
    administer(
      server,
      `alter database ${new URL(url.replace("@/", "@localhost/")).pathname.slice(1)} with allow_connections true`,
    );

  test("each taking counts the epoch up by one", async () => {
    const before = await epoch();
    const first = await take("first");
    expect(first.epoch).toBe(before + 1n);
    await first.release();
    expect((await take("second")).epoch).toBe(before + 2n);
    expect(told).toEqual([]);
  });

  test("of several that wait exactly one leads at a time", async () => {
    const before = await epoch();
    const taking = ["a", "b", "c", "d"].map((holder) =>
      take(holder).then(async (lead) => {
        expect(await epoch()).toBe(lead.epoch);
        await Bun.sleep(30);
        expect(await epoch()).toBe(lead.epoch);
        await lead.release();
      }),
    );
    await Promise.all(taking);
    expect(await epoch()).toBe(before + 4n);
  });

  test("a leader that is cut off is replaced, its commits are refused, and it is told once it is back", async () => {
    const first = await take("first");
    const journal = new PostgresJournal(database.writer, first.epoch);
    await journal.commit([entry()]);
    const second = take("second");
    await until("the second to wait", () => told.length > 0);
    await cutOff();
    try {
      expect((await second).epoch).toBe(first.epoch + 1n);
    } finally {
      await letIn();
    }
    await expect(journal.commit([entry()])).rejects.toBeInstanceOf(JournalDeposed);
    await new PostgresJournal(database.writer, (await second).epoch).commit([entry()]);
    await until("the first to be told", () => told.length > 1);
    expect(told).toEqual(["second waits for first", "first deposed: second has taken over"]);
  });

  test("a leader that lost its connection and not its epoch takes the lock again and goes on", async () => {
    const first = await take("first");
    for (let round = 0; round < 3; round++) {
      const before = await holderPid();
      await terminate(holds);
      await until("the lock to be taken again", async () => ![undefined, before].includes(await holderPid()));
    }
    expect(await epoch()).toBe(first.epoch);
    await new PostgresJournal(database.writer, first.epoch).commit([entry()]);
    expect(told).toEqual([]);
  });

  test("a server that waits sits out a lost connection and still gets its turn", async () => {
    const first = await take("first");
    const second = take("second");
    await until("the second to wait", () => told.length > 0);
    await terminate(`not ${holds}`);
    await Bun.sleep(100);
    await first.release();
    expect((await second).epoch).toBe(first.epoch + 1n);
  });

  test("taking leadership waits for the old leader's commit in flight, which is then complete", async () => {
    const first = await take("first");
    const journal = new PostgresJournal(database.writer, first.epoch);
    const written = entry();
    const locker = new pg.Client({ connectionString: url });
    await locker.connect();
    await locker.query("begin; lock table transitions");
    const commit = journal.commit([written]);
    const waits = "datname = current_database() and wait_event_type = 'Lock' and application_name like";
    const waiting = async (role: string) =>
      (await admin.query(`select from pg_stat_activity where ${waits} '%${role}'`)).rowCount === 1;
    await until("the commit to wait for the table", () => waiting("journal"));
    await first.release();
    const second = take("second");
    await until("the second to wait for the commit", () => waiting("leadership"));
    await locker.end();
    await commit;
    expect((await second).epoch).toBe(first.epoch + 1n);
    expect(await journal.load(written.ref)).toMatchObject({ version: 1 });
  });

  test("a release is final: nothing takes the lock again, and a second release does no harm", async () => {
    const first = await take("first");
    await first.release();
    await first.release();
    await Bun.sleep(50);
    expect(await holderPid()).toBeUndefined();
    expect(told).toEqual([]);
  });

  test("a leader can let go while the database is away", async () => {
    const first = await take("first");
    await cutOff();
    await Bun.sleep(100);
    try {
      await first.release();
    } finally {
      await letIn();
    }
    await Bun.sleep(100);
    expect(await holderPid()).toBeUndefined();
  });

  test("waiting can be given up", async () => {
    await take("first");
    const controller = new AbortController();
    const second = take("second", { signal: controller.signal });
    await until("the second to wait", () => told.length > 0);
    controller.abort(new Error("enough"));
    await expect(second).rejects.toThrow("enough");
    await until("its connection to be closed", async () => {
      const { rowCount } = await admin.query(`select from pg_stat_activity where ${sessions}`);
      return rowCount === 1;
    });
  });
});

test("a database that cannot be reached at first is an error, not a wait", async () => {
  const taking = Leadership.take({ url: "postgres://u:s3cret@127.0.0.1:1/x", holder: "h", onDeposed: () => {} });
  await expect(taking).rejects.toMatchObject({ code: "unreachable", message: expect.not.stringContaining("s3cret") });
});
