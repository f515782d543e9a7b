/**
 * Parked jobs, grouped by what can not be compared as numbers: device, names of regions, formats and runtimes, nodes to keep
 * away from. The groups are filed under those names, so that a node finds the groups that suit it without looking at the
 * others, however many there are; within a group its ranking is searched by what the node has left.
 */
import type { Demand } from "../../domain/job-spec.ts";
import { lacks, type NodeFacts, nameOf, regionOf } from "../../domain/placement.ts";
import type { Entry, Ranking } from "./ranking.ts";

export interface Group {
  readonly key: string;
  /** What its jobs have in common. */
  readonly demand: Demand;
  readonly excluded: ReadonlySet<string>;
  readonly ranking: Ranking;
}

export class ParkedGroups {
  readonly #groups = new Map<string, Group>();
  /** By each combination of names that a node may have to suit it. */
  readonly #files = new Map<string, Set<Group>>();
  readonly #groupOf = new Map<string, Group>();

  constructor(private readonly newRanking: () => Ranking) {}

  /** Of jobs. */
  get size(): number {
    return this.#groupOf.size;
  }

  has(jobId: string): boolean {
    return this.#groupOf.has(jobId);
  }

  add(entry: Entry, excluded: readonly string[]): void {
    const group = this.#group(entry.job.demand, excluded);
    group.ranking.add(entry);
    this.#groupOf.set(entry.id, group);
  }

  /** False: it is not here. */
  remove(entry: Entry): boolean {
    const group = this.#groupOf.get(entry.id);
    if (!group) return false;
    this.#groupOf.delete(entry.id);
    group.ranking.remove(entry);
    if (!group.ranking.isEmpty) return true;
    this.#groups.delete(group.key);
    for (const name of filesOf(group.demand)) {
      const file = this.#files.get(name);
      file?.delete(group);
      if (file?.size === 0) this.#files.delete(name);
    }
    return true;
  }

  /** The groups whose jobs the node could run, as far as names tell. */
  *suiting(nodeId: string, facts: NodeFacts): Iterable<Group> {
    for (const group of this.#candidates(facts)) {
      if (!group.excluded.has(nodeId) && lacks(facts, group.demand) === null) yield group;
    }
  }

  *#candidates({ profile }: NodeFacts): Iterable<Group> {
    const devices = [
      "any",
      "cpu",
      ...new Set(profile.devices.map(({ kind }) => kind).filter((kind) => kind !== "cpu")),
    ];
    const formats = ["", ...new Set(profile.formats.map(nameOf))];
    const runtimes = ["", ...new Set(profile.runtimes.map(nameOf))];
    const regions = regionOf(profile) === "" ? [""] : ["", regionOf(profile)];
    // A node that lists a great many names is quicker told what there is.
    if (devices.length * formats.length * runtimes.length * regions.length > this.#files.size) {
      yield* this.#groups.values();
      return;
    }
    for (const device of devices) {
      for (const format of formats) {
        for (const runtime of runtimes) {
          for (const region of regions) yield* this.#files.get(fileName(device, format, runtime, region)) ?? [];
        }
      }
    }
  }

  #group(demand: Demand, excluded: readonly string[]): Group {
    const key = keyOf(demand, excluded);
    const known = this.#groups.get(key);
    if (known) return known;
    const group = { key, demand: commonPart(demand), excluded: new Set(excluded), ranking: this.newRanking() };
    this.#groups.set(key, group);
    for (const name of filesOf(demand)) {
      const file = this.#files.get(name) ?? new Set();
      this.#files.set(name, file.add(group));
    }
    return group;
  }
}

/** What a whole group asks for: nothing that can be compared as a number. */
function commonPart({ device, requirements }: Demand): Demand {
  const { regions, format, runtime } = requirements ?? {};
  return {
    device,
    ramBytes: 0,
    vramBytes: 0,
    requirements: {
      ...(regions && { regions }),
      ...(format !== undefined && { format }),
      ...(runtime !== undefined && { runtime }),
    },
  };
}

function keyOf({ device, requirements }: Demand, excluded: readonly string[]): string {
  const { regions = [], format = null, runtime = null } = requirements ?? {};
  // Most jobs state nothing.
  if (excluded.length === 0 && regions.length === 0 && format === null && runtime === null) return device ?? "any";
  return JSON.stringify([device, [...regions].sort(), format, runtime, [...excluded].sort()]);
}

const fileName = (device: string, format: string, runtime: string, region: string): string =>
  `${device}\n${format}\n${runtime}\n${region}`;

/** One for each region, for a node is in one at most. */
function filesOf({ device, requirements }: Demand): readonly string[] {
  const { regions = [], format = "", runtime = "" } = requirements ?? {};
  return (regions.length > 0 ? regions : [""]).map((region) => fileName(device ?? "any", format, runtime, region));
}
