/** Turns between two looks of Node's event loop at the outside world: some ten milliseconds. */
const turnsPerBreath = 2_000;

/**
 * Runs once no microtask is left, however long their chains are: Node runs the ticks that microtasks queued
 * when all microtasks are done. Ten times as fast as a turn of the event loop.
 */
const afterMicrotasks = (run: () => void): void => queueMicrotask(() => process.nextTick(run));

/**
 * A clockless world's clock. Events run one at a time, in the order of their virtual moment; their
 * moments come from the seed, so the seed alone decides who overtakes whom. After an event that woke an
 * async task, the loop lets every microtask run before the next event: the task has then reached its
 * next port call, or its end.
 */
export class Scheduler {
  /** Virtual milliseconds since the start. */
  now = 0;
  /** Events run so far. */
  events = 0;
  readonly #times: number[] = [];
  readonly #orders: number[] = [];
  readonly #runs: (() => void)[] = [];
  #order = 0;
  #woke = false;

  after(delayMs: number, run: () => void): void {
    this.#push(this.now + Math.max(0, delayMs), this.#order++, run);
  }

  /** Must be called by an event that settles a promise which a task may wait for. */
  woke(): void {
    this.#woke = true;
  }

  /** Runs until `ended()` or until no event before `untilMs` is left. */
  run(untilMs: number, ended: () => boolean): Promise<void> {
    return new Promise((resolve, reject) => {
      let turns = 0;
      const turn = (): void => {
        try {
          if (!this.#runToWake(untilMs, ended)) resolve();
          else if (++turns % turnsPerBreath === 0) setImmediate(turn);
          else afterMicrotasks(turn);
        } catch (error) {
          reject(error);
        }
      };
      setImmediate(turn);
    });
  }

  /** `true` after an event that woke a task; `false` at the end. */
  #runToWake(untilMs: number, ended: () => boolean): boolean {
    while (this.#times.length > 0 && this.#times[0]! <= untilMs && !ended()) {
      this.now = this.#times[0]!;
      this.#woke = false;
      this.events++;
      this.#pop()();
      if (this.#woke) return true;
    }
    return false;
  }

  #push(time: number, order: number, run: () => void): void {
    let at = this.#times.length;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!this.#before(time, order, parent)) break;
      this.#set(at, this.#times[parent]!, this.#orders[parent]!, this.#runs[parent]!);
      at = parent;
    }
    this.#set(at, time, order, run);
  }

  #pop(): () => void {
    const first = this.#runs[0]!;
    const time = this.#times.pop()!;
    const order = this.#orders.pop()!;
    const run = this.#runs.pop()!;
    if (this.#times.length > 0) this.#sink(time, order, run);
    return first;
  }

  #sink(time: number, order: number, run: () => void): void {
    const length = this.#times.length;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= length) break;
      if (
        child + 1 < length &&
        this.#before(this.#times[child + 1]!, this.#orders[child + 1]!, child)
      )
        child++;
      if (this.#before(time, order, child)) break;
      this.#set(at, this.#times[child]!, this.#orders[child]!, this.#runs[child]!);
      at = child;
    }
    this.#set(at, time, order, run);
  }

  #before(time: number, order: number, at: number): boolean {
    const other = this.#times[at]!;
    return time < other || (time === other && order < this.#orders[at]!);
  }

  #set(at: number, time: number, order: number, run: () => void): void {
    this.#times[at] = time;
    this.#orders[at] = order;
    this.#runs[at] = run;
  }
}
