/**
 * Placements per second with everything that makes them real: the job actors, the journal in a separate PostgreSQL with
 * synchronous_commit on, and the acceptance of the node, whose link is answered in this process at once (the network to
 * it is the node's affair). Counted from the moment brokering is resumed over a full queue until the last job is accepted.
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
  /** Of this process alone; PostgreSQL has its own. */
  readonly cpuMillisPerPlacement: number;
}

const acceptingLink: NodeLink = {
  offer: () => Promise.resolve({ accepted: true }),
  probe: () => Promise.resolve(true),
};

const DAY = 86_400_000;

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
    await fill(core, nodes, jobs);
    const accepted = countAccepted(core, jobs);
    const started = performance.now();
    const cpuBefore = process.cpuUsage();
    await core.scheduler.ask("main", { type: "RESUME" });
    await accepted;
    const seconds = (performance.now() - started) / 1000;
    const { user, system } = process.cpuUsage(cpuBefore);
    return {
      nodes,
      jobs,
      placementsPerSecond: jobs / seconds,
      cpuMillisPerPlacement: (user + system) / 1000 / jobs,
    };
  } finally {
    await core.stop();
    await leadership.release();
    await database.close();
  }
}

function countAccepted(core: Core, jobs: number): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  let accepted = 0;
  core.jobs.onCommit(({ before, after }) => {
    if (after.state !== "assigned.accepted" || before?.state === after.state) return;
    accepted += 1;
    if (accepted === jobs) resolve();
  });
  return promise;
}

/** Mixed machines and mixed jobs; there is room for all of them, so that what is measured is placing and not waiting. */
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
          spec: jobSpec({ device: gpu ? "cuda" : "cpu", memoryBytes: (1 + (number % 4)) * GIB }),
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
  const { placementsPerSecond, cpuMillisPerPlacement } = figures;
  console.log(
    `${Math.round(placementsPerSecond).toLocaleString("en")} committed placements per second, ` +
      `${cpuMillisPerPlacement.toFixed(3)} ms of this process's CPU each`,
  );
  process.exit(0);
}
