/**
 * The queue on bad days: fifty thousand jobs that fit nowhere, one owner with nine tenths of the queue, nodes that come and
 * go. In memory, one thread, no journal. Usage: bun bench/dirty-queue.ts. Figures on a shared machine move by a quarter.
 */
import { EQUAL, FairShare } from "../src/actors/scheduler/fair-share.ts";
import { JobQueue, type QueuedJob } from "../src/actors/scheduler/job-queue.ts";
import { type Hold, NodePool } from "../src/actors/scheduler/node-pool.ts";
import type { Requirements } from "../src/domain/job-spec.ts";
import type { NodeProfile } from "../src/domain/node-profile.ts";
import { crowded, lacks, totalRoom } from "../src/domain/placement.ts";
import { seeded } from "../tests/support/seeded.ts";

const MIB = 2 ** 20;
const GIB = 2 ** 30;
const nobody = (): boolean => false;

export interface DirtyFigure {
  readonly what: string;
  readonly value: number;
  readonly unit: "µs" | "/s";
}

const profile = (overrides: Partial<NodeProfile>): NodeProfile => ({
  name: "node",
  wallet: "",
  userId: null,
  softwareVersion: "1",
  devices: [],
  cpuCores: 8,
  ramBytes: 16 * GIB,
  region: "eu",
  ipAddress: "127.0.0.1",
  port: 50052,
  assignEndpoint: null,
  stakeUnits: "0",
  formats: [],
  runtimes: [],
  maxModelBytes: 0,
  terminalAccess: false,
  pricing: { pricePerHour: 1, billingModel: 0 },
  publicKey: null,
  slots: 1,
  reportsAttempts: true,
  ...overrides,
});

const job = (index: number, overrides: Partial<QueuedJob> = {}): QueuedJob => ({
  id: `job-${String(index).padStart(8, "0")}`,
  owner: `owner-${index % 1000}`,
  priority: index % 4,
  queuedAt: index,
  demand: { device: null, ramBytes: GIB, vramBytes: 0 },
  gang: null,
  rate: 10_100,
  exclusions: [],
  seconds: 0,
  avoid: [],
  ...overrides,
});

const fairShare = (): FairShare => new FairShare(EQUAL);

type Shapes = (index: number) => Partial<QueuedJob>;

const filtered = (requirements: Requirements, megabytes: number): Partial<QueuedJob> => ({
  demand: { device: null, ramBytes: megabytes * MIB, vramBytes: 0, requirements },
});

/** A sixteenth of the memories fits the node of 16 GB, where nothing else is said. */
const SHAPES: Readonly<Record<string, Shapes>> = {
  "50,000 sizes": (index) => filtered({}, 1 + ((index * 7919) % 262_144)),
  "50,000 sizes, each with an owner of its own": (index) => ({
    ...filtered({}, 1 + ((index * 7919) % 262_144)),
    owner: `owner-${index}`,
  }),
  "50,000 sizes, and none fits": (index) => filtered({}, 16_385 + index),
  "50,000 sizes, floors of reputation and ceilings of price": (index) =>
    filtered({ minReputation: index % 101, maxPricePerHour: String(index * 40_000) }, 1 + ((index * 7919) % 262_144)),
  "50,000 sizes in 1,000 sets of named filters": (index) =>
    filtered({ format: `format-${index % 1000}` }, 1 + ((index * 7919) % 16_384)),
  // The worst there is: every job a filter of its own, by name, which no node meets.
  "50,000 sets of named filters, and none fits": (index) => filtered({ format: `format-${index}` }, 1024),
};

/** What it takes to find, for a node that came free, the parked job that goes there, and to take it out of the queue. */
export function roomChanges(changes = 2000): readonly DirtyFigure[] {
  return Object.entries(SHAPES).map(([what, shapes]) => {
    const shares = fairShare();
    const queue = new JobQueue(shares);
    for (let index = 0; index < 50_000; index++) queue.park(job(index, shapes(index)), index, []);
    const facts = { profile: profile({ formats: ["format-7"] }), reputation: 75 };
    const room = totalRoom(facts.profile);
    const fits = ({ demand }: QueuedJob): boolean => lacks(facts, demand) === null && crowded(room, demand) === null;
    const running: string[] = [];
    const began = performance.now();
    for (let change = 0; change < changes; change++) {
      const entry = queue.firstFitting({ id: "node", facts, room, grownAt: 100_000 + change }, fits);
      if (entry === undefined) continue;
      queue.remove(entry.id);
      shares.hold(entry.id, entry.job.owner, entry.job.rate);
      running.push(entry.id);
      // A node's worth of work in progress elsewhere, so that shares move in both directions.
      if (running.length > 500) shares.release(running.shift() ?? "");
    }
    const value = ((performance.now() - began) * 1000) / changes;
    return { what: `one room change: ${what}`, value, unit: "µs" };
  });
}

/** Jobs taken from the head of a queue of 50,000, each running from then on, with 1,000 owners. */
export function takes(): readonly DirtyFigure[] {
  const queues: Readonly<Record<string, (index: number) => string>> = {
    "owners alike": (index) => `owner-${index % 1000}`,
    "one owner with 90 %": (index) => (index % 10 === 0 ? `owner-${(index / 10) % 1000}` : "greedy"),
  };
  return Object.entries(queues).map(([what, ownerOf]) => {
    const shares = fairShare();
    const queue = new JobQueue(shares);
    for (let index = 0; index < 50_000; index++) queue.add(job(index, { owner: ownerOf(index) }));
    const began = performance.now();
    for (let next = queue.first; next; next = queue.first) {
      queue.remove(next.id);
      shares.hold(next.id, next.job.owner, next.job.rate);
    }
    const value = 50_000 / ((performance.now() - began) / 1000);
    return { what: `takes from 50,000 queued jobs, ${what}`, value, unit: "/s" };
  });
}

/** Decisions among 10,000 nodes, with changes of availability in between, one for every decision, and without. */
export function flapping(decisions = 20_000): readonly DirtyFigure[] {
  return [0, 0.3].map((part) => {
    const random = seeded(7);
    const pool = new NodePool();
    const nodes = Array.from({ length: 10_000 }, (_, index) => ({
      id: `node-${index}`,
      profile: profile({ slots: 2 + (index % 3), ramBytes: (8 + 8 * (index % 4)) * GIB }),
      unavailable: null,
      reputation: 50 + (index % 50),
      uptime: 90 + (index % 10),
    }));
    for (const node of nodes) pool.upsert(node);
    const flappers = nodes.slice(0, nodes.length * part);
    const running: { readonly id: string; readonly hold: Hold | null }[] = [];
    let placed = 0;
    const began = performance.now();
    for (let index = 0; index < decisions; index++) {
      const flapper = flappers[Math.floor(random() * flappers.length)];
      if (flapper) pool.upsert({ ...flapper, unavailable: random() < 0.5 ? "suspect" : null });
      const { demand } = filtered({}, 512 + Math.floor(random() * 8192));
      if (demand === undefined) continue;
      const placement = pool.best(demand, nobody);
      if (placement === null) continue;
      placed += 1;
      const id = `job-${index}`;
      running.push({ id, hold: pool.hold(null, id, [placement.nodeId], demand) });
      const ended = running.length > 10_000 ? running.shift() : undefined;
      if (ended) pool.hold(ended.hold, ended.id, [], demand);
    }
    const value = placed / ((performance.now() - began) / 1000);
    return { what: `decisions among 10,000 nodes, ${part * 100} % of them flapping`, value, unit: "/s" };
  });
}

export function showDirtyCases(): void {
  // So that the first case, which the others are compared with, does not pay for compiling the code.
  flapping();
  for (const { what, value, unit } of [...roomChanges(), ...takes(), ...flapping()]) {
    const shown = value >= 100 ? Math.round(value).toLocaleString("en") : value.toFixed(2);
    console.log(`${what.padEnd(86)} ${shown.padStart(10)} ${unit}`);
  }
}

if (import.meta.main) showDirtyCases();
