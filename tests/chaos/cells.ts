/** The faults, each as what is done to a world under load. A cell strikes, holds the fault, ends it, and says what to note. */
import { setTimeout as sleep } from "node:timers/promises";
import pg from "pg";
import { fillDisk } from "./databases.ts";
import type { Needs, World } from "./world.ts";

export interface Cell {
  readonly name: string;
  readonly what: string;
  readonly needs?: Needs;
  /** Resolves when the fault is over. @param hold how many seconds a lasting fault lasts */
  readonly strike: (world: World, hold: number) => Promise<readonly string[]>;
}

/** A fault that begins, lasts, and ends. */
const lasting =
  (begin: (world: World) => unknown, end: (world: World) => unknown) =>
  async (world: World, hold: number): Promise<readonly string[]> => {
    await begin(world);
    await sleep(hold * 1000);
    await end(world);
    return [];
  };

/** Something done again and again while the fault lasts. */
const repeated =
  (step: (world: World) => Promise<unknown>, pause: number) =>
  async (world: World, hold: number): Promise<readonly string[]> => {
    const over = performance.now() + hold * 1000;
    let times = 0;
    for (; performance.now() < over; times++) {
      await step(world);
      await sleep(pause);
    }
    return [`${times}×`];
  };

/** Nodes that die afterwards show whether deadlines still mean what they say: their jobs must go to others in time. */
const jump = (offsetSeconds: number) =>
  lasting(
    (world) => world.setClock(offsetSeconds),
    (world) => world.groups[1].killAll(),
  );

const killConnections = `select pg_terminate_backend(pid) from pg_stat_activity
  where datname = current_database() and pid <> pg_backend_pid()`;

const postgresCells: readonly Cell[] = [
  {
    name: "pg-restart",
    what: "PostgreSQL is stopped (fast) and started again",
    strike: lasting(
      (world) => world.postgres.end("SIGINT"),
      (world) => world.postgres.run(),
    ),
  },
  {
    name: "pg-crash",
    what: "PostgreSQL is stopped as by a crash (immediate), and recovers when it starts again",
    strike: lasting(
      (world) => world.postgres.end("SIGQUIT"),
      (world) => world.postgres.run(),
    ),
  },
  {
    name: "pg-kill",
    what: "every connection of the server is terminated, twice a second",
    strike: repeated((world) => world.sql(killConnections), 500),
  },
  {
    name: "pg-stall",
    what: "the network to PostgreSQL stands still, then goes on where it was",
    strike: lasting(
      (world) => world.toPostgres.stall(),
      (world) => world.toPostgres.flow(),
    ),
  },
  {
    name: "pg-half-open",
    what: "the connections to PostgreSQL go silent for ever and nobody is told; new ones work at once",
    strike: async (world) => {
      world.toPostgres.deafen();
      return [];
    },
  },
  {
    name: "pg-slow",
    what: "every answer of PostgreSQL comes 200 ms late",
    strike: lasting(
      (world) => world.toPostgres.delayAnswers(200),
      (world) => world.toPostgres.delayAnswers(0),
    ),
  },
  {
    name: "pg-disk-full",
    what: "the file system under PostgreSQL (a tmpfs) is filled to the last byte, then freed",
    needs: { diskMegabytes: 400 },
    strike: async (world, hold) => {
      const free = fillDisk(world.postgres.disk);
      const errors = await refusedWrites(world, hold);
      free();
      return [errors];
    },
  },
];

const redisCells: readonly Cell[] = [
  {
    name: "redis-kill",
    what: "Redis is killed, and comes back empty",
    strike: lasting(
      (world) => world.redis?.kill(),
      (world) => world.redis?.run(),
    ),
  },
  {
    name: "redis-flush",
    what: "FLUSHALL, twice a second",
    strike: repeated(async (world) => world.redis?.command("FLUSHALL"), 500),
  },
  {
    name: "redis-slow",
    what: "every answer of Redis comes 200 ms late",
    strike: lasting(
      (world) => world.toRedis?.delayAnswers(200),
      (world) => world.toRedis?.delayAnswers(0),
    ),
  },
];

const nodeCells: readonly Cell[] = [
  {
    name: "nodes-kill",
    what: "half of the nodes are killed at once, and start anew",
    strike: lasting(
      (world) => world.groups[1].killAll(),
      (world) => world.groups[1].startAll(),
    ),
  },
  {
    name: "nodes-partition",
    what: "no packet passes between the server and half of the nodes, and nobody is told; then all pass",
    strike: lasting(
      (world) => world.groups[1].partition(),
      (world) => world.groups[1].heal(),
    ),
  },
  {
    name: "nodes-flap",
    what: "the connections of half of the nodes are cut for 0.7 s, then work for 0.7 s, and so on",
    strike: async (world, hold) => {
      const flap = async () => {
        world.groups[1].cut();
        await sleep(700);
        world.groups[1].mend();
      };
      return repeated(flap, 700)(world, hold);
    },
  },
];

const serverCells: readonly Cell[] = [
  {
    name: "burst",
    what: "ten times the submissions",
    strike: async (world, hold) => {
      const usual = world.load.rate;
      world.load.rate = usual * 10;
      await sleep(hold * 1000);
      world.load.rate = usual;
      return [];
    },
  },
  {
    name: "poisoned-row",
    what: "kill -9, the snapshot of one live job is broken, start; later the row is repaired and the server restarted",
    strike: async (world, hold) => {
      await world.killServer();
      const job = await breakOneJob(world);
      await world.startServer();
      await sleep(hold * 1000);
      const kept = world.load.acknowledged.size;
      await world.killServer();
      await world.sql(
        `update actors set snapshot = '${job.snapshot.replaceAll("'", "''")}' where kind = 'job' and id = '${job.id}'`,
      );
      await world.startServer();
      return [`${kept} acknowledged beside it`];
    },
  },
  {
    name: "clock-forward",
    what: "the server's wall clock jumps one hour ahead and stays there; then half of the nodes die",
    needs: { clock: true },
    strike: jump(3600),
  },
  {
    name: "clock-back",
    what: "the server's wall clock jumps one hour back and stays there; then half of the nodes die",
    needs: { clock: true },
    strike: jump(-3600),
  },
  {
    name: "memory",
    what: "jobs with models of 1 MB, and no more memory for the server than it has plus 60 MB",
    needs: { memoryLimit: true },
    strike: async (world, hold) => {
      const limit = Math.ceil(world.server.memory()) + 60;
      world.limitMemory(limit);
      world.load.modelBytes = 1_000_000;
      await sleep(hold * 1000);
      world.load.modelBytes = 0;
      world.limitMemory(-1);
      return [`limit ${limit} MB`];
    },
  },
];

export const cells: readonly Cell[] = [...postgresCells, ...redisCells, ...nodeCells, ...serverCells];

/** Writes of our own, to see that the disk is really full. */
async function refusedWrites(world: World, hold: number): Promise<string> {
  const over = performance.now() + hold * 1000;
  let refused = 0;
  let tried = 0;
  while (performance.now() < over) {
    tried += 1;
    // A table apart from the server's, and pages of its own: not what a full disk could still overwrite.
    await world.sql("create table filled as select repeat('x', 1000) from generate_series(1, 10000)").then(
      () => world.sql("drop table filled"),
      () => {
        refused += 1;
      },
    );
    await sleep(250);
  }
  return `${refused} of ${tried} trial writes refused`;
}

async function breakOneJob(world: World): Promise<{ readonly id: string; readonly snapshot: string }> {
  const client = new pg.Client({ connectionString: world.databaseUrl });
  await client.connect();
  try {
    const { rows } = await client.query<{ id: string; snapshot: string }>(
      `with victim as (select id, snapshot from actors where kind = 'job' and not finished limit 1)
       update actors set snapshot = '{"broken": 1}' from victim
       where actors.kind = 'job' and actors.id = victim.id
       returning actors.id, victim.snapshot::text as snapshot`,
    );
    const [job] = rows;
    if (!job) throw new Error("there is no live job to poison");
    return job;
  } finally {
    await client.end();
  }
}
