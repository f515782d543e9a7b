/** The index against the plain rules: whatever the fleet and whatever changes, it answers as looking at every node would. */
import { describe, expect, test } from "bun:test";
import { classOf } from "../../../src/actors/scheduler/node-facts.ts";
import { NodePool, type Placement, type PooledNode } from "../../../src/actors/scheduler/node-pool.ts";
import type { Demand, Gang } from "../../../src/domain/job-spec.ts";
import type { NodeProfile } from "../../../src/domain/node-profile.ts";
import { crowded, lacks, matchScore, regionOf, roomLeft, scoreTerms } from "../../../src/domain/placement.ts";
import { demands, fleet, replaced } from "../../support/fleet.ts";
import { Holds } from "../../support/holds.ts";
import { seeded } from "../../support/seeded.ts";

type Order = readonly [hardware: number, region: string, id: string];

const nobody = () => false;

/** Every node looked at, every sum made afresh, all that fit in their order. */
class Plain {
  readonly nodes = new Map<string, PooledNode>();
  readonly attempts = new Map<string, { readonly nodeIds: readonly string[]; readonly demand: Demand }>();

  ranked(demand: Demand, isExcluded: (id: string) => boolean): readonly Placement[] {
    const onNode = new Map<string, Demand[]>();
    for (const { nodeIds, demand: taken } of this.attempts.values())
      for (const id of nodeIds) onNode.set(id, [...(onNode.get(id) ?? []), taken]);
    return [...this.nodes.values()]
      .flatMap((node) => {
        const taken = onNode.get(node.id) ?? [];
        if (node.unavailable !== null || isExcluded(node.id) || lacks(node, demand) !== null) return [];
        if (crowded(roomLeft(node.profile, taken), demand) !== null) return [];
        const standing = { ...node, load: Math.min(1, taken.length / Math.max(1, node.profile.slots)) };
        return [
          { nodeId: node.id, score: matchScore(standing, scoreTerms(standing, node.profile, demand).capability) },
        ];
      })
      .sort((a, b) => b.score - a.score || this.#order(a, b));
  }

  gang(demand: Demand, { size, topology }: Gang, isExcluded: (id: string) => boolean): readonly Placement[] | null {
    const ranked = this.ranked(demand, isExcluded);
    if (topology === "any") return ranked.length < size ? null : ranked.slice(0, size);
    const regions = Map.groupBy(ranked, ({ nodeId }) => {
      const node = this.nodes.get(nodeId);
      return node ? regionOf(node.profile) : "";
    });
    const whole = [...regions].flatMap(([region, members]) =>
      region === "" || members.length < size ? [] : [members.slice(0, size)],
    );
    // The gang whose worst member is best; of equals the one whose worst member comes first.
    whole.sort((a, b) => {
      const [one, other] = [a.at(-1), b.at(-1)] as [Placement, Placement];
      return other.score - one.score || this.#order(one, other);
    });
    return whole[0] ?? null;
  }

  /** Among equals: by class of hardware, region and id. */
  #order(one: Placement, other: Placement): number {
    const [left, right] = [one, other].map(({ nodeId }) => {
      const profile = this.nodes.get(nodeId)?.profile as NodeProfile;
      return [classOf(profile).number, regionOf(profile), nodeId] as const;
    }) as [Order, Order];
    const differs = left.findIndex((value, at) => value !== right[at]);
    return differs < 0 ? 0 : (left[differs] as number) < (right[differs] as number) ? -1 : 1;
  }
}

describe("the index answers as looking at every node would", () => {
  for (const seed of [1, 2, 3]) {
    test(`through changes of every kind (seed ${seed})`, () => {
      const random = seeded(seed);
      const below = (limit: number) => Math.floor(random() * limit);
      const pool = new NodePool();
      const holds = new Holds(pool);
      const plain = new Plain();
      const wanted = demands(400, seed);
      const put = (node: PooledNode) => {
        pool.upsert(node);
        plain.nodes.set(node.id, node);
      };
      // Few distinct standings, so that many nodes tie.
      const evened = (node: PooledNode) => ({
        ...node,
        reputation: Math.round(node.reputation / 10) * 10,
        uptime: 100,
      });
      const machines = fleet(400, seed).map(evened);
      machines.forEach(put);
      let compared = 0;
      for (let step = 0; step < 3000; step++) {
        const id = machines[below(machines.length)]?.id ?? "";
        const node = plain.nodes.get(id);
        if (!node) throw new Error("a machine that nobody knows");
        const turn = below(20);
        if (turn < 2) put({ ...node, unavailable: node.unavailable === null ? "suspect" : null });
        else if (turn < 3) put(evened(replaced(id, seed * 10_000 + step)));
        else if (turn < 4) put({ ...node, reputation: below(11) * 10 });
        const drawn = wanted[below(wanted.length)] as Demand;
        // Several regions at once, one of them perhaps of no node; and GPU memory of what is none.
        const regions = ["us-east", "sa-east", "nowhere"].slice(below(3));
        const demand: Demand =
          random() < 0.1
            ? { ...drawn, requirements: { ...drawn.requirements, regions } }
            : random() < 0.05
              ? { ...drawn, device: random() < 0.5 ? "cpu" : null }
              : drawn;
        const excluded = new Set(random() < 0.3 ? machines.filter(() => random() < 0.2).map((one) => one.id) : []);
        const isExcluded = (one: string) => excluded.has(one);
        const ranked = plain.ranked(demand, isExcluded);
        const found = pool.best(demand, isExcluded);
        expect(found).toEqual(ranked[0] ?? null);
        if (step % 10 === 0) {
          const candidates = pool.candidates(demand, isExcluded, 5).map(({ nodeId, score }) => ({ nodeId, score }));
          expect(candidates).toEqual(ranked.slice(0, 5));
          const gang: Gang = { size: 2 + below(6), topology: random() < 0.5 ? "any" : "region" };
          expect(pool.bestGang(demand, gang, isExcluded)).toEqual(plain.gang(demand, gang, isExcluded));
        }
        if (found) compared += 1;
        const jobId = `job-${below(900)}`;
        const held = plain.attempts.get(jobId);
        if (held) {
          holds.set(jobId, [], held.demand);
          plain.attempts.delete(jobId);
        } else if (found) {
          holds.set(jobId, [found.nodeId], demand);
          plain.attempts.set(jobId, { nodeIds: [found.nodeId], demand });
        }
      }
      expect(compared).toBeGreaterThan(1500);
    }, 60_000);
  }

  test("when machines come in one by one and all turn into others", () => {
    const pool = new NodePool();
    const plain = new Plain();
    const wanted = demands(50, 9);
    const check = () => {
      for (const demand of wanted) expect(pool.best(demand, nobody)).toEqual(plain.ranked(demand, nobody)[0] ?? null);
    };
    const put = (node: PooledNode) => {
      pool.upsert(node);
      plain.nodes.set(node.id, node);
    };
    for (const [index, node] of fleet(300, 4).entries()) {
      put(node);
      if (index % 50 === 0) check();
    }
    // All of one make, and back: groups of the index fall empty and are joined.
    const [make] = fleet(1, 77);
    for (const [index, node] of [...plain.nodes.values()].entries()) {
      put({ ...node, profile: make?.profile ?? node.profile });
      if (index % 50 === 0) check();
    }
    for (const [index, node] of fleet(300, 5).entries()) {
      put(node);
      if (index % 50 === 0) check();
    }
    check();
  }, 60_000);
});

test("the best of 100,000 nodes is found without scoring all of them, and what it looks at grows no faster than the logarithm", () => {
  const rowsADecision = (size: number) => {
    const pool = new NodePool();
    const holds = new Holds(pool);
    for (const node of fleet(size, 1)) pool.upsert(node);
    const wanted = demands(1000, 2);
    // Half full, as a network in use is.
    const half = demands(Math.floor(size / 2), 3);
    half.forEach((demand, index) => {
      const found = pool.best(demand, nobody);
      if (found) holds.set(`filling-${index}`, [found.nodeId], demand);
    });
    const mean = (demands: readonly Demand[]) => {
      const before = pool.looked;
      for (const demand of demands) pool.best(demand, nobody);
      return (pool.looked - before) / demands.length;
    };
    const [filtered = [], plain = []] = [true, false].map((one) =>
      wanted.filter(({ requirements }) => (requirements !== undefined) === one),
    );
    return { plain: mean(plain), filtered: mean(filtered) };
  };
  const [small, large] = [rowsADecision(1000), rowsADecision(100_000)];
  // A hundred times as many nodes, and it grows no faster than the logarithm does. Filters on what has nothing to do with
  // hardware (formats, stakes) are the hard case.
  const logarithmic = Math.log(100_000) / Math.log(1000);
  expect(large.plain).toBeLessThan(logarithmic * small.plain);
  expect(large.filtered).toBeLessThan(logarithmic * small.filtered);
}, 120_000);

test("among 20,000 equal machines the first is found at once, also when those before it are taken", () => {
  const pool = new NodePool();
  const holds = new Holds(pool);
  const [make] = fleet(1, 77);
  if (!make) throw new Error("a fleet of one has one");
  const profile = { ...make.profile, slots: 2 };
  const ids = Array.from({ length: 20_000 }, (_, index) => `equal-${(index * 7919) % 20_000}`.padEnd(12, "-"));
  for (const id of ids) pool.upsert({ ...make, id, profile, unavailable: null });
  const demand: Demand = { device: null, ramBytes: 0, vramBytes: 0 };
  const inOrder = [...ids].sort();
  const before = pool.looked;
  for (let count = 0; count < 10_000; count++) {
    const found = pool.best(demand, nobody);
    expect(found?.nodeId).toBe(inOrder[count] as string);
    holds.set(`job-${count}`, [found?.nodeId as string], demand);
  }
  expect((pool.looked - before) / 10_000).toBeLessThan(200);
}, 60_000);

test("a job that asks for a name no node has ever had is refused without a look at any", () => {
  const pool = new NodePool();
  for (const node of fleet(2000, 1)) pool.upsert({ ...node, unavailable: null });
  const bare: Demand = { device: null, ramBytes: 0, vramBytes: 0 };
  for (const requirements of [{ regions: ["nowhere"] }, { format: "unheard-of" }, { runtime: "unheard-of" }]) {
    expect(pool.best({ ...bare, requirements }, nobody)).toBeNull();
    expect(pool.looked).toBe(0);
  }
  const [node] = fleet(1, 3);
  if (!node) throw new Error("a fleet of one has one");
  pool.upsert({ ...node, unavailable: null, profile: { ...node.profile, region: "Nowhere " } });
  expect(pool.best({ ...bare, requirements: { regions: ["nowhere"] } }, nobody)?.nodeId).toBe(node.id);
});

test("a job that asks for more than any node ever had is refused without a walk past all of them", () => {
  const pool = new NodePool();
  for (const node of fleet(3000, 1)) pool.upsert(node);
  const ram = { device: null, ramBytes: 1, vramBytes: 0 } as const;
  for (const requirements of [
    { minReputation: 100.5 },
    { minStake: String(10n ** 18n) },
    { maxPricePerHour: "0" },
    { minReputation: 100.5, regions: ["eu-west"] },
  ]) {
    const before = pool.looked;
    expect(pool.best({ ...ram, requirements }, () => false)).toBeNull();
    expect(pool.looked - before).toBeLessThan(1000);
  }
});

test("names that share a bit, and amounts of more digits than a line holds, are told apart", () => {
  const pool = new NodePool();
  const plain = new Plain();
  const [make] = fleet(1, 77);
  if (!make) throw new Error("a fleet of one has one");
  const digits = 2n ** 53n;
  for (let index = 0; index < 120; index++) {
    const node: PooledNode = {
      ...make,
      id: `node-${index}`,
      unavailable: null,
      reputation: index % 100,
      profile: {
        ...make.profile,
        region: `region-${index}`,
        formats: [`format-${index % 60}`],
        runtimes: [`runtime-${index % 50}`],
        stakeUnits: String(digits + BigInt(index)),
        pricing: { billingModel: 0, pricePerHour: 10_000_000 + index / 1e6 },
      },
    };
    pool.upsert(node);
    plain.nodes.set(node.id, node);
  }
  const bare: Demand = { device: null, ramBytes: 0, vramBytes: 0 };
  for (let asked = 0; asked < 130; asked++)
    for (const requirements of [
      { regions: [`region-${asked}`] },
      { regions: [`region-${asked}`, "region-7"], minReputation: 10 },
      { format: `format-${asked}` },
      { runtime: `runtime-${asked}` },
      { format: `format-${asked}`, runtime: `runtime-${asked}` },
      { minStake: String(digits + BigInt(asked)) },
      { maxPricePerHour: String(10_000_000n * 10n ** 9n + BigInt(asked) * 1000n - 1n) },
    ]) {
      const demand = { ...bare, requirements };
      expect(pool.best(demand, nobody)).toEqual(plain.ranked(demand, nobody)[0] ?? null);
    }
});
