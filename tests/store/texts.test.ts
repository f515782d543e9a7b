import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { randomUUID } from "node:crypto";
import type { JournalEntry, Text, Texts } from "../../src/actors/runtime/index.ts";
import { sha256Of } from "../../src/domain/job-texts.ts";
import { type OpenDatabase, openDatabase } from "../../src/store/database.ts";
import { PostgresJournal } from "../../src/store/journal.ts";
import { migrate } from "../../src/store/migrations/migrate.ts";
import { createQueries } from "../../src/store/queries/index.ts";
import { CachedTexts, databaseTexts } from "../../src/store/texts.ts";
import { administer, databaseServers, freshDatabase, until } from "../support/servers.ts";

const AT = Date.UTC(2026, 0, 2, 3, 4, 5);

const textOf = (content: string): Text => ({ sha256: sha256Of(content), content });

/** A creation of a job that has ended already, so that it can be deleted. */
function creation(texts: readonly Text[], values: Partial<JournalEntry> = {}): JournalEntry {
  const id = randomUUID();
  const refs = Object.fromEntries(
    texts.map(({ sha256, content }, index) => [
      index === 0 ? "model" : "hyperparameters",
      { sha256, bytes: content.length },
    ]),
  );
  return {
    ref: { kind: "job", id },
    expectedVersion: 0,
    event: { type: "created" },
    from: null,
    to: "cancelled",
    snapshot: {},
    deadline: null,
    finished: true,
    at: AT,
    row: {
      id,
      user_wallet: "wallet",
      status: "cancelled",
      job_type: "training",
      required_ram_gb: 4,
      estimated_duration_seconds: 60,
      estimated_cost: "1",
      metadata: { texts: refs },
      created_at: AT,
    },
    texts,
    ...values,
  };
}

describe.each(await databaseServers())("texts beside actors, on the $name PostgreSQL", ({ url: server }) => {
  let url: string;
  let database: OpenDatabase;
  let journal: PostgresJournal;
  let texts: Texts;
  let drop: () => Promise<void>;
  beforeAll(async () => {
    const fresh = await freshDatabase(server);
    ({ url, drop } = fresh);
    await migrate({ url });
    await administer(url, "update leadership set epoch = 7");
    database = await openDatabase({ url });
    journal = new PostgresJournal(database.writer, 7n);
    texts = databaseTexts(database.reads);
  });
  afterAll(async () => {
    await database.close();
    await drop();
  });
  const usesOf = async ({ sha256 }: Text): Promise<bigint | undefined> =>
    (await database.reads.selectFrom("texts").select("uses").where("sha256", "=", sha256).executeTakeFirst())?.uses;
  const remove = (entry: JournalEntry) => createQueries(database.reads).jobs.delete(entry.ref.id);

  test("are there with the commit that creates the actor, to the last character", async () => {
    const text = textOf(`ключ "quoted" \\ {},NULL \n\t ${randomUUID()} ${"x".repeat(3_000_000)}`);
    await journal.commit([creation([text])]);
    expect(await texts.read(text.sha256)).toBe(text.content);
    expect(await texts.read(sha256Of("never stored"))).toBeNull();
  });

  test("are stored once, in one batch and over many", async () => {
    const text = textOf(randomUUID());
    const other = textOf(randomUUID());
    await journal.commit([creation([text]), creation([text, other]), creation([text, text])]);
    await journal.commit([creation([text])]);
    expect([await usesOf(text), await usesOf(other)]).toEqual([5n, 1n]);
    expect(await texts.read(text.sha256)).toBe(text.content);
  });

  test("are not there when the commit is refused", async () => {
    const [text, known] = [textOf(randomUUID()), textOf(randomUUID())];
    await journal.commit([creation([known])]);
    await expect(journal.commit([creation([text, known], { expectedVersion: 3 })])).rejects.toMatchObject({
      name: "JournalRejected",
    });
    await expect(journal.commit([creation([text]), creation([known], { row: { id: "no uuid" } })])).rejects.toThrow();
    expect([await usesOf(text), await usesOf(known)]).toEqual([undefined, 1n]);
  });

  test("are not there when another leader has taken over", async () => {
    const text = textOf(randomUUID());
    const deposed = new PostgresJournal(database.writer, 6n);
    await expect(deposed.commit([creation([text])])).rejects.toMatchObject({ name: "JournalDeposed" });
    expect(await usesOf(text)).toBeUndefined();
  });

  test("go with the last job that has them", async () => {
    const [shared, own] = [textOf(randomUUID()), textOf(randomUUID())];
    const [first, second] = [creation([shared, own]), creation([shared])];
    await journal.commit([first, second]);
    expect(await remove(first)).toBe("deleted");
    expect([await usesOf(shared), await usesOf(own)]).toEqual([1n, undefined]);
    expect(await remove(second)).toBe("deleted");
    expect(await usesOf(shared)).toBeUndefined();
    await journal.commit([creation([shared])]);
    expect(await texts.read(shared.sha256)).toBe(shared.content);
  });

  test("are not taken away under a job that is being stored, nor by it under one that is being deleted", async () => {
    for (let round = 0; round < 20; round++) {
      const text = textOf(randomUUID());
      const old = creation([text]);
      await journal.commit([old]);
      const next = creation([text]);
      await Promise.all([remove(old), journal.commit([next])]);
      expect(await usesOf(text)).toBe(1n);
      expect(await texts.read(text.sha256)).toBe(text.content);
    }
  });

  test("a deletion waits for a creation under way, and then leaves the text", async () => {
    const text = textOf(randomUUID());
    const old = creation([text]);
    await journal.commit([old]);
    let deletion: Promise<unknown> = Promise.resolve();
    await database.reads.transaction().execute(async (transaction) => {
      // What a commit does, held open.
      await transaction.updateTable("texts").set({ uses: 2n }).where("sha256", "=", text.sha256).execute();
      deletion = remove(old);
      await until("the deletion to wait", async () => {
        const waiting = await database.reads
          .selectFrom("pg_locks" as never)
          .selectAll()
          .where("granted" as never, "=", false as never)
          .execute();
        return waiting.length > 0;
      });
    });
    expect(await deletion).toBe("deleted");
    expect(await usesOf(text)).toBe(1n);
  });

  test("a text that somebody has changed is not taken for the job's", async () => {
    const text = textOf(randomUUID());
    await journal.commit([creation([text])]);
    await administer(url, `update texts set content = content || 'x' where sha256 = '${text.sha256}'`);
    expect(await texts.read(text.sha256)).toBeNull();
  });
});

describe("the cache of texts", () => {
  /** A source that counts and can be held. */
  function source(contents: Readonly<Record<string, string>>) {
    const reads: string[] = [];
    let gate: Promise<void> = Promise.resolve();
    return {
      reads,
      hold: (until: Promise<void>) => {
        gate = until;
      },
      read: async (sha256: string) => {
        reads.push(sha256);
        await gate;
        return contents[sha256] ?? null;
      },
    };
  }

  test("reads once what is asked for by many at the same time, and again and again", async () => {
    const from = source({ a: "text" });
    const gate = Promise.withResolvers<void>();
    from.hold(gate.promise);
    const cache = new CachedTexts(from);
    const asked = [cache.read("a"), cache.read("a"), cache.read("a")];
    gate.resolve();
    expect(await Promise.all(asked)).toEqual(["text", "text", "text"]);
    expect(await cache.read("a")).toBe("text");
    expect(from.reads).toEqual(["a"]);
  });

  test("keeps no more than its limit in bytes, the ones that were used last", async () => {
    const contents = Object.fromEntries(["a", "b", "c", "d"].map((name) => [name, name.repeat(100)]));
    const from = source({ ...contents, huge: "h".repeat(1000) });
    const cache = new CachedTexts(from, 600);
    for (const name of ["a", "b", "c", "a", "d"]) await cache.read(name);
    expect(cache.bytes).toBe(600);
    from.reads.length = 0;
    for (const name of ["a", "c", "d"]) expect(await cache.read(name)).toBe(contents[name] ?? "");
    expect(from.reads).toEqual([]);
    expect(await cache.read("huge")).toHaveLength(1000);
    expect(await cache.read("b")).toBe(contents.b ?? "");
    expect(from.reads).toEqual(["huge", "b"]);
    expect(cache.bytes).toBeLessThanOrEqual(600);
  });

  test("has what was given to it, once, and within its limit", async () => {
    const from = source({});
    const cache = new CachedTexts(from, 600);
    for (const sha256 of ["a", "a", "b", "c", "d"]) cache.keep({ sha256, content: sha256.repeat(100) });
    expect(cache.bytes).toBe(600);
    expect(await cache.read("d")).toBe("d".repeat(100));
    expect(await cache.read("a")).toBeNull();
    expect(from.reads).toEqual(["a"]);
  });

  test("remembers neither that a text is missing nor that the database did not answer", async () => {
    const answers: (string | null | Error)[] = [new Error("down"), null, "back"];
    const cache = new CachedTexts({
      read: async () => {
        const answer = answers.shift() ?? null;
        if (answer instanceof Error) throw answer;
        return answer;
      },
    });
    await expect(cache.read("a")).rejects.toThrow("down");
    expect(await cache.read("a")).toBeNull();
    expect(await cache.read("a")).toBe("back");
  });
});
