/** Marks and lines may let a node pass that the rules refuse, never the other way round. */
import { expect, test } from "bun:test";
import { NameBits } from "../../../src/actors/scheduler/name-bits.ts";
import { NodeLines } from "../../../src/actors/scheduler/node-lines.ts";
import { Query } from "../../../src/actors/scheduler/node-query.ts";
import { Extremes, type Seen } from "../../../src/actors/scheduler/seen.ts";
import type { Demand } from "../../../src/domain/job-spec.ts";
import { lacks, takes, totalRoom } from "../../../src/domain/placement.ts";
import { demands, fleet } from "../../support/fleet.ts";

const names = (): Seen => ({
  regions: new NameBits(2),
  formats: new NameBits(1),
  runtimes: new NameBits(1),
  extremes: new Extremes(),
});

function linesOf(nodes: ReturnType<typeof fleet>, known: Seen): { lines: NodeLines; numbers: readonly number[] } {
  const lines = new NodeLines();
  const numbers = nodes.map((node) => {
    const number = lines.create();
    const { slots, ramBytes, cards } = totalRoom(node.profile);
    lines.writeLasting(number, node, cards, known);
    lines.setRoom(number, slots, ramBytes, 0);
    return number;
  });
  return { lines, numbers };
}

test("no node that the rules admit is passed by, and few of those they refuse for what a job asks are looked at", () => {
  const known = names();
  const nodes = fleet(500, 6).filter(({ profile }) => profile.slots > 0);
  const { lines, numbers } = linesOf(nodes, known);
  let [refused, admitted] = [0, 0];
  for (const demand of demands(300, 7)) {
    const query = new Query(known).ask(demand);
    nodes.forEach((node, index) => {
      const number = numbers[index] as number;
      const mayPass = query.admits(lines.marks(number));
      if (takes(node, totalRoom(node.profile), demand)) expect(mayPass && query.passes(lines, number)).toBe(true);
      else if (lacks({ ...node }, demand) !== null && demand.requirements) {
        refused += 1;
        if (mayPass) admitted += 1;
      }
    });
  }
  expect(refused).toBeGreaterThan(10_000);
  expect(admitted).toBeLessThan(refused / 2);
});

test("names beyond those that have bits of their own, and floors and prices at the steps, are never refused", () => {
  const known = names();
  const [make] = fleet(1, 77);
  if (!make) throw new Error("a fleet of one has one");
  const nodes = Array.from({ length: 100 }, (_, index) => ({
    ...make,
    reputation: index,
    profile: {
      ...make.profile,
      region: `region-${index}`,
      formats: [`format-${index}`],
      runtimes: [`runtime-${index}`],
      stakeUnits: `${10n ** BigInt(index % 20)}`,
      pricing: index % 3 === 0 ? null : { billingModel: 0, pricePerHour: index / 20 },
    },
  }));
  const { lines, numbers } = linesOf(nodes, known);
  const bare: Demand = { device: null, ramBytes: 0, vramBytes: 0 };
  for (let asked = 0; asked < 100; asked++) {
    for (const requirements of [
      { regions: [`region-${asked}`, `region-${(asked * 7) % 100}`, "nowhere"] },
      { format: `format-${asked}` },
      { runtime: `runtime-${asked}` },
      { minReputation: asked },
      { minStake: `${10n ** BigInt(asked % 20)}` },
      { maxPricePerHour: `${(asked * 1e9) / 20}` },
    ]) {
      const demand = { ...bare, requirements };
      const query = new Query(known).ask(demand);
      nodes.forEach((node, index) => {
        const number = numbers[index] as number;
        if (lacks(node, demand) === null)
          expect(query.admits(lines.marks(number)) && query.passes(lines, number)).toBe(true);
      });
    }
  }
});

test("a floor a hair below a step is not taken for the step", () => {
  const known = names();
  const [make] = fleet(1, 77);
  if (!make) throw new Error("a fleet of one has one");
  const hair = 1e-9;
  const nodes = [60, 75, 85, 95].map((step) => ({ ...make, reputation: step - hair }));
  const { lines, numbers } = linesOf(nodes, known);
  for (const [index, { reputation }] of nodes.entries()) {
    const requirements = { minReputation: reputation };
    const query = new Query(known).ask({ device: null, ramBytes: 0, vramBytes: 0, requirements });
    const number = numbers[index] as number;
    expect(query.admits(lines.marks(number)) && query.passes(lines, number)).toBe(true);
  }
});
