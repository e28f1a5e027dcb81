import type { Flying, Pending } from '../../control/traffic.ts';

/** How fast something gets on, and what is left of it. */
export interface PaceView {
  readonly bytesLeft: number;
  /** Of what is in flight, since it was sent; 0 while that tells nothing. */
  readonly bytesPerSecond: number;
}

const sum = (values: readonly number[]): number =>
  values.reduce((total, value) => total + value, 0);

/**
 * Of batches that wait and fly. The rate is the mean of a flight, times flights: one that was just sent
 * weighs little.
 */
export function paceOf(
  pending: readonly Pick<Pending, 'bytes'>[],
  flying: readonly Pick<Flying, 'bytes' | 'bytesDone' | 'startedAt'>[],
  now: number,
): PaceView {
  const waiting = sum(pending.map(({ bytes }) => bytes));
  const flown = sum(flying.map(({ bytesDone }) => bytesDone));
  const seconds = sum(flying.map(({ startedAt }) => Math.max(0, now - startedAt))) / 1_000;
  return {
    bytesLeft: waiting + sum(flying.map(({ bytes, bytesDone }) => Math.max(0, bytes - bytesDone))),
    bytesPerSecond: seconds > 0 ? Math.round((flying.length * flown) / seconds) : 0,
  };
}

export const secondsFor = ({ bytesLeft, bytesPerSecond }: PaceView): number | null =>
  bytesLeft > 0 && bytesPerSecond > 0 ? Math.ceil(bytesLeft / bytesPerSecond) : null;

/** When the moves will have ended, even odds and nine times in ten. */
export interface EstimateView {
  readonly p50SecondsLeft: number;
  readonly p90SecondsLeft: number;
  /** ISO 8601. */
  readonly p50At: string;
  readonly p90At: string;
}

interface Expected {
  /** As admitted, milliseconds; 0 where nothing was estimated. */
  readonly estimateP50Ms: number;
  readonly estimateP90Ms: number;
  /** Epoch milliseconds; 0 before the first move. */
  readonly movingSince: number;
}

/** While it moves, what is left at its own rate, as uncertain as the first estimate was; else as that said. */
export function estimateLeft(
  { estimateP50Ms, estimateP90Ms, movingSince }: Expected,
  secondsLeft: number | null,
  now: number,
): EstimateView | null {
  if (estimateP50Ms <= 0) return null;
  const since = movingSince || now;
  const asAdmitted = (ms: number) => Math.max(0, Math.ceil((since + ms - now) / 1_000));
  const p50 = secondsLeft ?? asAdmitted(estimateP50Ms);
  const p90 =
    secondsLeft === null
      ? asAdmitted(estimateP90Ms)
      : Math.ceil((secondsLeft * estimateP90Ms) / estimateP50Ms);
  const at = (seconds: number) => new Date(now + seconds * 1_000).toISOString();
  return { p50SecondsLeft: p50, p90SecondsLeft: p90, p50At: at(p50), p90At: at(p90) };
}
