/** Lists of nodes against a sorted array, through every kind of change and at every depth. */
import { describe, expect, test } from "bun:test";
import { NodeLines } from "../../../src/actors/scheduler/node-lines.ts";
import { NO_CHUNK, NodeOrder } from "../../../src/actors/scheduler/node-order.ts";
import { isBefore, type Place } from "../../../src/actors/scheduler/node-place.ts";
import { seeded } from "../../support/seeded.ts";

const HARDWARE = { number: 0, cards: [], ram: 0, hasGpu: false };

interface Listed {
  readonly node: number;
  readonly standing: number;
}

/** One list, and beside it what should be in it. */
class Bench {
  readonly lines = new NodeLines();
  readonly places: (Place | undefined)[] = [];
  readonly order = new NodeOrder(this.lines, this.places);
  readonly listed = new Map<number, Listed>();
  first = NO_CHUNK;

  add(standing: number, region: string, id: string): void {
    const node = this.lines.create();
    this.places[node] = { hardware: HARDWARE, region, id };
    this.listed.set(node, { node, standing });
    this.first = this.order.add(this.first, node, standing, node ^ 0x5555);
  }

  remove(node: number): void {
    this.first = this.order.remove(this.first, node);
    this.listed.delete(node);
    this.places[node] = undefined;
    this.lines.drop(node);
  }

  /** By rank, as the list has them. */
  walked(): readonly number[] {
    const nodes: number[] = [];
    for (let chunk = this.first; chunk !== NO_CHUNK; chunk = this.order.nextOf(chunk)) {
      const count = this.order.countOf(chunk);
      expect(count).toBeGreaterThan(0);
      for (let rank = 0; rank < count; rank++) {
        const node = this.order.nodeAt(chunk, rank);
        if (this.lines.chunk(node) !== chunk) throw new Error(`node ${node} is not where its line says`);
        if (this.order.standingAt(chunk, rank) !== this.listed.get(node)?.standing) throw new Error("another standing");
        if (this.order.marksAt(chunk, rank) !== (node ^ 0x5555)) throw new Error("marks of another");
        nodes.push(node);
      }
    }
    return nodes;
  }

  check(): void {
    const sorted = [...this.listed.values()].sort(
      (one, other) =>
        other.standing - one.standing ||
        (isBefore(this.places[one.node] as Place, this.places[other.node] as Place) ? -1 : 1),
    );
    expect(this.walked()).toEqual(sorted.map(({ node }) => node));
  }
}

describe("a list has its nodes in order", () => {
  for (const [name, standingOf] of [
    ["when all stand at different heights", (random: () => number) => random()],
    ["when most of them tie", (random: () => number) => Math.floor(random() * 3)],
  ] as const) {
    test(`${name}, while thousands come and go`, () => {
      const random = seeded(7);
      const below = (limit: number) => Math.floor(random() * limit);
      const bench = new Bench();
      // Grows, falls to a few, grows again and falls empty: it is split, joined and lowered on the way.
      for (const [steps, growing] of [
        [6000, 0.9],
        [7000, 0.2],
        [3000, 0.8],
        [9000, 0.1],
      ] as const) {
        for (let step = 0; step < steps; step++) {
          if (random() < growing) bench.add(standingOf(random), `${below(3)}`, `${random()}`);
          else {
            const nodes = [...bench.listed.keys()];
            // Now and then from one end, as jobs take the best.
            const node = random() < 0.3 ? bench.walked()[0] : nodes[below(nodes.length)];
            if (node !== undefined) bench.remove(node);
          }
          if (step % 500 === 0) bench.check();
        }
        bench.check();
      }
      for (const node of [...bench.listed.keys()]) bench.remove(node);
      expect(bench.first).toBe(NO_CHUNK);
    }, 120_000);
  }

  for (const [name, from] of [
    ["the first", (index: number) => index],
    ["the last", (index: number) => -index],
    ["any", (index: number) => (index * 7919) % 40_009],
  ] as const) {
    test(`of 40,000, which come and go by ${name}`, () => {
      const bench = new Bench();
      for (let index = 0; index < 40_000; index++) bench.add(from(index), "", "");
      bench.check();
      const nodes = [...bench.walked()].sort((one, other) => from(one) - from(other));
      for (const [index, node] of nodes.entries()) {
        bench.remove(node);
        if (index % 8000 === 0 || index > 39_950) bench.check();
      }
      expect(bench.first).toBe(NO_CHUNK);
    }, 120_000);
  }
});
