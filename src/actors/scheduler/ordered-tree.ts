/**
 * A treap: a search tree whose items carry weights drawn at random, with every item heavier than those below it, which
 * keeps it balanced whatever the order of arrival. Every item knows the least of what is needed in its part of the tree, so
 * the first item that a node could take is found without looking at those before it that it could not.
 */
import { type LeastNeeds, lower, type Needs, nothingNeeded, setTo, within } from "./needs.ts";

export interface TreeItem<T> {
  readonly needs: Needs;
  /** Kept by the tree, as all that follows. */
  readonly least: LeastNeeds;
  left: T | null;
  right: T | null;
  weight: number;
}

const NOTHING: Needs = nothingNeeded();

export class OrderedTree<T extends TreeItem<T>> {
  #root: T | null = null;
  #first: T | null = null;
  #size = 0;
  #seed = 0;

  /** `isBefore` must be a strict total order that never changes. */
  constructor(private readonly isBefore: (one: T, other: T) => boolean) {}

  get size(): number {
    return this.#size;
  }

  get first(): T | undefined {
    return this.#first ?? undefined;
  }

  /** Of all items; meaningless when there are none. */
  get least(): Needs {
    return this.#root?.least ?? NOTHING;
  }

  /** In their order. */
  *values(): Iterable<T> {
    const above: T[] = [];
    for (let item = this.#root; item !== null || above.length > 0; ) {
      for (; item !== null; item = item.left) above.push(item);
      const next = above.pop();
      if (next === undefined) return;
      yield next;
      item = next.right;
    }
  }

  /** The item must not be in it. */
  add(item: T): void {
    item.left = null;
    item.right = null;
    item.weight = this.#draw();
    this.#size += 1;
    if (this.#first === null || this.isBefore(item, this.#first)) this.#first = item;
    this.#root = this.#insert(this.#root, item);
  }

  /** The item must be in it. */
  remove(item: T): void {
    this.#root = this.#without(this.#root, item);
    this.#size -= 1;
    if (this.#first !== item) return;
    let first = this.#root;
    while (first?.left) first = first.left;
    this.#first = first;
  }

  /** The first item that the supply suffices for and that is accepted, unless it `isTooLate`: so are all after it then. */
  firstWithin(supply: Needs, isTooLate: (item: T) => boolean, accept: (item: T) => boolean): T | undefined {
    const find = (item: T | null): T | undefined => {
      if (item === null || !within(item.least, supply)) return undefined;
      const earlier = find(item.left);
      if (earlier !== undefined || isTooLate(item)) return earlier;
      return within(item.needs, supply) && accept(item) ? item : find(item.right);
    };
    return find(this.#root);
  }

  /** Any sequence does that nobody outside can steer: Weyl's, mixed, so that it can be replayed. */
  #draw(): number {
    this.#seed = (this.#seed + 0x9e3779b9) | 0;
    const mixed = Math.imul(this.#seed ^ (this.#seed >>> 16), 0x21f0aaad);
    return Math.imul(mixed ^ (mixed >>> 15), 0x735a2d97);
  }

  #insert(root: T | null, item: T): T {
    if (root === null) return this.#summed(item);
    if (item.weight > root.weight) {
      [item.left, item.right] = this.#split(root, item);
      return this.#summed(item);
    }
    if (this.isBefore(item, root)) root.left = this.#insert(root.left, item);
    else root.right = this.#insert(root.right, item);
    return this.#summed(root);
  }

  /** What comes before the item, and what comes after it. */
  #split(root: T | null, item: T): [T | null, T | null] {
    if (root === null) return [null, null];
    if (this.isBefore(root, item)) {
      const [before, after] = this.#split(root.right, item);
      root.right = before;
      return [this.#summed(root), after];
    }
    const [before, after] = this.#split(root.left, item);
    root.left = after;
    return [before, this.#summed(root)];
  }

  #without(root: T | null, item: T): T | null {
    if (root === null) return null;
    if (root === item) return this.#merged(item.left, item.right);
    if (this.isBefore(item, root)) root.left = this.#without(root.left, item);
    else root.right = this.#without(root.right, item);
    return this.#summed(root);
  }

  #merged(left: T | null, right: T | null): T | null {
    if (left === null) return right;
    if (right === null) return left;
    if (left.weight > right.weight) {
      left.right = this.#merged(left.right, right);
      return this.#summed(left);
    }
    right.left = this.#merged(left, right.left);
    return this.#summed(right);
  }

  #summed(item: T): T {
    setTo(item.least, item.needs);
    if (item.left) lower(item.least, item.left.least);
    if (item.right) lower(item.least, item.right.least);
    return item;
  }
}
