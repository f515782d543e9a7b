import { afterEach, beforeEach, describe, expect, setDefaultTimeout, test } from "bun:test";
import { randomUUID } from "node:crypto";
import pg from "pg";
import { JournalDeposed, type JournalEntry } from "../../src/actors/runtime/index.ts";
import { openDatabase } from "../../src/store/database.ts";
import { PostgresJournal } from "../../src/store/journal.ts";
import { Leadership, type LeadershipOptions } from "../../src/store/leadership.ts";
import { migrate } from "../../src/store/migrations/migrate.ts";
import { administer, databaseServers, freshDatabase, until } from "../support/servers.ts";

setDefaultTimeout(30_000);
const endSessions = `select pg_terminate_backend(pid) from pg_stat_activity
  where datname = current_database() and application_name like '%leadership'`;

describe.each(await databaseServers())("leadership on the $name PostgreSQL", ({ url: server }) => {
  let url: string;
  let drop: () => Promise<void>;
  const held: Leadership[] = [];
  beforeEach(async () => {
    ({ url, drop } = await freshDatabase(server));
    await migrate({ url });
  });
  afterEach(async () => {
    await Promise.all(held.splice(0).map((leadership) => leadership.release()));
    await drop();
  });

  async function take(options: Partial<LeadershipOptions> = {}): Promise<Leadership> {
    const leadership = await Leadership.take({ url, holder: "one", onDeposed() {}, pollInterval: 20, ...options });
    held.push(leadership);
    return leadership;
  }

  test("a second server waits, knows for whom, and leads with a newer epoch once the first lets go", async () => {
    const first = await take();
    const waitedFor: string[] = [];
    let led = false;
    const second = take({ holder: "two", onWaiting: (leader) => waitedFor.push(leader) }).then((leadership) => {
      led = true;
      return leadership;
    });
    await until("the second to wait", () => waitedFor.length > 0);
    await Bun.sleep(100);
    expect(led).toBe(false);
    await first.release();
    expect((await second).epoch).toBe(first.epoch + 1n);
    expect(waitedFor).toEqual(["one"]);
  });

  test("a leader whose connection is killed leads on under the same epoch when nobody else came", async () => {
    let deposed = false;
    await take({ onDeposed: () => (deposed = true) });
    await administer(url, endSessions);
    await until("the lock to be held again", () => isLocked(url));
    await Bun.sleep(200);
    expect(deposed).toBe(false);
  });

  test("a leader that was overtaken is told so, and its commits are refused", async () => {
    const reasons: string[] = [];
    const first = await take({ onDeposed: (reason) => reasons.push(reason) });
    const database = await openDatabase({ url });
    const journal = new PostgresJournal(database.writer, first.epoch);
    await journal.commit([created()]);
    // What a standby does after taking the lock that the dead connection left.
    await administer(url, "update leadership set epoch = epoch + 1, holder = 'two'");
    await expect(journal.commit([created()])).rejects.toBeInstanceOf(JournalDeposed);
    await administer(url, endSessions);
    await until("the first to be told", () => reasons.length > 0);
    expect(reasons).toEqual([expect.stringContaining("two")]);
    await database.close();
  });

  test("waiting ends when it is aborted", async () => {
    await take();
    const abort = new AbortController();
    const waiting = take({ holder: "two", signal: abort.signal, onWaiting: () => abort.abort(new Error("stopped")) });
    await expect(waiting).rejects.toThrow();
  });
});

async function isLocked(url: string): Promise<boolean> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  const { rowCount } = await client.query(
    "select from pg_locks where locktype = 'advisory' and granted and database = (select oid from pg_database where datname = current_database())",
  );
  await client.end();
  return rowCount === 1;
}

function created(): JournalEntry {
  return {
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
  };
}
