/** Snapshots in two parts in a real table: what is read is what was written, by us and by SQL. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { randomUUID } from "node:crypto";
import { type JournalEntry, JournalRejected, type Json } from "../../src/actors/runtime/index.ts";
import { type OpenDatabase, openDatabase } from "../../src/store/database.ts";
import { PostgresJournal } from "../../src/store/journal.ts";
import { migrate } from "../../src/store/migrations/migrate.ts";
import { administer, databaseServers, freshDatabase, rowsOf } from "../support/servers.ts";

const names = ["spec", "owner", "absent"];

function entry(id: string, version: number, context: Json, values: Partial<JournalEntry> = {}): JournalEntry {
  return {
    ref: { kind: "widget", id },
    expectedVersion: version - 1,
    event: { type: "STEP" },
    from: null,
    to: "open",
    snapshot: { status: "active", value: "open", context, children: {} },
    lasting: { names, isKept: version > 1 },
    deadline: null,
    finished: false,
    at: 1,
    row: null,
    ...values,
  };
}

describe.each(await databaseServers())("divided snapshots on the $name PostgreSQL", ({ url: server }) => {
  let url: string;
  let database: OpenDatabase;
  let journal: PostgresJournal;
  let drop: () => Promise<void>;
  beforeAll(async () => {
    ({ url, drop } = await freshDatabase(server));
    await migrate({ url });
    database = await openDatabase({ url });
    journal = new PostgresJournal(database.writer, 0n);
  });
  afterAll(async () => {
    await database.close();
    await drop();
  });
  const contextOf = async (id: string) =>
    ((await journal.load({ kind: "widget", id }))?.snapshot as { context?: Json } | undefined)?.context;
  const stored = async (id: string) => {
    const [row] = await rowsOf<{ snapshot: { context: Json }; lasting: Json; whole: { context: Json } }>(
      url,
      `select snapshot, lasting, whole_snapshot(snapshot, lasting) as whole from actors where id = '${id}'`,
    );
    return row;
  };

  test("what is kept is stored once, and read with the rest", async () => {
    const id = randomUUID();
    const spec = { model: 'ü "\\" \n', sizes: [1, 2.5] };
    await journal.commit([entry(id, 1, { spec, owner: null, step: 1 })]);
    await journal.commit([entry(id, 2, { spec, owner: null, step: 2 })]);
    expect(await stored(id)).toMatchObject({
      snapshot: { context: { step: 2 } },
      lasting: { spec, owner: null },
      whole: { context: { spec, owner: null, step: 2 } },
    });
    expect((await stored(id))?.snapshot.context).toEqual({ step: 2 });
    expect(await contextOf(id)).toEqual({ spec, owner: null, step: 2 });
    for await (const page of journal.loadLive("widget")) {
      const found = page.find(({ ref }) => ref.id === id);
      expect(found?.snapshot).toMatchObject({ value: "open", context: { spec, owner: null, step: 2 } });
    }
  });

  test("a change of what lasts replaces it, and a field that has gone is gone", async () => {
    const id = randomUUID();
    await journal.commit([entry(id, 1, { spec: 1, owner: "a", step: 1 })]);
    const changed = { spec: 2, step: 2 };
    await journal.commit([entry(id, 2, changed, { lasting: { names, isKept: false } })]);
    expect(await contextOf(id)).toEqual(changed);
    expect(await stored(id)).toMatchObject({ lasting: { spec: 2 }, whole: { context: changed } });
  });

  test("one batch may hold actors of all sorts", async () => {
    const ids = Array.from({ length: 4 }, () => randomUUID());
    const [first = "", second = "", third = "", fourth = ""] = ids;
    await journal.commit([entry(first, 1, { spec: 1, step: 1 }), entry(second, 1, { spec: 2, step: 1 })]);
    const { lasting: _, ...plain } = entry(third, 1, { spec: 3, step: 1 });
    await journal.commit([
      entry(first, 2, { spec: 1, step: 2 }),
      plain,
      entry(second, 2, { spec: 9, step: 2 }, { lasting: { names, isKept: false } }),
      entry(fourth, 1, { spec: 4, step: 1 }, { snapshot: "no context" }),
    ]);
    expect(await Promise.all([first, second, third].map(contextOf))).toEqual([
      { spec: 1, step: 2 },
      { spec: 9, step: 2 },
      { spec: 3, step: 1 },
    ]);
    expect((await journal.load({ kind: "widget", id: fourth }))?.snapshot).toBe("no context");
  });

  test("a snapshot from before there were two parts is read whole, and divided with the next transition", async () => {
    const id = randomUUID();
    const snapshot = { value: "open", context: { spec: { a: 1 }, owner: "b", step: 1 } };
    await administer(
      url,
      `insert into actors (kind, id, version, epoch, state, snapshot, created_at, updated_at)
        values ('widget', '${id}', 1, 0, 'open', '${JSON.stringify(snapshot)}', now(), now())`,
    );
    expect(await contextOf(id)).toEqual(snapshot.context);
    const context = { ...snapshot.context, step: 2 };
    await journal.commit([entry(id, 2, context, { lasting: { names, isKept: false } })]);
    expect(await contextOf(id)).toEqual(context);
    expect((await stored(id))?.snapshot.context).toEqual({ step: 2 });
  });

  test("a kind that no longer names any has nothing left over from the time when it did", async () => {
    const id = randomUUID();
    await journal.commit([entry(id, 1, { spec: 1, owner: "a", step: 1 })]);
    const { lasting: _, ...plain } = entry(id, 2, { step: 2 });
    await journal.commit([plain]);
    expect(await contextOf(id)).toEqual({ step: 2 });
  });

  test("what PostgreSQL cannot keep is refused in either part, and neither is written", async () => {
    const id = randomUUID();
    const nul = "a\u0000b";
    for (const context of [
      { spec: nul, step: 1 },
      { spec: 1, step: nul },
    ]) {
      await expect(journal.commit([entry(id, 1, context)])).rejects.toBeInstanceOf(JournalRejected);
    }
    expect(await contextOf(id)).toBeUndefined();
  });

  test("a broken snapshot is shown as it is, so that its actor is set aside", async () => {
    const id = randomUUID();
    await journal.commit([entry(id, 1, { spec: 1, step: 1 })]);
    await administer(url, `update actors set snapshot = '{"broken": 1}' where id = '${id}'`);
    expect((await journal.load({ kind: "widget", id }))?.snapshot).toEqual({ broken: 1 });
    expect((await stored(id))?.whole).toEqual({ broken: 1 } as never);
  });
});
