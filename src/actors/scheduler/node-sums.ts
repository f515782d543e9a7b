/**
 * Keeps the rows of groups equal to what their members' rows say. A change of one member is carried up as a list of fields that
 * gets shorter with every group, and is mostly empty soon.
 */
import {
  clearedField,
  FAN,
  FIRST_RAM_TIER,
  HIGHEST_END,
  isHighest,
  LADDERS,
  type Ladder,
  LOWEST_END,
  NEVER,
  NODE_END,
  reach,
  STANDING,
  TIER_STANDINGS,
  tierStanding,
  WIDTH,
} from "./node-facts.ts";
import { NOBODY, type Vertices } from "./node-vertices.ts";

/** The level of groups that have no row: those above the roots of the classes, higher than any tree grows. */
export const TOP = 100;

export class NodeSums {
  readonly #vertices: Vertices;
  /** The fields that change on the way to the root, with what they were and are. */
  readonly #fields = new Int32Array(WIDTH);
  readonly #were = new Float64Array(WIDTH);
  readonly #are = new Float64Array(WIDTH);
  /** By ladder: how many tiers the node reached whose row is being written. */
  readonly #reached = new Int32Array(LADDERS.length);
  /** The tier that was summed last, where the row of the best there begins, and how high it stands. */
  #led = 0;
  #leader = NOBODY;
  #leads = NEVER;

  constructor(vertices: Vertices) {
    this.#vertices = vertices;
  }

  /** Writes the first `end` fields of a node's row, and sums up anew what that changes. */
  write(node: number, row: Float64Array, end: number): void {
    const at = this.#vertices.rowOf(node);
    const rows = this.#vertices.rows;
    const stood = rows[at + STANDING * FAN] as number;
    for (let index = 0; index < LADDERS.length; index++) {
      const ladder = LADDERS[index] as Ladder;
      this.#reached[index] = reach(ladder, rows[at + ladder.free * FAN] as number);
    }
    let many = 0;
    for (let field = 0; field < end; field++) {
      const was = rows[at + field * FAN] as number;
      const is = row[field] as number;
      if (is === was) continue;
      rows[at + field * FAN] = is;
      many = this.#note(many, field, was, is);
    }
    if (many === 0) return;
    const leaf = this.#vertices.parentOf(node);
    many = this.#changed(leaf, many);
    for (let index = 0; index < LADDERS.length; index++)
      many = this.#climb(leaf, LADDERS[index] as Ladder, this.#reached[index] as number, stood, at, many);
    this.#carryUp(this.#vertices.parentOf(leaf), many);
  }

  /** Makes a node's row such that no job passes it. The groups above are to be summed up besides. */
  clear(node: number): void {
    const at = this.#vertices.rowOf(node);
    const { rows } = this.#vertices;
    for (let field = 0; field < NODE_END; field++) rows[at + field * FAN] = clearedField(field);
  }

  sumUpFrom(group: number): void {
    for (let at = group; this.#vertices.levelOf(at) !== TOP; at = this.#vertices.parentOf(at)) this.sumUp(at);
  }

  /** Sums up a group's members. */
  sumUp(group: number): void {
    const at = this.#vertices.rowOf(group);
    this.#leader = NOBODY;
    for (let field = 0; field < WIDTH; field++)
      this.#vertices.rows[at + field * FAN] = this.#sum(group, field, -clearedField(field));
  }

  /**
   * Brings the tiers of the group up to date with a node whose row begins there, and lists what changes. Whoever has much free
   * has little free as well, so the standings of a ladder fall from tier to tier. A node that is outdone on the
   * highest tier it reaches is therefore outdone on all below, and one look is mostly enough. They are listed
   * from the lowest up, because `#sumOfTier` then has most of them from the one before.
   */
  #climb(leaf: number, ladder: Ladder, reached: number, stood: number, at: number, noted: number): number {
    const rows = this.#vertices.rows;
    const sums = this.#vertices.rowOf(leaf) + ladder.first * FAN;
    const stands = rows[at + STANDING * FAN] as number;
    const reaches = reach(ladder, rows[at + ladder.free * FAN] as number);
    this.#leader = NOBODY;
    let many = noted;
    let led = reaches;
    while (led > 0 && stands > (rows[sums + (led - 1) * FAN] as number)) led -= 1;
    for (let tier = led; tier < reaches; tier++) {
      const held = rows[sums + tier * FAN] as number;
      rows[sums + tier * FAN] = stands;
      many = this.#note(many, ladder.first + tier, held, stands);
    }
    const kept = stands >= stood ? reaches : 0;
    let first = reached;
    while (first > kept && stood >= (rows[sums + (first - 1) * FAN] as number)) first -= 1;
    for (let tier = first; tier < reached; tier++) {
      const held = rows[sums + tier * FAN] as number;
      const sum = this.#sum(leaf, ladder.first + tier, held);
      if (sum === held) continue;
      rows[sums + tier * FAN] = sum;
      many = this.#note(many, ladder.first + tier, held, sum);
    }
    return many;
  }

  /** Lists a field that has changed. */
  #note(many: number, field: number, was: number, is: number): number {
    this.#fields[many] = field;
    this.#were[many] = was;
    this.#are[many] = is;
    return many + 1;
  }

  /** Brings a group and those above up to date with the listed changes of one member; soon none is left. */
  #carryUp(first: number, changes: number): void {
    let many = changes;
    for (let group = first; many > 0 && this.#vertices.levelOf(group) !== TOP; group = this.#vertices.parentOf(group))
      many = this.#changed(group, many);
  }

  /**
   * Brings a group up to date with the listed changes of one member, and lists its own instead. A member that was not the one
   * to set a field, and still is not, changes nothing there; so most fields need no look at the other members.
   */
  #changed(group: number, changes: number): number {
    const rows = this.#vertices.rows;
    const at = this.#vertices.rowOf(group);
    this.#leader = NOBODY;
    let many = 0;
    for (let index = 0; index < changes; index++) {
      const field = this.#fields[index] as number;
      const was = this.#were[index] as number;
      const is = this.#are[index] as number;
      const held = rows[at + field * FAN] as number;
      const outdone = isHighest(field) ? is > held : field < LOWEST_END ? is < held : false;
      if (!outdone && was !== held && (isHighest(field) || field < LOWEST_END)) continue;
      const sum = outdone ? is : this.#sum(group, field, held);
      if (sum === held) continue;
      rows[at + field * FAN] = sum;
      many = this.#note(many, field, held, sum);
    }
    return many;
  }

  /** `limit`: what the sum is known not to pass; the members left need no look once it is reached. */
  #sum(group: number, field: number, limit: number): number {
    if (field >= TIER_STANDINGS) return this.#sumOfTier(group, field, limit);
    const rows = this.#vertices.rows;
    const from = this.#vertices.rowsOf(group) + field * FAN;
    const end = from + this.#vertices.countOf(group);
    let sum = clearedField(field);
    if (field < HIGHEST_END) {
      for (let at = from; at < end && sum < limit; at++) if ((rows[at] as number) > sum) sum = rows[at] as number;
    } else if (field < LOWEST_END) {
      for (let at = from; at < end && sum > limit; at++) if ((rows[at] as number) < sum) sum = rows[at] as number;
    } else for (let at = from; at < end; at++) sum |= rows[at] as number;
    return sum;
  }

  /**
   * Where the best on one tier stands as high on the next, it is the best there too, as standings fall from tier to tier; of
   * the tiers that a node led, mostly all have the same next one.
   */
  #sumOfTier(group: number, field: number, limit: number): number {
    const rows = this.#vertices.rows;
    const first = this.#vertices.rowsOf(group);
    const isLeaf = this.#vertices.isLeaf(group);
    const tier = field - TIER_STANDINGS;
    const last = this.#leader;
    if (last !== NOBODY && field === this.#led + 1 && tier !== FIRST_RAM_TIER) {
      const standing = isLeaf ? tierStanding(rows, last, tier) : (rows[last + field * FAN] as number);
      this.#led = field;
      if (standing === this.#leads) return standing;
    }
    const end = first + this.#vertices.countOf(group);
    let sum = NEVER;
    let leader = NOBODY;
    for (let at = first; at < end && sum < limit; at++) {
      const standing = isLeaf ? tierStanding(rows, at, tier) : (rows[at + field * FAN] as number);
      if (standing <= sum) continue;
      sum = standing;
      leader = at;
    }
    this.#led = field;
    this.#leads = sum;
    this.#leader = leader;
    return sum;
  }
}
