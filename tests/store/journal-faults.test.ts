/**
 * The journal on connections that break: what it says about a batch is never wrong, and what it acknowledged is there.
 *
 * CYXWIZ_TEST_SEED replays the choices of the property test; CYXWIZ_TEST_STORE_ROUNDS makes it longer.
 */
import { afterAll, beforeAll, describe, expect, spyOn, test } from "bun:test";
import { randomUUID } from "node:crypto";
import type { EventEmitter } from "node:events";
import type { Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import pg from "pg";
import { type ActorRef, JournalDeposed, type JournalEntry, JournalRejected } from "../../src/actors/runtime/index.ts";
import { type OpenDatabase, openDatabase } from "../../src/store/database.ts";
import { PostgresJournal } from "../../src/store/journal.ts";
import { migrate } from "../../src/store/migrations/migrate.ts";
import { seeded } from "../support/seeded.ts";
import { databaseServers, freshDatabase, until } from "../support/servers.ts";

const seed = Number(process.env.CYXWIZ_TEST_SEED ?? Date.now() % 1_000_000);
const rounds = Number(process.env.CYXWIZ_TEST_STORE_ROUNDS ?? 100);

/** A transition that can be told from every other by its event's token. */
function entry(ref: ActorRef, expectedVersion = 0): JournalEntry {
  const token = randomUUID();
  return {
    ref,
    expectedVersion,
    event: { type: "STEP", token },
    from: expectedVersion === 0 ? null : `s${expectedVersion}`,
    to: `s${expectedVersion + 1}`,
    snapshot: { token },
    deadline: null,
    finished: false,
    at: Date.now(),
    row: null,
  };
}
/** What pg's client does not show in its types. */
interface WithSocket {
  readonly connection: EventEmitter & { readonly stream: Socket };
}
const widget = (): ActorRef => ({ kind: "widget", id: randomUUID() });

type Outcome = "committed" | "rejected" | "stale" | "deposed" | "unknown";
const outcomeOf = (commit: Promise<void>): Promise<Outcome> =>
  commit.then(
    () => "committed",
    (error: unknown) => {
      if (error instanceof JournalRejected) return error.stale ? "stale" : "rejected";
      return error instanceof JournalDeposed ? "deposed" : "unknown";
    },
  );

describe.each(await databaseServers())(
  "the journal on broken connections to the $name PostgreSQL",
  ({ url: server }) => {
    let database: OpenDatabase;
    let journal: PostgresJournal;
    let admin: pg.Client;
    /** Holds locks. Not `admin`: within a transaction pg_stat_activity stands still. */
    let locker: pg.Client;
    let drop: () => Promise<void>;
    beforeAll(async () => {
      const fresh = await freshDatabase(server);
      drop = fresh.drop;
      await migrate({ url: fresh.url });
      database = await openDatabase({ url: fresh.url });
      journal = new PostgresJournal(database.writer, 0n);
      admin = new pg.Client({ connectionString: fresh.url });
      locker = new pg.Client({ connectionString: fresh.url });
      await Promise.all([admin.connect(), locker.connect()]);
    });
    afterAll(async () => {
      await Promise.all([admin.end(), locker.end()]);
      await database.close();
      await drop();
    });

    const ours = "datname = current_database() and application_name like '%journal'";
    const terminate = () => admin.query(`select pg_terminate_backend(pid) from pg_stat_activity where ${ours}`);
    const isWaitingForLock = async () =>
      ((await admin.query(`select from pg_stat_activity where ${ours} and wait_event_type = 'Lock'`)).rowCount ?? 0) >
      0;
    const versionAtServer = async ({ kind, id }: ActorRef) => {
      const { rows } = await admin.query<{ version: string }>(
        "select version from actors where kind = $1 and id = $2",
        [kind, id],
      );
      return Number(rows[0]?.version ?? 0);
    };
    /** Node's socket under the journal's connection: what a network does to us is done to this. */
    const socket = async () => ((await database.writer.client()) as unknown as WithSocket).connection.stream;
    const backends = async () => (await admin.query(`select from pg_stat_activity where ${ours}`)).rowCount;

    /** The connection is ended while nobody uses it, and that has been noticed. */
    const loseUnused = async () => {
      const stream = await socket();
      await terminate();
      await until("the loss to be noticed", () => stream.destroyed);
    };

    test("a batch whose server process was killed before COMMIT is unknown, was not written, and can be sent again", async () => {
      const batch = [entry(widget()), entry(widget())];
      await locker.query("begin; lock table transitions");
      const commit = outcomeOf(journal.commit(batch));
      await until("the batch to wait for the lock", isWaitingForLock);
      await terminate();
      expect(await commit).toBe("unknown");
      expect(await Promise.all(batch.map(({ ref }) => journal.load(ref)))).toEqual([null, null]);
      await locker.query("commit");
      await journal.commit(batch);
      expect(await Promise.all(batch.map(({ ref }) => versionAtServer(ref)))).toEqual([1, 1]);
    });

    test("a batch whose answer was lost is unknown, and the next read finds it written", async () => {
      const [first, second] = [entry(widget()), entry(widget())];
      const stream = await socket();
      stream.pause();
      const commit = outcomeOf(journal.commit([first, second]));
      await until("the batch to be committed", async () => (await versionAtServer(first.ref)) === 1);
      stream.destroy();
      expect(await commit).toBe("unknown");
      expect(await journal.load(first.ref)).toMatchObject({ version: 1, snapshot: first.snapshot });
      expect(await outcomeOf(journal.commit([first, second]))).toBe("stale");
      await journal.commit([entry(first.ref, 1), entry(second.ref, 1)]);
    });

    test("a batch still at work at the server when we lost sight of it is ended before its rows are read", async () => {
      const lost = entry(widget());
      await locker.query("begin; lock table transitions");
      const commit = outcomeOf(journal.commit([lost]));
      await until("the batch to wait for the lock", isWaitingForLock);
      // The server does not notice: it waits for the lock, not for us.
      (await socket()).destroy();
      expect(await commit).toBe("unknown");
      // Were the old process still there, it would write as soon as the lock is free.
      expect(await journal.load(lost.ref)).toBeNull();
      await locker.query("commit");
      await sleep(50);
      expect(await versionAtServer(lost.ref)).toBe(0);
      await journal.commit([lost]);
    });

    test("an idle connection that was killed is replaced without anybody noticing", async () => {
      const ref = widget();
      await journal.commit([entry(ref)]);
      await loseUnused();
      await journal.commit([entry(ref, 1)]);
      expect(await versionAtServer(ref)).toBe(2);
    });

    test("a connection that is lost at the very moment it was opened is not taken for a live one", async () => {
      await terminate();
      const query = pg.Client.prototype.query as (...values: unknown[]) => Promise<unknown>;
      let lost = false;
      // The server's last answer and its farewell can arrive in one piece: pg then knows before our code goes on.
      const spy = spyOn(pg.Client.prototype, "query").mockImplementation(async function (
        this: pg.Client,
        ...values: unknown[]
      ) {
        const answer = await query.apply(this, values);
        if (!lost && String(values[0]).includes("pg_backend_pid()")) {
          lost = true;
          (this as unknown as WithSocket).connection.emit("error", new Error("terminating connection"));
        }
        return answer;
      } as never);
      try {
        await until("the loss to be noticed", async () => (await backends()) === 0);
        expect(await journal.load(widget())).toBeNull();
        expect(lost).toBe(true);
      } finally {
        spy.mockRestore();
      }
    });

    test("a read that still went out on a connection already ended is asked again on another", async () => {
      const ref = widget();
      await journal.commit([entry(ref)]);
      await locker.query("begin; lock table actors in access exclusive mode");
      const load = journal.load(ref);
      await until("the read to wait for the lock", isWaitingForLock);
      await terminate();
      await locker.query("commit");
      expect(await load).toMatchObject({ version: 1 });
    });

    test("many callers at once share the one connection that replaces a lost one", async () => {
      await loseUnused();
      const batches = Array.from({ length: 20 }, () => [entry(widget())]);
      await Promise.all(batches.map((batch) => journal.commit(batch)));
      expect(await backends()).toBe(1);
    });

    test("reads go on after a kill, page by page", async () => {
      const kind = `kill-${randomUUID()}`;
      await journal.commit(Array.from({ length: 2_500 }, () => entry({ kind, id: randomUUID() })));
      const found = new Set<string>();
      for await (const page of journal.loadLive(kind)) {
        for (const { ref } of page) found.add(ref.id);
        await terminate();
        await sleep(20);
      }
      expect(found.size).toBe(2_500);
    });

    test("a closed store says so", async () => {
      const other = await openDatabase({ url: server });
      await other.close();
      await expect(new PostgresJournal(other.writer, 0n).load(widget())).rejects.toThrow("the store is closed");
    });

    // I9 at the level of SQL, whatever is killed and whoever interferes.
    test(`any interleaving of batches and kills keeps log and rows together (seed ${seed})`, async () => {
      const random = seeded(seed);
      const pick = (count: number) => Math.floor(random() * count);
      const counts: Record<Outcome, number> = { committed: 0, rejected: 0, stale: 0, deposed: 0, unknown: 0 };
      /** Tokens the journal acknowledged, or that a read after an unknown outcome showed: each must be in the log. */
      const acknowledged = new Set<string>();
      /** Tokens of batches that were surely not written: none may be in the log. */
      const refused = new Set<string>();
      const tokens = (batch: readonly JournalEntry[]) =>
        batch.map(({ snapshot }) => (snapshot as { token: string }).token);

      /** Some callers with actors of their own, whose batches overlap in time on the one connection. */
      const caller = async (name: string, steps: number): Promise<void> => {
        const actors = Array.from({ length: 12 }, (_, index) => ({ kind: "prop", id: `${name}-${index}` }));
        const versions = new Map<string, number>(actors.map(({ id }) => [id, 0]));
        for (let round = 0; round < steps; round++) {
          const chosen = actors.filter(() => random() < 0.4);
          const spoilt = random() < 0.1 ? pick(chosen.length) : -1;
          const batch = chosen.map((ref, index) => {
            const version = versions.get(ref.id) ?? 0;
            return entry(ref, index === spoilt ? version + 1 + pick(3) : version);
          });
          const outcome = await outcomeOf(journal.commit(batch));
          counts[outcome] += 1;
          settled += 1;
          expect(outcome).toBeOneOf(spoilt >= 0 && batch.length > 0 ? ["stale", "unknown"] : ["committed", "unknown"]);
          if (outcome !== "unknown") {
            for (const token of tokens(batch)) (outcome === "committed" ? acknowledged : refused).add(token);
            if (outcome === "committed")
              for (const { ref, expectedVersion } of batch) versions.set(ref.id, expectedVersion + 1);
            continue;
          }
          const written: boolean[] = [];
          for (const { ref, expectedVersion, snapshot } of batch) {
            const stored = await readOutKills(ref);
            const isOurs = Bun.deepEquals(stored?.snapshot, snapshot);
            written.push(isOurs);
            // No third possibility: either this transition or the one before.
            if (isOurs) expect(stored?.version).toBe(expectedVersion + 1);
            else expect(stored?.version ?? 0).toBe(versions.get(ref.id) ?? 0);
          }
          expect(new Set(written).size).toBeLessThanOrEqual(1);
          for (const token of tokens(batch)) (written[0] ? acknowledged : refused).add(token);
          if (written[0]) for (const { ref, expectedVersion } of batch) versions.set(ref.id, expectedVersion + 1);
        }
      };
      const readOutKills = async (ref: ActorRef) => {
        for (;;) {
          try {
            return await journal.load(ref);
          } catch {
            // Killed as well; a read may always be done again.
          }
        }
      };
      let running = true;
      let settled = 0;
      let kills = 0;
      const killer = (async () => {
        while (running) {
          // Counted in batches, not in time: on a busy machine a connection would never live long enough.
          const enough = settled + 1 + pick(25);
          while (running && settled < enough) await sleep(1);
          await sleep(random() * 5);
          if (random() < 0.5) await terminate();
          else (await socket().catch(() => undefined))?.destroy();
          kills += 1;
        }
      })();
      await Promise.all(["a", "b", "c"].map((name) => caller(name, rounds)));
      running = false;
      await killer;

      expect(counts.committed).toBeGreaterThan(0);
      expect(kills).toBeGreaterThan(3);
      const { rows: broken } = await admin.query(`
      select a.id, a.version, a.state, t.* from actors a full join (
        select kind, id, count(*) as count, min(version) as first, max(version) as last,
          (array_agg(to_state order by version desc))[1] as state,
          (array_agg(event ->> 'token' order by version desc))[1] as token,
          bool_and(from_state is not distinct from before) as linked
        from (select *, lag(to_state) over (partition by kind, id order by version) as before from transitions) l
        group by kind, id
      ) t using (kind, id)
      where (a.version = t.last and t.first = 1 and t.count = t.last and a.state = t.state and t.linked
        and a.snapshot ->> 'token' = t.token) is not true`);
      expect(broken).toEqual([]);
      const { rows: logged } = await admin.query<{ token: string }>(
        "select event ->> 'token' as token from transitions where kind = 'prop'",
      );
      const present = new Set(logged.map(({ token }) => token));
      expect([...acknowledged].filter((token) => !present.has(token))).toEqual([]);
      expect([...refused].filter((token) => present.has(token))).toEqual([]);
      expect(present.size).toBe(acknowledged.size);
    }, 60_000);
  },
);
