/** A heap whose items know their place, so that one that changed or goes is found at once: every operation is O(log n). */
export interface HeapItem {
  /** Kept by the heap; -1: in none. */
  position: number;
}

export class Heap<T extends HeapItem> {
  readonly #items: T[] = [];

  /** `isBefore` must be a strict total order, and may change for an item only together with `update`. */
  constructor(private readonly isBefore: (one: T, other: T) => boolean) {}

  get size(): number {
    return this.#items.length;
  }

  get first(): T | undefined {
    return this.#items[0];
  }

  add(item: T): void {
    item.position = this.#items.length;
    this.#items.push(item);
    this.update(item);
  }

  remove(item: T): void {
    const { position } = item;
    const last = this.#items.pop();
    item.position = -1;
    if (last === undefined || last === item) return;
    this.#items[position] = last;
    last.position = position;
    this.update(last);
  }

  /** Puts an item where it belongs after its rank, or what it needs, has changed. */
  update(item: T): void {
    let place = item.position;
    while (place > 0) {
      const above = (place - 1) >> 1;
      const parent = this.#items[above] as T;
      if (!this.isBefore(item, parent)) break;
      this.#put(parent, place);
      place = above;
    }
    for (;;) {
      const child = this.#firstChild(place);
      if (child === undefined || !this.isBefore(child, item)) break;
      const below = child.position;
      this.#put(child, place);
      place = below;
    }
    this.#put(item, place);
  }

  #firstChild(place: number): T | undefined {
    const left = this.#items[2 * place + 1];
    const right = this.#items[2 * place + 2];
    return left !== undefined && right !== undefined && this.isBefore(right, left) ? right : left;
  }

  #put(item: T, place: number): void {
    this.#items[place] = item;
    item.position = place;
  }
}
