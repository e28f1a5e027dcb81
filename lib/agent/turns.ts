interface Waiting {
  readonly weight: number;
  readonly go: () => void;
}

/** Work of at most so much weight at once, or one piece of any weight; first come first served. */
export class Turns {
  readonly #max: number;
  readonly #waiting: Waiting[] = [];
  #running = 0;

  constructor(max: number) {
    this.#max = max;
  }

  async run<T>(work: () => Promise<T>, weight = 1): Promise<T> {
    await new Promise<void>((go) => {
      this.#waiting.push({ weight, go });
      this.#pass();
    });
    try {
      return await work();
    } finally {
      this.#running -= weight;
      this.#pass();
    }
  }

  #pass(): void {
    for (let next = this.#waiting[0]; next !== undefined; next = this.#waiting[0]) {
      if (this.#running > 0 && this.#running + next.weight > this.#max) return;
      this.#waiting.shift();
      this.#running += next.weight;
      next.go();
    }
  }
}

/** So many bytes at once in at most so many pieces, as turns by weight. */
export class TurnsByBytes {
  readonly #turns: Turns;
  readonly #leastBytes: number;

  constructor(bytesMax: number, piecesMax: number) {
    this.#turns = new Turns(bytesMax);
    this.#leastBytes = bytesMax / piecesMax;
  }

  run<T>(bytes: number, work: () => Promise<T>): Promise<T> {
    return this.#turns.run(work, Math.max(bytes, this.#leastBytes));
  }
}

/** One piece of work at a time for each key. */
export class TurnsByKey {
  readonly #tails = new Map<string, Promise<unknown>>();

  async run<T>(key: string, work: () => Promise<T>): Promise<T> {
    const before = this.#tails.get(key) ?? Promise.resolve();
    const mine = before.then(work, work);
    this.#tails.set(key, mine);
    try {
      return await mine;
    } finally {
      if (this.#tails.get(key) === mine) this.#tails.delete(key);
    }
  }
}
