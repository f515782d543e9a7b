import { DEVICE_KINDS, type Demand, type Requirements } from "../../domain/job-spec.ts";
import { capabilityScore, cpuMatch, gpuMatch, listsAtMost, wantsGpu } from "../../domain/placement.ts";
import { GPU_STEPS, gpuTier, type HardwareClass, NEVER, ramTier } from "./node-facts.ts";
import { LIST_PRICED, type NodeLines } from "./node-lines.ts";
import { marksAsked, marksOfRegions, PRICED } from "./node-marks.ts";
import type { Seen } from "./seen.ts";

const KINDS = DEVICE_KINDS.length;
/** More bytes than the wire can carry; a power of two, so that no digit is lost. */
const IDLE_GPU = 2 ** 64;
const NOTHING: Demand = { device: null, ramBytes: 0, vramBytes: 0 };

/**
 * A job's demand, ready to be asked of many nodes. The answers are cautious: they never rule out a node that the rules in
 * `domain/placement.ts` admit. Where a line cannot hold the whole truth (digits beyond a float's, more names than bits, two
 * cards of different size), the rules themselves are asked of the few nodes that remain.
 */
export class Query {
  #demand: Demand = NOTHING;
  #gpu = false;
  /** Bytes by which a fit is judged: of GPU memory or of RAM. */
  #wanted = 0;
  #ram = 0;
  /** -1: any device will do. */
  #kind = -1;
  /** Of one that is no GPU. Nodes have none, as a rule. */
  #ownVram = 0;
  #vram = NEVER;
  /** What it asks for besides; what follows is read only if it is there. */
  #asked: Requirements | undefined;
  #reputation = 0;
  #stake = 0;
  #price = 0;
  #listPriceWillDo = true;
  /** Bits of which a node must have one; none where nothing is asked. */
  #lowRegions = 0;
  #highRegions = 0;
  #formats = 0;
  #runtimes = 0;
  /** It asks for what no node ever had: no need to look at any. */
  #unheardOf = false;
  #isExact = true;
  /** Marks of which a node must have all, and of which one if there are any. */
  #marks = 0;
  #regionMarks = 0;

  constructor(private readonly seen: Seen) {}

  /** Takes up another job's demand. One query serves all searches, so that none is made for every decision. */
  ask(demand: Demand): this {
    const { device, ramBytes, vramBytes, requirements } = demand;
    this.#demand = demand;
    this.#gpu = wantsGpu(demand);
    this.#wanted = this.#gpu ? vramBytes : ramBytes;
    // GPU memory without a kind of GPU is on no node.
    this.#ram = device === null && vramBytes > 0 ? Number.POSITIVE_INFINITY : ramBytes;
    // A CPU is taken for granted, also of nodes that list none.
    const cpuUnasked = device === "cpu" && vramBytes <= 0;
    this.#kind = device === null || cpuUnasked ? -1 : DEVICE_KINDS.indexOf(device);
    this.#ownVram = this.#gpu ? 0 : vramBytes;
    // A card that is overcommitted is still there for a job that asks for none of its memory.
    this.#vram = this.#gpu && vramBytes > 0 ? vramBytes : Number.NEGATIVE_INFINITY;
    this.#asked = requirements;
    this.#unheardOf = false;
    this.#isExact = this.#ownVram <= 0;
    this.#marks = 0;
    this.#regionMarks = 0;
    if (requirements) this.#askBesides(demand, requirements);
    return this;
  }

  #askBesides(demand: Demand, asked: Requirements): void {
    const { regions, formats, runtimes, extremes } = this.seen;
    const { maxPricePerHour } = asked;
    const reputation = asked.minReputation ?? NEVER;
    const stake = asked.minStake === undefined ? NEVER : Number(asked.minStake);
    const price = maxPricePerHour === undefined ? Number.POSITIVE_INFINITY : Number(maxPricePerHour);
    const listPriceWillDo = maxPricePerHour === undefined || listsAtMost(demand, maxPricePerHour);
    let [low, high] = [0, 0];
    let areOwn = true;
    if (asked.regions)
      for (const region of asked.regions) {
        const bit = regions.bitOf(region);
        areOwn &&= regions.isOwn(bit);
        if (bit < 32) low |= 1 << bit;
        else high |= 1 << (bit & 31);
      }
    let [format, runtime] = [0, 0];
    if (asked.format !== undefined) {
      const bit = formats.bitOf(asked.format);
      areOwn &&= formats.isOwn(bit);
      format = 1 << bit;
    }
    if (asked.runtime !== undefined) {
      const bit = runtimes.bitOf(asked.runtime);
      areOwn &&= runtimes.isOwn(bit);
      runtime = 1 << bit;
    }
    this.#unheardOf =
      ((low | high) !== 0 && !regions.hasGiven(low, high)) ||
      (format !== 0 && !formats.hasGiven(format, 0)) ||
      (runtime !== 0 && !runtimes.hasGiven(runtime, 0)) ||
      !extremes.reach(reputation, stake, price, listPriceWillDo);
    this.#marks = marksAsked(format, runtime, reputation, stake, price) | (listPriceWillDo ? 0 : PRICED);
    this.#regionMarks = marksOfRegions(low, high);
    this.#reputation = reputation;
    this.#stake = stake;
    this.#price = price;
    this.#listPriceWillDo = listPriceWillDo;
    this.#lowRegions = low;
    this.#highRegions = high;
    this.#formats = format;
    this.#runtimes = runtime;
    this.#isExact &&=
      areOwn &&
      (asked.minStake === undefined || Number.isSafeInteger(stake)) &&
      (maxPricePerHour === undefined || Number.isSafeInteger(price));
  }

  /** The same for queries that all classes of hardware fit equally well; null: like no other. */
  get shape(): number | null {
    const shape = this.#wanted * (KINDS + 1) + this.#kind + 1;
    return Number.isSafeInteger(shape) && this.#ownVram <= 0 && !this.#unheardOf ? shape : null;
  }

  /** Of what `sizeOf` tells; the same for all jobs that ask for this kind of device, or for none. */
  get kind(): number {
    return this.#kind;
  }

  /**
   * How large the class is for a job of this kind: of those that fit, a larger one never fits better, and equal ones fit alike. Null: it has
   * nothing for such jobs. A GPU that would be idle counts for more than any RAM.
   */
  sizeOf({ cards, ram, hasGpu }: HardwareClass): number | null {
    if (this.#gpu) return (cards[this.#kind] as number) || null;
    return ram * (hasGpu ? IDLE_GPU : 1);
  }

  /** Whether a line that tells all there is to know of its node is enough to say that it takes the job. */
  get isExact(): boolean {
    return this.#isExact;
  }

  /** How well the class fits the job, as a part of the score: the same for all its nodes. `NEVER`: none of them could take it. */
  fit({ cards, ram, hasGpu }: HardwareClass): number {
    if (this.#unheardOf) return NEVER;
    if (!this.#gpu) {
      const lacks = ram < this.#wanted || (this.#kind >= 0 && (cards[this.#kind] as number) < this.#ownVram);
      return lacks ? NEVER : capabilityScore(cpuMatch(ram, hasGpu, this.#demand));
    }
    const card = cards[this.#kind] as number;
    return card === 0 || card < this.#wanted ? NEVER : capabilityScore(gpuMatch(card, this.#demand));
  }

  /** Nodes of lower tiers have no room for the job. */
  get gpuTier(): number {
    return this.#gpu ? gpuTier(this.#wanted) : 0;
  }

  get ramTier(): number {
    return ramTier(this.#ram);
  }

  /** The field of a class that bounds how high those of it stand that could take the job. */
  get field(): number {
    return this.#gpu ? this.gpuTier : GPU_STEPS + this.ramTier;
  }

  /** Whether a node with these marks could take the job. */
  admits(marks: number): boolean {
    return (marks & this.#marks) === this.#marks && (this.#regionMarks === 0 || (marks & this.#regionMarks) !== 0);
  }

  /** Whether the node could take the job, as far as its line tells. */
  passes(lines: NodeLines, node: number): boolean {
    if (lines.freeRam(node) < this.#ram || lines.freeGpu(node) < this.#vram) return false;
    return this.#asked === undefined || this.#meets(lines, node);
  }

  #meets(lines: NodeLines, node: number): boolean {
    const low = this.#lowRegions;
    const high = this.#highRegions;
    if ((low | high) !== 0 && ((lines.lowRegions(node) & low) | (lines.highRegions(node) & high)) === 0) return false;
    if (this.#formats !== 0 && (lines.formats(node) & this.#formats) === 0) return false;
    if (this.#runtimes !== 0 && (lines.runtimes(node) & this.#runtimes) === 0) return false;
    if (lines.reputation(node) < this.#reputation || lines.stake(node) < this.#stake) return false;
    const price = lines.price(node);
    return price === LIST_PRICED ? this.#listPriceWillDo : price <= this.#price;
  }
}
