/**
 * The promise the project is built around, on the real process: kill -9 at random moments while jobs are submitted, offered,
 * trained and reported, and nothing that was acknowledged is lost, doubled, or run in two places at once.
 *
 * CYXWIZ_TEST_KILL_ROUNDS repeats it (the issue asks for ten in a row); CYXWIZ_TEST_SEED replays the moments.
 */
import { afterAll, describe, expect, test } from "bun:test";
import { TestNodes } from "../support/agents.ts";
import { audit } from "../support/audit.ts";
import { Engine, smallJob } from "../support/engine.ts";
import { seeded } from "../support/seeded.ts";
import { QUICK_TIMES, ServerProcess } from "../support/server-process.ts";
import { freshDatabase, startPostgresServer, startRedisServer, until } from "../support/servers.ts";

const JOBS = 200;
const NODES = 5;
const rounds = Number(process.env.CYXWIZ_TEST_KILL_ROUNDS ?? 1);
const seed = Number(process.env.CYXWIZ_TEST_SEED ?? Date.now() % 1_000_000);

const postgres = await startPostgresServer();
const redis = await startRedisServer();

describe.skipIf(!postgres)("kill -9 at random moments", () => {
  const leftovers: (() => Promise<unknown>)[] = [];
  afterAll(async () => {
    for (const undo of leftovers.reverse()) await undo();
  });

  for (let round = 0; round < rounds; round++) {
    test(`${JOBS} jobs on ${NODES} nodes all end exactly once, round ${round}, seed ${seed + round}`, async () => {
      const random = seeded(seed + round);
      const database = await freshDatabase(postgres?.url ?? "");
      const server = await ServerProcess.prepare({
        settings: {
          "database.url": database.url,
          ...(redis ? { "redis.url": redis.url } : {}),
          ...QUICK_TIMES,
        },
      });
      await server.start();
      const nodes = new TestNodes();
      leftovers.push(
        () => server.kill(),
        () => database.drop(),
        () => nodes.stop(),
      );
      await nodes.start(NODES, server.address, { heartbeat: 300, stopAfter: 4000, firstRetry: 50, slowestRetry: 500 });

      const engine = new Engine(server.address);
      leftovers.push(async () => engine.close());
      const acknowledged: string[] = [];
      let submitting = true;
      const submissions = (async () => {
        for (let index = 0; index < JOBS; index++)
          acknowledged.push(await engine.submit({ ...smallJob, hyperparameters: { seed: String(index) } }));
        submitting = false;
      })();

      const ended = async (): Promise<number> => {
        const states = await Promise.all(acknowledged.map((id) => engine.status(id)));
        return states.filter(({ status }) => status >= 5).length;
      };
      let kills = 0;
      while (submitting || (await ended()) < JOBS) {
        await Bun.sleep(200 + random() * 1500);
        await server.kill();
        kills += 1;
        await server.start();
        if (kills > 60) throw new Error(`after ${kills} kills only ${await ended()} of ${JOBS} jobs have ended`);
      }
      await submissions;
      // What is left to settle (outcomes owed to nodes) settles on a server that is left alone.
      await until("every job to be settled", async () => (await ended()) === JOBS, 60_000);
      await Bun.sleep(500);
      await server.stop();

      const { faults, jobs } = await audit(database.url);
      expect(faults).toEqual([]);
      expect(new Set(acknowledged).size).toBe(JOBS);
      expect([...jobs.keys()].sort()).toEqual([...acknowledged].sort());
      expect([...jobs.values()].filter(({ state }) => state !== "completed")).toEqual([]);
      expect(nodes.overlaps()).toEqual([]);
      expect(kills).toBeGreaterThan(0);
      await nodes.stop();
      engine.close();
      console.log(
        `round ${round}: ${kills} kills, ${nodes.runs.length} runs, ${[...jobs.values()].reduce((sum, { attempts }) => sum + attempts, 0)} offers`,
      );
    }, 240_000);
  }
});
