/** A fleet and jobs as a network of volunteers would have them, from a seed. */
import type { PooledNode } from "../../src/actors/scheduler/node-pool.ts";
import type { Demand, DeviceKind, Requirements } from "../../src/domain/job-spec.ts";
import { UNITS_PER_TOKEN } from "../../src/domain/money.ts";
import type { Device, NodeProfile } from "../../src/domain/node-profile.ts";
import { seeded } from "./seeded.ts";

const GIB = 2 ** 30;
const CARDS = [4, 6, 8, 8, 10, 11, 12, 12, 16, 16, 24, 24, 24, 32, 40, 48, 80, 80];
const RAMS = [8, 16, 16, 32, 32, 64, 64, 128, 256, 512];
/** The first are the common ones. */
const REGIONS = ["us-east", "us-west", "eu-west", "eu-central", "ap-south", "ap-northeast", "sa-east", "af-south"];
const FORMATS = ["onnx", "gguf", "pytorch", "safetensors"];
const RUNTIMES = ["onnxruntime", "llama.cpp", "libtorch"];

class Draws {
  readonly #random: () => number;

  constructor(seed: number) {
    this.#random = seeded(seed);
  }

  number(from: number, to: number): number {
    return from + this.#random() * (to - from);
  }

  whole(from: number, to: number): number {
    return Math.floor(this.number(from, to + 1));
  }

  chance(probability: number): boolean {
    return this.#random() < probability;
  }

  pick<T>(from: readonly T[]): T {
    return from[this.whole(0, from.length - 1)] as T;
  }

  /** Rather one of the first. */
  early<T>(from: readonly T[]): T {
    return from[Math.floor(this.#random() ** 2 * from.length)] as T;
  }

  some<T>(from: readonly T[]): readonly T[] {
    return from.filter(() => this.chance(0.5));
  }
}

/** A third without a GPU, most others with an NVIDIA card that they also list for OpenCL or Vulkan now and then, some Macs. */
export function fleet(size: number, seed: number): PooledNode[] {
  const draws = new Draws(seed);
  return Array.from({ length: size }, (_, index) => ({
    id: `node-${index.toString(16).padStart(8, "0")}`,
    profile: profile(draws),
    unavailable: draws.chance(0.1) ? ("offline" as const) : null,
    reputation: draws.number(50, 100),
    uptime: draws.number(80, 100),
  }));
}

/** Another machine under the id of one that was there: moved to another place of the index. */
export function replaced(id: string, seed: number): PooledNode {
  const [other] = fleet(1, seed);
  if (!other) throw new Error("a fleet of one has one");
  return { ...other, id };
}

export function demands(many: number, seed: number): Demand[] {
  const draws = new Draws(seed);
  return Array.from({ length: many }, () => demand(draws));
}

function profile(draws: Draws): NodeProfile {
  return {
    name: "node",
    wallet: "",
    userId: null,
    softwareVersion: "1.0.0",
    devices: devices(draws),
    cpuCores: draws.pick([4, 8, 16, 32, 64]),
    ramBytes: draws.pick(RAMS) * GIB - draws.whole(0, GIB / 2),
    region: draws.chance(0.1) ? "" : draws.early(REGIONS),
    ipAddress: "10.0.0.1",
    port: 50_052,
    assignEndpoint: null,
    stakeUnits: (BigInt(draws.whole(0, 1000)) * UNITS_PER_TOKEN).toString(),
    formats: draws.some(FORMATS),
    runtimes: draws.some(RUNTIMES),
    maxModelBytes: 0,
    terminalAccess: false,
    pricing: draws.chance(0.6) ? { billingModel: 0, pricePerHour: draws.number(0.05, 3) } : null,
    publicKey: null,
    slots: draws.pick([1, 1, 2, 2, 4, 8]),
    reportsAttempts: true,
  };
}

function devices(draws: Draws): Device[] {
  if (draws.chance(0.33)) return [device("cpu", 0)];
  if (draws.chance(0.1)) return [device("cpu", 0), device("metal", draws.pick([8, 16, 32, 64]))];
  const card = draws.pick(CARDS);
  const list = [device("cpu", 0), device("cuda", card)];
  if (draws.chance(0.2)) list.push(device(draws.pick(["opencl", "vulkan"]), card));
  return list;
}

export const device = (kind: DeviceKind, gib: number): Device => ({
  kind,
  name: kind,
  memoryBytes: gib * GIB,
  memoryAvailableBytes: gib * GIB,
  vramBytes: gib * GIB,
  vramAvailableBytes: gib * GIB,
  computeUnits: 1,
  fp64: true,
  fp16: true,
  gpuModel: "",
  driverVersion: "",
  cudaVersion: "",
  pcieGeneration: 4,
  pcieLanes: 16,
  computeCapability: 8,
});

function demand(draws: Draws): Demand {
  const bare = draws.chance(0.4)
    ? {
        device: draws.chance(0.5) ? null : ("cpu" as const),
        ramBytes: draws.pick([0, 1, 2, 4, 16, 64]) * GIB,
        vramBytes: 0,
      }
    : {
        device: draws.chance(0.85) ? ("cuda" as const) : draws.pick(["metal", "opencl", "vulkan"] as const),
        ramBytes: draws.chance(0.3) ? 4 * GIB : 0,
        vramBytes: draws.pick([0, 1, 2, 4, 6, 8, 12, 20, 40]) * GIB,
      };
  return draws.chance(0.3) ? { ...bare, requirements: requirements(draws) } : bare;
}

function requirements(draws: Draws): Requirements {
  return {
    ...(draws.chance(0.4) && { regions: [draws.early(REGIONS)] }),
    ...(draws.chance(0.3) && { minReputation: draws.whole(50, 95) }),
    ...(draws.chance(0.3) && { maxPricePerHour: BigInt(draws.whole(2, 20) * 1e8).toString() }),
    ...(draws.chance(0.2) && { minStake: (BigInt(draws.whole(0, 800)) * UNITS_PER_TOKEN).toString() }),
    ...(draws.chance(0.2) && { format: draws.pick(FORMATS) }),
    ...(draws.chance(0.2) && { runtime: draws.pick(RUNTIMES) }),
  };
}
