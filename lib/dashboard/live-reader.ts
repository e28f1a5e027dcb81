import { failureOf } from '../cli/failure.ts';
import { readOverview } from '../cli/look/overview.ts';
import { policyReader } from '../control/policy.ts';
import type { Ports } from '../control/ports.ts';
import type { Hello, LiveEvent, ReadFailed, Reading, Sample } from './live.ts';

/** Between readings: as often as heartbeats come at most, and reading takes a tenth of the time at most. */
const pauseMsMin = 1_000;
const pauseMsMax = 30_000;
const pausePerReading = 9;
/** After a failure: longer each time, so that a store in trouble is left alone. */
const retryMsMax = 15_000;
/** A quarter of an hour of readings: 100 KB. */
const samplesKept = 900;

export type Listener = (event: LiveEvent) => void;

/** Waits; ends early when the signal says so. */
export type Pause = (ms: number, signal: AbortSignal) => Promise<void>;

/** One reader for all open pages: it reads while somebody looks, and only then. */
export class LiveReader {
  readonly #ports: Ports;
  readonly #fleet: string;
  readonly #pause: Pause;
  readonly #policed: () => Promise<Ports>;
  readonly #listeners = new Set<Listener>();
  readonly #history: Sample[] = [];
  #last: Reading | ReadFailed | undefined;
  #running: AbortController | undefined;

  constructor(ports: Ports, fleet: string, pause: Pause) {
    this.#ports = ports;
    this.#fleet = fleet;
    this.#pause = pause;
    this.#policed = policyReader(ports);
  }

  /** @returns how to stop listening */
  listen(listener: Listener): () => void {
    listener(this.#hello());
    if (this.#running !== undefined && this.#last !== undefined) listener(this.#last);
    this.#listeners.add(listener);
    if (this.#running === undefined) this.#begin();
    return () => {
      this.#listeners.delete(listener);
      if (this.#listeners.size === 0) this.close();
    };
  }

  close(): void {
    this.#running?.abort();
    this.#running = undefined;
  }

  /** Reads at once: something was just done that the pages wait to see. */
  refresh(): void {
    if (this.#running === undefined) return;
    this.close();
    this.#begin();
  }

  #hello(): Hello {
    return { kind: 'hello', fleet: this.#fleet, history: [...this.#history] };
  }

  #begin(): void {
    const running = new AbortController();
    this.#running = running;
    void this.#readOn(running.signal);
  }

  async #readOn(signal: AbortSignal): Promise<void> {
    let failures = 0;
    while (!signal.aborted) {
      const began = performance.now();
      const event = await this.#read();
      if (signal.aborted) return;
      this.#last = event;
      for (const listener of this.#listeners) listener(event);
      failures = event.kind === 'failed' ? failures + 1 : 0;
      await this.#pause(pauseMs(performance.now() - began, failures), signal);
    }
  }

  async #read(): Promise<Reading | ReadFailed> {
    try {
      return await this.#reading();
    } catch (error) {
      return { kind: 'failed', at: this.#ports.now(), sentence: failureOf(error).sentence };
    }
  }

  async #reading(): Promise<Reading> {
    const ports = await this.#policed();
    const overview = await readOverview(ports);
    const at = ports.now();
    const sample = sampleOf(overview.status, at);
    this.#history.push(sample);
    if (this.#history.length > samplesKept) this.#history.shift();
    return { kind: 'reading', at, policy: ports.policy, sample, ...overview };
  }
}

const sampleOf = ({ rates, p99Ms }: Reading['status'], at: number): Sample => ({
  at,
  ...rates,
  p99Ms,
});

const pauseMs = (readingMs: number, failures: number): number =>
  failures > 0
    ? Math.min(retryMsMax, pauseMsMin * 2 ** (failures - 1))
    : Math.min(pauseMsMax, Math.max(pauseMsMin, readingMs * pausePerReading));
