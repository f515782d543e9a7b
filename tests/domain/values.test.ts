import { describe, expect, test } from "bun:test";
import { jobIdFor, parseUuid } from "../../src/domain/ids.ts";
import { demandOf, needsGpu, ramGbOf, vramGbOf } from "../../src/domain/job-spec.ts";
import { price, tokensFrom } from "../../src/domain/money.ts";
import {
  capabilityMatch,
  crowded,
  lacksHardware,
  matchScore,
  roomLeft,
  standingScore,
  totalRoom,
} from "../../src/domain/placement.ts";
import { resultStatement } from "../../src/domain/result-signature.ts";
import { GIB, jobSpec, nodeProfile } from "../actors/fixtures.ts";
import { seeded } from "../support/seeded.ts";

describe("ids", () => {
  test("have one spelling", () => {
    expect(parseUuid("AAAAAAAA-0000-4000-8000-00000000000F")).toBe("aaaaaaaa-0000-4000-8000-00000000000f");
    for (const bad of ["", "x", "{aaaaaaaa-0000-4000-8000-00000000000f}", "aaaaaaaa00004000800000000000000f"])
      expect(parseUuid(bad)).toBeNull();
  });

  test("follow from owner and key, and from both (I5)", () => {
    expect(jobIdFor("a", "k")).toBe(jobIdFor("a", "k"));
    expect(jobIdFor("a", "k")).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    expect(new Set([jobIdFor("a", "k"), jobIdFor("b", "k"), jobIdFor("a", "l"), jobIdFor("ak", "")]).size).toBe(4);
    expect(jobIdFor("a:b", "c")).not.toBe(jobIdFor("a", "b:c"));
  });
});

describe("money", () => {
  test("is priced by the specification's formula, exactly", () => {
    expect(price({ gpu: false, ramGb: 0, seconds: 1 })).toBe(10_000n);
    expect(price({ gpu: true, ramGb: 16, seconds: 3600 })).toBe(417_600_000n);
  });

  test("is shown in whole tokens where the wire says so", () => {
    expect(tokensFrom(1_500_000_000n)).toBe(1.5);
  });
});

describe("what a job demands", () => {
  test("is memory of the GPU for a GPU job, RAM otherwise", () => {
    const cpu = jobSpec({ memoryBytes: 3 * GIB });
    const gpu = jobSpec({ memoryBytes: 3 * GIB + 1, device: "cuda" });
    expect([needsGpu(cpu), demandOf(cpu), ramGbOf(cpu), vramGbOf(cpu)]).toEqual([
      false,
      { device: null, ramBytes: 3 * GIB, vramBytes: 0 },
      3,
      null,
    ]);
    expect([needsGpu(gpu), demandOf(gpu), ramGbOf(gpu), vramGbOf(gpu)]).toEqual([
      true,
      { device: "cuda", ramBytes: 0, vramBytes: 3 * GIB + 1 },
      1,
      4,
    ]);
  });
});

describe("placement", () => {
  const any = { device: null, ramBytes: GIB, vramBytes: 0 } as const;

  test("names what a node lacks, and what is taken", () => {
    const profile = nodeProfile({ slots: 2, ramBytes: 4 * GIB });
    expect(lacksHardware(profile, any)).toBeNull();
    expect(lacksHardware(profile, { ...any, device: "cpu" })).toBeNull();
    expect(lacksHardware(profile, { ...any, device: "cuda" })).toBe("device");
    expect(lacksHardware(profile, { ...any, ramBytes: 5 * GIB })).toBe("ram");
    expect(crowded(totalRoom(profile), any)).toBeNull();
    expect(crowded(roomLeft(profile, [any, any]), any)).toBe("full");
    expect(crowded(roomLeft(profile, [{ ...any, ramBytes: 4 * GIB }]), any)).toBe("ram_in_use");
  });

  test("scores lie between 0 and 1, and the standing bounds them", () => {
    const random = seeded(5);
    for (let round = 0; round < 500; round++) {
      const candidate = { reputation: random() * 120 - 10, load: random() * 1.2, uptime: random() * 120 - 10 };
      const profile = nodeProfile({ ramBytes: random() * 64 * GIB });
      const match = capabilityMatch(profile, { ...any, ramBytes: random() * 64 * GIB });
      expect(match >= 0 && match <= 1).toBe(true);
      const score = matchScore(candidate, match);
      expect(score >= 0 && score <= 1.000001).toBe(true);
      expect(score <= standingScore(candidate) + 0.2 + 1e-12).toBe(true);
    }
  });

  test("a tighter fit scores higher", () => {
    const small = capabilityMatch(nodeProfile({ ramBytes: 2 * GIB }), any);
    const large = capabilityMatch(nodeProfile({ ramBytes: 64 * GIB }), any);
    expect(small).toBeGreaterThan(large);
  });
});

test("what a node signs has one line for each fact", () => {
  const statement = resultStatement({
    nodeId: "n",
    jobId: "j",
    attempt: 2,
    outcome: "completed",
    weightsHash: "h",
    weightsSize: 3,
  });
  expect(statement).toBe("cyxwiz-result-v1\nn\nj\n2\ncompleted\nh\n3");
});
