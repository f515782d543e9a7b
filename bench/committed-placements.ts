/**
 * Placements per second with everything that makes them real: the job actors, the journal in a separate PostgreSQL with
 * synchronous_commit on, and the acceptance of the node, whose link is answered in this process at once (the network to
 * it is the node's affair). A full queue is worked off; counted is what is accepted after the first five thousand, in which this
 * process compiles its code. A server does that once in its life; how long it takes is told beside it.
 */
import { type Core, createCore } from "../src/actors/core.ts";
import type { NodeLink } from "../src/actors/node-link.ts";
import { systemClock } from "../src/observability/index.ts";
import { openDatabase } from "../src/store/database.ts";
import { PostgresJournal } from "../src/store/journal.ts";
import { Leadership } from "../src/store/leadership.ts";
import { migrate } from "../src/store/migrations/migrate.ts";
import { databaseTexts } from "../src/store/texts.ts";
import { GIB, jobInput, jobSpec, nodeInput, nodeProfile, uuid } from "../tests/actors/fixtures.ts";
import { device } from "../tests/support/fleet.ts";
import { freshDatabase, silentLog, startPostgresServer } from "../tests/support/servers.ts";

export interface CommittedFigures {
  readonly nodes: number;
  readonly jobs: number;
  readonly placementsPerSecond: number;
  /** Of the first ones of a fresh process. */
  readonly coldPerSecond: number;
  /** Of this process alone; PostgreSQL has its own. */
  readonly cpuMillisPerPlacement: number;
}

const acceptingLink: NodeLink = {
  offer: () => Promise.resolve({ accepted: true }),
  probe: () => Promise.resolve(true),
};

const DAY = 86_400_000;
const COLD = 5000;
/** Six kilobytes, little of which repeats: as much as a job keeps in its own row, and as a real network's definition has. */
const LAYERS = Array.from({ length: 180 }, (_, layer) =>
  JSON.stringify({ type: "dense", units: (layer * 7919) % 4096 }),
).join();

export async function committedPlacements(nodes: number, jobs: number): Promise<CommittedFigures> {
  const server = await startPostgresServer();
  if (!server) throw new Error("this benchmark needs a PostgreSQL server on this machine");
  const { url } = await freshDatabase(server.url);
  await migrate({ url });
  const log = silentLog;
  const database = await openDatabase({ url, readers: 2, log });
  const leadership = await Leadership.take({ url, holder: "bench", onDeposed: () => {}, log });
  const core = createCore({
    clock: systemClock,
    journal: new PostgresJournal(database.writer, leadership.epoch),
    texts: databaseTexts(database.reads),
    log,
    link: acceptingLink,
    heartbeatInterval: DAY,
    heartbeatTimeout: DAY,
    probeDelay: { first: DAY, slowest: DAY },
    maxPending: 1_000_000,
    onDeposed: (error) => {
      throw error;
    },
  });
  try {
    await core.start();
    await core.scheduler.ask("main", { type: "PAUSE", reason: "the queue is being filled" });
    await fill(core, nodes, COLD + jobs);
    const warm = accepted(core, COLD);
    const all = accepted(core, COLD + jobs);
    const started = performance.now();
    await core.scheduler.ask("main", { type: "RESUME" });
    const [warmAt, usedBefore] = await warm;
    const [endedAt, usedAfter] = await all;
    return {
      nodes,
      jobs,
      placementsPerSecond: jobs / ((endedAt - warmAt) / 1000),
      coldPerSecond: COLD / ((warmAt - started) / 1000),
      cpuMillisPerPlacement: (usedAfter - usedBefore) / jobs,
    };
  } finally {
    await core.stop();
    await leadership.release();
    await database.close();
  }
}

/** When so many jobs have been accepted, and what CPU this process had used by then; both in milliseconds. */
function accepted(core: Core, jobs: number): Promise<readonly [at: number, used: number]> {
  const { promise, resolve } = Promise.withResolvers<readonly [number, number]>();
  let count = 0;
  core.jobs.onCommit(({ before, after }) => {
    if (after.state !== "assigned.accepted" || before?.state === after.state) return;
    count += 1;
    if (count !== jobs) return;
    const { user, system } = process.cpuUsage();
    resolve([performance.now(), (user + system) / 1000]);
  });
  return promise;
}

/** Mixed machines and mixed jobs, every other with a model of its own; there is room for all of them, so that what is measured is placing and not waiting. */
async function fill(core: Core, nodes: number, jobs: number): Promise<void> {
  const cards = [0, 0, 8, 16, 24, 48, 80];
  const slots = Math.max(8, Math.ceil((jobs / nodes) * 4));
  for (let from = 0; from < nodes; from += 1000) {
    await Promise.all(
      Array.from({ length: Math.min(1000, nodes - from) }, (_, index) => {
        const number = from + index;
        const vram = (cards[number % cards.length] ?? 0) * GIB;
        const { at: _at, ...input } = nodeInput({
          id: uuid(1_000_000 + number),
          policy: { heartbeatTimeout: DAY, gracePeriod: DAY },
          profile: nodeProfile({
            name: `node-${number}`,
            port: 1 + (number % 60_000),
            slots,
            ramBytes: (64 << (number % 4)) * GIB,
            devices: vram === 0 ? [] : [device("cuda", (vram / GIB) * slots)],
          }),
        });
        return core.nodes.create(input.id, input);
      }),
    );
  }
  for (let from = 0; from < jobs; from += 1000) {
    await Promise.all(
      Array.from({ length: Math.min(1000, jobs - from) }, (_, index) => {
        const number = from + index;
        const gpu = number % 3 === 0;
        const { at: _at, ...input } = jobInput({
          id: uuid(number + 1),
          owner: `owner-${number % 50}`,
          spec: jobSpec({
            device: gpu ? "cuda" : "cpu",
            memoryBytes: (1 + (number % 4)) * GIB,
            modelDefinition: number % 2 === 0 ? LAYERS.slice(number % 500) : "{}",
          }),
          policy: { ...jobInput().policy, queueTimeout: DAY, startTimeout: DAY, offerTimeout: DAY, runTimeout: DAY },
        });
        return core.jobs.create(input.id, input);
      }),
    );
  }
}

if (import.meta.main) {
  const [nodes = 5000, jobs = 20_000] = process.argv.slice(2).map(Number);
  const figures = await committedPlacements(nodes, jobs);
  const { placementsPerSecond, coldPerSecond, cpuMillisPerPlacement } = figures;
  const shown = (value: number): string => Math.round(value).toLocaleString("en");
  console.log(
    `${shown(placementsPerSecond)} committed placements per second (the first ${shown(COLD)} of a fresh process: ` +
      `${shown(coldPerSecond)}), ${cpuMillisPerPlacement.toFixed(3)} ms of this process's CPU each`,
  );
  process.exit(0);
}
