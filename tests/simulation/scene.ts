/** The cast: what every node and every job of the simulated world is like. Short times, so that much happens. */
import type { JobInput, JobPolicy } from "../../src/actors/job/state.ts";
import type { NodePolicy } from "../../src/actors/node/state.ts";
import type { Millis } from "../../src/actors/runtime/index.ts";
import { type Gang, PRIORITIES } from "../../src/domain/job-spec.ts";
import type { Device, NodeProfile } from "../../src/domain/node-profile.ts";
import { GIB, jobPolicy, jobSpec, nodeProfile, uuid } from "../actors/fixtures.ts";

export const START: Millis = 1_700_000_000_000;
export const HEARTBEAT: Millis = 5000;
export const NODES = 7;
const OWNERS = 4;
export const MAX_RUNNING_PER_OWNER = 5;

export const timing: NodePolicy = {
  heartbeatTimeout: 11_000,
  gracePeriod: 15_000,
  failureLimit: 5,
  setAside: 20_000,
};

const policy: JobPolicy = {
  ...jobPolicy,
  fundsTimeout: 30_000,
  queueTimeout: 60_000,
  exclusion: 20_000,
  startTimeout: 20_000,
  gracePeriod: 12_000,
  runTimeout: 120_000,
};

/**
 * Until when the last job must have ended once the faults have stopped: every time it may still be tried, each with all its
 * states running to their deadlines.
 */
export const PATIENCE: Millis =
  (policy.maxRetries + policy.maxLosses + 1) *
  (policy.queueTimeout +
    policy.offerTimeout +
    policy.startTimeout +
    policy.runTimeout +
    policy.gracePeriod +
    policy.maxBackoff);

const gpu: Device = {
  kind: "cuda",
  name: "gpu",
  memoryBytes: 8 * GIB,
  memoryAvailableBytes: 8 * GIB,
  vramBytes: 8 * GIB,
  vramAvailableBytes: 8 * GIB,
  computeUnits: 10,
  fp64: true,
  fp16: true,
  gpuModel: "gpu",
  driverVersion: "1",
  cudaVersion: "12",
  pcieGeneration: 4,
  pcieLanes: 16,
  computeCapability: 8,
};

export const nodeId = (index: number): string => uuid(0x100 + index);
const FIRST_JOB = 0x1000;
export const jobId = (number: number): string => uuid(FIRST_JOB + number);
export const numberOf = (id: string): number => Number.parseInt(id.slice(-12), 16) - FIRST_JOB;

/** Of one to three slots, in two regions, two with a GPU, one of the existing C++ build. */
export const profileOf = (index: number): NodeProfile =>
  nodeProfile({
    name: `n${index}`,
    // One has not said where it wants to be paid.
    wallet: index === 2 ? "" : `node-${index}`,
    slots: 1 + (index % 3),
    ramBytes: 16 * GIB,
    region: index % 2 === 0 ? "eu" : "us",
    devices: index < 2 ? [gpu] : [],
    publicKey: index % 2 === 0 ? "aa" : null,
    reportsAttempts: index !== NODES - 1,
  });

const GANGS: Readonly<Record<number, Gang>> = {
  3: { size: 2, topology: "any" },
  7: { size: 2, topology: "region" },
  8: { size: 3, topology: "any" },
};

/** The kinds of job, by number: so that a repeat of a submission is the same submission. */
export function jobOf(number: number): Omit<JobInput, "at"> {
  const kind = number % 12;
  const gang = GANGS[kind] ?? null;
  const onGpu = kind === 5;
  const pays = kind >= 10;
  return {
    id: jobId(number),
    owner: `owner-${number % OWNERS}`,
    userWallet: `wallet-${number % OWNERS}`,
    fingerprint: `f${number}`,
    price: number % 9 === 0 && !pays ? "0" : String(1000 + (number % 97)),
    awaitsFunds: kind === 9 || pays,
    ...(pays && { payment: { feeBps: 1000 + (number % 7) } }),
    spec: jobSpec({
      priority: PRIORITIES[number % PRIORITIES.length] ?? "low",
      device: onGpu ? "cuda" : null,
      memoryBytes: onGpu ? 4 * GIB : (number % 6) * 2 * GIB,
      ...(gang && { gang }),
    }),
    policy: {
      ...policy,
      ...(kind === 1 && { reconcile: "keep_original" as const }),
      ...(kind === 2 && { maxDuration: 90_000 }),
    },
  };
}
