/**
 * What placing costs: `npm run bench:placement`. Three questions; those that have a target tell whether it was reached.
 *
 * 1. Decisions in memory, over fleets of 100 to 100,000 nodes: find the best node for a job of a mix and take its room, while
 *    the oldest placements give theirs back, so that the fleet stays half full. Beside it the same by scoring every node.
 * 2. Placements with everything that makes them real (committed-placements.ts).
 * 3. Dirty cases of the queue (dirty-queue.ts).
 *
 * The fleets take turns, round by round, and the median round counts, of two sizes the median of how they compare within a
 * round: the machine is shared, and what disturbs one size then disturbs all of them. They are measured when every job of the
 * first filling has ended, as what jobs leave behind where they come and go is less tidy than what a filling does.
 */
import { type Hold, NodePool, type PooledNode } from "../src/actors/scheduler/node-pool.ts";
import type { Demand } from "../src/domain/job-spec.ts";
import { crowded, lacks, matchScore, roomLeft, scoreTerms } from "../src/domain/placement.ts";
import { demands, fleet } from "../tests/support/fleet.ts";
import { committedPlacements } from "./committed-placements.ts";
import { showDirtyCases } from "./dirty-queue.ts";

const SIZES = [100, 1000, 10_000, 100_000] as const;
const ROUNDS = 21;
const DECISIONS = 5000;
const nobody = () => false;
const NOTHING: Demand = { device: null, ramBytes: 0, vramBytes: 0 };

interface Running {
  readonly id: string;
  readonly hold: Hold | null;
}

/** A fleet in use. Each decision is a job that comes and, once the fleet is half full, one that ends. */
class Fleet {
  readonly #pool = new NodePool();
  readonly #jobs = demands(20_000, 2);
  readonly #running: Running[] = [];
  readonly #limit: number;
  #next = 0;
  #ended = 0;

  constructor(readonly size: number) {
    const nodes = fleet(size, 1);
    for (const node of nodes) this.#pool.upsert(node);
    this.#limit = Math.floor(nodes.reduce((sum, node) => sum + node.profile.slots, 0) / 2);
    while (this.#running.length - this.#ended < this.#limit && this.#next < 4 * this.#limit)
      this.#place(crypto.randomUUID());
  }

  /** Until none runs of the jobs that it was filled with. */
  turnOver(): void {
    while (this.#ended < this.#limit) this.decisionsPerSecond();
  }

  decisionsPerSecond(): number {
    // Made before the clock starts: a job has its id before anybody decides on it.
    const ids = Array.from({ length: DECISIONS }, () => crypto.randomUUID());
    const started = performance.now();
    for (const id of ids) {
      this.#place(id);
      if (this.#running.length - this.#ended <= this.#limit) continue;
      const { hold, id: oldest } = this.#running[this.#ended++] as Running;
      this.#pool.hold(hold, oldest, [], NOTHING);
    }
    return DECISIONS / ((performance.now() - started) / 1000);
  }

  #place(id: string): void {
    const demand = this.#jobs[this.#next++ % this.#jobs.length] as Demand;
    const found = this.#pool.best(demand, nobody);
    if (!found) return;
    this.#running.push({ id, hold: this.#pool.hold(null, id, [found.nodeId], demand) });
  }
}

/** The same question by scoring every node of an empty fleet: the least that looking at all of them costs. */
function bruteForcePerSecond(nodes: readonly PooledNode[], many: number): number {
  const rooms = nodes.map((node) => roomLeft(node.profile, []));
  const started = performance.now();
  let best = 0;
  for (const demand of demands(many, 2)) {
    nodes.forEach((node, index) => {
      const room = rooms[index];
      if (!room || node.unavailable !== null || lacks(node, demand) !== null || crowded(room, demand) !== null) return;
      const standing = { ...node, load: 0 };
      best = Math.max(best, matchScore(standing, scoreTerms(standing, node.profile, demand).capability));
    });
  }
  if (best <= 0) throw new Error("nothing fitted anywhere");
  return many / ((performance.now() - started) / 1000);
}

const median = (values: readonly number[]): number => [...values].sort((a, b) => a - b)[values.length >> 1] ?? 0;
const shown = (value: number): string => Math.round(value).toLocaleString("en");
const verdict = (reached: boolean): string => (reached ? "reached" : "MISSED");

const fleets = SIZES.map((size) => new Fleet(size));
for (const one of fleets) one.turnOver();
const rounds = Array.from({ length: ROUNDS }, () => fleets.map((one) => one.decisionsPerSecond()));
const rates = SIZES.map((_, index) => median(rounds.map((round) => round[index] ?? 0)));

console.log("Decisions per second, in memory, fleet half full");
console.log(`${"nodes".padStart(9)} ${"index".padStart(12)} ${"scoring all".padStart(12)}`);
SIZES.forEach((size, index) => {
  const plain = bruteForcePerSecond(fleet(size, 1), Math.max(5, Math.floor(200_000 / size)));
  console.log(`${shown(size).padStart(9)} ${shown(rates[index] ?? 0).padStart(12)} ${shown(plain).padStart(12)}`);
});
const tenThousand = rates[2] ?? 0;
const slower = median(rounds.map(([, thousand = 0, , hundredThousand = 0]) => thousand / hundredThousand));
console.log(`at 10,000 nodes: target 100,000/s ${verdict(tenThousand >= 100_000)}`);
console.log(`at 100,000 nodes ${slower.toFixed(2)} times slower than at 1,000: target 2 ${verdict(slower <= 2)}`);

const { placementsPerSecond, coldPerSecond } = await committedPlacements(5000, 20_000);
console.log(
  `committed at 5,000 nodes, journal included: ${shown(placementsPerSecond)}/s (a fresh process ${shown(coldPerSecond)}/s), ` +
    `target 3,000/s ${verdict(placementsPerSecond >= 3000)}`,
);
console.log(
  "Published by others, of whole systems on other machines, so not like for like: Nomad 1,500-3,750/s, kube-scheduler 680-810/s, Slurm 500/s",
);
console.log("\nDirty cases of the queue");
showDirtyCases();
process.exit(0);
