/** Who holds what in a pool, by job, as the matchmaker keeps it. */
import type { Hold, NodePool } from "../../src/actors/scheduler/node-pool.ts";
import type { Demand } from "../../src/domain/job-spec.ts";

export class Holds {
  readonly #held = new Map<string, { readonly hold: Hold | null; readonly nodes: readonly string[] }>();

  constructor(private readonly pool: NodePool) {}

  /** The job has an attempt on each of these nodes and on no others. */
  set(jobId: string, nodes: readonly string[], demand: Demand): void {
    const hold = this.pool.hold(this.#held.get(jobId)?.hold ?? null, jobId, nodes, demand);
    if (nodes.length === 0) this.#held.delete(jobId);
    else this.#held.set(jobId, { hold, nodes });
  }
}
