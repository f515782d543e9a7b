import { DEVICE_KINDS, type Demand } from "../../domain/job-spec.ts";
import { capabilityScore, cpuMatch, gpuMatch, listPrice, wantsGpu } from "../../domain/placement.ts";
import { GPU_STEPS, gpuTier, type HardwareClass, NEVER, ramTier } from "./node-facts.ts";
import { LIST_PRICED, type NodeLines } from "./node-lines.ts";
import { marksAsked, marksOfRegions } from "./node-marks.ts";
import type { Seen } from "./seen.ts";

const KINDS = DEVICE_KINDS.length;

/**
 * A job's demand, ready to be asked of many nodes. The answers are cautious: they never rule out a node that the rules in
 * `domain/placement.ts` admit. Where a line cannot hold the whole truth (digits beyond a float's, more names than bits, two
 * cards of different size), the rules themselves are asked of the few nodes that remain.
 */
export class Query {
  readonly #demand: Demand;
  readonly #gpu: boolean;
  /** Bytes by which a fit is judged: of GPU memory or of RAM. */
  readonly #wanted: number;
  readonly #ram: number;
  /** -1: any device will do. */
  readonly #kind: number;
  /** Of one that is no GPU. Nodes have none, as a rule. */
  readonly #ownVram: number;
  readonly #vram: number;
  readonly #asksMore: boolean;
  readonly #reputation: number;
  readonly #stake: number;
  readonly #price: number;
  readonly #listPriceWillDo: boolean;
  /** Bits of which a node must have one; none where nothing is asked. */
  readonly #lowRegions: number;
  readonly #highRegions: number;
  readonly #formats: number;
  readonly #runtimes: number;
  /** It asks for what no node ever had: no need to look at any. */
  readonly #unheardOf: boolean;
  /** Marks of which a node must have all, and of which one if there are any. */
  readonly #marks: number;
  readonly #regionMarks: number;

  constructor(demand: Demand, seen: Seen) {
    const asked = demand.requirements;
    this.#demand = demand;
    this.#gpu = wantsGpu(demand);
    this.#wanted = this.#gpu ? demand.vramBytes : demand.ramBytes;
    // GPU memory without a kind of GPU is on no node.
    this.#ram = demand.device === null && demand.vramBytes > 0 ? Number.POSITIVE_INFINITY : demand.ramBytes;
    // A CPU is taken for granted, also of nodes that list none.
    const cpuUnasked = demand.device === "cpu" && demand.vramBytes <= 0;
    this.#kind = demand.device === null || cpuUnasked ? -1 : DEVICE_KINDS.indexOf(demand.device);
    this.#ownVram = this.#gpu ? 0 : demand.vramBytes;
    // A card that is overcommitted is still there for a job that asks for none of its memory.
    this.#vram = this.#gpu && demand.vramBytes > 0 ? demand.vramBytes : Number.NEGATIVE_INFINITY;
    this.#asksMore = asked !== undefined;
    this.#reputation = Math.fround(asked?.minReputation ?? Number.NEGATIVE_INFINITY);
    this.#stake = Math.fround(Number(asked?.minStake ?? Number.NEGATIVE_INFINITY));
    this.#price = Math.fround(Number(asked?.maxPricePerHour ?? Number.POSITIVE_INFINITY));
    this.#listPriceWillDo = asked?.maxPricePerHour === undefined || listPrice(demand) <= BigInt(asked.maxPricePerHour);
    const regions = asked?.regions && asked.regions.length > 0 ? seen.regions.peek(asked.regions) : [];
    this.#lowRegions = regions[0] ?? 0;
    this.#highRegions = regions[1] ?? 0;
    const formats = asked?.format === undefined ? [] : seen.formats.peek([asked.format]);
    this.#formats = formats[0] ?? 0;
    const runtimes = asked?.runtime === undefined ? [] : seen.runtimes.peek([asked.runtime]);
    this.#runtimes = runtimes[0] ?? 0;
    this.#unheardOf =
      (regions.length > 0 && !seen.regions.hasGiven(regions)) ||
      (formats.length > 0 && !seen.formats.hasGiven(formats)) ||
      (runtimes.length > 0 && !seen.runtimes.hasGiven(runtimes)) ||
      (asked !== undefined && !seen.extremes.reach(this.#reputation, this.#stake, this.#price, this.#listPriceWillDo));
    const named = { regions, formats: this.#formats, runtimes: this.#runtimes };
    this.#marks = asked === undefined ? 0 : marksAsked(asked, named, this.#listPriceWillDo);
    this.#regionMarks = marksOfRegions(regions);
  }

  /** The same for queries that all classes of hardware fit equally well; null: like no other. */
  get shape(): number | null {
    const shape = this.#wanted * (KINDS + 1) + this.#kind + 1;
    return Number.isSafeInteger(shape) && this.#ownVram <= 0 && !this.#unheardOf ? shape : null;
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
    return !this.#asksMore || this.#meets(lines, node);
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
