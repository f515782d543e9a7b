/** The shelves and their tables against the plain definition, after every kind of change. */
import { describe, expect, test } from "bun:test";
import { GPU_STEPS, gpuTier, NEVER, RAM_STEPS, ramTier } from "../../../src/actors/scheduler/node-facts.ts";
import { NO_CHUNK } from "../../../src/actors/scheduler/node-order.ts";
import { isBefore, type Place } from "../../../src/actors/scheduler/node-place.ts";
import { NodeShelves } from "../../../src/actors/scheduler/node-shelves.ts";
import { seeded } from "../../support/seeded.ts";

const GIB = 2 ** 30;
/** More than the highest tier, so that nodes reach all of them. */
const MOST_GIB = 300;

interface Known {
  readonly node: number;
  readonly place: Place;
  /** Null: on no shelf. */
  put: { readonly standing: number; readonly ram: number; readonly gpu: number } | null;
}

const compare = (one: Known, other: Known): number =>
  (other.put?.standing ?? 0) - (one.put?.standing ?? 0) || (isBefore(one.place, other.place) ? -1 : 1);

function check(shelves: NodeShelves, all: readonly Known[]): void {
  const byMake = Map.groupBy(all, ({ place }) => place.hardware.number);
  expect([...shelves.makes()].map(({ hardware }) => hardware.number).sort()).toEqual([...byMake.keys()].sort());
  for (const make of shelves.makes()) {
    const known = byMake.get(make.hardware.number) ?? [];
    for (const { node } of known) expect(shelves.lines.column(node)).toBe(make.column);
    const onShelves = known.filter(({ put }) => put !== null);
    const byShelf = Map.groupBy(onShelves, ({ put }) => `${gpuTier(put?.gpu ?? 0)}/${ramTier(put?.ram ?? 0)}`);
    const { heads } = shelves;
    const first = heads.firstOf(make.column);
    expect(heads.countOf(make.column)).toBe(byShelf.size);
    const positions = Array.from({ length: byShelf.size }, (_, index) => first + 1 + index);
    const tops = positions.map((at) => heads.topAt(at));
    expect(tops).toEqual(tops.toSorted((one, other) => other - one));
    const walked = positions.map((at) => {
      const nodes: number[] = [];
      for (let chunk = heads.chunkAt(at); chunk !== NO_CHUNK; chunk = shelves.order.nextOf(chunk))
        for (let rank = 0; rank < shelves.order.countOf(chunk); rank++) nodes.push(shelves.order.nodeAt(chunk, rank));
      for (const node of nodes) expect(shelves.lines.shelf(node)).toBe(heads.numberAt(at));
      expect(heads.topAt(at)).toBe(shelves.lines.standing(nodes[0] as number));
      return nodes;
    });
    const sorted = [...byShelf.values()].map((on) => on.sort(compare).map(({ node }) => node));
    expect(new Set(walked.map(String))).toEqual(new Set(sorted.map(String)));
    const best = (has: (put: NonNullable<Known["put"]>) => boolean) =>
      Math.max(NEVER, ...onShelves.flatMap(({ put }) => (put !== null && has(put) ? [put.standing] : [])));
    const column = Array.from(
      { length: GPU_STEPS + RAM_STEPS },
      (_, field) => shelves.table[shelves.rowOf(field) + make.column],
    );
    expect(column).toEqual([
      ...Array.from({ length: GPU_STEPS }, (_, tier) => best(({ gpu }) => gpuTier(gpu) >= tier)),
      ...Array.from({ length: RAM_STEPS }, (_, tier) => best(({ ram }) => ramTier(ram) >= tier)),
    ]);
  }
}

describe("shelves are in order, and the tables say what is on them", () => {
  for (const seed of [1, 2, 3]) {
    test(`while nodes come, go, fill up and empty (seed ${seed})`, () => {
      const random = seeded(seed);
      const below = (limit: number) => Math.floor(random() * limit);
      const shelves = new NodeShelves();
      const nodes = new Map<string, Known>();
      const remove = (id: string, { node }: Known) => {
        shelves.remove(node);
        shelves.lines.drop(node);
        nodes.delete(id);
      };
      for (let step = 0; step < 6000; step++) {
        // Grows to some thousand nodes, nearly all of one of fifty classes, and falls empty again.
        const id = `node-${below(3000)}`;
        const known = nodes.get(id);
        const number = random() < 0.8 ? 0 : below(50);
        const place: Place = { hardware: { number, cards: [], ram: 0, hasGpu: false }, region: `${below(3)}`, id };
        if (known === undefined && random() < (step < 3500 ? 0.9 : 0)) {
          const node = shelves.lines.create();
          shelves.insert(node, place);
          nodes.set(id, { node, place, put: null });
        } else if (known !== undefined && random() < (step < 3500 ? 0.05 : 0.8)) remove(id, known);
        const [one] = nodes.values().drop(below(nodes.size));
        if (one !== undefined && random() < 0.2) {
          shelves.takeAway(one.node);
          one.put = null;
        } else if (one !== undefined) {
          // Few distinct values, so that many nodes share the highest, and half of them one shelf.
          const [ram, gpu] = random() < 0.5 ? [GIB, GIB] : [below(MOST_GIB) * GIB, below(MOST_GIB) * GIB];
          one.put = { standing: below(20) / 20, ram, gpu };
          // Of a node without a GPU, whose jobs give one: what is free is all that a shelf goes by.
          shelves.lines.setRoom(one.node, 1, ram, -gpu);
          shelves.put(one.node, one.put.standing);
        }
        if (step % 100 === 0) check(shelves, [...nodes.values()]);
      }
      for (const [id, known] of nodes) {
        remove(id, known);
        if (nodes.size % 50 === 0) check(shelves, [...nodes.values()]);
      }
      expect([...shelves.makes()]).toEqual([]);
    }, 60_000);
  }

  test("when makes have nodes on every shelf that there is", () => {
    const shelves = new NodeShelves();
    const all: Known[] = [];
    const leastOf = (tierOf: (bytes: number) => number) =>
      [
        ...new Map(
          Array.from({ length: MOST_GIB }, (_, gib) => [tierOf((MOST_GIB - gib) * GIB), (MOST_GIB - gib) * GIB]),
        ),
      ]
        .map(([, bytes]) => bytes)
        .concat(0);
    const add = (number: number, ram: number, gpu: number) => {
      const place: Place = { hardware: { number, cards: [], ram: 0, hasGpu: false }, region: "", id: `${all.length}` };
      const node = shelves.lines.create();
      shelves.insert(node, place);
      shelves.lines.setRoom(node, 1, ram, -gpu);
      const standing = (all.length * 7) % 11;
      shelves.put(node, standing);
      all.push({ node, place, put: { standing, ram, gpu } });
    };
    // In turns, so that a make with too little room for its shelves would write into its neighbour's.
    for (const gpu of leastOf(gpuTier))
      for (const ram of leastOf(ramTier)) for (const make of [1, 2]) add(make, ram, gpu);
    for (const make of shelves.makes()) expect(shelves.heads.countOf(make.column)).toBe(GPU_STEPS * RAM_STEPS);
    check(shelves, all);
  });
});
