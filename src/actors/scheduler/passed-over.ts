/**
 * What owners miss while they are passed over for running as many jobs as they may: nodes that were looked at meanwhile, and
 * may still have room for one of their parked jobs. When an owner's turn comes again, those nodes are looked at again.
 */
export class PassedOver {
  readonly #since = new Map<string, number>();
  /** In the order of time; a node may be in it more than once. */
  #looks: { readonly nodeId: string; readonly at: number }[] = [];
  /** Thinned out when it is longer: so that its length stays within twice the number of nodes. */
  #longest = 1024;

  block(owner: string, at: number): void {
    this.#since.set(owner, at);
  }

  /** A node was looked at, and is done with. */
  lookedAt(nodeId: string, at: number): void {
    if (this.#since.size === 0) return;
    this.#looks.push({ nodeId, at });
    if (this.#looks.length <= this.#longest) return;
    const newest = new Map(this.#looks.map((look) => [look.nodeId, look]));
    this.#looks = [...newest.values()].sort((one, other) => one.at - other.at);
    this.#longest = Math.max(1024, 2 * this.#looks.length);
  }

  /** The owner is not passed over any more. Returns the nodes it missed. */
  free(owner: string): ReadonlySet<string> {
    const since = this.#since.get(owner) ?? Number.POSITIVE_INFINITY;
    this.#since.delete(owner);
    const missed = new Set<string>();
    for (let index = this.#looks.length - 1; index >= 0; index--) {
      const look = this.#looks[index];
      if (look === undefined || look.at < since) break;
      missed.add(look.nodeId);
    }
    if (this.#since.size === 0) this.#looks = [];
    return missed;
  }
}
