/** A connection to PostgreSQL whose other end has gone without a word, as after a firewall forgot it. */
import { afterAll, describe, expect, test } from "bun:test";
import { randomUUID } from "node:crypto";
import { sql } from "kysely";
import pg from "pg";
import type { ActorRef, JournalEntry } from "../../src/actors/runtime/index.ts";
import { openDatabase } from "../../src/store/database.ts";
import { PostgresJournal } from "../../src/store/journal.ts";
import { migrate } from "../../src/store/migrations/migrate.ts";
import { FaultyProxy } from "../chaos/proxy.ts";
import { freshDatabase, startPostgresServer } from "../support/servers.ts";

const postgres = await startPostgresServer();

describe.skipIf(!postgres)("a half-open connection to the database", async () => {
  const undo: (() => unknown)[] = [];
  afterAll(async () => {
    for (const step of undo.reverse()) await step();
  });

  async function open() {
    const database = await freshDatabase(postgres?.url ?? "");
    const proxy = await FaultyProxy.start(Number(new URL(database.url).port));
    const url = database.url.replace(/:\d+\//, `:${proxy.port}/`);
    await migrate({ url });
    // The statement limit alone would have both wait for three minutes, longer than these tests may take.
    const store = await openDatabase({ url, readers: 1, statementTimeout: 180_000 });
    undo.push(
      () => database.drop(),
      () => proxy.stop(),
      () => store.close(),
    );
    return { proxy, store, url };
  }

  const first = (ref: ActorRef): JournalEntry => ({
    ref,
    expectedVersion: 0,
    event: { type: "STEP" },
    from: null,
    to: "made",
    snapshot: {},
    deadline: null,
    finished: false,
    at: Date.now(),
    row: null,
  });

  test("the journal gives it up, and the next commit goes through on another", async () => {
    const { proxy, store } = await open();
    const journal = new PostgresJournal(store.writer, 0n);
    const ref = { kind: "widget", id: randomUUID() };
    const second = { ...first(ref), expectedVersion: 1 };
    await journal.commit([first(ref)]);
    proxy.deafen();
    await expect(journal.commit([second])).rejects.toThrow();
    // Thrown away on its way: the row says so, and the same step is taken.
    expect((await journal.load(ref))?.version).toBe(1);
    await journal.commit([second]);
    expect((await journal.load(ref))?.version).toBe(2);
  }, 60_000);

  test("a slow database is taken for a silent one once, and then given its time", async () => {
    const { store, url } = await open();
    const journal = new PostgresJournal(store.writer, 0n);
    const step = first({ kind: "widget", id: randomUUID() });
    // Every commit asks for this row; as long as it is locked, none gets anywhere.
    const locker = new pg.Client({ connectionString: url });
    await locker.connect();
    undo.push(() => locker.end());
    await locker.query("begin");
    await locker.query("select from leadership for update");
    await expect(journal.commit([step])).rejects.toThrow();
    const again = journal.commit([step]);
    // Longer than the first was waited for.
    await Bun.sleep(7000);
    await locker.query("rollback");
    await again;
    expect((await journal.load(step.ref))?.version).toBe(1);
  }, 60_000);

  test("a reader is not handed it", async () => {
    const { proxy, store } = await open();
    const ask = () => sql`select 1`.execute(store.reads);
    await ask();
    proxy.deafen();
    // By then nobody can know any more that it was alive.
    await Bun.sleep(1500);
    await ask();
    expect(await store.ping()).toBe(true);
  }, 60_000);
});
