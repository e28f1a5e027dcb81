/** A binary min-heap of nodes by key; equal keys fall to the lower node. */
export class NodeHeap {
  readonly #nodes: number[] = [];
  readonly #keys: number[] = [];

  get size(): number {
    return this.#nodes.length;
  }

  /** The node with the least key; the heap must not be empty. */
  get top(): number {
    return this.#nodes[0]!;
  }

  get topKey(): number {
    return this.#keys[0]!;
  }

  push(node: number, key: number): void {
    this.#nodes.push(node);
    this.#keys.push(key);
    this.#rise(this.#nodes.length - 1);
  }

  pop(): void {
    const node = this.#nodes.pop()!;
    const key = this.#keys.pop()!;
    if (this.#nodes.length > 0) this.#sink(node, key);
  }

  /** Gives the top node another key and finds its place. */
  rekeyTop(key: number): void {
    this.#sink(this.#nodes[0]!, key);
  }

  #before(left: number, right: number): boolean {
    const difference = this.#keys[left]! - this.#keys[right]!;
    return difference < 0 || (difference === 0 && this.#nodes[left]! < this.#nodes[right]!);
  }

  #rise(from: number): void {
    let at = from;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!this.#before(at, parent)) return;
      this.#swap(at, parent);
      at = parent;
    }
  }

  /** Puts the entry at the top and lets it sink. */
  #sink(node: number, key: number): void {
    this.#nodes[0] = node;
    this.#keys[0] = key;
    let at = 0;
    for (;;) {
      const left = 2 * at + 1;
      if (left >= this.#nodes.length) return;
      const child = left + 1 < this.#nodes.length && this.#before(left + 1, left) ? left + 1 : left;
      if (!this.#before(child, at)) return;
      this.#swap(at, child);
      at = child;
    }
  }

  #swap(left: number, right: number): void {
    const node = this.#nodes[left]!;
    const key = this.#keys[left]!;
    this.#nodes[left] = this.#nodes[right]!;
    this.#keys[left] = this.#keys[right]!;
    this.#nodes[right] = node;
    this.#keys[right] = key;
  }
}
