/** Shortlists against their definition: every class that could take the job, with its fit, the best first. */
import { expect, test } from "bun:test";
import { NameBits } from "../../../src/actors/scheduler/name-bits.ts";
import { classOf, NEVER } from "../../../src/actors/scheduler/node-facts.ts";
import { Query } from "../../../src/actors/scheduler/node-query.ts";
import { NodeShelves } from "../../../src/actors/scheduler/node-shelves.ts";
import { Extremes } from "../../../src/actors/scheduler/seen.ts";
import { Shortlists } from "../../../src/actors/scheduler/shortlists.ts";
import type { Demand } from "../../../src/domain/job-spec.ts";
import type { NodeProfile } from "../../../src/domain/node-profile.ts";
import { demands, fleet } from "../../support/fleet.ts";
import { seeded } from "../../support/seeded.ts";

const seen = {
  regions: new NameBits(2),
  formats: new NameBits(1),
  runtimes: new NameBits(1),
  extremes: new Extremes(),
};
const random = seeded(5);

/** Of sizes that no other job asks for, too. */
function asked(): Demand[] {
  return demands(2_000, 3).map(({ device, ramBytes, vramBytes }) => {
    const part = random() < 0.5 ? 1 : random();
    return { device, ramBytes: Math.floor(ramBytes * part), vramBytes: Math.floor(vramBytes * part) };
  });
}

function put(shelves: NodeShelves, profile: NodeProfile, id: string): number {
  const node = shelves.lines.create();
  shelves.insert(node, { hardware: classOf(profile), region: "", id });
  return node;
}

function check(shelves: NodeShelves, shortlists: Shortlists): void {
  for (const demand of asked()) {
    const query = new Query(seen).ask(demand);
    const { columns, fits } = shortlists.of(query);
    const found = new Map(Array.from(columns, (column, index) => [column, fits[index]]));
    const expected = [...shelves.makes()]
      .map(({ column, hardware }) => [column, query.fit(hardware)] as const)
      .filter(([, fit]) => fit !== NEVER);
    expect(found.size).toBe(columns.length);
    expect(found).toEqual(new Map(expected));
    expect(fits).toEqual(fits.toSorted((one, other) => other - one));
  }
}

test("every class that could take a job is listed with its fit, the best first, while classes come and go", () => {
  const shelves = new NodeShelves();
  const shortlists = new Shortlists(shelves);
  const [bare] = fleet(1, 4);
  if (!bare) throw new Error("a fleet of one has one");
  // A machine that told nothing of its RAM, with a GPU and without.
  const odd = [[], [{ ...bare.profile.devices[0], kind: "cuda" }]].map((devices) => ({
    ...bare.profile,
    ramBytes: 0,
    devices,
  }));
  for (const [index, profile] of odd.entries()) put(shelves, profile as NodeProfile, `odd-${index}`);
  const nodes = fleet(600, 4).map(({ id, profile }) => put(shelves, profile, id));
  check(shelves, shortlists);
  for (const node of nodes.slice(0, 560)) shelves.remove(node);
  check(shelves, shortlists);
});
