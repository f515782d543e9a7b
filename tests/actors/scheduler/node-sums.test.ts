/** Rows of groups against their members' rows, summed up by the plain definition after every kind of change. */
import { describe, expect, test } from "bun:test";
import {
  clearRow,
  FAN,
  isHighest,
  LIVE_END,
  LOWEST_END,
  NEVER,
  NODE_END,
  TIER_STANDINGS,
  TIERS,
  tierStanding,
  WIDTH,
} from "../../../src/actors/scheduler/node-facts.ts";
import { NodeTree, type Place } from "../../../src/actors/scheduler/node-tree.ts";
import { seeded } from "../../support/seeded.ts";

const GIB = 2 ** 30;
/** More than the highest tier, so that nodes reach all of them. */
const MOST_GIB = 300;

/** Of a group, and of all below it. */
function checkSums({ vertices }: NodeTree, group: number): void {
  const { rows } = vertices;
  const members = Array.from({ length: vertices.countOf(group) }, (_, rank) => vertices.memberAt(group, rank));
  const held = Array.from({ length: WIDTH }, (_, field) => rows[vertices.rowOf(group) + field * FAN]);
  const fieldOf = (member: number, field: number): number => {
    const at = vertices.rowOf(member);
    if (field >= TIER_STANDINGS && vertices.isNode(member)) return tierStanding(rows, at, field - TIER_STANDINGS);
    return rows[at + field * FAN] as number;
  };
  const summed = held.map((_, field) => {
    const values = members.map((member) => fieldOf(member, field));
    if (isHighest(field)) return Math.max(...values);
    return field < LOWEST_END ? Math.min(...values) : values.reduce((all, bits) => all | bits, 0);
  });
  expect(held).toEqual(summed);
  for (const member of members) if (!vertices.isNode(member)) checkSums({ vertices } as NodeTree, member);
}

describe("every group's row is the sum of its members'", () => {
  for (const seed of [1, 2, 3]) {
    test(`while nodes come, go, fill up and empty (seed ${seed})`, () => {
      const random = seeded(seed);
      const below = (limit: number) => Math.floor(random() * limit);
      const tree = new NodeTree();
      const row = new Float64Array(NODE_END);
      const nodes = new Map<string, number>();
      const write = (node: number) => {
        const end = random() < 0.2 ? NODE_END : LIVE_END;
        // Few distinct values, so that many nodes share the highest; and of memory less than of the highest tier, too.
        for (let field = 0; field < end; field++) row[field] = field < LIVE_END ? below(MOST_GIB) * GIB : below(8);
        row[0] = below(20) / 20;
        if (random() < 0.2) clearRow(row, end);
        tree.write(node, row, end);
      };
      for (let step = 0; step < 6000; step++) {
        // Grows to some thousand nodes of three classes, and falls empty again.
        const id = `node-${below(3000)}`;
        const node = nodes.get(id);
        const place: Place = {
          hardware: { number: below(3), cards: [], ram: 0, hasGpu: false },
          region: "",
          id,
        };
        if (node === undefined && random() < (step < 3500 ? 0.9 : 0)) nodes.set(id, tree.insert(place));
        else if (node !== undefined && random() < (step < 3500 ? 0.05 : 0.8)) {
          tree.remove(node);
          nodes.delete(id);
        }
        const [one] = nodes.values().drop(below(nodes.size));
        if (one !== undefined) write(one);
        if (step % 100 === 0) for (const root of tree.roots()) checkSums(tree, root);
      }
      for (const [id, node] of nodes) {
        tree.remove(node);
        nodes.delete(id);
        if (nodes.size % 50 === 0) for (const root of tree.roots()) checkSums(tree, root);
      }
      expect([...tree.roots()]).toEqual([]);
    }, 60_000);
  }
});

test("a tier that no node reaches holds no standing", () => {
  const tree = new NodeTree();
  const row = new Float64Array(NODE_END);
  const node = tree.insert({ hardware: { number: 1, cards: [], ram: 0, hasGpu: false }, region: "", id: "node" });
  row[0] = 0.5;
  tree.write(node, row, NODE_END);
  const [root] = tree.roots();
  const at = tree.vertices.rowOf(root as number);
  const tiers = Array.from({ length: TIERS }, (_, tier) => tree.vertices.rows[at + (TIER_STANDINGS + tier) * FAN]);
  expect(tiers).toEqual(tiers.map(() => NEVER));
});
