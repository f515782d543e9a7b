import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { randomUUID } from "node:crypto";
import { sql } from "kysely";
import { type ActorRef, JournalDeposed, type JournalEntry, JournalRejected } from "../../src/actors/runtime/index.ts";
import { type OpenDatabase, openDatabase } from "../../src/store/database.ts";
import { PostgresJournal } from "../../src/store/journal.ts";
import { migrate } from "../../src/store/migrations/migrate.ts";
import { administer, databaseServers, freshDatabase } from "../support/servers.ts";

const AT = Date.UTC(2026, 0, 2, 3, 4, 5, 678);

/** A first transition of an actor without a table, changed by `values`. */
function entry(values: Partial<JournalEntry> & { readonly ref: ActorRef }): JournalEntry {
  const expectedVersion = values.expectedVersion ?? 0;
  return {
    expectedVersion,
    event: { type: expectedVersion === 0 ? "created" : "changed" },
    from: expectedVersion === 0 ? null : "open",
    to: "open",
    snapshot: { value: "open" },
    deadline: null,
    finished: false,
    at: AT,
    row: null,
    ...values,
  };
}
const widget = (): ActorRef => ({ kind: "widget", id: randomUUID() });
const next = (previous: JournalEntry, values: Partial<JournalEntry> = {}): JournalEntry =>
  entry({ ref: previous.ref, expectedVersion: previous.expectedVersion + 1, row: previous.row, ...values });

const jobRow = (id: string, values: Readonly<Record<string, unknown>> = {}) => ({
  id,
  user_wallet: "wallet",
  status: "pending",
  job_type: "training",
  required_ram_gb: 4,
  estimated_duration_seconds: 60,
  estimated_cost: "9007199254740993",
  created_at: AT,
  ...values,
});
const job = (values: Readonly<Record<string, unknown>> = {}): JournalEntry => {
  const id = randomUUID();
  return entry({ ref: { kind: "job", id }, to: "pending", row: jobRow(id, values) });
};
const node = (values: Readonly<Record<string, unknown>> = {}): JournalEntry => {
  const id = randomUUID();
  const row = { id, wallet_address: "", name: "n", cpu_cores: 8, ram_gb: 16, status: "online", ...values };
  return entry({ ref: { kind: "node", id }, to: "online.idle", row });
};

describe.each(await databaseServers())("the journal on the $name PostgreSQL", ({ url: server }) => {
  let url: string;
  let database: OpenDatabase;
  let journal: PostgresJournal;
  let drop: () => Promise<void>;
  beforeAll(async () => {
    const fresh = await freshDatabase(server);
    ({ url, drop } = fresh);
    await migrate({ url });
    await administer(url, "update leadership set epoch = 7");
    database = await openDatabase({ url });
    journal = new PostgresJournal(database.writer, 7n);
  });
  afterAll(async () => {
    await database.close();
    await drop();
  });

  const versionOf = async (ref: ActorRef) => (await journal.load(ref))?.version ?? 0;
  const log = (ref: ActorRef) =>
    database.reads
      .selectFrom("transitions")
      .select(["version", "epoch", "event", "from_state", "to_state", "at"])
      .where("kind", "=", ref.kind)
      .where("id", "=", ref.id)
      .orderBy("seq")
      .execute();
  const projected = (table: "jobs" | "nodes" | "payments", id: string) =>
    database.reads.selectFrom(table).selectAll().where("id", "=", id).executeTakeFirst();
  const devicesOf = (id: string) =>
    database.reads.selectFrom("node_devices").selectAll().where("node_id", "=", id).orderBy("device_index").execute();

  /** The batch is refused with `JournalRejected`, and none of its actors has moved. */
  async function expectRejected(batch: readonly JournalEntry[], message: RegExp, stale = false): Promise<void> {
    const before = await Promise.all(batch.map(({ ref }) => versionOf(ref)));
    const refusal = await journal.commit(batch).catch((error: unknown) => error);
    expect(refusal).toBeInstanceOf(JournalRejected);
    expect(refusal).toMatchObject({ message: expect.stringMatching(message), stale });
    expect(await Promise.all(batch.map(({ ref }) => versionOf(ref)))).toEqual(before);
    for (const [index, { ref }] of batch.entries()) expect(await log(ref)).toHaveLength(before[index] ?? 0);
  }

  describe("a commit", () => {
    test("creates an actor and gives it back as it was written", async () => {
      const ref = widget();
      const snapshot = { value: { a: "b" }, context: { ключ: ["ü", '"', "\\", "{},NULL", "\n\t", 1e-7, null, true] } };
      await journal.commit([entry({ ref, to: "a.b", snapshot, deadline: AT + 60_001 })]);
      expect(await journal.load(ref)).toEqual({
        ref,
        version: 1,
        state: "a.b",
        snapshot,
        deadline: AT + 60_001,
        finished: false,
        updatedAt: AT,
      });
    });

    test("moves an actor on, and every step stays in the log, whole and in order", async () => {
      const first = entry({ ref: widget(), event: { type: "created", input: { amount: "12345678901234567890" } } });
      const second = next(first, { event: { type: "PING", nested: [{}] }, to: "shut", at: AT + 5, deadline: AT + 9 });
      const third = next(second, { from: "shut", to: "done", finished: true, at: AT + 6 });
      for (const each of [first, second, third]) await journal.commit([each]);
      expect(await journal.load(first.ref)).toMatchObject({
        version: 3,
        state: "done",
        deadline: null,
        finished: true,
        updatedAt: AT + 6,
      });
      const shared = { epoch: 7n };
      expect(await log(first.ref)).toEqual([
        { ...shared, version: 1n, event: first.event, from_state: null, to_state: "open", at: new Date(AT) },
        { ...shared, version: 2n, event: second.event, from_state: "open", to_state: "shut", at: new Date(AT + 5) },
        { ...shared, version: 3n, event: third.event, from_state: "shut", to_state: "done", at: new Date(AT + 6) },
      ]);
    });

    test("of nothing does nothing", async () => {
      await journal.commit([]);
    });

    test("writes a batch of many actors in one go, those that are new and those that move", async () => {
      const old = Array.from({ length: 200 }, () => entry({ ref: widget() }));
      await journal.commit(old);
      const fresh = Array.from({ length: 200 }, () => entry({ ref: widget() }));
      await journal.commit([...old.map((each) => next(each)), ...fresh]);
      expect(await Promise.all([...old, ...fresh].map(({ ref }) => versionOf(ref)))).toEqual([
        ...old.map(() => 2),
        ...fresh.map(() => 1),
      ]);
    });

    test("finds an unknown actor to be none", async () => {
      expect(await journal.load(widget())).toBeNull();
    });
  });

  describe("a batch with one stale version", () => {
    test("writes nothing, neither for those that were right nor in their tables", async () => {
      const good = job();
      const stale = entry({ ref: widget() });
      await journal.commit([stale]);
      await expectRejected([good, next(stale, { expectedVersion: 2 })], /1 of 2 actors were not at the version/, true);
      expect(await projected("jobs", good.ref.id)).toBeUndefined();
    });

    test("is refused too when the actor to be created is there already", async () => {
      const taken = entry({ ref: widget() });
      await journal.commit([taken]);
      await expectRejected([entry({ ref: widget() }), taken], /./, true);
    });

    test("is refused too when the actor to be moved is not there", async () => {
      await expectRejected([entry({ ref: widget(), expectedVersion: 3 })], /1 of 1 actors/, true);
    });
  });

  test("two transitions of one actor in a batch are refused, for the second would be lost", async () => {
    const ref = widget();
    await expectRejected([entry({ ref }), entry({ ref, expectedVersion: 1 })], /one transition of an actor/);
  });

  describe("a server that was deposed", () => {
    test("writes nothing and is told that it is no longer the leader", async () => {
      const deposed = new PostgresJournal(database.writer, 6n);
      const written = job();
      expect(await deposed.commit([written]).catch((error: unknown) => error)).toBeInstanceOf(JournalDeposed);
      expect(await journal.load(written.ref)).toBeNull();
      expect(await log(written.ref)).toEqual([]);
      expect(await projected("jobs", written.ref.id)).toBeUndefined();
    });

    test("is told so even when its batch is stale or wrong as well", async () => {
      const deposed = new PostgresJournal(database.writer, 6n);
      const commits = [
        deposed.commit([entry({ ref: widget(), expectedVersion: 3 })]),
        deposed.commit([job({ priority: 99_999 })]),
      ];
      for (const result of await Promise.allSettled(commits)) {
        expect(result).toMatchObject({ status: "rejected", reason: expect.any(JournalDeposed) });
      }
    });

    test("cannot have been deposed by an epoch that is behind its own either", async () => {
      const ahead = new PostgresJournal(database.writer, 8n);
      await expect(ahead.commit([entry({ ref: widget() })])).rejects.toBeInstanceOf(JournalDeposed);
    });
  });

  describe("a batch the database cannot hold is rejected, and the good entries in it are not written", () => {
    const beside = () => entry({ ref: widget() });

    test("a value out of the column's range", async () => {
      await expectRejected([beside(), job({ priority: 40_000 })], /out of range/);
      await expectRejected([beside(), job({ estimated_cost: "9223372036854775808" })], /out of range/);
    });

    test("a row that breaks a constraint", async () => {
      await expectRejected([beside(), job({ assigned_node_id: randomUUID() })], /foreign key/);
      await expectRejected(
        [beside(), node({ devices: [{ device_type: "tpu", device_index: 0 }] })],
        /check constraint/,
      );
      await expectRejected([beside(), job({ status: "lost" })], /invalid input value for enum/);
      await expectRejected([beside(), job({ user_wallet: null })], /not-null/);
    });

    test("a device named twice", async () => {
      const twice = { device_type: "cpu", device_index: 0 };
      await expectRejected([beside(), node({ devices: [twice, twice] })], /second time/);
    });

    test("a column that is none, or a value of the wrong sort, before anything is sent", async () => {
      await expectRejected([beside(), job({ colour: "red" })], /jobs has no column colour/);
      const change = { number: 1, reason: "failed", score_before: 75, score_after: 70, changed_at: AT };
      const changed = (values: object) => node({ reputation_changes: [{ ...change, ...values }] });
      await expectRejected([beside(), changed({ score_after: 101 })], /score_after/);
      await expectRejected([beside(), changed({ mood: "bad" })], /reputation_changes has no column mood/);
      await expectRejected([beside(), node({ devices: [{ colour: "red" }] })], /node_devices has no column colour/);
      await expectRejected([beside(), job({ priority: 1.5 })], /jobs.priority: a number is not a smallint/);
      await expectRejected([beside(), job({ started_at: Number.NaN })], /NaN is not a time/);
      await expectRejected([beside(), job({ required_gpu: "yes" })], /a string is not a boolean/);
    });

    test("a value that is no JSON, a bigint or a loop", async () => {
      const loop: Record<string, unknown> = {};
      loop.self = loop;
      await expectRejected([beside(), job({ metrics: { money: 1n } })], /jobs.metrics/);
      await expectRejected([beside(), job({ metadata: loop })], /jobs.metadata/);
      await expectRejected([beside(), entry({ ref: widget(), event: { money: 1n } as never })], /event/);
      await expectRejected([beside(), entry({ ref: widget(), snapshot: loop as never })], /snapshot/);
      await expectRejected([beside(), entry({ ref: widget(), event: undefined as never })], /not-null/);
    });

    test("U+0000, in JSON and in text", async () => {
      await expectRejected([beside(), entry({ ref: widget(), event: { type: "a\u0000b" } })], /Unicode/);
      await expectRejected([beside(), entry({ ref: widget(), snapshot: { "a\u0000": 1 } })], /Unicode/);
      await expectRejected([beside(), job({ error_message: "a\u0000b" })], /invalid byte sequence|0x00/);
      await expectRejected([beside(), job({ metadata: { a: "\u0000" } })], /Unicode/);
    });

    test("a lone surrogate in JSON", async () => {
      await expectRejected([beside(), entry({ ref: widget(), event: { type: "\ud800" } })], /invalid input syntax/);
      await expectRejected([beside(), job({ metadata: { a: "x\udc00" } })], /invalid input syntax/);
      await expectRejected([beside(), entry({ ref: widget(), snapshot: { a: ["\\\udc00"] } })], /Unicode/);
    });

    test("but not a text that only looks like one", async () => {
      const snapshot = { text: "\\u0000 \\\\ud800 \u0001 \ud83d\ude00" };
      const written = entry({ ref: widget(), snapshot });
      await journal.commit([written]);
      expect((await journal.load(written.ref))?.snapshot).toEqual(snapshot);
    });

    test("a time beyond the calendar", async () => {
      await expectRejected([beside(), entry({ ref: widget(), deadline: 1e300 })], /out of range/);
      await expectRejected([beside(), entry({ ref: widget(), deadline: Number.NaN })], /./);
    });

    test("and the next commit goes through", async () => {
      const after = job();
      await Promise.all([journal.commit([job({ priority: 40_000 })]).catch(() => {}), journal.commit([after])]);
      expect(await versionOf(after.ref)).toBe(1);
    });
  });

  test("a lone surrogate in a text column is kept as U+FFFD", async () => {
    const written = job({ error_message: "a\ud800b" });
    await journal.commit([written]);
    expect(await projected("jobs", written.ref.id)).toMatchObject({ error_message: "a\ufffdb" });
  });

  describe("the tables", () => {
    test("a job's row is written with its transition and carries its version, state and time", async () => {
      const first = job({ metadata: { tags: ["a", 'b"\\'] }, user_id: null, progress: 0.25 });
      await journal.commit([first]);
      expect(await projected("jobs", first.ref.id)).toMatchObject({
        version: 1n,
        state: "pending",
        status: "pending",
        estimated_cost: 9007199254740993n,
        metadata: { tags: ["a", 'b"\\'] },
        progress: 0.25,
        user_id: null,
        created_at: new Date(AT),
        updated_at: new Date(AT),
      });
      await journal.commit([
        next(first, {
          to: "running",
          at: AT + 1,
          row: jobRow(first.ref.id, { status: "running", started_at: new Date(AT + 1) }),
        }),
      ]);
      expect(await projected("jobs", first.ref.id)).toMatchObject({
        version: 2n,
        state: "running",
        status: "running",
        started_at: new Date(AT + 1),
        updated_at: new Date(AT + 1),
        // Not named by the second row: kept.
        progress: 0.25,
      });
    });

    describe("of a job that this process has written before", () => {
      const moved = (previous: JournalEntry, values: Readonly<Record<string, unknown>>): JournalEntry =>
        next(previous, { row: { ...previous.row, ...values }, rowBefore: previous.row });

      test("takes what has changed and keeps what lasts, whatever else is in the batch", async () => {
        const [first, other] = [job({ metadata: { a: 1 } }), job()];
        await journal.commit([first]);
        const second = moved(first, { status: "running", progress: 0.5, metrics: { loss: 1 } });
        await journal.commit([second, other]);
        await journal.commit([moved(second, { status: "completed" }), moved(other, { progress: 0.1 })]);
        expect(await projected("jobs", first.ref.id)).toMatchObject({
          version: 3n,
          status: "completed",
          progress: 0.5,
          metrics: { loss: 1 },
          metadata: { a: 1 },
          estimated_cost: 9007199254740993n,
        });
        expect(await projected("jobs", other.ref.id)).toMatchObject({ version: 2n, status: "pending", progress: 0.1 });
      });

      test("is changed in what lasts when that changes after all", async () => {
        const first = job({ user_id: "a" });
        await journal.commit([first]);
        const second = moved(first, { user_id: "b" });
        await journal.commit([second]);
        expect(await projected("jobs", first.ref.id)).toMatchObject({ version: 2n, user_id: "b" });
      });

      test("is written whole when somebody has deleted it, and so are those beside it", async () => {
        const [gone, there] = [job({ user_id: "a" }), job({ user_id: "b" })];
        await journal.commit([gone, there]);
        await administer(url, `delete from jobs where id = '${gone.ref.id}'`);
        await journal.commit([moved(gone, { progress: 0.2 }), moved(there, { progress: 0.3 })]);
        expect(await projected("jobs", gone.ref.id)).toMatchObject({ version: 2n, user_id: "a", progress: 0.2 });
        expect(await projected("jobs", there.ref.id)).toMatchObject({ version: 2n, user_id: "b", progress: 0.3 });
        expect([await versionOf(gone.ref), (await log(gone.ref)).length]).toEqual([2, 2]);
      });

      test("is written whole when somebody has put back an older one", async () => {
        const first = job({ user_id: "a" });
        const second = moved(first, { progress: 0.5 });
        await journal.commit([first]);
        await journal.commit([second]);
        await administer(url, `update jobs set version = 1, user_id = 'x' where id = '${first.ref.id}'`);
        await journal.commit([moved(second, { progress: 0.6 })]);
        expect(await projected("jobs", first.ref.id)).toMatchObject({ version: 3n, user_id: "a", progress: 0.6 });
      });

      test("is not written when its actor has moved on", async () => {
        const first = job();
        const second = moved(first, { progress: 0.5 });
        await journal.commit([first]);
        await journal.commit([second]);
        await expectRejected([moved(first, { progress: 0.9 })], /not at the version/, true);
        expect(await projected("jobs", first.ref.id)).toMatchObject({ version: 2n, progress: 0.5 });
      });
    });

    test("a job, its node and its payment can be created in one batch, in any order", async () => {
      const owner = node();
      const work = job({ assigned_node_id: owner.ref.id });
      const id = randomUUID();
      const row = {
        id,
        job_id: work.ref.id,
        node_id: owner.ref.id,
        user_wallet: "w",
        amount: 10n,
        platform_fee: 1n,
        node_reward: 9n,
      };
      await journal.commit([entry({ ref: { kind: "payment", id }, to: "pending", row }), work, owner]);
      expect(await projected("payments", id)).toMatchObject({
        amount: 10n,
        node_reward: 9n,
        version: 1n,
        state: "pending",
      });
    });

    test("a payment's bookings are written with it, once, and outlive the job (I6)", async () => {
      const work = job();
      const { id } = work.ref;
      const booking = (number: number, amount: string, bookedAt: number) => ({
        number,
        debit: `escrow:${id}`,
        credit: number === 1 ? "node:n" : "platform",
        amount,
        signature: "s",
        bookedAt,
      });
      const paid = (ledger_entries: readonly unknown[]) => ({
        id,
        job_id: id,
        user_wallet: "w",
        amount: 10n,
        platform_fee: 1n,
        node_reward: 9n,
        ledger_entries,
      });
      const huge = "99999999999999999999";
      const first = entry({ ref: { kind: "payment", id }, to: "locked.idle", row: paid([]) });
      const second = next(first, { row: paid([booking(1, huge, AT)]) });
      await journal.commit([work, first]);
      await journal.commit([second]);
      // In the same millisecond: the second names what the first has booked.
      await journal.commit([next(second, { row: paid([booking(1, "1", AT), booking(2, "1", AT)]) })]);
      const booked = () =>
        database.reads
          .selectFrom("ledger_entries")
          .select(["number", "debit", "credit", "amount", "booked_at"])
          .where("payment_id", "=", id)
          .orderBy("number")
          .execute();
      const rows = [
        { number: 1, debit: `escrow:${id}`, credit: "node:n", amount: huge, booked_at: new Date(AT) },
        { number: 2, debit: `escrow:${id}`, credit: "platform", amount: "1", booked_at: new Date(AT) },
      ];
      expect(await booked()).toEqual(rows);
      await database.reads.deleteFrom("payments").where("id", "=", id).execute();
      expect(await booked()).toEqual(rows);
    });

    test("rows of one kind that name different columns can share a batch", async () => {
      const [plain, detailed] = [job(), job({ progress: 0.5, result_hash: "h" })];
      await journal.commit([plain, detailed]);
      expect(await projected("jobs", plain.ref.id)).toMatchObject({ progress: 0, result_hash: null });
      expect(await projected("jobs", detailed.ref.id)).toMatchObject({ progress: 0.5, result_hash: "h" });
    });

    test("a node's changes of score are kept for good: written once, whatever is written again", async () => {
      const change = (number: number, before: number, after: number, values = {}) => ({
        number,
        reason: after > before ? "completed" : "failed",
        score_before: before,
        score_after: after,
        job_id: randomUUID(),
        attempt: 1,
        detail: null,
        changed_at: AT,
        ...values,
      });
      const changesOf = (id: string) =>
        database.reads
          .selectFrom("reputation_changes")
          .selectAll()
          .where("node_id", "=", id)
          .orderBy("number")
          .execute();
      const [one, two] = [change(1, 75, 70), change(2, 70, 71.5)];
      const three = change(3, 71.5, 61.5, { reason: "complaint", detail: 'a "noisy" {model}', changed_at: AT + 5 });
      const first = node({ reputation_changes: [one] });
      const neighbour = node({ reputation_changes: [one] });
      await journal.commit([first, neighbour]);
      // The same moment again: what is there is named again.
      const again = { ...first.row, reputation_changes: [{ ...one, score_after: 1 }, two] };
      const second = next(first, { row: again });
      await journal.commit([second]);
      const last = next(second, { row: { ...again, reputation_changes: [one, two, three] }, at: AT + 5 });
      await journal.commit([last]);
      await journal.commit([next(last, { row: { ...again, reputation_changes: undefined }, at: AT + 9 })]);

      const { id } = first.ref;
      expect(await changesOf(id)).toEqual(
        [one, two, three].map(({ changed_at, number, ...values }) => ({
          ...values,
          number: BigInt(number),
          node_id: id,
          delta: values.score_after - values.score_before,
          changed_at: new Date(changed_at),
        })),
      );
      expect(await changesOf(neighbour.ref.id)).toHaveLength(1);
      await database.reads.deleteFrom("nodes").where("id", "=", id).execute();
      expect(await changesOf(id)).toEqual([]);
    });

    test("a node's standing is kept with it", async () => {
      const standing = {
        standing_reason: "new fans",
        strike_count: 2,
        banned_until: AT + 1,
        total_bans: 1,
        last_strike_at: AT,
        set_aside_until: AT + 2,
        drain_until: AT + 3,
      };
      const first = node(standing);
      await journal.commit([first]);
      expect(await projected("nodes", first.ref.id)).toMatchObject({
        ...standing,
        banned_until: new Date(AT + 1),
        last_strike_at: new Date(AT),
        set_aside_until: new Date(AT + 2),
        drain_until: new Date(AT + 3),
      });
      const lifted = { banned_until: null, set_aside_until: null, drain_until: null, standing_reason: null };
      await journal.commit([next(first, { row: { ...first.row, ...lifted } })]);
      expect(await projected("nodes", first.ref.id)).toMatchObject({ ...lifted, strike_count: 2, total_bans: 1 });
    });

    test("a node's devices are replaced by those it names, and left alone when it names none", async () => {
      const gpu = (index: number, name: string) => ({
        device_type: "cuda",
        device_index: index,
        device_name: name,
        memory_total_bytes: "17179869184",
      });
      const first = node({ devices: [gpu(0, "A"), gpu(1, "B")] });
      const neighbour = node({ devices: [gpu(0, "other")] });
      await journal.commit([first, neighbour]);
      const before = await devicesOf(first.ref.id);
      expect(
        before.map(({ device_name, memory_total_bytes, is_enabled }) => [device_name, memory_total_bytes, is_enabled]),
      ).toEqual([
        ["A", 17179869184n, true],
        ["B", 17179869184n, true],
      ]);

      const { devices: _, ...withoutDevices } = first.row ?? {};
      await journal.commit([next(first, { row: withoutDevices })]);
      expect(await devicesOf(first.ref.id)).toEqual(before);

      const changed = {
        ...first.row,
        devices: [gpu(1, "B"), gpu(2, "C"), { device_type: "cpu", device_index: 3, device_name: undefined }],
      };
      await journal.commit([next(first, { expectedVersion: 2, row: changed })]);
      const after = await devicesOf(first.ref.id);
      expect(
        after.map(({ device_type, device_index, device_name }) => [device_type, device_index, device_name]),
      ).toEqual([
        ["cuda", 1, "B"],
        ["cuda", 2, "C"],
        ["cpu", 3, ""],
      ]);
      expect(after[0]?.id).toBe(before[1]!.id);

      await journal.commit([next(first, { expectedVersion: 3, row: { ...first.row, devices: [] } })]);
      expect(await devicesOf(first.ref.id)).toEqual([]);
      expect(await devicesOf(neighbour.ref.id)).toHaveLength(1);
    });
  });

  describe("recovery", () => {
    test("reads every live actor of a kind once, in pages, and none that has finished", async () => {
      const kind = `live-${randomUUID()}`;
      const live = Array.from({ length: 2_300 }, () => entry({ ref: { kind, id: randomUUID() } }));
      const finished = Array.from({ length: 50 }, () => entry({ ref: { kind, id: randomUUID() }, finished: true }));
      await journal.commit([...live, ...finished]);
      const pages: string[][] = [];
      for await (const page of journal.loadLive(kind)) pages.push(page.map(({ ref }) => ref.id));
      expect(pages.map((page) => page.length)).toEqual([1_000, 1_000, 300]);
      expect(pages.flat().sort()).toEqual(live.map(({ ref }) => ref.id).sort());
    });

    test("of a number that fills its last page ends, and of an unknown kind finds nothing", async () => {
      const kind = `live-${randomUUID()}`;
      await journal.commit(Array.from({ length: 1_000 }, () => entry({ ref: { kind, id: randomUUID() } })));
      let count = 0;
      for await (const page of journal.loadLive(kind)) count += page.length;
      expect(count).toBe(1_000);
      for await (const page of journal.loadLive("nobody")) throw new Error(`found ${page.length}`);
    });
  });

  describe("what its owner could not handle", () => {
    test("is kept for people to look at, though the server was deposed", async () => {
      const ref = widget();
      const deposed = new PostgresJournal(database.writer, 6n);
      await deposed.recordPoison({ ref, event: { type: "BAD" }, error: "boom", at: AT });
      const kept = await database.reads.selectFrom("poison_events").selectAll().where("id", "=", ref.id).execute();
      expect(kept).toMatchObject([{ kind: "widget", event: { type: "BAD" }, error: "boom", at: new Date(AT) }]);
    });

    test("is kept even when its text cannot be, with U+FFFD in its place", async () => {
      const ref = widget();
      const event = { "k\u0000": ["\u0000", "\ud800", "ok"] };
      await journal.recordPoison({ ref, event, error: "a\u0000\udfff", at: AT });
      const kept = await database.reads.selectFrom("poison_events").selectAll().where("id", "=", ref.id).execute();
      expect(kept).toMatchObject([{ event: { "k\ufffd": ["\ufffd", "\ufffd", "ok"] }, error: "a\ufffd\ufffd" }]);
    });
  });

  test("a change of the tables by hand does not stop reads and commits on the open connection", async () => {
    const ref = widget();
    await journal.commit([entry({ ref })]);
    expect(await versionOf(ref)).toBe(1);
    await administer(url, "alter table actors alter column state type varchar(200)");
    try {
      expect(await versionOf(ref)).toBe(1);
      await journal.commit([entry({ ref, expectedVersion: 1 })]);
      for await (const page of journal.loadLive("widget")) expect(page.length).toBeGreaterThan(0);
    } finally {
      await administer(url, "alter table actors alter column state type text");
    }
    for await (const page of journal.loadLive("widget")) expect(page.length).toBeGreaterThan(0);
    expect(await versionOf(ref)).toBe(2);
  });

  test("the session writes in transactions only: a statement that lost its BEGIN cannot take effect", async () => {
    const client = await database.writer.client();
    await expect(client.query("delete from actors")).rejects.toThrow(/read-only transaction/);
    const { rows } = await sql<{ count: bigint }>`select count(*) from actors`.execute(database.reads);
    expect(rows[0]?.count).toBeGreaterThan(0n);
  });
});
