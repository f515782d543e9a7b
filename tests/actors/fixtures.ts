/** Jobs and nodes as plain as they come, for tests that care about one thing in them. */
import type { JobEvent, JobInput, JobPolicy } from "../../src/actors/job/state.ts";
import type { NodeInput, NodePolicy } from "../../src/actors/node/state.ts";
import type { JobSpec } from "../../src/domain/job-spec.ts";
import type { NodeProfile } from "../../src/domain/node-profile.ts";

export const T0 = 1_700_000_000_000;
export const GIB = 2 ** 30;

/** A UUID that is easy to tell apart: uuid(7) ends with 7. */
export const uuid = (number: number): string => `00000000-0000-4000-8000-${number.toString(16).padStart(12, "0")}`;

export const jobPolicy: JobPolicy = {
  fundsTimeout: 60_000,
  queueTimeout: 600_000,
  offerTimeout: 10_000,
  exclusion: 60_000,
  startTimeout: 120_000,
  gracePeriod: 30_000,
  runTimeout: 300_000,
  maxRetries: 2,
  maxLosses: 3,
  backoff: 1000,
  maxBackoff: 10_000,
};

export const jobSpec = (overrides: Partial<JobSpec> = {}): JobSpec => ({
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
  ...overrides,
});

export const jobInput = (overrides: Partial<JobInput> = {}): JobInput => ({
  id: uuid(1),
  spec: jobSpec(),
  owner: "owner",
  userWallet: "wallet",
  fingerprint: "f",
  price: "1000",
  policy: jobPolicy,
  awaitsFunds: false,
  at: T0,
  ...overrides,
});

export const nodePolicy: NodePolicy = { heartbeatTimeout: 15_000, gracePeriod: 30_000 };

export const nodeProfile = (overrides: Partial<NodeProfile> = {}): NodeProfile => ({
  name: "node",
  wallet: "wallet",
  userId: null,
  softwareVersion: "1",
  devices: [],
  cpuCores: 8,
  ramBytes: 16 * GIB,
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
  ...overrides,
});

export const nodeInput = (overrides: Partial<NodeInput> = {}): NodeInput => ({
  id: uuid(100),
  profile: nodeProfile(),
  policy: nodePolicy,
  bootId: "boot-1",
  reputation: 75,
  at: T0,
  ...overrides,
});

export type Unstamped<E> = E extends unknown ? Omit<E, "at"> : never;

export const result = {
  weightsUri: "file:///w",
  weightsHash: "00",
  weightsSize: 1,
  metrics: { loss: 0.5 },
  computeSeconds: 1,
  signature: "",
};

interface Alive {
  readonly nodeId: string;
  readonly number: number;
  readonly members?: readonly { readonly nodeId: string }[];
}

/**
 * Every event a job can be sent: from its own nodes and a foreign one, of its live attempt, an older, a later and an
 * unnamed one.
 */
export function allJobEvents(live: Alive | null, attempts: number): Unstamped<JobEvent>[] {
  const own = live?.members?.map(({ nodeId }) => nodeId) ?? [live?.nodeId ?? uuid(100)];
  const nodes = [...new Set([...own, uuid(100), uuid(101)])];
  const numbers = [...new Set([0, 1, attempts - 1, attempts, attempts + 1])].filter((one) => one >= 0);
  const events: Unstamped<JobEvent>[] = [
    { type: "FUNDS_LOCKED" },
    { type: "PAYMENT_SETTLED" },
    { type: "DEADLINE" },
    { type: "CANCEL", reason: "changed my mind" },
    { type: "OFFER", nodeId: uuid(100), others: [uuid(101)] },
    { type: "OFFER", nodeId: uuid(100), others: [uuid(100)] },
  ];
  for (const nodeId of nodes) {
    events.push({ type: "OFFER", nodeId }, { type: "NODE_LOST", nodeId }, { type: "NODE_BACK", nodeId });
    events.push({ type: "EVICT", nodeId, reason: "drained" });
    for (const attempt of [null, ...numbers]) {
      events.push(
        { type: "STARTED", nodeId, attempt },
        { type: "PROGRESS", nodeId, attempt, progress: 0.5, epoch: 5, metrics: { loss: 1 } },
        { type: "COMPLETED", nodeId, attempt, result },
        { type: "FAILED", nodeId, attempt, message: "out of memory", invalid: false },
        { type: "FAILED", nodeId, attempt, message: "malformed", invalid: true },
        { type: "ATTEMPT_GONE", nodeId, attempt },
      );
      if (attempt !== null) events.push({ type: "ORIGINAL_BACK", nodeId, attempt });
    }
  }
  for (const attempt of numbers) {
    for (const from of [{}, ...nodes.map((nodeId) => ({ nodeId }))]) {
      events.push({ type: "OFFER_ACCEPTED", attempt, ...from }, { type: "OUTCOME_RECORDED", attempt, ...from });
      for (const outcome of ["rejected", "invalid"] as const)
        events.push({ type: "OFFER_REFUSED", attempt, ...from, outcome, message: "" });
    }
    events.push({ type: "TEXT_MISSING", attempt, message: "a text is gone" });
    events.push({ type: "OUTCOME_RECORDED", attempt, silent: true });
    for (const outcome of ["unreachable", "no_answer"] as const)
      events.push({ type: "OFFER_REFUSED", attempt, outcome, message: "" });
  }
  return events;
}
