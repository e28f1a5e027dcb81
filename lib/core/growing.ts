export type Column =
  | Int32Array
  | Uint32Array
  | Float64Array
  | Float32Array
  | Uint8Array
  | Uint16Array;

/** A typed array of unknown length: what is pushed costs its own size, twice at most while it grows. */
export class Growing<Array extends Column> {
  #column: Array;
  #length = 0;

  constructor(empty: Array) {
    this.#column = empty;
  }

  get length(): number {
    return this.#length;
  }

  at(index: number): number {
    return this.#column[index]!;
  }

  set(index: number, value: number): void {
    this.#column[index] = value;
  }

  push(value: number): void {
    if (this.#length === this.#column.length) this.#grow();
    this.#column[this.#length++] = value;
  }

  /** The values so far, not copied: later pushes may or may not show. */
  values(): Array {
    return this.#column.subarray(0, this.#length) as Array;
  }

  #grow(): void {
    const length = Math.max(16, this.#column.length * 2);
    const larger = new (this.#column.constructor as new (length: number) => Array)(length);
    larger.set(this.#column);
    this.#column = larger;
  }
}
