/**
 * The server program is killed at every fail point, in turn, under clients and nodes that never stop: at each it must come
 * back with nothing lost, doubled or run twice. The checker judges by what clients and nodes have written down themselves.
 *
 * CYXWIZ_TEST_KILL_ROUNDS repeats the tour on fresh databases, CYXWIZ_TEST_SEED replays its choices, and
 * CYXWIZ_TEST_PROGRAM names a compiled program to kill instead of the source. `npm run crash` does all of it for hours.
 */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { seeded } from "../support/seeded.ts";
import { startPostgresServer, startRedisServer } from "../support/servers.ts";
import { everyDeath, everyError, nameOf } from "./deaths.ts";
import { Stage } from "./stage.ts";

const JOBS = 4;
/** Deaths in a scene: each waits for all jobs to end, which is what takes the time. */
const TOGETHER = 3;
const rounds = Number(process.env.CYXWIZ_TEST_KILL_ROUNDS ?? 1);
const first = Number(process.env.CYXWIZ_TEST_SEED ?? Date.now() % 1_000_000);
const program = process.env.CYXWIZ_TEST_PROGRAM;

const postgres = await startPostgresServer();
const redis = await startRedisServer();

for (let round = 0; round < rounds; round++) {
  const seed = first + round;
  describe.skipIf(!postgres || !redis)(`a server, seed ${seed},`, () => {
    let stage: Stage;
    beforeAll(async () => {
      stage = await Stage.open({ postgresUrl: postgres?.url ?? "", redisUrl: redis?.url, seed, program });
    }, 120_000);
    afterAll(() => stage.close());

    for (const scene of everyDeath(seeded(seed), TOGETHER)) {
      test(`killed at ${nameOf(scene)} keeps I1, I2, I3, I5 and I9, and all jobs end`, async () => {
        expect(await stage.survive(scene, JOBS)).toEqual([]);
      }, 180_000);
    }

    test("that meets errors and waits at all places keeps them too", async () => {
      expect(await stage.surviveErrors(everyError(seeded(seed)), 3 * JOBS)).toEqual([]);
    }, 180_000);

    test("killed at random moments keeps them too", async () => {
      expect(await stage.surviveRandomKills(3 * JOBS, 3)).toEqual([]);
    }, 180_000);
  });
}
