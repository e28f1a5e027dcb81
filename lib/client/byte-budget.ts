/** Bytes in memory, shared by all that read: who finds too few left waits in line. */
export class ByteBudget {
  readonly #total: number;
  #left: number;
  readonly #waiting: { readonly bytes: number; readonly start: () => void }[] = [];

  constructor(total: number) {
    this.#total = total;
    this.#left = total;
  }

  /** Owns `bytes` of the budget until the answer is called. More than the whole budget waits for all of it. */
  async take(bytes: number): Promise<() => void> {
    const share = Math.min(bytes, this.#total);
    if (this.#waiting.length === 0 && share <= this.#left) this.#left -= share;
    else await new Promise<void>((start) => this.#waiting.push({ bytes: share, start }));
    return () => this.#giveBack(share);
  }

  #giveBack(bytes: number): void {
    this.#left += bytes;
    while (this.#waiting.length > 0 && this.#waiting[0]!.bytes <= this.#left) {
      const next = this.#waiting.shift()!;
      this.#left -= next.bytes;
      next.start();
    }
  }
}
