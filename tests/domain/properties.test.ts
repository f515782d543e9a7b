/** What holds for all values, tried on many (seeded, so that a failure repeats). */
import { describe, expect, test } from "bun:test";
import { jobIdFor, parseJobId, parseUuid } from "../../src/domain/ids.ts";
import { DEVICE_KINDS, type Demand } from "../../src/domain/job-spec.ts";
import { price, UNITS_PER_TOKEN } from "../../src/domain/money.ts";
import { bestGpu } from "../../src/domain/node-profile.ts";
import {
  capabilityMatch,
  crowded,
  lacksHardware,
  matchScore,
  roomLeft,
  type Standing,
  totalRoom,
  vramLeft,
} from "../../src/domain/placement.ts";
import { GIB, nodeProfile } from "../actors/fixtures.ts";
import { device } from "../support/fleet.ts";
import { seeded } from "../support/seeded.ts";

const ROUNDS = 1000;
const random = seeded(20_261_124);
const upTo = (limit: number): number => Math.floor(random() * (limit + 1));
const times = (round: () => void): void => {
  for (let count = 0; count < ROUNDS; count++) round();
};

describe("the price", () => {
  test("is 10 000 × (10 for a GPU) × (1 + 0.01 a GB of RAM) × seconds, to the unit", () => {
    times(() => {
      const resources = { gpu: random() < 0.5, ramGb: upTo(4096), seconds: upTo(10 * 365 * 86_400) };
      // Over a common denominator, so that nothing is rounded on this side either.
      const hundredths =
        10_000n * (resources.gpu ? 10n : 1n) * BigInt(100 + resources.ramGb) * BigInt(resources.seconds);
      expect(hundredths % 100n).toBe(0n);
      expect(price(resources)).toBe(hundredths / 100n);
    });
  });

  test("is the float formula wherever a float can tell", () => {
    expect(price({ gpu: true, ramGb: 8, seconds: 3600 })).toBe(BigInt(10_000 * 10 * 1.08 * 3600));
    expect(UNITS_PER_TOKEN).toBe(10n ** 9n);
  });
});

describe("the id of a job", () => {
  test("that follows from a key is a UUID of version 8 in its canonical spelling, one for each owner and key", () => {
    const seen = new Set<string>();
    for (let owner = 0; owner < 30; owner++) {
      for (let key = 0; key < 30; key++) {
        const id = jobIdFor(`owner-${owner}`, `key-${key}`);
        expect(id).toBe(jobIdFor(`owner-${owner}`, `key-${key}`));
        expect(parseJobId(id)).toBe(id);
        expect(id).toMatch(/^.{14}8.{4}[89ab]/);
        seen.add(id);
      }
    }
    expect(seen.size).toBe(900);
  });

  // The SHA-256 of "5:owner:key" with the version and the variant set, as sha256sum has it.
  test("is the same for ever: a changed derivation would run retried jobs twice", () => {
    expect(String(jobIdFor("owner", "key"))).toBe("601ea79f-9fcf-86c2-a1d0-acee8721930a");
  });

  test("is refused with anything before or after it", () => {
    const id = jobIdFor("o", "k");
    for (const text of [` ${id}`, `${id} `, `${id}\n`, `x${id}`, `${id}0`, id.slice(1), id.replace("-", "_")])
      expect(parseUuid(text)).toBeNull();
  });
});

describe("room", () => {
  const demand = (): Demand =>
    random() < 0.5
      ? { device: null, ramBytes: upTo(8 * GIB), vramBytes: 0 }
      : { device: "cuda", ramBytes: 0, vramBytes: upTo(8 * GIB) };

  test("is what is left of everything, and depends on neither order nor history (I3)", () => {
    times(() => {
      const profile = nodeProfile({ slots: upTo(4), ramBytes: upTo(32) * GIB, devices: [device("cuda", upTo(24))] });
      const taken = Array.from({ length: upTo(5) }, demand);
      const left = roomLeft(profile, taken);
      expect(roomLeft(profile, [...taken].reverse())).toEqual(left);
      const all = totalRoom(profile);
      expect(left.slots + taken.length).toBe(all.slots);
      expect(left.ramBytes + taken.reduce((sum, one) => sum + one.ramBytes, 0)).toBe(all.ramBytes);
      const cuda: Demand = { device: "cuda", ramBytes: 0, vramBytes: 0 };
      expect(vramLeft(left, cuda) + taken.reduce((sum, one) => sum + one.vramBytes, 0)).toBe(vramLeft(all, cuda));
    });
  });

  test("is never overdrawn by taking what neither lacks nor crowds", () => {
    times(() => {
      const profile = nodeProfile({
        slots: 1 + upTo(3),
        ramBytes: upTo(32) * GIB,
        devices: [device("cuda", upTo(24))],
      });
      const taken: Demand[] = [];
      for (let offer = 0; offer < 8; offer++) {
        const next = demand();
        if (lacksHardware(profile, next) === null && crowded(roomLeft(profile, taken), next) === null) taken.push(next);
      }
      const room = roomLeft(profile, taken);
      const vram = vramLeft(room, { device: "cuda", ramBytes: 0, vramBytes: 0 });
      for (const left of [room.slots, room.ramBytes, vram]) expect(left).toBeGreaterThanOrEqual(0);
    });
  });

  test("of a card is promised once, also when the node has several or lists one under two kinds (I3)", () => {
    const cuda: Demand = { device: "cuda", ramBytes: 0, vramBytes: 8 * GIB };
    const twice = nodeProfile({ slots: 4, devices: [device("cuda", 8), device("opencl", 8)] });
    expect(crowded(roomLeft(twice, [cuda]), cuda)).toBe("vram_in_use");
    expect(crowded(roomLeft(twice, [cuda]), { ...cuda, device: "opencl" })).toBe("vram_in_use");
    times(() => {
      const kinds = ["cuda", "opencl"] as const;
      const devices = Array.from({ length: 1 + upTo(3) }, () => device(kinds[upTo(1)] ?? "cuda", 1 + upTo(23)));
      const profile = nodeProfile({ slots: 8, devices });
      const taken: Demand[] = [];
      for (let offer = 0; offer < 12; offer++) {
        const next: Demand = { device: kinds[upTo(1)] ?? "cuda", ramBytes: 0, vramBytes: (1 + upTo(11)) * GIB };
        if (lacksHardware(profile, next) === null && crowded(roomLeft(profile, taken), next) === null) taken.push(next);
      }
      // Even if the node runs all jobs of a kind on one card, the best of that kind holds them.
      for (const kind of kinds) {
        const best = Math.max(0, ...devices.filter((one) => one.kind === kind).map((one) => one.vramBytes));
        const promised = taken.filter((one) => one.device === kind).reduce((sum, one) => sum + one.vramBytes, 0);
        expect(promised).toBeLessThanOrEqual(best);
      }
    });
  });

  test("on an empty node is enough for whatever the node does not lack", () => {
    times(() => {
      const profile = nodeProfile({ ramBytes: upTo(16) * GIB, devices: [device("cuda", upTo(16))] });
      const wanted = demand();
      if (lacksHardware(profile, wanted) === null) expect(crowded(totalRoom(profile), wanted)).toBeNull();
    });
  });

  test("is asked for of the kind of device that the job names, and any node has a CPU", () => {
    for (const kind of DEVICE_KINDS) {
      const wanted = { device: kind, ramBytes: 0, vramBytes: 0 };
      expect([kind, lacksHardware(nodeProfile(), wanted)]).toEqual([kind, kind === "cpu" ? null : "device"]);
      expect(lacksHardware(nodeProfile({ devices: [device(kind, 8)] }), wanted)).toBeNull();
    }
    const twoGpus = nodeProfile({ devices: [device("cuda", 8), device("opencl", 24)] });
    expect(lacksHardware(twoGpus, { device: "cuda", ramBytes: 0, vramBytes: 9 * GIB })).toBe("vram");
    expect(lacksHardware(twoGpus, { device: "opencl", ramBytes: 0, vramBytes: 24 * GIB })).toBeNull();
  });
});

describe("the score", () => {
  const candidate = (): Standing => ({ reputation: random() * 100, load: random(), uptime: random() * 100 });

  test("is 0 for the worst and 1 for the best, and between for all others", () => {
    expect(matchScore({ reputation: 0, load: 1, uptime: 0 }, 0)).toBe(0);
    expect(matchScore({ reputation: 100, load: 0, uptime: 100 }, 1)).toBeCloseTo(1, 12);
    times(() => {
      const score = matchScore(candidate(), random());
      expect(score).toBeGreaterThanOrEqual(0);
      expect(score).toBeLessThanOrEqual(1 + 1e-12);
    });
  });

  test("never falls when one term alone gets better", () => {
    times(() => {
      const one = candidate();
      const capability = random();
      const score = matchScore(one, capability);
      const better: readonly number[] = [
        matchScore({ ...one, reputation: one.reputation + random() * 20 }, capability),
        matchScore({ ...one, load: one.load - random() }, capability),
        matchScore({ ...one, uptime: one.uptime + random() * 20 }, capability),
        matchScore(one, capability + random()),
      ];
      for (const higher of better) expect(higher).toBeGreaterThanOrEqual(score);
    });
  });
});

describe("the fit", () => {
  test("is tightest on the smallest node that will do, for RAM and for GPU memory", () => {
    const demands: readonly Demand[] = [
      { device: null, ramBytes: 4 * GIB, vramBytes: 0 },
      { device: "cuda", ramBytes: 0, vramBytes: 4 * GIB },
    ];
    for (const demand of demands) {
      const fits = [4, 8, 16, 64].map((gib) =>
        capabilityMatch(nodeProfile({ ramBytes: gib * GIB, devices: [device("cuda", gib)] }), demand),
      );
      expect(fits).toEqual([...fits].sort((one, other) => other - one));
      expect(new Set(fits).size).toBe(4);
    }
  });

  test("of a CPU job is better where no GPU would idle", () => {
    const demand = { device: "cpu", ramBytes: GIB, vramBytes: 0 } as const;
    const without = capabilityMatch(nodeProfile(), demand);
    expect(capabilityMatch(nodeProfile({ devices: [device("cuda", 8)] }), demand)).toBe(without / 2);
  });

  test("lies between 0 and 1 whatever is asked of whatever node", () => {
    times(() => {
      const profile = nodeProfile({
        ramBytes: upTo(64) * GIB,
        devices: random() < 0.5 ? [] : [device("cuda", upTo(64))],
      });
      const fit = capabilityMatch(profile, { device: "cuda", ramBytes: upTo(64) * GIB, vramBytes: upTo(64) * GIB });
      expect(fit).toBeGreaterThanOrEqual(0);
      expect(fit).toBeLessThanOrEqual(1);
    });
  });

  test("the GPU that stands for a node is the one with the most memory, the first of equals", () => {
    expect(bestGpu([])).toBeNull();
    expect(bestGpu([device("cpu", 0)])).toBeNull();
    const devices = [device("vulkan", 4), device("cuda", 24), device("opencl", 24)];
    expect(bestGpu(devices)).toBe(devices[1]!);
  });
});
