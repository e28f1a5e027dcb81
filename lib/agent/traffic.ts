import type { LatencySample } from '../core/latency-control.ts';

/** What a node carries, by who it is for and which way. */
export type Flow = 'foregroundIn' | 'foregroundOut' | 'backgroundIn' | 'backgroundOut';

/** The last ten seconds: long enough for a p99, short enough to follow what clients feel. */
const windowSeconds = 10;
/** More latencies of one second are not kept: 10,000 requests a second are beyond one process. */
const latenciesPerSecondMax = 10_000;

/** Clients that wait for so long, without a byte or an answer: their latency is unknown, not short. */
const unansweredMsMax = 5_000;

const nothing = (): Record<Flow, number> => ({
  foregroundIn: 0,
  foregroundOut: 0,
  backgroundIn: 0,
  backgroundOut: 0,
});

interface Second {
  readonly at: number;
  readonly bytes: Record<Flow, number>;
  readonly latencies: number[];
}

/** Bytes and clients' latencies of the last window. */
export class Traffic {
  readonly #now: () => number;
  readonly #startedAt: number;
  #seconds: Second[] = [];
  /** Since they were last taken. */
  #fresh: number[] = [];
  #carriedFresh: Record<Flow, number> = nothing();
  #takenAt: number;
  #answeredAt: number;
  readonly #open = new Set<() => void>();

  constructor(now: () => number) {
    this.#now = now;
    this.#startedAt = now();
    this.#takenAt = this.#startedAt;
    this.#answeredAt = this.#startedAt;
  }

  /** Open requests of clients. */
  get connections(): number {
    return this.#open.size;
  }

  /** Clients wait for long without a byte or an answer, by the last {@link take}. */
  get isUnanswered(): boolean {
    return this.connections > 0 && this.#now() - this.#answeredAt > unansweredMsMax;
  }

  /** A client's request is open; `cut` breaks it off. @returns what to call once it is closed */
  opened(cut: () => void): () => void {
    this.#open.add(cut);
    return () => void this.#open.delete(cut);
  }

  /** Breaks off what clients have open. @returns how many requests */
  cutAll(): number {
    const open = [...this.#open];
    for (const cut of open) cut();
    return open.length;
  }

  carried(flow: Flow, bytes: number): void {
    this.#second().bytes[flow] += bytes;
    this.#carriedFresh[flow] += bytes;
  }

  /** A client's request took so long, from its head to the last byte of its answer. */
  answered(ms: number): void {
    const { latencies } = this.#second();
    if (latencies.length < latenciesPerSecondMax) latencies.push(ms);
    if (this.#fresh.length < latenciesPerSecondMax) this.#fresh.push(ms);
  }

  /** What a controller is to know of the time since it last asked. */
  take(): LatencySample {
    const at = this.#now();
    const carried = this.#carriedFresh;
    const latencies = this.#fresh;
    const isServing = latencies.length > 0 || carried.foregroundIn + carried.foregroundOut > 0;
    if (this.connections === 0 || isServing) this.#answeredAt = at;
    const seconds = Math.max(0.001, (at - this.#takenAt) / 1_000);
    this.#fresh = [];
    this.#carriedFresh = nothing();
    this.#takenAt = at;
    return {
      at,
      latencies: at - this.#answeredAt > unansweredMsMax ? null : latencies,
      carried: Math.max(carried.backgroundIn, carried.backgroundOut) / seconds,
    };
  }

  /** Bytes a second over the window. */
  rate(flow: Flow): number {
    this.#second();
    const bytes = this.#seconds.reduce((sum, second) => sum + second.bytes[flow], 0);
    const lived = (this.#now() - this.#startedAt) / 1_000;
    return Math.round(bytes / Math.min(windowSeconds, Math.max(1, lived)));
  }

  /** `null` where no client asked anything within the window. */
  p99Ms(): number | null {
    this.#second();
    const all = this.#seconds.flatMap(({ latencies }) => latencies).sort((a, b) => a - b);
    const at = all[Math.ceil(all.length * 0.99) - 1];
    return at === undefined ? null : Math.round(at * 100) / 100;
  }

  #second(): Second {
    const at = Math.floor(this.#now() / 1_000);
    const last = this.#seconds.at(-1);
    if (last?.at === at) return last;
    const second: Second = { at, bytes: nothing(), latencies: [] };
    this.#seconds = [...this.#seconds.filter((each) => each.at > at - windowSeconds), second];
    return second;
  }
}
