import { type EpochMillis, epochMillis } from '../core/units.ts';
import type { Faults } from './faults.ts';
import type { History } from './history.ts';
import type { Random } from './random.ts';
import type { Scheduler } from './scheduler.ts';

/** What every part of the world shares. */
export interface Ground {
  /** Most items of a page of a query. */
  readonly pageItemsMax: number;
  readonly scheduler: Scheduler;
  readonly random: Random;
  readonly faults: Faults;
  readonly history: History;
}

export type Ending<T> =
  | { readonly kind: 'returned'; readonly value: T }
  | { readonly kind: 'threw'; readonly error: unknown }
  | { readonly kind: 'crashed' };

/** The virtual clock starts here: 2026-01-01T00:00Z. */
export const startMs = Date.UTC(2026, 0, 1);
/** A port call takes so long, in virtual milliseconds, when nothing stalls. */
const quickMs = [0.5, 12] as const;
/** A stall: from a hiccup to far past every time-out, lease and visibility of the simulated policy. */
const stallMs = [50, 30_000] as const;

/**
 * One run of one step: a Lambda's invocation, a client's call. Its port calls go through here, so that it
 * can be overtaken, stalled and killed at each. What it had sent when it died still arrives.
 */
export class Process {
  readonly name: string;
  readonly ground: Ground;
  /** Its clock is off by so much. */
  readonly skewMs: number;
  #state: 'running' | 'crashed' | 'ended' = 'running';
  #onCrash: () => void = () => {};

  constructor(ground: Ground, name: string, skewMs: number) {
    this.ground = ground;
    this.name = name;
    this.skewMs = skewMs;
  }

  get running(): boolean {
    return this.#state === 'running';
  }

  now(): EpochMillis {
    return epochMillis(Math.floor(startMs + this.ground.scheduler.now + this.skewMs));
  }

  /** Runs a step to its end. A crash ends it at once, whatever it waits for. */
  run<T>(body: () => Promise<T>, ended: (ending: Ending<T>) => void): void {
    const end = (ending: Ending<T>): void => {
      if (!this.running) return;
      this.#state = ending.kind === 'crashed' ? 'crashed' : 'ended';
      ended(ending);
    };
    this.#onCrash = () => end({ kind: 'crashed' });
    body().then(
      (value) => end({ kind: 'returned', value }),
      (error: unknown) => end({ kind: 'threw', error }),
    );
  }

  crash(): void {
    this.note('crash');
    this.#onCrash();
    this.#state = 'crashed';
  }

  note(what: string, detail: string | (() => string) = ''): void {
    this.ground.history.note(this.ground.scheduler.now, this.name, what, detail);
  }

  /** A call whose effect happens at one moment, and whose answer arrives with it. */
  call<T>(what: string, effect: () => T): Promise<T> {
    return this.request(what, (answer) => answer(effect));
  }

  /**
   * A call whose answer comes when `serve` gives it: at once, later, or never. A thrown error is the
   * caller's. `serve` runs even if the caller died after it had sent the call. A stall is no longer than
   * `stallMsMax`.
   */
  request<T>(
    what: string,
    serve: (answer: (result: () => T) => void) => void,
    stallMsMax: number = stallMs[1],
  ): Promise<T> {
    if (!this.running) return never();
    const { scheduler, random, faults } = this.ground;
    if (random.chance(faults.crash)) {
      const sent = random.chance(0.5);
      this.crash();
      if (!sent) return never();
    }
    return new Promise((resolve, reject) => {
      const settle = (result: () => T): void => {
        const outcome = attempt(result);
        if (!this.running) return;
        scheduler.woke();
        if ('value' in outcome) resolve(outcome.value);
        else reject(outcome.error);
      };
      scheduler.after(this.#latency(stallMsMax), () => {
        this.note(what);
        try {
          serve(settle);
        } catch (error) {
          settle(() => {
            throw error;
          });
        }
      });
    });
  }

  #latency(stallMsMax: number): number {
    const { random, faults } = this.ground;
    return random.chance(faults.stall)
      ? random.logBetween(stallMs[0], stallMsMax)
      : random.between(quickMs[0], quickMs[1]);
  }
}

export const never = <T>(): Promise<T> => new Promise<T>(() => {});

function attempt<T>(result: () => T): { readonly value: T } | { readonly error: unknown } {
  try {
    return { value: result() };
  } catch (error) {
    return { error };
  }
}
