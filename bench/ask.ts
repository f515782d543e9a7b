/**
 * What an `ask` costs in CPU: from the call through mailbox, statechart, persisted snapshot and commit to the answer, with
 * a journal that keeps nothing and answers at once. Usage: bun bench/ask.ts. Figures on a shared machine move by a quarter.
 */
import { createActor } from "xstate";
import { jobKind } from "../src/actors/job/kind.ts";
import { jobMachine } from "../src/actors/job/machine.ts";
import type { JobInput } from "../src/actors/job/state.ts";
import { nodeKind } from "../src/actors/node/kind.ts";
import { ActorSystem, type Clock, type Journal, type Log } from "../src/actors/runtime/index.ts";
import type { NodeProfile } from "../src/domain/node-profile.ts";

const TARGET_MICROSECONDS = 60;
const ACTORS = 500;
const ROUNDS = 60;
const WARM_UP = 10;

const clock: Clock = {
  now: Date.now,
  after: (delay, run) => {
    const timer = setTimeout(run, delay);
    return () => clearTimeout(timer);
  },
};
const log: Log = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {}, with: () => log };
const journal: Journal = {
  commit: () => Promise.resolve(),
  load: () => Promise.resolve(null),
  async *loadLive() {},
  recordPoison: () => Promise.resolve(),
};

const NODE = "00000000-0000-4000-8000-0000000000ff";
const input: Omit<JobInput, "at" | "id"> = {
  spec: {
    type: "training",
    priority: "normal",
    modelDefinition: "{}",
    hyperparameters: {},
    datasetUri: "builtin:iris",
    batchSize: 32,
    epochs: 10,
    device: null,
    memoryBytes: 0,
    estimatedSeconds: 60,
    offered: "0",
    escrowTxHash: "",
    reservationMinutes: 0,
  },
  owner: "owner",
  userWallet: "wallet",
  fingerprint: "",
  price: "1000",
  policy: {
    fundsTimeout: 3_600_000,
    queueTimeout: 3_600_000,
    offerTimeout: 3_600_000,
    exclusion: 60_000,
    startTimeout: 3_600_000,
    gracePeriod: 3_600_000,
    runTimeout: 3_600_000,
    maxRetries: 3,
    maxLosses: 3,
    backoff: 1000,
    maxBackoff: 1000,
  },
  awaitsFunds: false,
};
const [heartbeatTimeout, gracePeriod] = [3_600_000, 3_600_000];
const profile: NodeProfile = {
  name: "node",
  wallet: "wallet",
  userId: null,
  softwareVersion: "1",
  devices: [],
  cpuCores: 8,
  ramBytes: 2 ** 34,
  region: "",
  ipAddress: "127.0.0.1",
  port: 5000,
  assignEndpoint: null,
  stakeUnits: "0",
  formats: [],
  runtimes: [],
  maxModelBytes: 0,
  terminalAccess: false,
  pricing: null,
  publicKey: null,
  slots: 1,
  reportsAttempts: true,
};
const progress = {
  type: "PROGRESS",
  nodeId: NODE,
  attempt: 1,
  progress: 0.5,
  epoch: 5,
  metrics: { loss: 0.5 },
} as const;

/** CPU microseconds of this process for each of `count` things done by `work`. */
async function cost(count: number, work: () => unknown): Promise<number> {
  const before = process.cpuUsage();
  await work();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / count;
}

/** Microseconds of this process for each ask, SQL apart. */
export async function processorTimePerAsk(): Promise<number> {
  const system = new ActorSystem({ clock, journal, log, outsideGrace: 0, maxPending: 100_000, onDeposed: () => {} });
  const link = { offer: () => new Promise<never>(() => {}), probe: () => Promise.resolve(true) };
  const nodes = system.register(nodeKind({ link, clock, probeDelay: { first: 1000, slowest: 1000 } }));
  const jobs = system.register(jobKind({ link, texts: { read: () => Promise.resolve(null) }, nodes }));
  system.start();
  // The offer finds its node, and is never answered.
  await nodes.create(NODE, {
    id: NODE,
    profile,
    policy: { heartbeatTimeout, gracePeriod },
    bootId: "",
    reputation: 75,
  });
  const ids = Array.from(
    { length: ACTORS },
    (_, index) => `00000000-0000-4000-8000-${String(index).padStart(12, "0")}`,
  );
  await Promise.all(ids.map((id) => jobs.create(id, { id, ...input })));
  await Promise.all(ids.map((id) => jobs.ask(id, { type: "OFFER", nodeId: NODE })));
  await Promise.all(ids.map((id) => jobs.ask(id, { type: "STARTED", nodeId: NODE, attempt: 1 })));
  const round = () => Promise.all(ids.map((id) => jobs.ask(id, progress)));
  for (let warm = 0; warm < WARM_UP; warm++) await round();
  const figure = await cost(ACTORS * ROUNDS, async () => {
    for (let turn = 0; turn < ROUNDS; turn++) await round();
  });
  await system.stop();
  return figure;
}

/** The statechart's share: the same event sent to a bare XState actor, its snapshot made ready to be stored. */
async function ofStatechart(): Promise<number> {
  const id = NODE;
  const actor = createActor(jobMachine, { input: { id, ...input, at: 0 } }).start();
  actor.send({ type: "OFFER", nodeId: NODE, at: 0 });
  actor.send({ type: "STARTED", nodeId: NODE, attempt: 1, at: 0 });
  const once = (): void => {
    actor.send({ ...progress, at: 0 });
    actor.getPersistedSnapshot();
  };
  for (let warm = 0; warm < ACTORS * WARM_UP; warm++) once();
  return cost(ACTORS * ROUNDS, () => {
    for (let turn = 0; turn < ACTORS * ROUNDS; turn++) once();
  });
}

async function main(): Promise<void> {
  const [ask, statechart] = [await processorTimePerAsk(), await ofStatechart()];
  const line = (what: string, value: number, note = "") =>
    console.log(`${what.padEnd(52)} ${value.toFixed(1).padStart(8)} µs  ${note}`);
  line(
    "CPU of one ask (job, PROGRESS, instant journal)",
    ask,
    `target ${TARGET_MICROSECONDS} ${ask <= TARGET_MICROSECONDS ? "reached" : "MISSED"}`,
  );
  line("of which XState: transition and persisted snapshot", statechart);
  line("of which the runtime", ask - statechart);
}

if (import.meta.main) {
  await main();
  // The offers are still open.
  process.exit(0);
}
