import { OutcomeUnknown, TryLater } from '../control/ports.ts';
import { type Failure, failureOf } from './errors.ts';

/**
 * Full jitter below 50 ms · 2ⁿ, 1 s at most: 50 + 100 + 200 + 400 + 800 + 1000 + 1000 = 3.6 s at
 * the very worst.
 */
const triesMax = 8;
const pauseMsFirst = 50;
const pauseMsMax = 1_000;
/** Each unknown outcome may have taken the request's whole time limit: 3 × 3 s (dynamo.ts). */
const unknownsMax = 3;

/** How to let milliseconds pass. */
export type Wait = (ms: number) => Promise<unknown>;

/** Lets a while pass after try number `tried`, from 1. */
export const backOff = (tried: number, wait: Wait): Promise<unknown> =>
  wait(Math.random() * Math.min(pauseMsMax, pauseMsFirst * 2 ** (tried - 1)));

export interface Persistence {
  /** `repeat` only what is the same write when it is sent twice. */
  readonly unknown: 'repeat' | 'stop';
  readonly wait: Wait;
}

/**
 * Sends a write until it is answered, within limits. The SDK's own retries must be off: they repeat
 * a lost write and hide that they did.
 *
 * @throws OutcomeUnknown once any try's outcome was unknown and none was answered after it,
 * TryLater when nothing happened; failed conditions and mistakes as they come
 */
export async function persist<T>(send: () => Promise<T>, how: Persistence): Promise<T> {
  const { wait } = how;
  let unknowns = 0;
  for (let tried = 1; ; tried++) {
    try {
      return await send();
    } catch (error) {
      const failure = failureOf(error);
      if (failure === 'refused') throw error;
      if (failure === 'unknown') unknowns++;
      const again = failure === 'passing' || (failure === 'unknown' && how.unknown === 'repeat');
      if (!again || tried === triesMax || unknowns === unknownsMax)
        throw gaveUp(error, failure, unknowns);
      await backOff(tried, wait);
    }
  }
}

function gaveUp(error: unknown, failure: Failure, unknowns: number): unknown {
  const { name, message } = error as Error;
  if (unknowns > 0) return new OutcomeUnknown(`${name}: ${message}`, { cause: error });
  if (failure === 'passing') return new TryLater(`${name}: ${message}`, { cause: error });
  return error;
}

/**
 * As {@link persist}, for what may be done any number of times: reads, and puts without a
 * condition.
 */
export async function persistHarmless<T>(send: () => Promise<T>, wait: Wait): Promise<T> {
  try {
    return await persist(send, { unknown: 'repeat', wait });
  } catch (error) {
    if (!(error instanceof OutcomeUnknown)) throw error;
    if (failureOf(error.cause) === 'other') throw error.cause;
    throw new TryLater(error.message, { cause: error.cause });
  }
}
