interface Waiting {
  readonly bytes: number;
  readonly go: () => void;
}

/** What may pass at once after a pause: a tenth of a second of the rate. */
const burstSeconds = 0.1;
/** Timers are late by a millisecond; the debt that a bucket runs into makes up for it. */
const waitMsMin = 1;
/** While nothing may pass, the rate is looked at again so often. */
const heldMs = 250;

/**
 * Bytes a second that all who share it may pass, first come first served, work conserving. A piece passes
 * when there is no debt, and leaves its bytes as debt: the mean is exact whatever the size of the pieces.
 */
export class TokenBucket {
  readonly #now: () => number;
  #rate: number;
  #tokens = 0;
  #filledAt: number;
  readonly #queue: Waiting[] = [];
  #timer: NodeJS.Timeout | undefined;

  /** `rate` is bytes a second, 0 holds everything; `now` is monotonic milliseconds. */
  constructor(rate: number, now: () => number) {
    this.#rate = rate;
    this.#now = now;
    this.#filledAt = now();
  }

  get rate(): number {
    return this.#rate;
  }

  set rate(rate: number) {
    this.#fill();
    this.#rate = rate;
    this.#tokens = Math.min(this.#tokens, rate * burstSeconds);
    this.#pass();
  }

  /** Resolves when `bytes` may pass. @throws the signal's reason, having taken nothing */
  take(bytes: number, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    if (this.#queue.length === 0 && this.#isOpen()) {
      this.#tokens -= bytes;
      return Promise.resolve();
    }
    return new Promise((resolve, reject) => {
      const waiting = { bytes, go: () => finish(resolve) };
      const abandon = () => {
        this.#queue.splice(this.#queue.indexOf(waiting), 1);
        reject(signal.reason);
      };
      const finish = (resolved: () => void) => {
        signal.removeEventListener('abort', abandon);
        resolved();
      };
      signal.addEventListener('abort', abandon, { once: true });
      this.#queue.push(waiting);
      this.#pass();
    });
  }

  #isOpen(): boolean {
    this.#fill();
    return this.#rate > 0 && this.#tokens >= 0;
  }

  #fill(): void {
    const now = this.#now();
    const earned = (this.#rate * (now - this.#filledAt)) / 1_000;
    this.#tokens = Math.min(this.#tokens + earned, this.#rate * burstSeconds);
    this.#filledAt = now;
  }

  #pass(): void {
    while (this.#queue.length > 0 && this.#isOpen()) {
      const { bytes, go } = this.#queue.shift()!;
      this.#tokens -= bytes;
      go();
    }
    clearTimeout(this.#timer);
    if (this.#queue.length > 0) this.#timer = setTimeout(() => this.#pass(), this.#waitMs());
  }

  #waitMs(): number {
    if (this.#rate <= 0) return heldMs;
    const ms = (-this.#tokens / this.#rate) * 1_000;
    return Math.min(heldMs, Math.max(waitMsMin, ms));
  }
}
