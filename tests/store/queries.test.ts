import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { randomUUID } from "node:crypto";
import { sql } from "kysely";
import { type OpenDatabase, openDatabase } from "../../src/store/database.ts";
import { migrate } from "../../src/store/migrations/migrate.ts";
import { createQueries, type Queries } from "../../src/store/queries/index.ts";
import { isAfter } from "../../src/store/queries/page.ts";
import type { JobStatus } from "../../src/store/tables.ts";
import { freshDatabase, startPostgresServer, startSharedEmbedded } from "../support/servers.ts";

let database: OpenDatabase;
let queries: Queries;
let drop: () => Promise<void>;
beforeAll(async () => {
  const server = (await startPostgresServer()) ?? (await startSharedEmbedded());
  const fresh = await freshDatabase(server.url);
  drop = fresh.drop;
  await migrate({ url: fresh.url });
  database = await openDatabase({ url: fresh.url });
  queries = createQueries(database.reads);
});
afterAll(async () => {
  await database.close();
  await drop();
});

const EPOCH = Date.UTC(2026, 0, 1);
const minutes = (count: number): Date => new Date(EPOCH + count * 60_000);

async function addNode(
  values: { readonly name?: string; readonly status?: "online" | "busy" | "offline" } = {},
): Promise<string> {
  const id = randomUUID();
  await database.reads
    .insertInto("nodes")
    .values({ id, wallet_address: "", name: "n", cpu_cores: 1, ram_gb: 1, last_heartbeat: minutes(0), ...values })
    .execute();
  return id;
}

interface JobValues {
  readonly wallet?: string;
  readonly status?: JobStatus;
  readonly createdAt?: Date | string;
  readonly ranMinutes?: number;
  /** Whether its actor is finished; undefined: there is no actor. */
  readonly finished?: boolean;
}

async function addJob({
  wallet = "w",
  status = "pending",
  createdAt = minutes(0),
  ranMinutes,
  finished,
}: JobValues = {}): Promise<string> {
  const id = randomUUID();
  const times = ranMinutes === undefined ? {} : { started_at: minutes(0), completed_at: minutes(ranMinutes) };
  await database.reads
    .insertInto("jobs")
    .values({
      id,
      user_wallet: wallet,
      status,
      job_type: "training",
      required_ram_gb: 1,
      estimated_duration_seconds: 1n,
      estimated_cost: 1n,
      created_at: createdAt,
      ...times,
    })
    .execute();
  if (finished !== undefined) await addActor("job", id, finished);
  return id;
}

async function addActor(kind: string, id: string, finished: boolean): Promise<void> {
  const shared = { kind, id, version: 2n, epoch: 1n };
  await database.reads
    .insertInto("actors")
    .values({ ...shared, state: "x", snapshot: "{}", finished, created_at: minutes(0), updated_at: minutes(0) })
    .execute();
  await database.reads
    .insertInto("transitions")
    .values([
      {
        kind,
        id,
        version: 1n,
        epoch: 1n,
        event: '{"type":"created"}',
        from_state: null,
        to_state: "a",
        at: minutes(0),
      },
      { kind, id, version: 2n, epoch: 1n, event: '{"type":"DONE"}', from_state: "a", to_state: "x", at: minutes(1) },
    ])
    .execute();
}

async function addPayment(jobId: string, finished: boolean): Promise<string> {
  const id = randomUUID();
  await database.reads
    .insertInto("payments")
    .values({
      id,
      job_id: jobId,
      user_wallet: "w",
      amount: 10n,
      platform_fee: 1n,
      node_reward: 9n,
      status: finished ? "completed" : "locked",
    })
    .execute();
  await addActor("payment", id, finished);
  return id;
}

test("why my node lost its reputation is told newest first, a page at a time", async () => {
  const [mine, other] = [await addNode(), await addNode()];
  const change = (node_id: string, number: number) => ({
    node_id,
    number: BigInt(number),
    reason: "failed",
    score_before: 75 - number,
    score_after: 74 - number,
    changed_at: minutes(number),
  });
  await database.reads
    .insertInto("reputation_changes")
    .values([...[1, 2, 10, 3].map((number) => change(mine, number)), change(other, 4)])
    .execute();
  const numbers = async (page: { limit: number; before?: bigint }) =>
    (await queries.nodes.reputationChanges(mine, page)).map(({ number }) => Number(number));
  expect(await numbers({ limit: 3 })).toEqual([10, 3, 2]);
  expect(await numbers({ limit: 3, before: 2n })).toEqual([1]);
  const [newest] = await queries.nodes.reputationChanges(other, { limit: 1 });
  expect(newest).toMatchObject({ reason: "failed", delta: -1, job_id: null, changed_at: minutes(4) });
  expect(await queries.nodes.reputationChanges(randomUUID(), { limit: 3 })).toEqual([]);
});

describe("pages", () => {
  test("tell rows apart that differ by a microsecond, and by the id when not even by that", async () => {
    const wallet = randomUUID();
    const times = [
      "2026-01-01T00:00:00.000001Z",
      "2026-01-01T00:00:00.000002Z",
      "2026-01-01T00:00:00.000002Z",
      "1969-12-31T23:59:59.999999Z",
    ];
    for (const createdAt of times) await addJob({ wallet, createdAt });
    for (const order of ["newest", "oldest"] as const) {
      const seen: string[] = [];
      for (let after: string | undefined; ; ) {
        const page = await queries.jobs.list(
          { wallet },
          after === undefined ? { limit: 1 } : { limit: 1, after },
          order,
        );
        seen.push(...page.rows.map(({ id }) => id));
        if (page.next === null) break;
        after = page.next;
      }
      const all = (await queries.jobs.list({ wallet }, { limit: 100 }, order)).rows.map(({ id }) => id);
      expect(seen).toEqual(all);
      expect(new Set(seen).size).toBe(4);
    }
  });

  test("are answered from the index, not by sorting", async () => {
    const { rows } = await database.reads.transaction().execute(async (transaction) => {
      await sql`set local enable_seqscan = off`.execute(transaction);
      const page = transaction
        .selectFrom("jobs")
        .selectAll()
        .where(isAfter("created_at", { micros: 1n, id: randomUUID() }, "desc"))
        .orderBy("created_at", "desc")
        .orderBy("id", "desc")
        .limit(10);
      return sql<{ "QUERY PLAN": string }>`explain ${page}`.execute(transaction);
    });
    const plan = rows.map((row) => row["QUERY PLAN"]).join("\n");
    expect(plan).toContain("Index Cond");
    expect(plan).not.toContain("Sort");
  });

  test("refuse a token of another list", async () => {
    await addNode();
    await addNode();
    const { next } = await queries.nodes.list({}, { limit: 1 });
    expect(queries.jobs.list({}, { limit: 1, after: next! })).rejects.toMatchObject({
      code: "invalid_argument",
      details: { field: "cursor" },
    });
  });
});

describe("stats", () => {
  test("are zero for an empty network, and count real run times of completed jobs only", async () => {
    const server = (await startPostgresServer()) ?? (await startSharedEmbedded());
    const fresh = await freshDatabase(server.url);
    await migrate({ url: fresh.url });
    const own = await openDatabase({ url: fresh.url });
    const zero = await createQueries(own.reads).stats();
    expect(zero).toEqual({
      nodes: { total: 0, online: 0, offline: 0, busy: 0, maintenance: 0 },
      jobs: { total: 0, pending: 0, assigned: 0, running: 0, completed: 0, failed: 0, cancelled: 0 },
      computeHours: 0,
      payments: { total: 0, completedVolume: 0n, open: 0 },
    });
    await own.close();
    await fresh.drop();
    const before = await queries.stats();
    await addJob({ status: "completed", ranMinutes: 90 });
    await addJob({ status: "completed", ranMinutes: 30 });
    await addJob({ status: "failed", ranMinutes: 600 });
    // A clock that went back, in a row of another program.
    await addJob({ status: "completed", ranMinutes: -600 });
    const after = await queries.stats();
    expect(after.computeHours - before.computeHours).toBeCloseTo(2, 9);
    expect(after.jobs.completed - before.jobs.completed).toBe(3);
  });
});

describe("deleting a job", () => {
  const rowsOf = async (id: string) => {
    const { reads } = database;
    const [jobs, actors, transitions, payments] = await Promise.all([
      reads.selectFrom("jobs").select("id").where("id", "=", id).execute(),
      reads.selectFrom("actors").select("id").where("id", "=", id).execute(),
      reads.selectFrom("transitions").select("id").where("id", "=", id).execute(),
      reads.selectFrom("payments").select("id").where("job_id", "=", id).execute(),
    ]);
    return [jobs.length, actors.length, transitions.length, payments.length];
  };

  test("takes its payments, its actor and its history along, and nobody else's", async () => {
    const other = await addJob({ status: "completed", finished: true });
    await addPayment(other, true);
    const id = await addJob({ status: "completed", finished: true });
    const paymentId = await addPayment(id, true);
    expect(await rowsOf(id)).toEqual([1, 1, 2, 1]);
    expect(await queries.jobs.delete(id)).toBe("deleted");
    expect(await rowsOf(id)).toEqual([0, 0, 0, 0]);
    expect(await rowsOf(paymentId)).toEqual([0, 0, 0, 0]);
    expect(await rowsOf(other)).toEqual([1, 1, 2, 1]);
    expect(await queries.jobs.delete(id)).toBe("unknown");
  });

  test("leaves a live job alone, and one whose money is still on its way", async () => {
    const live = await addJob({ status: "running", finished: false });
    const unsettled = await addJob({ status: "completed", finished: false });
    const unpaid = await addJob({ status: "failed", finished: true });
    await addPayment(unpaid, false);
    for (const id of [live, unsettled, unpaid]) expect(await queries.jobs.delete(id)).toBe("active");
    expect(await rowsOf(unpaid)).toEqual([1, 1, 2, 1]);
  });

  test("waits for a commit under way, and then believes what it wrote", async () => {
    const id = await addJob({ status: "completed", finished: true });
    let deletion: Promise<string> | undefined;
    await database.reads.transaction().execute(async (transaction) => {
      await transaction.updateTable("actors").set({ finished: false }).where("id", "=", id).execute();
      deletion = queries.jobs.delete(id);
      await Bun.sleep(100);
    });
    expect(await deletion).toBe("active");
    expect(await rowsOf(id)).toEqual([1, 1, 2, 0]);
  });

  test("by many at once happens once", async () => {
    const id = await addJob({ status: "cancelled", finished: true });
    const outcomes = await Promise.all(Array.from({ length: 8 }, () => queries.jobs.delete(id)));
    expect(outcomes.sort()).toEqual(["deleted", ...Array(7).fill("unknown")]);
  });

  test("without an actor goes by the row's status", async () => {
    expect(await queries.jobs.delete(await addJob({ status: "completed" }))).toBe("deleted");
    expect(await queries.jobs.delete(await addJob({ status: "pending" }))).toBe("active");
    expect(await queries.jobs.delete(randomUUID())).toBe("unknown");
  });
});

describe("pulses", () => {
  const pulse = (id: string, minute: number) => ({ id, heardAt: minutes(minute), load: 0.5, uptime: 99 });

  test("are written for known nodes, the newest of each, and never move back", async () => {
    const id = await addNode();
    expect(await queries.nodes.recordPulses([pulse(id, 5), pulse(id, 7), pulse(randomUUID(), 9)])).toBe(1);
    expect(await queries.nodes.recordPulses([pulse(id, 6)])).toBe(0);
    expect(await queries.nodes.recordPulses([])).toBe(0);
    const found = await queries.nodes.find(id);
    expect(found?.row).toMatchObject({ last_heartbeat: minutes(7), current_load: 0.5, uptime_percentage: 99 });
  });

  test("pass over a node whose row is being written, instead of waiting", async () => {
    const [held, free] = [await addNode(), await addNode()];
    await database.reads.transaction().execute(async (transaction) => {
      await transaction.updateTable("nodes").set({ name: "held" }).where("id", "=", held).execute();
      expect(await queries.nodes.recordPulses([pulse(held, 1), pulse(free, 1)])).toBe(1);
    });
    expect(await queries.nodes.recordPulses([pulse(held, 1)])).toBe(1);
  });
});

describe("node metrics", () => {
  test("of unknown nodes are dropped without costing the others, in batches of any size", async () => {
    const id = await addNode();
    const sample = (node_id: string, minute: number) => ({
      node_id,
      cpu_usage_percent: 1,
      ram_usage_percent: 2,
      timestamp: minutes(minute),
    });
    const many = Array.from({ length: 2500 }, (_, minute) => sample(minute % 2 === 0 ? id : randomUUID(), minute));
    expect(await queries.metrics.insert(many)).toBe(1250);
    expect(await queries.metrics.insert([])).toBe(0);
    const range = await queries.metrics.list(id, { from: minutes(10), to: minutes(20), limit: 100 });
    expect(range.map(({ timestamp }) => (timestamp.getTime() - EPOCH) / 60_000)).toEqual([20, 18, 16, 14, 12, 10]);
    expect(await queries.metrics.prune(minutes(2000))).toBe(1000);
  });
});

describe("transitions", () => {
  test("come after a version, in order, as many as asked for", async () => {
    const id = await addJob({ finished: false });
    expect((await queries.jobs.transitionsAfter(id, 0, 10)).map(({ version, to }) => [version, to])).toEqual([
      [1, "a"],
      [2, "x"],
    ]);
    expect((await queries.jobs.transitionsAfter(id, 1, 10)).map(({ event }) => event.type)).toEqual(["DONE"]);
    expect(await queries.jobs.transitionsAfter(id, 0, 1)).toHaveLength(1);
    expect(await queries.jobs.transitionsAfter(id, 2, 10)).toEqual([]);
    expect((await queries.jobs.latestTransition(id))?.version).toBe(2);
    expect(await queries.jobs.latestTransition(randomUUID())).toBeUndefined();
  });
});
