/** How many pending jobs each owner has, whatever they wait for. */
export class PendingJobs {
  readonly #counts = new Map<string, number>();
  readonly #ownerOf = new Map<string, string>();

  countOf(owner: string): number {
    return this.#counts.get(owner) ?? 0;
  }

  add(jobId: string, owner: string): void {
    if (this.#ownerOf.has(jobId)) return;
    this.#ownerOf.set(jobId, owner);
    this.#counts.set(owner, this.countOf(owner) + 1);
  }

  remove(jobId: string): void {
    const owner = this.#ownerOf.get(jobId);
    if (owner === undefined) return;
    this.#ownerOf.delete(jobId);
    const left = this.countOf(owner) - 1;
    if (left > 0) this.#counts.set(owner, left);
    else this.#counts.delete(owner);
  }
}
