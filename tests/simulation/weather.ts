/** The conditions under which messages travel and the database works. Each fault holds until its time is over. */
import type { Millis } from "../../src/actors/runtime/index.ts";

export type Fault =
  | "cut"
  | "drop"
  | "duplicate"
  | "delay"
  | "loseCommits"
  | "doubtCommits"
  | "landLate"
  | "outage"
  | "slowDatabase"
  | "chainDrop"
  | "chainLate"
  | "chainError"
  | "chainOutage"
  | "chainLag"
  | "chainFork";

interface Spell {
  readonly until: Millis;
  /** Of each message or commit to be struck. */
  readonly probability: number;
}

export class Weather {
  /** By fault and place; the database's have no place. */
  readonly #spells = new Map<string, Spell>();

  set(fault: Fault, place: string, until: Millis, probability: number): void {
    this.#spells.set(`${fault} ${place}`, { until, probability });
  }

  /** How likely the fault is now, there. */
  of(fault: Fault, place: string, now: Millis): number {
    const spell = this.#spells.get(`${fault} ${place}`);
    return spell !== undefined && spell.until > now ? spell.probability : 0;
  }

  clear(): void {
    this.#spells.clear();
  }
}
