/** A backup restored is the database it was made of, to the letter; whatever is wrong with one is told before anything is touched. */
import { afterAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { randomBytes } from "node:crypto";
import { copyFileSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { gunzipSync, gzipSync } from "node:zlib";
import pg from "pg";
import { dataTables, restoreBackup, verifyBackup, writeBackup } from "../../src/store/backup/index.ts";
import { StoreError } from "../../src/store/errors.ts";
import { Leadership } from "../../src/store/leadership.ts";
import { migrations } from "../../src/store/migrations/list.ts";
import { migrate } from "../../src/store/migrations/migrate.ts";
import { databaseServers, freshDatabase, temporaryDirectory } from "../support/servers.ts";

setDefaultTimeout(120_000);

const NODE = "00000000-0000-4000-8000-000000000001";
const JOB = "00000000-0000-4000-8000-000000000002";

/** Values that a careless way through text, JSON or floats would change. */
const AWKWARD = `
  insert into nodes (id, wallet_address, name, cpu_cores, ram_gb, stake_amount, reputation_score, supported_formats, last_heartbeat)
  values ('${NODE}', 'w', E'tab\\t "quotes" \\\\ line\\nnext \\u2028 ünï', 8, 16, 9223372036854775807, 0.1 + 0.2, '["a", null]', '2026-11-24 10:00:00.123456+02');
  insert into node_devices (node_id, device_type, device_index) values ('${NODE}', 'cpu', 0), ('${NODE}', 'cuda', 1);
  delete from node_devices where device_index = 1;
  insert into reputation_changes values ('${NODE}', 1, 'failed', 75, 70, default, '${JOB}', 1, null, now());
  insert into jobs (id, user_wallet, job_type, required_ram_gb, estimated_duration_seconds, estimated_cost, metrics, assigned_node_id)
  values ('${JOB}', '', 'training', 0, 1, 0, '{"loss": 1e-320, "big": 12345678901234567890.5}', '${NODE}');
  insert into payments (id, job_id, node_id, user_wallet, amount, platform_fee, node_reward) values ('${JOB}', '${JOB}', null, '', 3, 1, 2);
  insert into node_metrics (node_id, cpu_usage_percent, ram_usage_percent) values ('${NODE}', 'NaN', 'Infinity');
  insert into actors (kind, id, version, epoch, state, snapshot, created_at, updated_at)
  select 'job', i::text, 1, 1, 's', jsonb_build_object('i', i, 'text', repeat('x', 500)), now(), now() from generate_series(1, 3000) i;
  insert into transitions (kind, id, version, epoch, event, to_state, at)
  select 'job', i::text, 1, 1, '{"type":"created"}', 's', now() from generate_series(1, 3000) i;
  insert into poison_events (kind, id, event, error, at) values ('job', 'x', 'null', '', now());
  insert into texts (sha256, content, uses, created_at)
  select i::text, E'"\\\\ ü\n' || repeat('m', 200000), i, now() from generate_series(1, 6) i;
  update leadership set epoch = 41`;

async function query<R extends pg.QueryResultRow>(url: string, sql: string): Promise<R[]> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    const results = await client.query<R>(sql);
    return (Array.isArray(results) ? results.at(-1) : results).rows;
  } finally {
    await client.end();
  }
}

/** All rows of all tables as text, but who leads and when the schema was made. */
const contents = async (url: string): Promise<Record<string, string[]>> =>
  Object.fromEntries(
    await Promise.all(
      dataTables.map(async (name) => [
        name,
        (await query<{ t: string }>(url, `select t::text from ${name} t order by 1`)).map(({ t }) => t),
      ]),
    ),
  );

const refusal = (attempt: Promise<unknown>): Promise<string> =>
  attempt.then(
    () => "no refusal",
    (error) => (error instanceof StoreError ? error.message : `another error: ${error}`),
  );

for (const server of await databaseServers()) {
  describe(`on the ${server.name} server`, async () => {
    const directory = temporaryDirectory("backup");
    const databases: Awaited<ReturnType<typeof freshDatabase>>[] = [];
    const database = async (): Promise<string> => {
      const fresh = await freshDatabase(server.url);
      databases.push(fresh);
      return fresh.url;
    };
    afterAll(async () => {
      for (const one of databases) await one.drop();
    });
    const source = await database();
    await migrate({ url: source });
    await query(source, AWKWARD);
    const file = join(directory, "whole.backup");
    const written = await writeBackup({ url: source, file, version: "1.2.3" });
    const holding = async (): Promise<string> => {
      const url = await database();
      await restoreBackup({ url, file });
      return url;
    };

    test("every row, to the last digit, is back, in a database that was never used", async () => {
      const target = await database();
      const { epoch, rows, migrated } = await restoreBackup({ url: target, file });
      expect(await contents(target)).toEqual(await contents(source));
      expect({ epoch, migrated, rows }).toEqual({ epoch: 42n, migrated: [], rows: written.rows });
      expect(rows).toMatchObject({ actors: 3000, transitions: 3000, node_devices: 1, poison_events: 1 });
      // Ready for a server: nothing to migrate, and the next numbers are new ones, also where the newest row had been deleted.
      expect(await migrate({ url: target })).toEqual([]);
      const next = await query<{ id: string }>(
        target,
        `insert into node_devices (node_id, device_type, device_index) values ('${NODE}', 'opencl', 0) returning id::text`,
      );
      expect(next).toEqual([{ id: "3" }]);
    });

    test("a database that servers have started on, and that holds nothing, is as good; its epoch is not undercut", async () => {
      const target = await database();
      await migrate({ url: target });
      await query(target, "update leadership set epoch = 100");
      expect(await restoreBackup({ url: target, file })).toMatchObject({ epoch: 101n });
      expect(await contents(target)).toEqual(await contents(source));
    });

    test("the file is the owner's alone, and nothing lies beside it", () => {
      expect(statSync(file).mode & 0o777).toBe(0o600);
      expect(readdirSync(directory).filter((name) => name.includes("partial"))).toEqual([]);
      expect(statSync(file).size).toBe(written.bytes);
    });

    test("a file that is there already is not touched", async () => {
      const before = readFileSync(file);
      expect(await refusal(writeBackup({ url: source, file, version: "1.2.3" }))).toContain("overwrites nothing");
      expect(readFileSync(file).equals(before)).toBe(true);
      expect(readdirSync(dirname(file))).toEqual([basename(file)]);
    });

    test("it is of one moment, whatever is written meanwhile", async () => {
      const busy = await holding();
      let stop = false;
      // Each commit writes an actor and its transition; a backup that saw the one without the other would be of no moment at all.
      const writing = (async () => {
        for (let i = 10_000; !stop; i++) {
          await query(
            busy,
            `begin; insert into actors (kind, id, version, epoch, state, snapshot, created_at, updated_at)
             values ('job', '${i}', 1, 1, 's', '{}', now(), now());
             insert into transitions (kind, id, version, epoch, event, to_state, at) values ('job', '${i}', 1, 1, '{}', 's', now()); commit`,
          );
        }
      })();
      for (let round = 0; round < 5; round++) {
        const { rows } = await writeBackup({ url: busy, file: join(temporaryDirectory("busy"), "b"), version: "1" });
        expect(rows.actors).toBe(rows.transitions);
      }
      stop = true;
      await writing;
      const [after] = await query<{ many: number }>(busy, "select count(*)::int as many from actors");
      expect(after?.many).toBeGreaterThan(3000);
    });

    test("a database that holds anything is left alone, and replaced when that is said", async () => {
      const target = await holding();
      await query(target, "update nodes set name = 'another'");
      const before = await contents(target);
      expect(await refusal(restoreBackup({ url: target, file }))).toContain("not empty (1 nodes, 1 node devices");
      expect(await contents(target)).toEqual(before);
      expect(await restoreBackup({ url: target, file, force: true })).toMatchObject({ epoch: 43n });
      expect(await contents(target)).toEqual(await contents(source));
    });

    test("a database that a server leads on is left alone, also by force", async () => {
      const target = await holding();
      const before = await contents(target);
      const leader = await Leadership.take({ url: target, holder: "test", onDeposed: () => {} });
      expect(await refusal(restoreBackup({ url: target, file, force: true }))).toContain("A server is running");
      await leader.release();
      expect(await contents(target)).toEqual(before);
    });

    test("tables of somebody else by our names are left alone, also by force", async () => {
      const target = await database();
      await query(target, "create table jobs (mine text); insert into jobs values ('precious')");
      expect(await refusal(restoreBackup({ url: target, file, force: true }))).toContain("tables of other programs");
      expect(await query<{ mine: string }>(target, "select * from jobs")).toEqual([{ mine: "precious" }]);
    });

    test("what stands in the way at the end takes back all of it", async () => {
      const target = await holding();
      await query(target, "create view mine as select count(*) from jobs");
      const before = await contents(target);
      expect(await refusal(restoreBackup({ url: target, file, force: true }))).toContain("the database is as it was");
      expect(await contents(target)).toEqual(before);
    });

    test("one of an older schema is restored into it and brought forward", async () => {
      const old = await database();
      await migrate({ url: old }, migrations.slice(0, 2));
      await query(
        old,
        `insert into nodes (id, wallet_address, name, cpu_cores, ram_gb) values ('${NODE}', '', 'old', 1, 1)`,
      );
      const older = join(temporaryDirectory("older"), "older.backup");
      await writeBackup({ url: old, file: older, version: "0.1.0" });
      const target = await database();
      await migrate({ url: target });
      const { migrated } = await restoreBackup({ url: target, file: older });
      expect(migrated).toEqual(migrations.slice(2).map(({ name }) => name));
      expect(await migrate({ url: target })).toEqual([]);
      expect(await query(target, "select name, drain_until from nodes")).toEqual([{ name: "old", drain_until: null }]);
    });

    test("one of a newer schema is refused, and says which server made it", async () => {
      const target = await database();
      const steps = migrations.slice(0, 2);
      expect(await refusal(restoreBackup({ url: target, file, steps }))).toContain("made by a newer server (1.2.3");
      const other = migrations.map((step) => ({ ...step, sql: `${step.sql} ` }));
      expect(await refusal(restoreBackup({ url: target, file, steps: other }))).toContain("another schema");
    });

    test("where no server has started there is nothing to back up", async () => {
      const nothing = join(directory, "nothing.backup");
      expect(await refusal(writeBackup({ url: await database(), file: nothing, version: "1" }))).toContain(
        "no CyxWiz database",
      );
      expect(readdirSync(directory)).not.toContain(basename(nothing));
    });

    describe("a bad file is told from a good one before the database is touched", async () => {
      const target = await holding();
      const before = await contents(target);
      const whole = readFileSync(file);
      const text = gunzipSync(whole).toString();
      const lines = text.trimEnd().split("\n");
      const bad: Record<string, [Uint8Array | string, string]> = {
        "cut in the middle": [whole.subarray(0, whole.length / 2), "is cut short"],
        "cut by a few bytes": [whole.subarray(0, whole.length - 9), "is cut short"],
        "without its last line": [gzipSync(`${lines.slice(0, -1).join("\n")}\n`), "is cut short"],
        "with a row less": [
          gzipSync(`${lines.filter((_, index) => index !== 10).join("\n")}\n`),
          "its checksum does not fit",
        ],
        "with a digit changed": [gzipSync(text.replace("9223372036854775807", "9223372036854775806")), "its checksum"],
        "with one byte changed": [flipped(whole), "is damaged"],
        empty: ["", "is cut short"],
        "of plain text": ["-- PostgreSQL database dump\n", "is not a CyxWiz backup"],
        "of gzip of something else": [gzipSync("-- PostgreSQL database dump\n"), "is not a CyxWiz backup"],
        "of large noise": [gzipSync(randomBytes(3_000_000).toString("hex")), "is not a CyxWiz backup"],
        "of a later format": [
          gzipSync(`{"format":"cyxwiz-backup","formatVersion":2,"server":"9.0"}\n`),
          "written in format 2",
        ],
      };
      test.each(Object.entries(bad))("%s", async (name, [content, complaint]) => {
        const path = join(directory, `${name.replaceAll(" ", "-")}.bad`);
        writeFileSync(path, content);
        expect(await refusal(restoreBackup({ url: target, file: path, force: true }))).toContain(complaint);
        expect(await refusal(verifyBackup(path))).toContain(complaint);
        expect(await contents(target)).toEqual(before);
      });

      test("not there, or a directory", async () => {
        const url = await database();
        expect(await refusal(restoreBackup({ url, file: join(directory, "none") }))).toContain("is not there");
        expect(await refusal(restoreBackup({ url, file: directory }))).toContain("is a directory");
      });
    });

    test("a copy is as good as the original", async () => {
      const copy = join(temporaryDirectory("copy"), "copy");
      copyFileSync(file, copy);
      expect((await verifyBackup(copy)).trailer.sha256).toBe(written.sha256);
    });

    test("every table and type the migrations make is known to backup and restore", async () => {
      const tables = await query<{ name: string }>(
        source,
        "select tablename as name from pg_tables where schemaname = 'public' order by 1",
      );
      expect(tables.map(({ name }) => name)).toEqual([...dataTables, "leadership", "schema_migrations"].sort());
      // What `makeRoom` leaves behind would stand in the way of the next restore: it is all gone and made anew.
      const target = await holding();
      await restoreBackup({ url: target, file, force: true });
      expect(await contents(target)).toEqual(await contents(source));
    });
  });
}

function flipped(whole: Uint8Array): Uint8Array {
  const copy = Uint8Array.from(whole);
  const middle = Math.floor(copy.length / 2);
  copy[middle] = (copy[middle] ?? 0) ^ 0xff;
  return copy;
}
