import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import pg from "pg";
import { openDatabase } from "../../src/store/database.ts";
import { StoreError } from "../../src/store/errors.ts";
import { PostgresJournal } from "../../src/store/journal.ts";
import { type Migration, migrations } from "../../src/store/migrations/list.ts";
import { checksum, migrate, plan, refuseOldServer } from "../../src/store/migrations/migrate.ts";
import { administer, databaseServers, freshDatabase } from "../support/servers.ts";

const names = migrations.map(({ version, name }) => `${String(version).padStart(4, "0")}_${name}`);
const applied = (steps: readonly Migration[]) =>
  steps.map((step) => ({ version: step.version, name: step.name, checksum: checksum(step) }));
const step = (version: number, sql: string): Migration => ({ version, name: `step_${version}`, sql });

describe.each(await databaseServers())("migrations on the $name PostgreSQL", ({ url: server }) => {
  let url: string;
  let admin: pg.Client;
  const leftovers: (() => Promise<void>)[] = [];

  const database = async (): Promise<string> => {
    const fresh = await freshDatabase(server);
    leftovers.push(fresh.drop);
    return fresh.url;
  };
  beforeAll(async () => {
    url = await database();
    admin = new pg.Client({ connectionString: url });
    await admin.connect();
  });
  afterAll(async () => {
    await admin.end();
    for (const undo of leftovers) await undo();
  });

  test("an empty database gets every step, and a second run finds nothing to do", async () => {
    expect(await migrate({ url })).toEqual(names);
    expect(await migrate({ url })).toEqual([]);
    const { rows } = await admin.query("select version, name, checksum from schema_migrations order by version");
    expect(rows).toEqual(applied(migrations));
    const { rows: leaders } = await admin.query<{ epoch: string }>("select epoch from leadership");
    expect(leaders).toEqual([{ epoch: "0" }]);
  });

  test("of servers that start at once one takes the steps and the others wait for it", async () => {
    const target = await database();
    const taken = await Promise.all([migrate({ url: target }), migrate({ url: target }), migrate({ url: target })]);
    expect(taken.map((each) => each.length).sort()).toEqual([0, 0, names.length]);
  });

  test("a step that fails leaves nothing of itself and keeps the steps before it", async () => {
    const target = await database();
    const good = step(1, "create table kept (id int)");
    const bad = step(2, "create table gone (id int); select 1 / 0");
    await expect(migrate({ url: target }, [good, bad])).rejects.toMatchObject({
      code: "migration_failed",
      message: 'Migration 2 ("step_2") failed and was rolled back: division by zero',
    });
    const mended = step(2, "create table gone (id int)");
    expect(await migrate({ url: target }, [good, mended])).toEqual(["0002_step_2"]);
  });

  test("a database that a newer server migrated is refused and left as it is", async () => {
    const target = await database();
    const ours = [step(1, "create table a (id int)")];
    await migrate({ url: target }, [...ours, step(2, "create table b (id int)")]);
    await expect(migrate({ url: target }, ours)).rejects.toMatchObject({
      code: "database_newer",
      message: expect.stringContaining("this build knows up to 1"),
    });
  });

  test("an applied step whose text has changed is refused before anything is run", async () => {
    const target = await database();
    await migrate({ url: target }, [step(1, "create table a (id int)")]);
    const edited = [step(1, "create table a (id bigint)"), step(2, "create table b (id int)")];
    await expect(migrate({ url: target }, edited)).rejects.toMatchObject({ code: "migration_changed" });
    expect(
      await migrate({ url: target }, [step(1, "create table a (id int)"), step(2, "create table b (id int)")]),
    ).toEqual(["0002_step_2"]);
  });

  test("snapshots stored before they became plain JSON are read as they were", async () => {
    const target = await database();
    await migrate({ url: target }, migrations.slice(0, 3));
    const snapshot = { status: "active", value: { a: "b" }, context: { text: 'ü "\\" \n', n: 1e21, none: null } };
    await administer(
      target,
      `insert into actors (kind, id, version, epoch, state, snapshot, created_at, updated_at)
        values ('widget', 'old', 3, 1, 'a.b', '${JSON.stringify(snapshot)}', now(), now())`,
    );
    await migrate({ url: target });
    const store = await openDatabase({ url: target });
    const journal = new PostgresJournal(store.writer, 0n);
    expect(await journal.load({ kind: "widget", id: "old" })).toMatchObject({ version: 3, state: "a.b", snapshot });
    await store.close();
  });

  test("a live job that holds a big model itself, as before texts were kept apart, is read and goes on", async () => {
    const target = await database();
    await migrate({ url: target }, migrations.slice(0, 4));
    const snapshot = { context: { spec: { modelDefinition: '"ü\\'.repeat(300_000) } } };
    const ref = { kind: "widget", id: "old" };
    const shared = { ref, deadline: null, finished: false, at: 1, row: null, snapshot, to: "open" };
    await administer(
      target,
      `insert into actors (kind, id, version, epoch, state, snapshot, created_at, updated_at)
        values ('widget', 'old', 1, 0, 'open', '${JSON.stringify(snapshot)}', now(), now())`,
    );
    expect(await migrate({ url: target })).toEqual(names.slice(4));
    const store = await openDatabase({ url: target });
    const journal = new PostgresJournal(store.writer, 0n);
    for await (const page of journal.loadLive("widget")) expect(page).toMatchObject([{ version: 1, snapshot }]);
    await journal.commit([{ ...shared, expectedVersion: 1, event: { type: "PING" }, from: "open" }]);
    expect(await journal.load(ref)).toMatchObject({ version: 2, snapshot });
    await store.close();
  });

  test("a server that does not answer is named without the password", async () => {
    const refused = migrate({ url: "postgres://someone:s3cret@127.0.0.1:1/cyxwiz" });
    await expect(refused).rejects.toMatchObject({
      code: "unreachable",
      message: expect.stringContaining("127.0.0.1:1/cyxwiz"),
    });
    await expect(refused).rejects.not.toMatchObject({ message: expect.stringContaining("s3cret") });
  });
});

describe("the plan", () => {
  const [first, second] = [step(1, "one"), step(2, "two")];

  test("is what is missing at the end", () => {
    expect(plan([], [first, second])).toEqual([first, second]);
    expect(plan(applied([first]), [first, second])).toEqual([second]);
    expect(plan(applied([first, second]), [first, second])).toEqual([]);
  });

  test("refuses a history with a gap, or one of other steps", () => {
    expect(() => plan(applied([second]), [first, second])).toThrow(StoreError);
    expect(() => plan([{ version: 1, name: "other", checksum: "0" }], [first, second])).toThrow(
      /applied with other contents/,
    );
  });

  test("does not mind the line ends of a checkout on Windows", () => {
    expect(checksum(step(1, "a\r\nb"))).toBe(checksum(step(1, "a\nb")));
    expect(checksum(step(1, "a\nb"))).not.toBe(checksum(step(1, "a b")));
  });
});

describe("the server's version", () => {
  test("one older than 14 is refused with what to do", () => {
    expect(() => refuseOldServer(130_021, "13.21 (Debian)")).toThrow(
      "PostgreSQL 13.21 (Debian) is too old: version 14 or newer is needed. Upgrade it, or remove database.url to use the embedded one.",
    );
  });

  test("14 and everything after it will do", () => {
    for (const number of [140_000, 150_013, 170_010, 990_000]) refuseOldServer(number, String(number));
  });
});

test("the numbers of the steps count up from 1 without a gap", () => {
  expect(migrations.map(({ version }) => version)).toEqual(migrations.map((_, index) => index + 1));
});
